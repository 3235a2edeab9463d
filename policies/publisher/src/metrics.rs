//! What Prometheus is told.

use std::sync::{Arc, Weak, atomic::AtomicI64};

use axum::{
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::Envelope;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::Registry,
};

use crate::{
    Shared,
    problem::{Cause, Problem},
};

/// What is counted. The names and what they mean are in the table of `docs/operating.md`.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    /// Bundles that were accepted.
    pub(crate) pushes: Counter,
    deliveries: Family<OutcomeLabels, Counter>,
    findings: Family<OutcomeLabels, Counter>,
    /// Bytes of segments that were stored.
    pub(crate) uploaded: Counter,
    /// Whether PostgreSQL would tell of a push to another publisher.
    pub(crate) listening: Gauge<i64, AtomicI64>,
}

/// All label values are from sets that no client can add to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// What is told of a bundle, of which two numbers are known.
type Value = fn(&(String, i64, i64)) -> i64;

/// What is looked up when somebody asks.
#[derive(Debug)]
struct Present(Weak<Shared>);

// === impl Metrics ===

impl Metrics {
    /// Requests with leaked tokens.
    pub(crate) fn deliveries(&self, outcome: &'static str) -> Counter {
        self.deliveries.get_or_create(&OutcomeLabels { outcome }).clone()
    }

    /// Leaked tokens.
    pub(crate) fn findings(&self, outcome: &'static str) -> Counter {
        self.findings.get_or_create(&OutcomeLabels { outcome }).clone()
    }

    /// Everything that is told, in the order in which it is told.
    pub(crate) fn registry(&self, shared: &Arc<Shared>) -> Registry {
        let mut registry = Registry::with_prefix("cedarkey_publisher");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The publisher's version", version);
        let help = "Requests that were answered, by route, method and status";
        registry.register("requests", help, self.requests.clone());
        let help = "Requests that were answered with a problem, by its cause";
        registry.register("problems", help, self.problems.clone());
        registry.register("pushes", "Bundles that were accepted", self.pushes.clone());
        let help = "Bytes of segments that were uploaded and stored";
        registry.register("uploaded_bytes", help, self.uploaded.clone());
        let help = "Requests with leaked tokens that were taken, by whether they are known";
        registry.register("deliveries", help, self.deliveries.clone());
        let help = "Leaked tokens that were found, by what became of them";
        registry.register("findings", help, self.findings.clone());
        let help = "Whether PostgreSQL tells of pushes to other publishers";
        registry.register("listening", help, self.listening.clone());
        let help = "Connections that were ended without an answer, because there were too many";
        registry.register("connections_refused", help, shared.seats.turned_away.clone());
        if let Some(usage) = &shared.usage {
            let help = "Usage reports of proxies that were written down";
            registry.register("usage_reports", help, usage.reports.clone());
            let help = "Usage reports that were sent again and had been written down";
            registry.register("usage_reports_repeated", help, usage.repeated.clone());
            let help = "Requests that no usage was written down of, for want of room";
            registry.register("usage_uncounted", help, usage.uncounted.clone());
            let help = "Requests that no usage was written down of, as the bundle has no such key";
            registry.register("usage_unknown", help, usage.unknown.clone());
            let help = "Keys gone from their bundle whose usage was removed";
            registry.register("usage_forgotten", help, usage.forgotten.clone());
        }
        registry.register_collector(Box::new(Present(Arc::downgrade(shared))));
        registry
    }
}

/// Counts a request when it has been answered.
pub(crate) async fn count(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        _ => "other",
    };
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let metrics = &shared.metrics;
    metrics.requests.get_or_create(&RequestLabels { route, method, status }).inc();
    if let Some(Cause(cause)) = response.extensions().get() {
        metrics.problems.get_or_create(&ProblemLabels { cause }).inc();
    }
    response
}

/// `GET /metrics`
pub(crate) async fn get(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let mut text = String::new();
    encode(&mut text, &shared.metrics.registry(&shared)).map_err(|_| Problem::Internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

// === impl Present ===

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(shared) = self.0.upgrade() else { return Ok(()) };
        let held = ConstGauge::new(i64::try_from(shared.arrivals.waiting()).unwrap_or(i64::MAX));
        let help = "Requests that are held until there is something new";
        held.encode(encoder.encode_descriptor("requests_held", help, None, held.metric_type())?)?;
        let taken = ConstGauge::new(i64::try_from(shared.seats.taken()).unwrap_or(i64::MAX));
        let help = "Connections of proxies and of those who push";
        taken.encode(encoder.encode_descriptor(
            "connections",
            help,
            None,
            taken.metric_type(),
        )?)?;
        let manifests = shared.arrivals.by_name().into_iter().filter_map(|(_, latest)| {
            let envelope = Envelope::decode_whole(&latest.envelope).ok()?;
            let manifest = envelope.manifest();
            let version = i64::try_from(manifest.version).ok()?;
            Some((manifest.name.clone(), version, manifest.expires))
        });
        let manifests: Vec<_> = manifests.collect();
        let gauges: [(&str, &str, Value); 2] = [
            ("bundle_version", "The newest version of a bundle", |it| it.1),
            (
                "bundle_expires_seconds",
                "When the newest version of a bundle expires, in seconds since 1970",
                |it| it.2,
            ),
        ];
        for (name, help, value) in gauges {
            family(&mut encoder, name, help, &manifests, value)?;
        }
        let newest = |name: &str| {
            let newest = shared.arrivals.known(name)?;
            Some(newest.version.cast_signed())
        };
        let counts = shared.fleet.counts(newest);
        let gauges: [(&str, &str, Value); 2] = [
            ("proxies", "Proxies that asked here within three minutes", |it| it.1),
            ("proxies_behind", "Those of them that have not the newest version", |it| it.2),
        ];
        for (name, help, value) in gauges {
            family(&mut encoder, name, help, &counts, value)?;
        }
        Ok(())
    }
}

/// A gauge for each bundle.
fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    bundles: &[(String, i64, i64)],
    value: Value,
) -> Result<(), std::fmt::Error> {
    let kind = ConstGauge::new(0_i64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for bundle in bundles {
        let labels = [("bundle", bundle.0.as_str())];
        ConstGauge::new(value(bundle)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

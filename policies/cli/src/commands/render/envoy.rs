//! `cedarkey render envoy`

use super::filter::{FilterOptions, Source};
use super::folder;
use super::record::access_log;
use super::tls::Tls;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;
use crate::project;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::Archive;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Write a complete Envoy bootstrap for the project to standard output.
///
/// The filter takes its bundles from the publisher; with a seed it enforces from the first request,
/// even while no publisher answers. The seed is part of the configuration, or a folder that
/// `cedarkey export` keeps up to date, from which Envoy takes bundles by itself while the publisher
/// is away, or where there is none.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey render envoy --publisher 127.0.0.1:9180 --wasm cedarkey_proxy_wasm.wasm > try.yaml
  cedarkey render envoy --upstream 127.0.0.1:9000 --publisher 127.0.0.1:9180 \\
      --wasm /etc/envoy/cedarkey_proxy_wasm.wasm > envoy.yaml
  envoy -c envoy.yaml --service-node edge-1
  cedarkey render envoy --upstream 127.0.0.1:9000 --publisher bundles.example.com:9180 \\
      --publisher-ca ca.pem --listen-cert edge.pem --listen-key edge.key --client-ca workloads.pem")]
pub struct RenderEnvoy {
    /// Where requests go that are allowed; without it Envoy answers them by itself and says whose
    /// they are, to try it out
    #[arg(long, value_name = "HOST:PORT")]
    upstream: Option<Authority>,
    /// Where bundles come from
    #[arg(long, value_name = "HOST:PORT", required_unless_present_any = ["seed", "seed_dir"])]
    publisher: Option<Authority>,
    /// The filter's module, as Envoy sees it
    #[arg(long, value_name = "FILE", default_value = "cedarkey_proxy_wasm.wasm")]
    wasm: PathBuf,
    /// Where Envoy listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: Authority,
    /// Where Envoy's admin interface listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9901")]
    admin: Authority,
    /// A bundle to start with
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// A folder beside Envoy that `cedarkey export --to` has written, as Envoy sees it
    #[arg(long, value_name = "DIR")]
    seed_dir: Option<PathBuf>,
    /// Where Envoy gives the filter what is in that folder
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9181")]
    seed_listen: Authority,
    /// How many proxies are before this one and append to `x-forwarded-for`: where a request comes
    /// from is what the first of them says
    #[arg(long, value_name = "N", default_value = "0")]
    trusted_hops: u32,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    tls: Tls,
}

/// The cluster that requests go to.
const UPSTREAM: &str = "upstream";

/// The cluster that bundles come from.
const PUBLISHER: &str = "cedarkey_publisher";

/// By these some frameworks serve another method or path than that of the request line.
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// A host and a port.
#[derive(Clone, Debug)]
pub struct Authority {
    host: String,
    port: u16,
}

// === impl RenderEnvoy ===

impl RenderEnvoy {
    /// Writes it.
    pub fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(project)?;
        let seed = self.seed.as_deref().map(seed).transpose()?;
        let source = match (&self.publisher, &self.seed_dir) {
            (Some(_), _) => Source::Publisher(PUBLISHER),
            // A folder takes no reports.
            (None, Some(_)) => Source::Folder(PUBLISHER),
            (None, None) => Source::Seed,
        };
        let filter = self.filter.configuration(&settings, source, seed)?;
        let bootstrap = self.bootstrap(&filter);
        if self.upstream.is_none() {
            let help = "name with `--upstream` where such requests go";
            output.warning("Envoy answers by itself what is allowed", Some(help.into()));
        }
        output.result(&bootstrap, |out| {
            let text = serde_saphyr::to_string(&bootstrap).unwrap_or_default();
            let _ = write!(out, "{text}");
        });
        Ok(Exit::Ok)
    }

    fn bootstrap(&self, filter: &Value) -> Value {
        let upstream = self.upstream.iter().map(|upstream| cluster(UPSTREAM, upstream));
        let mut clusters: Vec<_> = upstream.collect();
        let chain = json!({ "filters": [self.connection_manager(filter)] });
        let chain = with_socket(chain, self.tls.downstream());
        let mut listeners = vec![json!({
            "name": "api", "address": self.listen.socket(), "filter_chains": [chain],
        })];
        match (&self.publisher, &self.seed_dir) {
            (publisher, Some(folder)) => {
                listeners.push(folder::listener(&self.seed_listen, folder));
                clusters.push(folder::cluster(PUBLISHER, publisher.as_ref(), &self.seed_listen));
            }
            (Some(publisher), None) => {
                let cluster = cluster(PUBLISHER, publisher);
                clusters.push(with_socket(cluster, self.tls.upstream(publisher)));
            }
            (None, None) => {}
        }
        json!({
            "admin": { "address": self.admin.socket() },
            "static_resources": { "listeners": listeners, "clusters": clusters },
        })
    }

    fn connection_manager(&self, filter: &Value) -> Value {
        let kind =
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
        let mut manager = json!({
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": type_url(kind),
                "stat_prefix": "api",
                "use_remote_address": true,
                "xff_num_trusted_hops": self.trusted_hops,
                // What the filter decides on must be what the upstream sees.
                "normalize_path": true,
                "merge_slashes": true,
                "path_with_escaped_slashes_action": "REJECT_REQUEST",
                // To many upstreams `x_region` is `x-region`; to policies it is not.
                "common_http_protocol_options": {
                    "headers_with_underscores_action": "REJECT_REQUEST",
                },
                "http_filters": [self.wasm_filter(filter), router()],
                "route_config": {
                    "name": "api",
                    "request_headers_to_remove": OVERRIDES,
                    "virtual_hosts": [{
                        "name": "api",
                        "domains": ["*"],
                        "routes": [self.route()],
                    }],
                },
            },
        });
        let fields = manager.pointer_mut("/typed_config").and_then(Value::as_object_mut);
        if let (Some(_), Some(fields)) = (self.filter.record(), fields) {
            fields.insert("access_log".into(), json!([access_log()]));
        }
        manager
    }

    /// The route of every request that is allowed.
    fn route(&self) -> Value {
        let all = json!({ "prefix": "/" });
        if self.upstream.is_some() {
            return json!({ "match": all, "route": { "cluster": UPSTREAM, "timeout": "0s" } });
        }
        // What an upstream would be told.
        let told = json!({
            "method": "%REQ(:method)%",
            "path": "%REQ(:path)%",
            "key": "%REQ(x-cedarkey-key-id)%",
            "owner": "%REQ(x-cedarkey-owner)%",
            "decision": "%REQ(x-cedarkey-decision-id)%",
        });
        let answer = json!({ "status": 200, "body_format": { "json_format": told } });
        json!({ "match": all, "direct_response": answer })
    }

    fn wasm_filter(&self, filter: &Value) -> Value {
        json!({
            "name": "envoy.filters.http.wasm",
            "typed_config": {
                "@type": type_url("envoy.extensions.filters.http.wasm.v3.Wasm"),
                "config": {
                    "name": "cedarkey",
                    "root_id": "cedarkey",
                    // A VM that has died answers with an error, and at most once a second the
                    // next request is given a new one.
                    "failure_policy": "FAIL_RELOAD",
                    "reload_config": { "backoff": { "base_interval": "1s" } },
                    "vm_config": {
                        "vm_id": "cedarkey",
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": { "local": { "filename": self.wasm } },
                    },
                    "configuration": {
                        "@type": type_url("google.protobuf.StringValue"),
                        "value": filter.to_string(),
                    },
                },
            },
        })
    }
}

/// A bundle as the filter's configuration holds it.
fn seed(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .context(Exit::Bundle, format_args!("cannot read the seed `{shown}`"))?;
    Archive::decode(&bytes).context(Exit::Bundle, format_args!("`{shown}` is not a bundle"))?;
    Ok(STANDARD.encode(bytes))
}

pub fn router() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": type_url("envoy.extensions.filters.http.router.v3.Router"),
        },
    })
}

fn cluster(name: &str, at: &Authority) -> Value {
    json!({
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{
                "lb_endpoints": [{ "endpoint": { "address": at.socket() } }],
            }],
        },
    })
}

/// A chain or cluster with its transport socket, if it has one.
fn with_socket(mut of: Value, socket: Option<Value>) -> Value {
    if let (Some(socket), Some(fields)) = (socket, of.as_object_mut()) {
        fields.insert("transport_socket".into(), socket);
    }
    of
}

pub fn type_url(message: &str) -> String {
    format!("type.googleapis.com/{message}")
}

// === impl Authority ===

impl Authority {
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn socket(&self) -> Value {
        json!({ "socket_address": { "address": self.host, "port_value": self.port } })
    }
}

impl std::str::FromStr for Authority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || String::from("write a host and a port, as in `127.0.0.1:8080`");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() { Err(wrong()) } else { Ok(Self { host: host.into(), port }) }
    }
}

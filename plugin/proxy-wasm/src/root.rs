//! The root context: one for each VM and configuration.

use crate::config::Config;
use crate::credential;
use crate::delivery::{Answer, Delivery, Event, Origin, Port};
use crate::filter::Filter;
use crate::host;
use crate::shared::Shared;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};
use std::rc::Rc;
use std::time::Duration;

/// How often delivery looks around.
const TICK: Duration = Duration::from_millis(100);

/// The most of a publisher's answer that is read, in bytes. What is cut off fails its digest.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What delivers bundles.
#[derive(Debug, Default)]
pub struct Root {
    shared: Rc<Shared>,
    /// Absent until there is a good configuration.
    delivery: Option<Delivery>,
    /// The cause of the last failure: each is said once, until another thing happens.
    said: Option<&'static str>,
    stale: Option<bool>,
}

/// The proxy, for delivery.
struct Proxy<'a>(&'a Shared);

// === impl Root ===

impl Root {
    /// Takes a configuration into force.
    fn configure(&mut self, json: &[u8]) -> Result<(), String> {
        let config = Rc::new(Config::parse(json).map_err(|error| error.to_string())?);
        self.shared.metrics.define();
        let engine = cedarkey_engine::ENGINE_VERSION;
        let version = env!("CARGO_PKG_VERSION");
        let bundle = &config.bundle;
        let start = format!("filter {version}, engine {engine}, for bundle `{bundle}`");
        host::log(LogLevel::Info, &start);
        let mut delivery = Delivery::new(Rc::clone(&config), self.shared.identity);
        match delivery.seed(&mut Proxy(&self.shared)) {
            Ok(event) => self.tell(event),
            // A seed that has expired is what an old configuration holds, and no reason to refuse
            // it where a publisher has a newer one.
            Err(error) if config.publisher.is_some() && error.is_expiry() => {
                self.tell(Some(Event::Failed(error)));
            }
            Err(error) => return Err(format!("field `seed`: {error}")),
        }
        // What other VMs have is taken at once. The publisher is asked from the first tick on: a
        // VM that only tries a configuration out is gone by then, and must not hold the lease.
        let event = delivery.catch_up(&mut Proxy(&self.shared));
        self.tell(event);
        self.shared.config.replace(Some(config));
        self.delivery = Some(delivery);
        host::tick_every(TICK);
        Ok(())
    }

    /// Tells what delivery has led to.
    fn tell(&mut self, event: Option<Event>) {
        match event {
            None => {}
            Some(Event::Active(active, origin)) => {
                let manifest = &active.bundle.manifest;
                let (version, keys) = (manifest.version, active.bundle.keys.len());
                let expires = u64::try_from(manifest.expires).unwrap_or_default();
                self.shared.metrics.load("ok");
                self.shared.metrics.bundle(version, keys as u64, expires);
                let (level, from) = match origin {
                    Origin::Publisher => (LogLevel::Info, "the publisher"),
                    Origin::Seed => (LogLevel::Info, "the configuration"),
                    // There is one VM for each worker, and one of them has said it.
                    Origin::Shelf => (LogLevel::Debug, "shared data"),
                };
                host::log(level, &format!("bundle version {version} from {from} is in force"));
                self.shared.active.replace(Some(active));
                (self.said, self.stale) = (None, None);
            }
            Some(Event::Failed(error)) => {
                let cause = error.label();
                self.shared.metrics.load(cause);
                if self.said.replace(cause) == Some(cause) {
                    return;
                }
                let consequence = match self.shared.active.borrow().is_some() {
                    true => "the last good bundle stays in force",
                    false => "there is no bundle, every request is denied",
                };
                host::log(LogLevel::Warn, &format!("{error}; {consequence}"));
            }
        }
    }

    fn watch_expiry(&mut self) {
        let now = self.shared.latest(host::now());
        let stale = self.shared.active.borrow().as_ref().map(|active| active.is_stale(now));
        if let Some(stale) = stale
            && self.stale.replace(stale) != Some(stale)
        {
            self.shared.metrics.stale(stale);
            if stale {
                host::log(LogLevel::Error, "the bundle in force has expired");
            }
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body: usize, _trailers: usize) {
        let Some(delivery) = &mut self.delivery else { return };
        // An answer without headers is none; its parts must not be asked for.
        let answer = if headers == 0 { Answer::default() } else { answer(body.min(MAX_ANSWER)) };
        let event = delivery.answer(call, answer, &mut Proxy(&self.shared));
        self.tell(event);
        self.on_tick();
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let configured = self.configure(&host::configuration(size));
        if let Err(error) = &configured {
            host::log(LogLevel::Critical, &format!("bad configuration: {error}"));
        }
        configured.is_ok()
    }

    fn on_tick(&mut self) {
        let Some(delivery) = &mut self.delivery else { return };
        let event = delivery.tick(self.shared.serves.get(), &mut Proxy(&self.shared));
        self.tell(event);
        self.watch_expiry();
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter::new(Rc::clone(&self.shared))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn answer(body: usize) -> Answer {
    let headers = host::answer_headers();
    Answer {
        status: credential::one(&headers, ":status").and_then(|status| status.parse().ok()),
        etag: credential::one(&headers, "etag").map(str::to_owned),
        body: host::answer_body(body),
    }
}

// === impl Proxy ===

impl Port for Proxy<'_> {
    fn now(&mut self) -> i64 {
        host::now()
    }

    fn latest(&mut self) -> i64 {
        self.0.latest(host::now())
    }

    fn call(&mut self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Option<u32> {
        host::call(cluster, headers.to_vec(), timeout)
    }

    fn shared(&mut self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        host::shared(key)
    }

    fn set_shared(&mut self, key: &str, value: Option<&[u8]>, version: Option<u32>) -> bool {
        host::set_shared(key, value, version)
    }
}

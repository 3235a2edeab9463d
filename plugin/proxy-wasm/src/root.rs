//! The root context: one for each VM and configuration.

use crate::config::Config;
use crate::delivery::{Answer, Delivery, Event};
use crate::host;
use crate::proxy::Proxy;
use crate::shared::Shared;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::LogLevel;
use std::rc::Rc;
use std::time::Duration;

/// How often delivery looks around.
const TICK: Duration = Duration::from_millis(100);

/// How often it goes on with what it is about.
const BUSY_TICK: Duration = Duration::from_millis(10);

/// What delivers bundles.
#[derive(Debug, Default)]
pub struct Root {
    shared: Rc<Shared>,
    /// How often it ticks.
    period: Duration,
}

// === impl Root ===

impl Root {
    /// What its streams share.
    pub fn shared(&self) -> &Rc<Shared> {
        &self.shared
    }

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
            Ok(event) => self.shared.tell(event),
            // A seed that has expired is what an old configuration holds, and no reason to refuse
            // it where a publisher has a newer one.
            Err(error) if config.publisher.is_some() && error.is_expiry() => {
                self.shared.tell(Some(Event::Failed(error)));
            }
            Err(error) => return Err(format!("field `seed`: {error}")),
        }
        // What other VMs have is taken at once. The publisher is asked from the first tick on: a
        // VM that only tries a configuration out is gone by then, and must not hold the lease.
        let event = delivery.catch_up(&mut Proxy(&self.shared));
        self.shared.tell(event);
        self.shared.begin_usage(&config);
        self.shared.config.replace(Some(config));
        self.shared.delivery.replace(Some(delivery));
        self.tick_every(TICK);
        Ok(())
    }

    /// Does something with delivery, and tells what it has led to.
    fn deliver(&mut self, act: impl FnOnce(&mut Delivery, &mut Proxy<'_>) -> Option<Event>) {
        // Taken out, so that it is not borrowed while the proxy is called.
        let Some(mut delivery) = self.shared.delivery.take() else { return };
        let event = act(&mut delivery, &mut Proxy(&self.shared));
        let period = if delivery.is_busy() { BUSY_TICK } else { TICK };
        self.shared.delivery.replace(Some(delivery));
        self.shared.tell(event);
        self.tick_every(period);
    }

    fn tick_every(&mut self, period: Duration) {
        if std::mem::replace(&mut self.period, period) != period {
            host::tick_every(period);
        }
    }
}

/// When the proxy is done with the configuration. What it calls before that, `proxy_on_done`, it calls
/// for each request too, where nothing is left to do.
impl Drop for Root {
    fn drop(&mut self) {
        self.shared.metrics.tell_decisions();
        self.shared.end_usage();
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body: usize, _trailers: usize) {
        // An answer without headers is none; its parts must not be asked for. What is cut off is not
        // the bundle that it was to be.
        let answer = match headers {
            0 => Answer::default(),
            _ => answer(body.min(self.shared.room(call))),
        };
        if self.shared.usage_answered(call, answer.status) {
            return;
        }
        self.deliver(|delivery, port| delivery.answer(call, answer, port));
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
        let serves = self.shared.serves.get();
        #[cfg(feature = "fault")]
        crate::fault::on_tick(serves);
        self.deliver(|delivery, port| delivery.tick(serves, port));
        self.shared.watch_expiry();
        self.shared.metrics.tell_decisions();
        self.shared.report_usage();
    }
}

fn answer(body: usize) -> Answer {
    let headers = host::answer_headers();
    Answer {
        status: headers.one(":status").and_then(|status| status.parse().ok()),
        etag: headers.one("etag").map(str::to_owned),
        body: host::answer_body(body),
    }
}

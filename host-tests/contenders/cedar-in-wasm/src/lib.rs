//! The `cedar-policy` crate as it is, inside a filter. It is configured with a whole world and does
//! what anybody would: it reads three headers, decides, and either answers or says whose request it
//! is.

use contenders_decider::{Answer, Call, Decider};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use std::rc::Rc;

#[derive(Default)]
struct Root {
    decider: Option<Rc<Decider>>,
}

struct Filter {
    decider: Rc<Decider>,
}

// === impl Root ===

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let world = self.get_plugin_configuration().unwrap_or_default();
        let decider = serde_json::from_slice(&world).map_err(Into::into).and_then(Decider::new);
        match decider {
            Ok(decider) => self.decider = Some(Rc::new(decider)),
            Err(error) => drop(hostcalls::log(LogLevel::Critical, &format!("{error:#}"))),
        }
        self.decider.is_some()
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let decider = self.decider.clone()?;
        Some(Box::new(Filter { decider }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

// === impl Filter ===

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let [method, path, key] =
            [":method", ":path", "x-api-key"].map(|name| self.get_http_request_header(name));
        let call = Call {
            method: method.as_deref().unwrap_or_default(),
            path: path.as_deref().unwrap_or_default(),
            key: key.as_deref(),
        };
        match self.decider.decide(&call) {
            Answer::Allow { id, owner } => {
                self.set_http_request_header("x-api-key", None);
                self.set_http_request_header("x-key-id", Some(id));
                self.set_http_request_header("x-owner", Some(owner));
                Action::Continue
            }
            Answer::Deny { status, body } => {
                let headers = vec![("content-type", "application/problem+json")];
                self.send_http_response(status.into(), headers, Some(body.as_bytes()));
                Action::Pause
            }
        }
    }
}

/// Registers the filter with the proxy.
mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::<crate::Root>::default());
    }}
}

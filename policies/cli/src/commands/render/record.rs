//! The access log with records of decisions.

use super::envoy::type_url;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

/// Which decisions are recorded, in the words of the filter's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Recorded {
    /// Those by which a request was denied
    Denied,
    /// All
    All,
}

/// An access log on standard output: a line of JSON for each request that has a record.
pub fn access_log() -> Value {
    let filter = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter";
    let log = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
    json!({
        "name": "envoy.access_loggers.stdout",
        "filter": { "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": type_url(filter),
                "expression": "'wasm.cedarkey' in filter_state",
            },
        } },
        "typed_config": {
            "@type": type_url(log),
            "log_format": { "json_format": {
                "time": "%START_TIME%",
                "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                "method": "%REQ(:METHOD):32%",
                "host": "%REQ(:AUTHORITY):255%",
                // The filter has taken out of it what looks like a key, or, of what passes, this one.
                "path": "%REQ(:PATH):1024%",
                "status": "%RESPONSE_CODE%",
                "record": "%FILTER_STATE(wasm.cedarkey:PLAIN)%",
            } },
        },
    })
}

//! Who is measured, and how Envoy is told to be it.

use super::beside::Build;
use super::setting::Setting;
use super::world::World;
use clap::ValueEnum;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Who is measured.
#[derive(Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Contender {
    /// A listener that answers, without any filter
    Bare,
    /// A wasm filter that does nothing
    Nothing,
    /// A wasm filter that makes the calls to Envoy that cedarkey makes for a request that is allowed,
    /// and decides nothing
    Calls,
    /// Envoy's own `api_key_auth` and `rbac`, which know no expiry, no hashed keys and no language
    Native,
    /// The filter of this project
    Cedarkey,
    /// The `cedar-policy` crate as it is, in a wasm filter
    CedarInWasm,
    /// `ext_authz` over gRPC to a service that decides with the `cedar-policy` crate
    ExtAuthzCedar,
    /// The same with Rego, on the `regorus` crate
    ExtAuthzRego,
    /// Another build of the filter of this project, with the same configuration
    #[value(skip)]
    Beside(Build),
}

/// What a listener needs besides its own configuration.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The module that does nothing.
    pub nothing: PathBuf,
    /// The module that only makes calls.
    pub calls: PathBuf,
    /// The module with the `cedar-policy` crate.
    pub cedar_in_wasm: PathBuf,
    /// cedarkey's filter, as `cedarkey render envoy` writes it.
    pub cedarkey: Value,
    /// Where its publisher is.
    pub publisher: Option<SocketAddr>,
    /// Where the services of `ext_authz` listen.
    pub sidecars: Vec<(Contender, SocketAddr)>,
}

/// What the names of cedarkey's metrics in Envoy begin with.
pub const METRICS: &str = "wasmcustom.cedarkey_";

// === impl Contender ===

impl Contender {
    /// The name in tables, and of the listener.
    pub fn name(&self) -> &str {
        match self {
            Self::Bare => "bare",
            Self::Nothing => "nothing",
            Self::Calls => "calls",
            Self::Native => "native",
            Self::Cedarkey => "cedarkey",
            Self::CedarInWasm => "cedar-in-wasm",
            Self::ExtAuthzCedar => "ext-authz-cedar",
            Self::ExtAuthzRego => "ext-authz-rego",
            Self::Beside(build) => &build.name,
        }
    }

    /// Whether it decides at all.
    pub const fn decides(&self) -> bool {
        !matches!(self, Self::Bare | Self::Nothing | Self::Calls)
    }

    /// Whether it is a filter of this project, which takes a bundle from a publisher.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Cedarkey | Self::Beside(_))
    }

    /// The engine of its service, if it has one.
    pub const fn engine(&self) -> Option<&'static str> {
        match self {
            Self::ExtAuthzCedar => Some("cedar"),
            Self::ExtAuthzRego => Some("rego"),
            _ => None,
        }
    }

    /// Its HTTP filters, without the router.
    fn filters(&self, parts: &Parts, world: &World) -> anyhow::Result<Vec<Value>> {
        Ok(match self {
            Self::Bare => Vec::new(),
            Self::Nothing => vec![wasm(self, &parts.nothing, "")],
            Self::Calls => vec![wasm(self, &parts.calls, "")],
            Self::Native => native(world),
            Self::Cedarkey => vec![parts.cedarkey.clone()],
            Self::Beside(build) => vec![build.filter(&parts.cedarkey)?],
            Self::CedarInWasm => {
                vec![wasm(self, &parts.cedar_in_wasm, &world.json.to_string())]
            }
            Self::ExtAuthzCedar | Self::ExtAuthzRego => vec![json!({
                "name": "envoy.filters.http.ext_authz",
                "typed_config": {
                    "@type": type_url("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
                    "transport_api_version": "V3",
                    "grpc_service": {
                        "envoy_grpc": { "cluster_name": self.name() },
                        "timeout": "10s",
                    },
                },
            })],
        })
    }
}

impl Serialize for Contender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A bootstrap with a listener for each contender, named as it is, on free ports.
pub fn bootstrap(
    contenders: &[Contender],
    parts: &Parts,
    world: &World,
    setting: &Setting,
) -> anyhow::Result<Value> {
    let of = |one: &Contender| Ok(listener(one, one.filters(parts, world)?, setting.record));
    let listeners = contenders.iter().map(of).collect::<anyhow::Result<Vec<_>>>()?;
    let mut clusters = Vec::new();
    if contenders.iter().any(Contender::is_own) {
        clusters.extend(parts.publisher.map(|at| cluster("cedarkey_publisher", at, false)));
    }
    let used = parts.sidecars.iter().filter(|(one, _)| contenders.contains(one));
    clusters.extend(used.map(|(one, at)| cluster(one.name(), *at, true)));
    // Envoy has no switch for the metrics of one filter.
    let stats = match setting.no_metrics {
        true => json!({ "stats_matcher": {
            "exclusion_list": { "patterns": [{ "prefix": METRICS }] },
        } }),
        false => json!({}),
    };
    Ok(json!({
        "static_resources": { "listeners": listeners, "clusters": clusters },
        "admin": { "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))) },
        "stats_config": stats,
    }))
}

/// All listeners are the same but for their filters; each answers by itself, so that no upstream is
/// measured.
fn listener(contender: &Contender, mut filters: Vec<Value>, record: bool) -> Value {
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": type_url("envoy.extensions.filters.http.router.v3.Router") },
    }));
    json!({
        "name": contender.name(),
        "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": type_url(manager),
                "stat_prefix": contender.name(),
                "use_remote_address": true,
                "normalize_path": true,
                "merge_slashes": true,
                "path_with_escaped_slashes_action": "REJECT_REQUEST",
                "common_http_protocol_options": {
                    "headers_with_underscores_action": "REJECT_REQUEST",
                },
                "http_filters": filters,
                "access_log": if record { vec![access_log()] } else { Vec::new() },
                "route_config": {
                    "name": contender.name(),
                    "virtual_hosts": [{
                        "name": "all",
                        "domains": ["*"],
                        "routes": [{
                            "match": { "prefix": "/" },
                            "direct_response": { "status": 200 },
                        }],
                    }],
                },
            },
        }] }],
    })
}

/// A line with the record of the decision for each request, or with a hyphen where there is none.
fn access_log() -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": type_url("envoy.extensions.access_loggers.file.v3.FileAccessLog"),
            "path": "/dev/null",
            "log_format": { "text_format_source": {
                "inline_string": "%FILTER_STATE(wasm.cedarkey:PLAIN)%\n",
            } },
        },
    })
}

fn wasm(contender: &Contender, module: &Path, configuration: &str) -> Value {
    json!({
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": type_url("envoy.extensions.filters.http.wasm.v3.Wasm"),
            "config": {
                "name": contender.name(),
                "root_id": contender.name(),
                "failure_policy": "FAIL_CLOSED",
                "vm_config": {
                    "vm_id": contender.name(),
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": module } },
                },
                "configuration": {
                    "@type": type_url("google.protobuf.StringValue"),
                    "value": configuration,
                },
            },
        },
    })
}

/// Each key belongs to a client, which stands for its team; each team may read orders.
fn native(world: &World) -> Vec<Value> {
    let credentials: Vec<_> =
        world.tokens().map(|(key, owner)| json!({ "key": key, "client": owner })).collect();
    let policy = |team: &String| {
        let method = json!({ "header": {
            "name": ":method", "string_match": { "exact": "GET" },
        } });
        let path = json!({ "url_path": { "path": { "prefix": "/v1/orders" } } });
        let owner = json!({ "header": {
            "name": "x-owner", "string_match": { "exact": super::world::owner(team) },
        } });
        let policy = json!({
            "permissions": [{ "and_rules": { "rules": [method, path] } }],
            "principals": [owner],
        });
        (team.clone(), policy)
    };
    let policies: serde_json::Map<_, _> = world.teams.iter().map(policy).collect();
    vec![
        json!({
            "name": "envoy.filters.http.api_key_auth",
            "typed_config": {
                "@type": type_url("envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth"),
                "credentials": credentials,
                "key_sources": [{ "header": "x-api-key" }],
                "forwarding": { "header": "x-owner", "hide_credentials": true },
            },
        }),
        json!({
            "name": "envoy.filters.http.rbac",
            "typed_config": {
                "@type": type_url("envoy.extensions.filters.http.rbac.v3.RBAC"),
                "rules": { "action": "ALLOW", "policies": policies },
            },
        }),
    ]
}

fn cluster(name: &str, at: SocketAddr, http2: bool) -> Value {
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let protocol = if http2 { "http2_protocol_options" } else { "http_protocol_options" };
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": { options: {
            "@type": type_url(options),
            "explicit_http_config": { protocol: {} },
        } },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": socket(at) } }] }],
        },
    })
}

fn socket(at: SocketAddr) -> Value {
    json!({ "socket_address": { "address": at.ip().to_string(), "port_value": at.port() } })
}

fn type_url(message: &str) -> String {
    format!("type.googleapis.com/{message}")
}

//! A folder beside Envoy, which Envoy itself gives to the filter by its file server, on loopback.

use super::envoy::{Authority, router, type_url};
use serde_json::{Value, json};
use std::path::Path;

/// A listener that gives out what `cedarkey export` has written to a folder.
pub fn listener(at: &Authority, folder: &Path) -> Value {
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let server = "envoy.extensions.filters.http.file_server.v3.FileServerConfig";
    json!({
        "name": "cedarkey_folder",
        "address": at.socket(),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": type_url(manager),
                "stat_prefix": "cedarkey_folder",
                "normalize_path": true,
                "http_filters": [
                    {
                        "name": "envoy.filters.http.file_server",
                        "typed_config": {
                            "@type": type_url(server),
                            "manager_config": { "thread_pool": { "thread_count": 1 } },
                            "path_mappings": [{
                                "request_path_prefix": "/v1",
                                "file_path_prefix": folder.join("v1"),
                            }],
                            "default_content_type": "application/octet-stream",
                        },
                    },
                    router(),
                ],
                // The file server wants a route; what it does not serve is not found.
                "route_config": {
                    "name": "cedarkey_folder",
                    "virtual_hosts": [{
                        "name": "cedarkey_folder",
                        "domains": ["*"],
                        "routes": [{
                            "match": { "prefix": "/" },
                            "direct_response": { "status": 404 },
                        }],
                    }],
                },
            },
        }] }],
    })
}

/// The publisher, and while it is not healthy the folder.
pub fn cluster(name: &str, publisher: Option<&Authority>, folder: &Authority) -> Value {
    let folder = json!({ "endpoint": {
        "address": folder.socket(),
        "health_check_config": { "disable_active_health_check": true },
    } });
    let mut endpoints: Vec<_> = publisher
        .map(|at| json!({ "lb_endpoints": [{ "endpoint": { "address": at.socket() } }] }))
        .into_iter()
        .collect();
    endpoints.push(json!({ "priority": endpoints.len(), "lb_endpoints": [folder] }));
    let mut cluster = json!({
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": { "cluster_name": name, "endpoints": endpoints },
    });
    if let (Some(_), Some(fields)) = (publisher, cluster.as_object_mut()) {
        // One that has not been seen to be healthy counts as one that is not, whatever happens to
        // both.
        fields.insert("common_lb_config".into(), json!({ "healthy_panic_threshold": {} }));
        let check = json!({
            "timeout": "1s",
            "interval": "2s",
            "no_traffic_interval": "2s",
            "unhealthy_interval": "1s",
            "unhealthy_threshold": 2,
            "healthy_threshold": 1,
            "http_health_check": { "path": "/healthz" },
        });
        fields.insert("health_checks".into(), json!([check]));
    }
    cluster
}

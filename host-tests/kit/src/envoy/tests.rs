use super::*;

/// Answers every request itself.
const BARE: &str = r#"
admin: { address: { socket_address: { address: 192.0.2.1, port_value: 9901 } } }
static_resources:
  listeners:
  - name: api
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: api
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: api
              domains: ["*"]
              routes:
              - match: { prefix: "/" }
                direct_response: { status: 200, body: { inline_string: "from envoy" } }
"#;

#[test]
fn starts_answers_counts_and_stops() {
    let envoy = Envoy::start(BARE, &Options::default()).unwrap();
    let id = envoy.id();
    assert_eq!(envoy.stats("server.concurrency").unwrap().get("server.concurrency"), Some(&2));
    assert!(envoy.ready_in() > Duration::ZERO);

    let address = envoy.listener("api").unwrap();
    for _ in 0..3 {
        let response = ureq::get(format!("http://{address}/")).call().unwrap();
        assert_eq!(response.into_body().read_to_string().unwrap(), "from envoy");
    }
    let stats = envoy.stats("http.api.downstream_rq_").unwrap();
    assert_eq!(stats.get("http.api.downstream_rq_2xx"), Some(&3), "{stats:?}");
    assert!(stats.keys().all(|name| name.starts_with("http.api.downstream_rq_")));

    let error = envoy.listener("other").unwrap_err();
    assert_eq!(error.to_string(), "Envoy has no listener `other`");
    let error = envoy.get("/no-such-page").unwrap_err().to_string();
    assert!(error.contains("/no-such-page`: http status: 404"), "{error}");

    let log = envoy.stop().unwrap();
    assert!(log.contains("all dependencies initialized"), "{log}");
    assert!(!Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn a_configuration_that_it_refuses_is_told_with_its_log() {
    let config = BARE.replace("stat_prefix", "stat_prefixx");
    let error = Envoy::start(&config, &Options::default()).unwrap_err().to_string();
    assert!(error.starts_with("`envoy` ended (exit status: 1) before it was ready"), "{error}");
    assert!(error.contains("'stat_prefixx'"), "{error}");
}

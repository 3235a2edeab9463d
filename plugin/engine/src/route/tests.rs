//! Routes are found by precedence, and by nothing else.

use super::template::{TemplateError, parse, parse_host};
use super::*;
use alloc::format;
use alloc::vec;

fn route(methods: &[&str], host: &str, path: &str, resource: u32) -> RouteImage {
    RouteImage {
        methods: methods.iter().copied().map(String::from).collect(),
        host: if host == "*" { HostPattern::Any } else { parse_host(host).unwrap() },
        segments: parse(path).unwrap(),
        action: 0,
        resource,
    }
}

fn load(routes: Vec<RouteImage>) -> Result<Routes, RoutesError> {
    Routes::load(RoutesImage { routes }, 100)
}

fn find(routes: &Routes, method: &str, host: &str, path: &str) -> Option<u32> {
    let target = Target::parse(path).unwrap();
    routes.find(method, host, &target, &mut Captures::default()).map(|route| route.resource)
}

#[test]
fn the_more_exact_route_wins() {
    let routes = load(vec![
        route(&["GET"], "*", "/v1/orders/{id}", 1),
        route(&["GET"], "*", "/v1/orders/new", 2),
        route(&[], "*", "/v1/orders/{id}", 3),
        route(&["GET"], "*", "/v1/{rest...}", 4),
        route(&["GET"], "api.example.com", "/v1/orders/{id}", 5),
        route(&["GET"], "*.example.com", "/v1/orders/{id}", 6),
        route(&["GET"], "*.eu.example.com", "/v1/orders/{id}", 7),
        route(&["GET"], "*", "/v1/{kind}/new/x", 8),
    ])
    .unwrap();
    let at = |method, host, path| find(&routes, method, host, path);
    assert_eq!(at("GET", "h", "/v1/orders/7"), Some(1));
    assert_eq!(at("GET", "h", "/v1/orders/new"), Some(2));
    assert_eq!(at("PUT", "h", "/v1/orders/7"), Some(3));
    assert_eq!(at("PUT", "h", "/v1/orders/new"), Some(3), "back from a literal");
    assert_eq!(at("GET", "h", "/v1/a/b/c"), Some(4));
    assert_eq!(at("GET", "h", "/v1/orders/new/x"), Some(8), "back from a literal");
    assert_eq!(at("GET", "api.example.com", "/v1/orders/7"), Some(5));
    assert_eq!(at("GET", "www.example.com", "/v1/orders/7"), Some(6));
    assert_eq!(at("GET", "a.eu.example.com", "/v1/orders/7"), Some(7));
    assert_eq!(at("GET", "api.example.com", "/v1/orders/new"), Some(5), "the host goes first");
    assert_eq!(at("GET", "api.example.com", "/v1/a/b"), Some(4), "the next host is tried");
    assert_eq!(
        at("GET", "example.com", "/v1/orders/7"),
        Some(1),
        "a suffix needs something before"
    );
    for (method, path) in [
        ("get", "/v1/x/y"),
        ("PUT", "/v1/a/b"),
        ("GET", "/v1"),
        ("GET", "/v2/x"),
        ("HEAD", "/v1/a"),
    ] {
        assert_eq!(at(method, "h", path), None, "{method} {path}");
    }
}

#[test]
fn parameters_are_captured_decoded() {
    let routes = load(vec![
        route(&["GET"], "*", "/v1/{kind}/{id}", 1),
        route(&["GET"], "*", "/files/{path...}", 2),
    ])
    .unwrap();
    let mut captures = Captures::default();
    let mut get = |path: &str, name: &str| {
        let target = Target::parse(path).unwrap();
        routes.find("GET", "h", &target, &mut captures)?;
        captures.get(name).map(String::from)
    };
    assert_eq!(get("/v1/orders/a%20b", "id").unwrap(), "a b");
    assert_eq!(get("/v1/orders/7", "kind").unwrap(), "orders");
    assert_eq!(get("/v1/orders/7", "path"), None);
    assert_eq!(get("/files/a/b/", "path").unwrap(), "a/b/");
    assert_eq!(get("/files", "path"), None);
    assert_eq!(get("/v1/orders/", "id"), None, "a parameter is not empty");
}

#[test]
fn a_slash_at_the_end_is_no_way_around_a_route() {
    let routes = load(vec![
        route(&[], "*", "/v1/{rest...}", 1),
        route(&[], "*", "/v1/secret", 2),
        route(&["PUT"], "*", "/v1/written", 3),
        route(&[], "*", "/v1/both", 4),
        route(&[], "*", "/v1/both/", 5),
        route(&[], "h", "/v1/here", 6),
        route(&[], "*", "/v1/deep/{rest...}", 7),
    ])
    .unwrap();
    let at = |method, host, path| find(&routes, method, host, path);
    assert_eq!(at("GET", "h", "/v1/secret"), Some(2));
    assert_eq!(at("GET", "h", "/v1/secret/"), None, "the rest does not take it in");
    assert_eq!(at("GET", "h", "/v1/secret/x/"), Some(1));
    assert_eq!(at("GET", "h", "/v1/a/"), Some(1));
    assert_eq!(at("GET", "h", "/v1/"), Some(1));
    assert_eq!(at("GET", "h", "/v1/both/"), Some(5), "it has a route of its own");
    assert_eq!(at("GET", "h", "/v1/written/"), Some(1), "it is no other route for this method");
    assert_eq!(at("PUT", "h", "/v1/written/"), None);
    assert_eq!(at("GET", "h", "/v1/here/"), None, "nor one of a broader host");
    assert_eq!(at("GET", "i", "/v1/here/"), Some(1));
    assert_eq!(at("GET", "i", "/v1/deep/"), Some(7), "the broader route is no way around");

    let mut captures = Captures::default();
    let target = Target::parse("/v1/a/b/").unwrap();
    assert!(routes.find("GET", "h", &target, &mut captures).is_some());
    assert_eq!(captures.get("rest"), Some("a/b/"));
}

#[test]
fn two_routes_for_the_same_requests_conflict() {
    let conflict = Err(RoutesError::Conflict { first: 0, second: 1 });
    let both = |a, b| load(vec![a, b]).map(|_| ());
    assert_eq!(
        both(route(&["GET"], "*", "/a/{x}", 1), route(&["PUT", "GET"], "*", "/a/{y}", 2)),
        conflict
    );
    assert_eq!(both(route(&[], "*", "/a", 1), route(&[], "*", "/a", 2)), conflict);
    assert_eq!(both(route(&["GET"], "h", "/a", 1), route(&["GET"], "*", "/a", 2)), Ok(()));
    assert_eq!(both(route(&["GET"], "*", "/a", 1), route(&["GET"], "*", "/a/", 2)), Ok(()));
}

#[test]
fn a_bundles_routes_are_checked() {
    let mut astray = route(&["GET"], "*", "/a", 100);
    assert_eq!(load(vec![astray.clone()]).unwrap_err(), RoutesError::Uid(0));
    astray.resource = 0;
    astray.methods = vec!["get".into()];
    assert_eq!(load(vec![astray.clone()]).unwrap_err(), RoutesError::Malformed(0, "method"));
    astray.methods.clear();
    astray.segments = vec![SegmentImage::Rest("a".into()), SegmentImage::Literal("b".into())];
    assert_eq!(load(vec![astray.clone()]).unwrap_err(), RoutesError::Path(0));
    astray.segments = vec![SegmentImage::Param("a".into()), SegmentImage::Param("a".into())];
    assert_eq!(load(vec![astray]).unwrap_err(), RoutesError::Path(0));
}

#[test]
fn templates_are_refused_by_what_is_wrong() {
    assert_eq!(parse("v1").unwrap_err(), TemplateError::NotAbsolute);
    assert_eq!(parse("/{a}/{a}").unwrap_err(), TemplateError::Twice("a".into()));
    assert_eq!(parse("/{a...}/b").unwrap_err(), TemplateError::RestNotLast("a".into()));
    assert_eq!(parse("/x{a}").unwrap_err(), TemplateError::Braces("x{a}".into()));
    assert_eq!(parse("/{}").unwrap_err(), TemplateError::Name("".into()));
    assert_eq!(parse("/a//b").unwrap_err(), TemplateError::Unmatchable("//".into()));
    assert_eq!(parse("/a/../b").unwrap_err(), TemplateError::Unmatchable("..".into()));
    assert_eq!(parse("/a?b").unwrap_err(), TemplateError::Unmatchable("a?b".into()));
    assert_eq!(parse(&"/a".repeat(65)).unwrap_err(), TemplateError::TooLong);
    for host in ["", "*", "a b", "h:80", "*.1.2", "https://h"] {
        assert_eq!(parse_host(host).unwrap_err(), TemplateError::Host(host.into()), "{host}");
    }
    assert_eq!(parse_host("*.Example.com").unwrap(), HostPattern::Suffix(".example.com".into()));
    assert_eq!(
        format!("{}", TemplateError::Braces("a{".into())),
        "`a{` is neither text nor a parameter: write `{name}` as a whole segment"
    );
}

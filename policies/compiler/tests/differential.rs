//! The compiled form against the `cedar-policy` crate: decision, reasons and errors.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps nothing fails, and that is all that is asked of it"
)]

use cedar_policy::{Entities, EntityUid, PolicyId, PolicySet};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{Input, PolicySource, build};
use cedarkey_compiler::oracle::{Cedar, Engine, Question};
use cedarkey_engine::model::Model;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::str::FromStr;

/// A store with a hierarchy, attributes of every type, tags, and an entity that is not there.
fn store() -> Json {
    json!([
        { "uid": { "type": "User", "id": "ann" }, "parents": [{ "type": "Team", "id": "a" }],
          "attrs": {
            "age": 41, "name": "ann*", "admin": true, "low": -9_223_372_036_854_775_808_i64,
            "home": { "__entity": { "type": "Team", "id": "a" } },
            "gone": { "__entity": { "type": "User", "id": "nobody" } },
            "net": { "__extn": { "fn": "ip", "arg": "10.1.2.3" } },
            "rate": { "__extn": { "fn": "decimal", "arg": "1.5" } },
            "since": { "__extn": { "fn": "datetime", "arg": "2026-01-01" } },
            "langs": ["de", "en"], "deep": { "x": { "y": [1, 2] } }, "none": []
          },
          "tags": { "t": "v", "n": 7 } },
        { "uid": { "type": "Team", "id": "a" }, "parents": [{ "type": "Team", "id": "b" }], "attrs": {} },
        { "uid": { "type": "Team", "id": "b" }, "parents": [], "attrs": { "age": 1 } },
        { "uid": { "type": "Action", "id": "read" }, "parents": [{ "type": "Action", "id": "any" }], "attrs": {} },
        { "uid": { "type": "Action", "id": "any" }, "parents": [], "attrs": {} },
        { "uid": { "type": "Doc", "id": "1" }, "parents": [{ "type": "Team", "id": "b" }], "attrs": { "owner": { "__entity": { "type": "User", "id": "ann" } } } },
    ])
}

fn context() -> Json {
    json!({
        "ip": { "__extn": { "fn": "ip", "arg": "10.1.2.0/24" } }, "n": 9_223_372_036_854_775_807_i64,
        "s": "ann*é", "b": false, "set": [1, "1", [1], { "a": 1 }], "r": { "a": 1, "b": { "c": "d" } },
        "at": { "__extn": { "fn": "datetime", "arg": "1969-12-31T23:59:59.999Z" } },
        "who": { "__entity": { "type": "User", "id": "ann" } },
    })
}

/// Expressions, as often wrong by type as right.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "false",
        "0",
        "1",
        "-1",
        "9223372036854775807",
        "(-9223372036854775808)",
        "\"\"",
        "\"ann*\"",
        "\"t\"",
        "\"de\"",
        "[]",
        "[1, 2]",
        "[\"de\", \"en\"]",
        "{}",
        "{a: 1}",
        "principal",
        "action",
        "resource",
        "context",
        "User::\"ann\"",
        "User::\"nobody\"",
        "Team::\"a\"",
        "Team::\"b\"",
        "Action::\"any\"",
        "[Team::\"a\", Team::\"b\"]",
        "[Team::\"b\", 1]",
        "principal.age",
        "principal.low",
        "principal.name",
        "principal.gone",
        "principal.missing",
        "principal.langs",
        "principal.deep",
        "principal.none",
        "context.n",
        "context.s",
        "context.b",
        "context.set",
        "context.r",
        "context.r.b",
        "context.ip",
        "context.at",
        "context.who",
        "context.missing",
        "resource.owner",
        "resource.owner.age",
        "User::\"nobody\".age",
        "principal.home.age",
        "principal.net",
        "principal.rate",
        "principal.since",
        "ip(\"10.0.0.0/8\")",
        "ip(\"::1\")",
        "ip(\"bad\")",
        "ip(context.s)",
        "decimal(\"1.5000\")",
        "decimal(\"-0.1\")",
        "decimal(\"1\")",
        "datetime(\"2026-01-01T00:00:00Z\")",
        "datetime(\"2026-02-30\")",
        "duration(\"1d2h\")",
        "duration(\"-5ms\")",
        "duration(\"1h1d\")",
        "context has r",
        "context has r.b.c",
        "principal has gone.age",
        "principal has missing",
    ])
    .prop_map(String::from);
    leaf.prop_recursive(5, 48, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (
                pair.clone(),
                prop::sample::select(vec![
                    "==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "in",
                ])
            )
                .prop_map(|((a, b), op)| format!("(({a}) {op} ({b}))")),
            (
                pair.clone(),
                prop::sample::select(vec![
                    "contains",
                    "containsAll",
                    "containsAny",
                    "getTag",
                    "hasTag",
                    "isInRange",
                    "lessThan",
                    "lessThanOrEqual",
                    "greaterThan",
                    "greaterThanOrEqual",
                    "offset",
                    "durationSince",
                ])
            )
                .prop_map(|((a, b), method)| format!("({a}).{method}({b})")),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "isEmpty",
                    "isIpv4",
                    "isIpv6",
                    "isLoopback",
                    "isMulticast",
                    "toDate",
                    "toTime",
                    "toMilliseconds",
                    "toSeconds",
                    "toMinutes",
                    "toHours",
                    "toDays",
                ])
            )
                .prop_map(|(a, method)| format!("({a}).{method}()")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("(({a}) like \"*n*\\*\")")),
            inner.clone().prop_map(|a| format!("(({a}) is User)")),
            pair.clone().prop_map(|(a, b)| format!("(({a}) is User in ({b}))")),
            inner.clone().prop_map(|a| format!("(({a}) has age)")),
            inner.clone().prop_map(|a| format!("({a}).age")),
            inner.clone().prop_map(|a| format!("({a})[\"y\"]")),
            pair.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
            pair.prop_map(|(a, b)| format!("{{x: {a}, y: {b}}}")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if ({a}) then ({b}) else ({c}))")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["permit", "forbid"]);
    let principal = prop::sample::select(vec![
        "principal",
        "principal == User::\"ann\"",
        "principal in Team::\"b\"",
        "principal is User",
        "principal is User in Team::\"a\"",
        "principal is Team in Team::\"b\"",
        "principal == User::\"bob\"",
    ]);
    let action = prop::sample::select(vec![
        "action",
        "action == Action::\"read\"",
        "action in Action::\"any\"",
        "action in [Action::\"any\", Action::\"read\"]",
        "action == Action::\"write\"",
    ]);
    let resource = prop::sample::select(vec![
        "resource",
        "resource == Doc::\"1\"",
        "resource in Team::\"b\"",
        "resource is Doc",
    ]);
    let clause = (prop::sample::select(vec!["when", "unless"]), expression());
    let clauses = prop::collection::vec(clause, 0..3);
    (effect, principal, action, resource, clauses).prop_map(|(effect, p, a, r, clauses)| {
        let clauses = clauses.iter().map(|(kind, body)| format!(" {kind} {{ {body} }}"));
        format!("{effect}({p}, {a}, {r}){};", clauses.collect::<String>())
    })
}

fn compare(texts: &[String]) {
    compare_in(texts, store(), context());
}

fn compare_in(texts: &[String], store: Json, context: Json) {
    let mut set = PolicySet::new();
    for (at, text) in texts.iter().enumerate() {
        let id = PolicyId::new(format!("p{at:02}"));
        let Ok(policy) = cedar_policy::Policy::parse(Some(id), text) else { continue };
        set.add(policy).unwrap();
    }
    let entities = Entities::from_json_value(store, None).unwrap();
    let [principal, action, resource] = [r#"User::"ann""#, r#"Action::"read""#, r#"Doc::"1""#]
        .map(|uid| EntityUid::from_str(uid).unwrap());
    let question = Question { principal, action, resource, context };
    let request = Cedar::request(&question).unwrap();
    let cedar = Cedar::new(&entities).ask(&request, &set);
    let mut policies: Vec<_> = set
        .policies()
        .map(|policy| PolicySource {
            id: policy.id().to_string(),
            reason: String::new(),
            json: policy.to_json().unwrap(),
        })
        .collect();
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    let input = Input {
        policies: &policies,
        entities: &entities,
        plan: &Plan::none(),
        profiles: &[],
        uids: &[],
        token: Default::default(),
    };
    let built = build(&input).unwrap();
    // What a proxy evaluates has gone through bytes.
    let bytes = postcard::to_allocvec(&built.image).unwrap();
    let image = postcard::from_bytes(&bytes).unwrap();
    let model = Model::load(image).unwrap();
    let compiled = Engine::new(&model).ask(&question, None, None).unwrap();
    assert_eq!(compiled, cedar, "{texts:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_compiled_form_answers_as_cedar_does(texts in prop::collection::vec(policy(), 1..6)) {
        compare(&texts);
    }
}

#[test]
fn long_chains_and_deep_nesting_compile_and_agree() {
    with_room(|| {
        let chain = vec!["context.n == 9223372036854775807"; 500].join(" && ");
        compare(&[format!("permit(principal, action, resource) when {{ {chain} }};")]);
        let nested = format!("{}1{} == 1", "(".repeat(60), ")".repeat(60));
        compare(&[format!("permit(principal, action, resource) when {{ {nested} }};")]);
    });
}

/// A record in a record, so many of them.
fn nested(depth: usize) -> Json {
    (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }))
}

/// Runs with room for Cedar's own code, which recurses.
fn with_room(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn literals_around_the_deepest_value_of_an_entity_are_compared() {
    with_room(|| {
        let mut store = store();
        store[0]["attrs"]["deep"] = nested(500);
        let around = |value: &str| format!("{}{value}{}", "{b: ".repeat(100), "}".repeat(100));
        let (stored, sent) = (around("principal.deep"), around("context.deep"));
        let policy = format!("permit(principal, action, resource) when {{ {stored} == {sent} }};");
        compare_in(&[policy], store, json!({ "deep": nested(500) }));
    });
}

#[test]
fn what_is_too_deep_in_one_policy_is_no_error_of_the_next() {
    with_room(|| {
        let deep =
            "permit(principal, action, resource) when { context.a == context.b && context.c };";
        let shallow = "permit(principal, action, resource) when { context has a };";
        let context = json!({ "a": nested(1_100), "b": nested(1_100) });
        compare_in(&[deep.into(), shallow.into()], store(), context);
    });
}

/// The engine runs several instructions as one step; ways that lead into the middle of one must not
/// go wrong.
#[test]
fn ways_into_the_middle_of_a_step_are_taken() {
    let conditions = [
        "(if context.b then principal else resource).owner == User::\"ann\"",
        "(if context.b then resource else principal).age == 41",
        "1 == (if context.b then 1 else 2)",
        "2 == (if context.b then 1 else 2)",
        "(if context has r then context.n else 0) == context.n",
        "(context.b || true) == true",
        "(context.b && context.missing) == context.b",
        "[context.b || !context.b, 1 < 2].contains(true)",
        "!(principal has missing) && !(context.b || context.missing)",
        "if principal is Team then context.missing else principal.admin",
        "principal.admin",
        "!principal.admin || context.n > 1",
        "principal.age",
        "!principal.age",
        "true && principal.age == 41 && resource in [Team::\"b\", principal.home]",
    ];
    for condition in conditions {
        let clause =
            |kind| format!("permit(principal, action, resource) {kind} {{ {condition} }};");
        compare(&[clause("when"), clause("unless")]);
    }
}

#[test]
fn action_groups_are_asked_for_as_other_groups_are() {
    let group = "permit(principal, action in Action::\"any\", resource);";
    let list = "permit(principal, action in [Action::\"write\", Action::\"read\"], resource);";
    let none = "permit(principal, action in [], resource);";
    let twice = "forbid(principal, action in [Action::\"any\", Action::\"read\"], resource);";
    compare(&[group, list, none, twice].map(String::from));
}

#[test]
fn calls_with_a_wrong_number_of_arguments_fail_when_they_are_evaluated() {
    let calls = [
        r#"ip("10.0.0.0", "8") == ip("10.0.0.0")"#,
        r#"duration("1d", context.missing, principal in resource, 1) == duration("1d")"#,
        r#"true || decimal("1.0", "2.0").lessThan(decimal("1.0"))"#,
        r#"context.ip.isInRange(ip("10.0.0.0/8"), ip("::1"))"#,
        "principal.rate.lessThan()",
        "context.at.toDate(1) == context.at",
    ];
    let policies =
        calls.map(|call| format!("permit(principal, action, resource) when {{ {call} }};"));
    compare(&policies);
}

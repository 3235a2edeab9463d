//! A compiler that makes mistakes, and whether they are noticed.

use super::*;
use crate::compile::build;
use cedarkey_engine::model::image::{ActionImage, ScopeImage};
use cedarkey_engine::model::{Effect, ModelImage, Op};
use cedarkey_engine::value::Value;
use std::path::Path;

/// Policies that read all kinds of facts and compare with constants of all types.
const POLICIES: &str = r#"
@id("a.hours") forbid (principal is ApiKey, action == Action::"orders.read", resource)
when { context.now.toTime() >= duration("19h") };
@id("b.until") permit (principal, action, resource in Service::"orders")
when { context.now <= datetime("2026-03-01") && !principal.revoked };
@id("c.network") forbid (principal, action, resource)
unless { context.sourceIp.isInRange(ip("10.1.0.0/16")) };
@id("d.region") permit (principal in Team::"payments", action, resource)
when { context.headers has "x-region" && context.headers["x-region"] like "eu-*" };
@id("e.order") forbid (principal, action in [Action::"orders.read"], resource)
when { context.params.orderId == "secret" };
@id("f.number") permit (principal, action, resource) when { if principal.revoked then 7 < 8 else true };
@id("template") permit (principal in ?principal, action, resource == ?resource)
when { context.headers has "x-region" };
"#;

const LINKS: &str = r#"[{ "template_id": "template", "link_id": "g.linked", "args": {
    "?principal": "Team::\"payments\"", "?resource": "Endpoint::\"GET /v1/orders/{orderId}\"" } }]"#;

fn project() -> Project {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems/base");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    for name in ["cedarkey.toml", "schema.cedarschema", "routes.yaml", "entities.json"] {
        std::fs::copy(base.join(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("policies/all.cedar"), POLICIES).unwrap();
    std::fs::write(folder.path().join("links.json"), LINKS).unwrap();
    Project::load(folder.path()).unwrap()
}

/// Verifies the model with a mistake made in it; gives the policies that are complained of.
fn blamed(mistake: impl FnOnce(&mut ModelImage)) -> Vec<String> {
    let project = project();
    let (policies, built) = build(&project, &project.settings, &[]).unwrap();
    let mut image = built.image;
    mistake(&mut image);
    let model = Model::load(image).unwrap();
    let Err(problems) = verify(&project, &policies, &[], &model) else { return Vec::new() };
    let id = |problem: &Problem| {
        assert_eq!(problem.id(), "cedarkey::policy::translation");
        problem.message().split('`').nth(1).unwrap().to_owned()
    };
    let mut ids: Vec<_> = problems.iter().map(id).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Changes the first instruction for which there is another.
fn change(image: &mut ModelImage, other: impl Fn(&Op) -> Option<Op>) {
    let found = image.ops.iter_mut().find_map(|op| other(op).map(|new| (op, new)));
    let (op, new) = found.unwrap();
    *op = new;
}

#[test]
fn what_is_compiled_right_is_not_complained_of() {
    assert_eq!(blamed(|_| {}), [""; 0]);
}

#[test]
fn a_wrong_comparison_is_noticed() {
    let wrong = blamed(|image| {
        change(image, |op| matches!(op, Op::LessEq).then_some(Op::Less));
    });
    assert_eq!(wrong, ["b.until"]);
}

#[test]
fn constants_that_are_off_by_little_are_noticed() {
    let wrong = blamed(|image| {
        change(image, |op| match op {
            Op::Push(Value::Datetime(at)) => Some(Op::Push(Value::Datetime(at + 1))),
            _ => None,
        });
        change(image, |op| match op {
            Op::Push(Value::Duration(length)) => Some(Op::Push(Value::Duration(length - 1))),
            _ => None,
        });
        change(image, |op| match op {
            Op::Push(Value::Ip(net)) => {
                let longer = cedarkey_engine::ext::ip::IpNet { prefix: net.prefix + 1, ..*net };
                Some(Op::Push(Value::Ip(longer)))
            }
            _ => None,
        });
    });
    assert_eq!(wrong, ["a.hours", "b.until", "c.network"]);
}

#[test]
fn a_fact_that_is_forgotten_is_noticed() {
    for at in 0..5 {
        let wrong = blamed(|image| image.policies[at].facts = 0);
        assert_eq!(wrong.len(), 1, "policy {at} reads the context");
    }
}

#[test]
fn a_wrong_scope_is_noticed() {
    assert_eq!(blamed(|image| image.policies[0].action = ActionImage::Any), ["a.hours"]);
    assert_eq!(blamed(|image| image.policies[3].principal = ScopeImage::Any), ["d.region"]);
    let wrong = blamed(|image| {
        let write = image.uids.len() - 1;
        image.policies[1].resource = ScopeImage::Eq(cedarkey_engine::value::Uid(write as u32));
    });
    assert_eq!(wrong, ["b.until"]);
}

#[test]
fn a_link_to_somebody_else_is_noticed() {
    assert_eq!(blamed(|image| image.policies[6].principal = ScopeImage::Any), ["g.linked"]);
    assert_eq!(blamed(|image| image.policies[6].resource = ScopeImage::Any), ["g.linked"]);
}

#[test]
fn a_wrong_effect_is_noticed() {
    // All questions see all policies, so more than this one may be asked about first.
    let wrong = blamed(|image| image.policies[2].effect = Effect::Permit);
    assert!(wrong.contains(&"c.network".to_owned()), "{wrong:?}");
}

#[test]
fn a_policy_that_is_dropped_or_emptied_is_noticed() {
    let wrong = blamed(|image| image.policies[4].condition = cedarkey_engine::value::Span::EMPTY);
    assert_eq!(wrong, ["e.order"]);
    let wrong = blamed(|image| image.policies.truncate(5));
    assert!(wrong.contains(&"f.number".to_owned()), "{wrong:?}");
}

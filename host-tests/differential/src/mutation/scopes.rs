//! Faults in effects, scopes and whole conditions.

use super::Named;
use cedarkey_engine::model::image::{ActionImage, ScopeImage};
use cedarkey_engine::model::{Effect, ModelImage, PolicyImage};
use cedarkey_engine::value::Span;

pub(super) const MUTATIONS: &[Named] = &[
    ("forbid as permit", |image| each(image, |policy| policy.effect = Effect::Permit)),
    ("permit as forbid", |image| each(image, |policy| policy.effect = Effect::Forbid)),
    ("condition left out", |image| each(image, |policy| policy.condition = Span::EMPTY)),
    ("action scope left out", |image| each(image, |policy| policy.action = ActionImage::Any)),
    ("principal scope left out", |image| {
        each(image, |policy| policy.principal = ScopeImage::Any);
    }),
    ("resource scope left out", |image| each(image, |policy| policy.resource = ScopeImage::Any)),
    ("action group as itself", |image| {
        let first: Vec<_> = image.uid_runs.clone();
        each(image, |policy| {
            if let ActionImage::In(Span { start, len: 1 }) = policy.action {
                let uid = first.get(start as usize).copied();
                policy.action = uid.map_or(policy.action, ActionImage::Eq);
            }
        });
    }),
    ("scope group as itself", |image| {
        scopes(image, |scope| match scope {
            ScopeImage::In(uid) => ScopeImage::Eq(uid),
            other => other,
        });
    }),
    ("scope entity as group", |image| {
        scopes(image, |scope| match scope {
            ScopeImage::Eq(uid) => ScopeImage::In(uid),
            other => other,
        });
    }),
    ("scope type left out", |image| {
        scopes(image, |scope| match scope {
            ScopeImage::Is(_) => ScopeImage::Any,
            other => other,
        });
    }),
    ("scope type besides a group left out", |image| {
        scopes(image, |scope| match scope {
            ScopeImage::IsIn(_, uid) => ScopeImage::In(uid),
            other => other,
        });
    }),
    ("scope group besides a type left out", |image| {
        scopes(image, |scope| match scope {
            ScopeImage::IsIn(kind, _) => ScopeImage::Is(kind),
            other => other,
        });
    }),
];

fn each(image: &mut ModelImage, change: impl Fn(&mut PolicyImage)) {
    image.policies.iter_mut().for_each(change);
}

fn scopes(image: &mut ModelImage, change: impl Fn(ScopeImage) -> ScopeImage) {
    each(image, |policy| {
        policy.principal = change(policy.principal);
        policy.resource = change(policy.resource);
    });
}

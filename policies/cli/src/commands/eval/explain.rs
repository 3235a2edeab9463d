//! `cedarkey eval --explain`

use crate::exit::Exit;
use crate::failure::Failure;
use crate::project;
use cedarkey_bundle::Bundle;
use cedarkey_compiler::Source;
use cedarkey_compiler::explain::{self, Considered, Standing};
use cedarkey_engine::gate::{Call, Host, Session};
use cedarkey_engine::key::KeyId;
use cedarkey_engine::model::Effect;
use serde_json::{Value, json};
use std::path::Path;

/// What the project's policies say to a request, which must be what the bundle's have said.
pub async fn explain(
    given: Option<&Path>,
    key: KeyId,
    call: &Call<'_>,
    host: &mut impl Host,
    bundle: &Bundle,
    session: &Session,
) -> Result<Vec<Considered>, Failure> {
    let settings = project::settings(given)?;
    let id = key.to_string();
    let keys = project::keys(&settings).await?;
    let key = keys.into_iter().find(|spec| spec.id == id).ok_or_else(|| {
        let message = format!("the project's registry has no key `{id}`");
        let help = "explain a bundle in the project that it was built from";
        Failure::new(Exit::Registry, message).help(help)
    })?;
    let considered = explain::explain(&project::load(given)?, &key, call, host)?;
    let said = considered.iter().map(|it| (it.id.as_str(), it.standing == Standing::Applied));
    let evaluation = session.evaluation();
    let has_said = evaluation.candidates().iter().map(|at| {
        let applied = evaluation.permits().contains(at) || evaluation.forbids().contains(at);
        (bundle.model.policy_id(*at), applied)
    });
    if said.ne(has_said) {
        let message = "the project's policies are not those of the bundle";
        let help = "build the bundle anew, or go to the commit that it was built from";
        return Err(Failure::new(Exit::Invalid, message).help(help));
    }
    Ok(considered)
}

/// A policy whose scope matched, for scripts.
pub fn view(considered: &Considered) -> Value {
    let effect = match considered.effect {
        Effect::Forbid => "forbid",
        Effect::Permit => "permit",
    };
    let standing = match considered.standing {
        Standing::Applied => "applied",
        Standing::Failed(_) => "failed",
        Standing::Unmet(_) => "unmet",
    };
    let source = considered.source.as_ref();
    let obstacle = considered.obstacle().map(|obstacle| {
        let text = source
            .zip(obstacle.place)
            .and_then(|(source, (start, len))| source.text().get(start..start.checked_add(len)?));
        let offset = obstacle.place.map(|(start, _)| start);
        json!({ "because": obstacle.because, "text": text, "offset": offset })
    });
    json!({
        "policy": considered.id, "effect": effect, "standing": standing,
        "file": source.map(Source::name), "obstacle": obstacle,
    })
}

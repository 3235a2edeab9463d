//! `cedarkey eval --explain`

use crate::exit::Exit;
use crate::explained;
use crate::failure::Failure;
use crate::project;
use cedarkey_bundle::Bundle;
use cedarkey_compiler::explain::{self, Considered, Standing};
use cedarkey_engine::gate::{Call, Host, Session};
use cedarkey_engine::key::KeyId;
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
    let mut considered = explain::explain(&project::load(given)?, &key, call, host)?;
    let applied = |it: &Considered| matches!(it.standing, Standing::Applied(_));
    let said = considered.iter().map(|it| (it.id.as_str(), applied(it)));
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
    explained::sort(&mut considered);
    Ok(considered)
}

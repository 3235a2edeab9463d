//! The key that a request is decided for.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::project;
use cedarkey_bundle::Bundle;
use cedarkey_engine::key::KeyRecord;
use cedarkey_engine::token::KeyHash;
use cedarkey_registry::{FindError, Selector, is_name};
use std::path::Path;

/// What helps where the bundle may know less than the registry.
const OLDER: &str = "was it built before the key was issued? `cedarkey keys list` shows all keys";

/// Finds a key of a bundle by the hash of its token, by its id or a beginning of that, or by its
/// name. Bundles have no names: the project's registry has them, if there is a project.
pub async fn find(given: Option<&Path>, bundle: &Bundle, text: &str) -> Result<KeyRecord, Failure> {
    let missing = |help: &str| {
        Failure::new(Exit::Bundle, format_args!("the bundle has no key `{text}`")).help(help)
    };
    if let Some(wanted) = KeyHash::from_hex(text) {
        return bundle.keys.find(&wanted).ok_or_else(|| missing(OLDER));
    }
    // A name begins with a letter, and an id with a digit.
    if let Some(record) = by_id(bundle, text)? {
        return Ok(record);
    }
    if !is_name(text) {
        return Err(missing(OLDER));
    }
    if given.is_none() && project::root(None).is_err() {
        return Err(missing(
            "a bundle knows keys by id and hash only: for a name, say with `-C` which project",
        ));
    }
    match named(given, text).await? {
        Some(id) => by_id(bundle, &id)?.ok_or_else(|| missing(OLDER)),
        None => Err(missing(
            "nor has the project's registry one of that name: `cedarkey keys list` shows all keys",
        )),
    }
}

/// The only key whose id begins so.
fn by_id(bundle: &Bundle, text: &str) -> Result<Option<KeyRecord>, Failure> {
    let wanted = text.to_ascii_uppercase();
    let keys = bundle.keys.iter().map(|(_, record)| record);
    let mut found = keys.filter(|record| record.id.to_string().starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => {
            let message = format!("several keys of the bundle begin with `{text}`");
            Err(Failure::new(Exit::Bundle, message).help("give more of the id"))
        }
        (only, _) => Ok(only),
    }
}

/// The id of the key that the project's registry calls so.
async fn named(given: Option<&Path>, name: &str) -> Result<Option<String>, Failure> {
    let settings = project::settings(given)?;
    if !settings.registry.exists() {
        return Ok(None);
    }
    let registry = project::registry(&settings.registry).await?;
    let found = registry.get(&Selector::from(name)).await;
    registry.close().await;
    match found {
        Ok(key) => Ok(Some(key.id)),
        Err(FindError::Missing(_)) => Ok(None),
        Err(error) => Err(Failure::because(Exit::Registry, "no key to decide for", error)),
    }
}

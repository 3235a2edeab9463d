//! Reading `keys.yaml`.

use crate::commands::keys::spec::KeyEntry;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use cedarkey_compiler::yaml;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    keys: Vec<Spanned<KeyEntry>>,
}

/// The entries of a file, each with its place.
pub fn read(file: &Path) -> Result<Vec<(String, KeyEntry)>, Failure> {
    let failed = format!("cannot read `{}`", file.display());
    let text = std::fs::read_to_string(file).context(Exit::Failure, &failed);
    let help = "`cedarkey keys export --to keys-yaml` writes one, of the keys that there are";
    let text = text.map_err(|failure| failure.help(help))?;
    let file: KeysFile = serde_saphyr::from_str(&text)
        .map_err(|error| match error.location() {
            Some(at) => format!("line {}: {}", at.line(), yaml::message(&error)),
            None => yaml::message(&error),
        })
        .context(Exit::Invalid, &failed)?;
    let entries = file.keys.into_iter().map(|entry| {
        let line = entry.referenced.line();
        let name = entry.value.name.as_deref().unwrap_or("?");
        (format!("line {line}: `{name}`"), entry.value)
    });
    Ok(entries.collect())
}

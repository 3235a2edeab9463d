//! The JSON lines of TruffleHog 3 (`trufflehog ... --json`).

use super::{Finding, Place, said};
use cedarkey_engine::token::KeyHash;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What it calls itself.
pub const NAME: &str = "trufflehog";

/// One finding. Fields that do not matter here are left out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    #[serde(default)]
    detector_name: String,
    raw: String,
    #[serde(default, rename = "RawV2")]
    raw_v2: Option<String>,
    #[serde(default)]
    extra_data: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    source_metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// By the kind of the source: `Git`, `Filesystem`, `Github`, and many more.
    #[serde(default)]
    data: Option<BTreeMap<String, Source>>,
}

/// What sources have in common; none has all of it.
#[derive(Default, Deserialize)]
struct Source {
    #[serde(default)]
    file: String,
    #[serde(default)]
    line: u64,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    link: String,
}

impl From<Found> for Finding {
    fn from(found: Found) -> Self {
        let source = found.source_metadata.data.unwrap_or_default().into_values().next();
        let source = source.unwrap_or_default();
        // A detector of one's own is called `CustomRegex`, and what it is about is beside it.
        let named = found.extra_data.as_ref().and_then(|extra| extra.get("name"));
        let named = named.and_then(|name| name.as_str()).map(String::from);
        let forms = std::iter::once(&found.raw).chain(&found.raw_v2);
        let mut hashes: Vec<_> = forms
            .map(|form| form.trim())
            .filter(|form| !form.is_empty())
            .map(KeyHash::of)
            .collect();
        hashes.dedup();
        let place = Place {
            scanner: NAME,
            rule: named.unwrap_or(found.detector_name),
            source: None,
            line: said(source.file.clone()).map(|_| source.line).filter(|line| *line > 0),
            file: said(source.file),
            commit: said(source.commit),
            author: said(source.email),
            link: said(source.link).or_else(|| said(source.repository)),
        };
        Self { hashes, place }
    }
}

//! The JSON report of gitleaks 8 (`gitleaks ... --report-format json`).

use super::{Finding, Place, said};
use cedarkey_engine::token::KeyHash;
use serde::Deserialize;

/// What it calls itself.
pub const NAME: &str = "gitleaks";

/// One finding. Fields that do not matter here are left out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    #[serde(rename = "RuleID")]
    rule: String,
    secret: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    start_line: u64,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    link: String,
}

impl From<Found> for Finding {
    fn from(found: Found) -> Self {
        let place = Place {
            scanner: NAME,
            rule: found.rule,
            source: None,
            line: said(found.file.clone()).map(|_| found.start_line).filter(|line| *line > 0),
            file: said(found.file),
            commit: said(found.commit),
            author: said(found.email).or_else(|| said(found.author)),
            link: said(found.link),
        };
        Self { hashes: vec![KeyHash::of(found.secret.trim())], place }
    }
}

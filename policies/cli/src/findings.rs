//! What secret scanners found.

mod github;
mod gitleaks;
mod trufflehog;

#[cfg(test)]
mod tests;

use cedarkey_engine::token::KeyHash;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A secret that was found, as its hash: the secret itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// SHA-256 of what was found, in the forms in which the scanner gives it.
    pub hashes: Vec<KeyHash>,
    /// Where it was found.
    pub place: Place,
}

/// Where a secret was found, as far as the scanner says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The scanner.
    pub scanner: &'static str,
    /// The scanner's rule or detector.
    pub rule: String,
    /// In what it was found: a commit, an issue, a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Who committed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The repository, or a link to the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is not JSON.
    #[error(transparent)]
    Json(serde_json::Error),
    /// It is JSON, but of neither scanner.
    #[error("it is neither a report of gitleaks nor one of TruffleHog")]
    Unknown,
    /// A finding lacks what it must have.
    #[error("finding {number}, from {scanner}: {error}")]
    Finding {
        /// Which one, from 1.
        number: usize,
        /// Whose report it is.
        scanner: &'static str,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

/// Reads a report: an array, as gitleaks writes it, or one object after the other, as TruffleHog
/// does.
///
/// # Errors
///
/// It is neither.
pub fn read(report: &[u8]) -> Result<Vec<Finding>, ReportError> {
    let values = serde_json::Deserializer::from_slice(report).into_iter::<serde_json::Value>();
    let mut findings = Vec::new();
    let mut number = 0_usize;
    for value in values {
        let items = match value.map_err(ReportError::Json)? {
            serde_json::Value::Array(items) => items,
            // What gitleaks writes where nothing was found.
            serde_json::Value::Null => Vec::new(),
            item => vec![item],
        };
        for item in items {
            number = number.saturating_add(1);
            findings.extend(finding(number, item)?);
        }
    }
    Ok(findings)
}

/// One finding; none, where it is a line of TruffleHog's log.
fn finding(number: usize, item: serde_json::Value) -> Result<Option<Finding>, ReportError> {
    let has = |name| item.get(name).is_some();
    let failed = |scanner| move |error| ReportError::Finding { number, scanner, error };
    if has("RuleID") {
        let found = gitleaks::Found::deserialize(item).map_err(failed(gitleaks::NAME))?;
        Ok(Some(found.into()))
    } else if has("DetectorName") || has("SourceMetadata") {
        let found = trufflehog::Found::deserialize(item).map_err(failed(trufflehog::NAME))?;
        Ok(Some(found.into()))
    } else if has("level") && has("msg") {
        Ok(None)
    } else {
        Err(ReportError::Unknown)
    }
}

/// A text that says something.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.scanner, self.rule)?;
        if let Some(source) = &self.source {
            write!(f, " in {source}")?;
        }
        if let Some(file) = &self.file {
            write!(f, " in {file}")?;
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(commit) = &self.commit {
            write!(f, ", commit {}", commit.get(..12).unwrap_or(commit))?;
        }
        if let Some(author) = &self.author {
            write!(f, " by {author}")?;
        }
        match &self.link {
            Some(link) => write!(f, ", {link}"),
            None => Ok(()),
        }
    }
}

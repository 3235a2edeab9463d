//! `cedarkey scanner-rules`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;
use crate::project;
use cedarkey_engine::token::{check_word, mint};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::Path;

/// Write rules by which secret scanners find this project's tokens.
///
/// The rules are regular expressions without look-around, for RE2 and its like. A find may be a near
/// miss: `cedarkey keys verify-token` tells by the checksum.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey scanner-rules --for gitleaks > .gitleaks.toml
  cedarkey scanner-rules --for trufflehog --environment production > trufflehog.yaml
  cedarkey scanner-rules --for github --prefix ck")]
pub struct ScannerRules {
    /// Which scanner they are for
    #[arg(long = "for", value_enum, value_name = "SCANNER")]
    scanner: Scanner,
    /// The prefix of the tokens [default: the project's]
    #[arg(long)]
    prefix: Option<String>,
    /// Tokens of this environment only; repeat for several [default: of any]
    #[arg(long = "environment", value_name = "ENVIRONMENT")]
    environments: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scanner {
    /// A configuration in TOML that extends the rules that gitleaks has
    Gitleaks,
    /// Custom detectors in YAML
    Trufflehog,
    /// The fields of a custom pattern of GitHub's secret scanning, in JSON
    Github,
}

impl ScannerRules {
    /// Writes them.
    pub fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let prefix = match self.prefix {
            Some(prefix) => prefix,
            None => project::settings(given)?.prefix,
        };
        for word in self.environments.iter().chain([&prefix]) {
            check_word(word).context(Exit::Usage, format_args!("`{word}` stands in no token"))?;
        }
        let form = Form { token: pattern(&prefix, &self.environments), prefix };
        let (rules, text) = match self.scanner {
            Scanner::Gitleaks => form.gitleaks(),
            Scanner::Trufflehog => form.trufflehog(),
            Scanner::Github => form.github(),
        };
        output.result(&rules, |out| {
            let _ = writeln!(out, "{text}");
        });
        Ok(Exit::Ok)
    }
}

/// What a token looks like.
struct Form {
    prefix: String,
    /// As a regular expression, without what is around it.
    token: String,
}

/// `_` is a word's character to all three, so a token is neither part of a longer one.
fn pattern(prefix: &str, environments: &[String]) -> String {
    let environment = match environments {
        [] => "[a-z0-9]{1,16}".into(),
        [one] => one.clone(),
        several => format!("(?:{})", several.join("|")),
    };
    // The length is that of any token, so that rules and tokens cannot disagree.
    let sample = mint("a", "b", || 0).unwrap_or_default();
    let body = sample.rsplit('_').next().unwrap_or_default().len();
    format!("{prefix}_{environment}_[0-9A-Za-z]{{{body}}}")
}

// === impl Form ===

impl Form {
    fn gitleaks(&self) -> (serde_json::Value, String) {
        let (prefix, token) = (&self.prefix, &self.token);
        let regex = format!("\\b({token})\\b");
        let text = format!(
            "[extend]\nuseDefault = true\n\n[[rules]]\nid = \"cedarkey-{prefix}\"\n\
             description = \"An API key of cedarkey; its owner is known, and it can be revoked at once.\"\n\
             regex = '''{regex}'''\nsecretGroup = 1\nkeywords = [\"{prefix}_\"]"
        );
        let rule = json!({
            "id": format!("cedarkey-{prefix}"), "regex": regex, "secretGroup": 1,
            "keywords": [format!("{prefix}_")],
        });
        (json!({ "rules": [rule] }), text)
    }

    fn trufflehog(&self) -> (serde_json::Value, String) {
        let (prefix, token) = (&self.prefix, &self.token);
        let regex = format!("\\b({token})\\b");
        let text = format!(
            "detectors:\n  - name: cedarkey-{prefix}\n    keywords: [\"{prefix}_\"]\n    \
             regex:\n      token: '{regex}'"
        );
        let detector = json!({
            "name": format!("cedarkey-{prefix}"), "keywords": [format!("{prefix}_")],
            "regex": { "token": regex },
        });
        (json!({ "detectors": [detector] }), text)
    }

    fn github(&self) -> (serde_json::Value, String) {
        let pattern = json!({
            "name": format!("cedarkey {}", self.prefix),
            "secretFormat": self.token,
            "beforeSecret": "\\A|[^0-9A-Za-z_]",
            "afterSecret": "\\z|[^0-9A-Za-z_]",
        });
        let text = serde_json::to_string_pretty(&pattern).unwrap_or_default();
        (pattern, text)
    }
}

#[cfg(test)]
mod tests;

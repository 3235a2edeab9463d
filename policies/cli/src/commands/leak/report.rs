//! `cedarkey leak report`

use super::answer::{Answer, Mandate};
use super::source::Source;
use crate::commands::keys::Refuse;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::findings::{self, Finding};
use crate::output::Output;
use crate::project;
use cedarkey_compiler::settings::LeakResponse;
use clap::Args;
use reqwest::Url;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Revoke or suspend the keys that a secret scanner has found.
///
/// Takes the JSON reports of gitleaks and TruffleHog, or what GitHub's secret scanning has told a
/// publisher. What was found is hashed at once and looked up in the registry; what is no key there is
/// counted and left. Keys that could still be used are revoked or, with `leak.response = "suspend"`
/// in cedarkey.toml, suspended: all of them in one transaction, with the place in the audit. Then it
/// says who must be told.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  gitleaks git --report-format json --report-path - | cedarkey leak report -
  cedarkey leak report found.json --push http://127.0.0.1:9180
  cedarkey leak report --from http://127.0.0.1:9180
  cedarkey leak report found.json --dry-run")]
pub struct Report {
    /// A scanner's report in JSON, or `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "from")]
    reports: Vec<PathBuf>,
    /// Answer what GitHub has told this publisher instead, and push to it
    #[arg(long, value_name = "URL", conflicts_with_all = ["reports", "push"])]
    from: Option<Url>,
    /// What is done with a key that was found, `revoke` or `suspend` [default: `leak.response` in
    /// cedarkey.toml, or `revoke`]
    #[arg(long, value_name = "RESPONSE", value_parser = response)]
    response: Option<LeakResponse>,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "push")]
    dry_run: bool,
    #[command(flatten)]
    push: Refuse,
}

// === impl Report ===

impl Report {
    /// Answers the findings.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let response = self.response.unwrap_or(settings.leak_response);
        // Whoever types it has seen what there is, or can.
        let mandate = Mandate { response: (!self.dry_run).then_some(response), at_most: None };
        if let Some(url) = &self.from {
            let source = Source::new(url, settings)?;
            return source.answer_all(mandate, given, output).await;
        }
        let mut findings = Vec::new();
        for report in &self.reports {
            findings.extend(read(report)?);
        }
        let mut answer = Answer::give(&settings, &findings, mandate).await?;
        answer.push(&self.push, given, output).await?;
        answer.tell(output);
        Ok(Exit::Ok)
    }
}

fn read(report: &Path) -> Result<Vec<Finding>, Failure> {
    let shown = report.display();
    let mut bytes = Vec::new();
    let read = if report.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(report).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.context(Exit::Failure, format_args!("cannot read `{shown}`"))?;
    let found =
        findings::read(&bytes).context(Exit::Failure, format_args!("`{shown}` is no report"));
    found.map_err(|failure| {
        failure.help("write it with `gitleaks git --report-format json` or `trufflehog git --json`")
    })
}

pub fn response(text: &str) -> Result<LeakResponse, String> {
    LeakResponse::parse(text).ok_or_else(|| "write `revoke` or `suspend`".into())
}

//! `cedarkey report`

mod narrow;
mod terminal;

use super::keys::day;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, Output};
use crate::project;
use crate::report::{Again, Granted, Known, Level, Limits, Report as Made};
use crate::time::spoken;
use crate::usage::Source;
use cedarkey_compiler::Project;
use cedarkey_registry::{Entry, Key, Registry, Selector};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use narrow::To;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Report what is wrong with the project's keys, and what they could do without.
///
/// Looks at the registry, its audit, the entities and the routes; and at how keys are used, if a
/// publisher is named, or what `cedarkey usage --format json` has written. Each finding has an id
/// that stays, what to type, and references to OWASP's Non-Human Identities Top 10 (2025) and NIST's
/// Cybersecurity Framework 2.0.
#[derive(Args, Debug)]
#[command(after_help = "Findings:
  high    decoy-used, leaked, orphaned, cross-environment, long-lived, wildcard-scope
  medium  shared, never-used, unused, overprivileged, not-rotated, review-overdue
  low     expires-soon

Examples:
  cedarkey report --publisher http://127.0.0.1:9180
  cedarkey report --fail-on high --format json > report.json
  cedarkey report --publisher http://127.0.0.1:9180 --html report.html
  cedarkey report --usage usage.json --narrow nightly-export --to policies/narrow.cedar")]
pub struct Report {
    /// Write a Cedar policy that keeps this key to what it was used for, and nothing else
    #[arg(long, value_name = "KEY")]
    narrow: Option<String>,
    /// Write it to this file, whole or not at all
    #[arg(long, value_name = "FILE", requires = "narrow")]
    to: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long, requires = "to")]
    force: bool,
    /// End with status 14 if there are findings of this level or a graver one
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<Level>,
    /// Write one HTML page with charts, which needs nothing but itself, to this file
    #[arg(long, value_name = "FILE", conflicts_with = "narrow")]
    html: Option<PathBuf>,
    /// For how long a key may be without use
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = crate::time::length)]
    unused: SignedDuration,
    /// How old a key's secret may be
    #[arg(long, value_name = "TIME", default_value = "180d", value_parser = crate::time::length)]
    max_age: SignedDuration,
    /// How long before its end a key is to be replaced
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = crate::time::length)]
    expiring_within: SignedDuration,
    /// From how many networks a key may be used
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    networks: usize,
    /// For how long a key's use must have been watched before what it did not do says something
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = crate::time::length)]
    watched: SignedDuration,
    /// For how long it is told that somebody has tried a decoy, or a leaked key that was revoked
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = crate::time::length)]
    tried: SignedDuration,
    #[command(flatten)]
    source: Source,
}

/// What was found earlier is looked for where the audit has no more entries than this: it takes the
/// whole of it, and as long as a report for each month.
const MOST_ENTRIES: u32 = 10_000;

// === impl Report ===

impl Report {
    /// Makes it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let project = project::load(given)?;
        let registry = project::registry(&settings.registry).await?;
        if let Some(key) = &self.narrow {
            let key = registry.get(&Selector::from(key.as_str())).await;
            registry.close().await;
            let key = key.context(Exit::Registry, "no key to narrow")?;
            return self.narrow(&project, &key, output).await;
        }
        let read = read(&registry).await;
        registry.close().await;
        let (keys, audit) = read?;
        let usage = self.source.read(&settings.name).await?;
        let again = Again::new(given, &project, &self.source);
        let known = Known {
            project: &project,
            keys: &keys,
            usage: usage.as_ref(),
            audit: &audit,
            again: &again,
        };
        let limits = Limits {
            unused: self.unused,
            max_age: self.max_age,
            expires_within: self.expiring_within,
            networks: self.networks,
            watched: self.watched,
            tried: self.tried,
        };
        let report = Made::new(known, limits, Timestamp::now());
        match &self.html {
            Some(file) => write(file, &report, output)?,
            None => output.result(&report, |out| terminal::tell(&report, out)),
        }
        self.tell_gaps(&report, output);
        let fails = self.fail_on.is_some_and(|level| report.as_grave_as(level) > 0);
        Ok(if fails { Exit::Findings } else { Exit::Ok })
    }

    /// Says what was not looked for.
    fn tell_gaps(&self, report: &Made, output: &Output) {
        let rules: Vec<_> = report.not_looked_for.iter().map(|rule| rule.word()).collect();
        if rules.is_empty() {
            return;
        }
        let rules = rules.join(", ");
        let (known, help) = match report.usage_since {
            _ if !self.source.is_given() => {
                ("usage is not known".into(), "name a publisher with `--publisher`".into())
            }
            None => ("no proxy has reported usage yet".into(), self.takes()),
            Some(since) => {
                (format!("usage is known since {} only", day(Some(since))), self.takes())
            }
        };
        output.warning(&format!("{known}, so this was not looked for: {rules}"), Some(help));
    }

    fn takes(&self) -> String {
        format!("it takes {} of watching (`--watched`)", spoken(self.watched))
    }

    async fn narrow(&self, project: &Project, key: &Key, output: &Output) -> Result<Exit, Failure> {
        let usage = self.source.require(&project.settings.bundle.name).await?;
        let granted = Granted::new(project, key, Some(&usage), true);
        let to = match &self.to {
            Some(file) => To::File { file, force: self.force },
            None => To::Output,
        };
        narrow::write(project, &granted, usage.since, &to, output)?;
        let watched = usage.watched(key.created.max(key.not_before), Timestamp::now());
        if watched < self.watched {
            let warning = format!("its use was watched for {} only", spoken(watched));
            output.warning(&warning, Some("what it does seldom may not have happened yet".into()));
        }
        Ok(Exit::Ok)
    }
}

fn write(file: &Path, report: &Made, output: &Output) -> Result<(), Failure> {
    let shown = file.display().to_string();
    std::fs::write(file, report.html())
        .context(Exit::Failure, format_args!("cannot write `{shown}`"))?;
    output.result(&json!({ "html": shown, "counts": report.counts }), |out| {
        let _ = writeln!(out, "{GOOD}wrote{GOOD:#} {shown}");
    });
    Ok(())
}

/// All keys, and the whole audit unless it is too long.
async fn read(registry: &Registry) -> Result<(Vec<Key>, Vec<Entry>), Failure> {
    let keys = registry.all().await.context(Exit::Registry, "the keys cannot be read")?;
    let most = MOST_ENTRIES.saturating_add(1);
    let audit = registry.audit(None, most).await;
    let mut audit = audit.context(Exit::Registry, "the audit cannot be read")?;
    if u32::try_from(audit.len()).is_ok_and(|entries| entries == most) {
        audit.clear();
    }
    Ok((keys, audit))
}

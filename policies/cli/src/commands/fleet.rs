//! `cedarkey fleet`

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, NOTICE, Output, counted, table};
use crate::project;
use crate::publisher::{Fleet, Proxy, Publisher, State};
use anstyle::Style;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

/// See which proxy enforces what.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    Status(Status),
}

/// Show which version of the project's bundle each proxy has in force.
///
/// Proxies say so themselves whenever they ask the publisher for a bundle. One that has not asked
/// for three minutes is silent; after a day it is forgotten.
#[derive(Args, Debug)]
#[command(after_help = "States:
  current  it has the newest version         empty    it has no bundle in force
  behind   there is a newer version          silent   it has not asked for three minutes
  failing  it refused the last bundle        ahead    it has one that the publisher never had
  stale    what it has in force has expired

Examples:
  cedarkey fleet status --publisher http://127.0.0.1:9180
  cedarkey fleet status --fail-on-lag --max-lag 30s && echo 'all proxies enforce it'
  cedarkey fleet status --format json | jq '.proxies[] | select(.state != \"current\")'")]
pub struct Status {
    /// The publisher's address, or that of its `--admin-listen`
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    publisher: reqwest::Url,
    /// End with status 10 if a proxy lags: if it is neither current nor ahead
    #[arg(long)]
    fail_on_lag: bool,
    /// How long a proxy may be behind a new version before it lags
    #[arg(long, value_name = "TIME", default_value = "10s")]
    max_lag: SignedDuration,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: SignedDuration,
}

// === impl FleetCommand ===

impl FleetCommand {
    /// Runs it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Status(status) => status.run(given, output).await,
        }
    }
}

// === impl Status ===

impl Status {
    async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        if self.max_lag.is_negative() {
            return Err(Failure::new(Exit::Usage, "`--max-lag` cannot be less than no time"));
        }
        let publisher = Publisher::new(&self.publisher, self.timeout)?;
        let name = project::settings(given)?.name;
        let fleet = publisher.fleet(&name).await?;
        let lagging = fleet.proxies.iter().filter(|proxy| self.lags(proxy)).count();
        let value = self.view(&name, &fleet, lagging);
        output.result(&value, |out| {
            let _ = write!(out, "{}", self.human(&name, &fleet, lagging));
        });
        if fleet.partial {
            let note = "the publisher's database is away: what other publishers know is missing";
            output.note(format_args!("{NOTICE}{note}{NOTICE:#}"));
        }
        if fleet.unrecorded > 0 {
            let reports =
                counted(usize::try_from(fleet.unrecorded).unwrap_or(usize::MAX), "report");
            output.note(format_args!("{NOTICE}no room for {reports}{NOTICE:#}"));
        }
        Ok(if self.fail_on_lag && lagging > 0 { Exit::Lag } else { Exit::Ok })
    }

    /// Whether somebody should look at a proxy.
    fn lags(&self, proxy: &Proxy) -> bool {
        match proxy.state {
            State::Ahead | State::Current => false,
            State::Behind => proxy.behind.is_none_or(|behind| behind > self.max_lag.as_secs()),
            State::Empty | State::Failing | State::Silent | State::Stale | State::Unknown => true,
        }
    }

    fn view(&self, name: &str, fleet: &Fleet, lagging: usize) -> Value {
        let proxies = fleet.proxies.iter().map(|proxy| {
            json!({
                "node": proxy.node, "filter": proxy.filter, "version": proxy.version,
                "since": proxy.since.and_then(instant), "seen": instant(proxy.seen),
                "error": proxy.error, "behindSeconds": proxy.behind, "state": proxy.state,
                "lags": self.lags(proxy),
            })
        });
        let newest = &fleet.newest;
        json!({
            "name": name, "now": instant(fleet.now), "partial": fleet.partial,
            "newest": {
                "version": newest.version, "pushed": newest.pushed.and_then(instant),
                "expires": newest.expires.and_then(instant),
            },
            "proxies": proxies.collect::<Vec<_>>(), "lagging": lagging,
            "unrecorded": fleet.unrecorded,
        })
    }

    fn human(&self, name: &str, fleet: &Fleet, lagging: usize) -> String {
        let newest = &fleet.newest;
        let ago = |at: i64| format!("{} ago", length(fleet.now.saturating_sub(at)));
        let pushed = newest.pushed.map(|at| format!(", pushed {}", ago(at))).unwrap_or_default();
        let mut text = format!("{GOOD}{name}{GOOD:#} version {}{pushed}\n", newest.version);
        if fleet.proxies.is_empty() {
            text.push_str(
                "no proxy that has a name has asked for it yet: `envoy --service-node NAME`\n",
            );
            return text;
        }
        let mut rows = table(&["proxy", "filter", "version", "since", "behind", "seen", "state"]);
        for proxy in &fleet.proxies {
            let none = || String::from("-");
            let style = self.style(proxy);
            let mut state = format!("{style}{}{style:#}", proxy.state);
            if let Some(error) = &proxy.error {
                state = format!("{state} ({error})");
            }
            rows.add_row([
                proxy.node.clone(),
                proxy.filter.clone().unwrap_or_else(none),
                proxy.version.map_or_else(none, |version| version.to_string()),
                proxy.since.map_or_else(none, ago),
                proxy.behind.map_or_else(none, length),
                ago(proxy.seen),
                state,
            ]);
        }
        text.push_str(&format!("{rows}\n"));
        let all = counted(fleet.proxies.len(), "proxy");
        let verb = if lagging == 1 { "lags" } else { "lag" };
        text.push_str(&format!("{all}, {lagging} {verb}\n"));
        text
    }

    fn style(&self, proxy: &Proxy) -> Style {
        match proxy.state {
            State::Current => GOOD,
            _ if self.lags(proxy) => BAD,
            _ => NOTICE,
        }
    }
}

fn instant(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// A length of time in its largest unit, which is exact enough to look at.
fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let units = [(86_400_i64, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= length.saturating_mul(2));
    match unit {
        Some((length, unit)) => {
            format!("{}{unit}", seconds.checked_div(length).unwrap_or_default())
        }
        None => format!("{seconds}s"),
    }
}

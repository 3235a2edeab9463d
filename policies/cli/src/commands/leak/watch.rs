//! `cedarkey leak watch`

use super::answer::Mandate;
use super::report::response;
use super::source::Source;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{DIM, NOTICE, Output};
use crate::project;
use crate::publisher::Known;
use crate::shell::quoted;
use crate::stop::told_to_stop;
use cedarkey_compiler::settings::LeakResponse;
use clap::Args;
use reqwest::Url;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a request is held.
const WAIT: Duration = Duration::from_secs(50);

/// What is less is no wait.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// How long to wait after the first failure, and at most.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Answer what GitHub's secret scanning finds as soon as a publisher is told.
///
/// Waits at a publisher that runs with `--github-keys`, and does with what comes what `cedarkey leak
/// report --from` does: keys that were found are revoked or suspended, proxies are told, and so is
/// whoever reads the output. Whoever may push the bundle may ask for its findings: the project's
/// signing key says so.
///
/// The publisher is believed only so far: it says which keys have leaked, and has the hashes of all of
/// them. Where it would be more than `--at-most` within an hour, none is changed, and the command ends
/// with status 15 for somebody to look.
///
/// It runs until SIGTERM or SIGINT. What fails later on is said and tried again; nothing is taken
/// for answered before proxies were told.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey leak watch --from https://bundles.example.com
  cedarkey leak watch --from http://127.0.0.1:9180 --response suspend --format json")]
pub struct Watch {
    /// The publisher that GitHub tells
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    from: Url,
    /// What is done with a key that was found, `revoke` or `suspend` [default: `leak.response` in
    /// cedarkey.toml, or `revoke`]
    #[arg(long, value_name = "RESPONSE", value_parser = response)]
    response: Option<LeakResponse>,
    /// How many keys are revoked or suspended within an hour
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    at_most: usize,
}

// === impl Watch ===

impl Watch {
    /// Answers until it is told to stop.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let stop = told_to_stop()?;
        tokio::pin!(stop);
        let settings = project::settings(given)?;
        let response = Some(self.response.unwrap_or(settings.leak_response));
        let mandate = Mandate { response, at_most: Some(self.at_most) };
        let source = Source::new(&self.from, settings)?;
        // What cannot work is said at once.
        let mut known = Ok(source.next(Duration::ZERO).await?);
        output.note(format_args!("{DIM}waiting for what is found, at {}{DIM:#}", self.from));
        let mut pause = PAUSE;
        loop {
            // What was begun is not left half done: only waiting is given up.
            let answered = match known {
                Ok(known) if known.findings.is_empty() => Ok(()),
                Ok(known) => source.answer(&known, mandate, given, output).await,
                Err(failure) => Err(failure),
            };
            let mut rest = Duration::ZERO;
            if let Err(failure) = answered {
                if failure.exit() == Exit::TooMany {
                    let from = quoted(self.from.as_str());
                    return Err(failure.help(format_args!(
                        "see what was found with `cedarkey leak report --from {from} --dry-run`; \
                         answer it with the same without `--dry-run`, or watch with a higher \
                         `--at-most`"
                    )));
                }
                output.failure(&failure);
                let seconds = pause.as_secs_f32();
                output.note(format_args!("{NOTICE}trying again in {seconds} s{NOTICE:#}"));
                rest = pause;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            } else {
                pause = PAUSE;
            }
            known = tokio::select! {
                () = &mut stop => return Ok(Exit::Ok),
                known = next(&source, rest) => known,
            };
        }
    }
}

/// What is found after a rest. One who answers at once that there is nothing does not hold
/// requests, and is not asked all the time.
async fn next(source: &Source, rest: Duration) -> Result<Known, Failure> {
    tokio::time::sleep(rest).await;
    let begun = Instant::now();
    let known = source.next(WAIT).await?;
    if known.findings.is_empty() && begun.elapsed() < SHORTEST_WAIT {
        tokio::time::sleep(SHORTEST_WAIT).await;
    }
    Ok(known)
}

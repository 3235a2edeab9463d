//! Telling proxies of a change of keys at once.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, NOTICE, Output};
use crate::project;
use crate::publisher::{self, Publisher};
use crate::{bundle, refusals};
use clap::Args;
use reqwest::Url;
use std::path::Path;

/// Telling proxies at once of whatever was changed.
#[derive(Args, Debug)]
pub struct Push {
    /// Build the project's bundle and send it to this publisher at once
    #[arg(long, value_name = "URL")]
    push: Option<Url>,
}

/// Telling proxies at once of keys that they must not accept any more, come what may.
#[derive(Args, Debug)]
pub struct Refuse {
    /// Build the project's bundle and send it to this publisher at once; if the project has errors,
    /// only which keys are refused is sent
    #[arg(long, value_name = "URL")]
    push: Option<Url>,
    /// Send only which keys are refused, whatever the project's files say: after a rollback, say, or
    /// where they are being changed
    #[arg(long, requires = "push")]
    refused_only: bool,
}

/// What proxies are told of.
#[derive(Clone, Copy, Debug)]
pub enum Telling<'a> {
    /// All changes.
    All(&'a Push),
    /// What is refused.
    Refused(&'a Refuse),
}

// === impl Push ===

impl Push {
    /// Whether it was asked for.
    pub fn is_wanted(&self) -> bool {
        self.push.is_some()
    }

    /// Whether it can be tried, which is to be known before anything is changed.
    pub fn check(&self) -> Result<(), Failure> {
        self.push.iter().try_for_each(|url| Publisher::new(url, publisher::TIMEOUT).map(drop))
    }

    /// Builds and sends a bundle, if that was asked for, and gives its version.
    pub async fn run(&self, given: Option<&Path>, output: &Output) -> Result<Option<u64>, Failure> {
        match &self.push {
            Some(url) => whole(&Publisher::new(url, publisher::TIMEOUT)?, given, output).await,
            None => Ok(None),
        }
    }

    /// Says what proxies know.
    pub fn tell(pushed: Option<u64>, untold: &str, output: &Output) {
        match pushed {
            Some(version) => output.note(format_args!("{GOOD}pushed{GOOD:#} version {version}")),
            None => {
                output.note(format_args!("{NOTICE}{untold}: `cedarkey push` tells them{NOTICE:#}"))
            }
        }
    }
}

// === impl Refuse ===

impl Refuse {
    /// To this publisher.
    pub fn to(url: &Url) -> Self {
        Self { push: Some(url.clone()), refused_only: false }
    }

    /// Tells proxies, if that was asked for, and gives the version in which it is so.
    pub async fn run(&self, given: Option<&Path>, output: &Output) -> Result<Option<u64>, Failure> {
        let Some(url) = &self.push else { return Ok(None) };
        let publisher = Publisher::new(url, publisher::TIMEOUT)?;
        let settings = project::settings(given)?;
        if self.refused_only {
            let version = refusals::push(&settings, &publisher).await?;
            let message = format!("no bundle of this project is in force at {url}");
            let none = || Failure::new(Exit::Refused, message).help("push it first");
            return version.ok_or_else(none).map(Some);
        }
        let problems = match whole(&publisher, given, output).await {
            Err(Failure::Problems(problems)) => problems,
            told => return told,
        };
        // Nobody is to mend policies before a key that has leaked is refused.
        let Some(version) = refusals::push(&settings, &publisher).await? else {
            return Err(problems.into());
        };
        problems.iter().for_each(|problem| output.diagnostic(problem));
        let message =
            "the project has errors: proxies are told which keys are refused, and nothing else";
        output.warning(message, Some("mend them, and run `cedarkey push`".into()));
        Ok(Some(version))
    }
}

// === impl Telling ===

impl Telling<'_> {
    /// Does it, as it was asked for.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Option<u64>, Failure> {
        match self {
            Self::All(push) => push.run(given, output).await,
            Self::Refused(refuse) => refuse.run(given, output).await,
        }
    }
}

async fn whole(
    publisher: &Publisher,
    given: Option<&Path>,
    output: &Output,
) -> Result<Option<u64>, Failure> {
    let (pushed, _) = bundle::push(given, publisher, output).await?;
    Ok(Some(pushed.version))
}

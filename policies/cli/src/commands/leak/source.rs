//! What a publisher was told of leaked tokens, and the answer to it.

use super::answer::{Answer, Mandate};
use crate::commands::keys::Refuse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::findings::Finding;
use crate::output::Output;
use crate::project::Settings;
use crate::publisher::{Known, Publisher};
use crate::signing::Signers;
use jiff::SignedDuration;
use reqwest::Url;
use std::path::Path;
use std::time::Duration;

/// How long any request may take, those that are held included.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(90);

/// A publisher whose findings are answered.
pub struct Source {
    publisher: Publisher,
    push: Refuse,
    signers: Signers,
    settings: Settings,
}

// === impl Source ===

impl Source {
    /// The publisher at an address, for a project, whose keys say who asks.
    pub fn new(url: &Url, settings: Settings) -> Result<Self, Failure> {
        let publisher = Publisher::new(url, TIMEOUT)?;
        let signers = Signers::read(&settings)?;
        Ok(Self { publisher, push: Refuse::to(url), signers, settings })
    }

    /// What nobody has answered, as soon as there is anything, or after so long.
    pub async fn next(&self, wait: Duration) -> Result<Known, Failure> {
        self.publisher.findings(&self.settings.name, &self.signers, wait).await
    }

    /// Answers findings, tells proxies and whoever watches, and then the publisher, so that what
    /// fails before is tried again.
    pub async fn answer(
        &self,
        known: &Known,
        mandate: Mandate,
        given: Option<&Path>,
        output: &Output,
    ) -> Result<(), Failure> {
        let findings: Vec<Finding> = known.findings.iter().map(Finding::from).collect();
        let mut answer = Answer::give(&self.settings, &findings, mandate).await?;
        let is_answer = mandate.response.is_some();
        if is_answer {
            answer.push(&self.push, given, output).await?;
        }
        answer.tell(output);
        if is_answer && !known.findings.is_empty() {
            let name = &self.settings.name;
            self.publisher.answered(name, &self.signers, &known.findings).await?;
        }
        Ok(())
    }

    /// Answers all that there is now.
    pub async fn answer_all(
        &self,
        mandate: Mandate,
        given: Option<&Path>,
        output: &Output,
    ) -> Result<Exit, Failure> {
        loop {
            let known = self.next(Duration::ZERO).await?;
            self.answer(&known, mandate, given, output).await?;
            // What is only looked at stays, and would come again.
            if !known.more || mandate.response.is_none() {
                return Ok(Exit::Ok);
            }
        }
    }
}

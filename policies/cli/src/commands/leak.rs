//! `cedarkey leak`

mod answer;
mod report;
mod source;
mod watch;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;
use std::path::Path;

/// Answer leaked keys.
#[derive(Debug, Subcommand)]
pub enum LeakCommand {
    Report(report::Report),
    Watch(watch::Watch),
}

impl LeakCommand {
    /// Does it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Report(command) => command.run(project, output).await,
            Self::Watch(command) => command.run(project, output).await,
        }
    }
}

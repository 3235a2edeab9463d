//! `cedarkey render`

mod envoy;
mod filter;
mod folder;
mod record;
mod tls;

use crate::failure::Failure;
use crate::{exit::Exit, output::Output};
use clap::Subcommand;
use std::path::Path;

/// Write configuration for a proxy.
#[derive(Debug, Subcommand)]
pub enum Render {
    Envoy(envoy::RenderEnvoy),
}

impl Render {
    /// Writes it to standard output.
    pub fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Envoy(command) => command.run(project, output),
        }
    }
}

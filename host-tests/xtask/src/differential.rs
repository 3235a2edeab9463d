//! `cargo xtask differential`

use cedarkey_host_kit::tools;
use clap::Args;
use std::ffi::OsString;
use std::process::Command;

/// Compare compiled policies with the `cedar-policy` crate, on generated ones.
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub struct Differential {
    /// What the runner is told
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<OsString>,
}

// === impl Differential ===

impl Differential {
    /// Builds and runs the runner; tells whether there was no difference.
    pub fn run(self) -> anyhow::Result<bool> {
        let status = Command::new(tools::differential()?).args(self.arguments).status()?;
        Ok(status.success())
    }
}

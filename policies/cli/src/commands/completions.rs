//! `cedarkey completions`

use crate::args::Cli;
use crate::exit::Exit;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Write completions for a shell to standard output.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey completions bash > /etc/bash_completion.d/cedarkey")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Writes them.
    pub fn run(self) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "cedarkey", &mut script);
        // A closed pipe leaves nobody to tell.
        let _ = std::io::stdout().write_all(&script);
        Exit::Ok
    }
}

//! `cedarkey`: writes, checks, builds and delivers policies for API keys.

mod args;
mod bundle;
mod commands;
mod exit;
mod explained;
mod failure;
mod findings;
mod mint;
mod output;
mod progress;
mod project;
mod publisher;
mod refusals;
mod renewal;
mod report;
mod shell;
mod signing;
mod stop;
mod time;
mod usage;

use args::Cli;
use clap::Parser;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors, and go to stdout.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            return exit.into();
        }
    };
    let output = output::Output::new(&cli.global);
    match commands::run(cli, &output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}

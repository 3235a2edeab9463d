//! The commands, one module each.

pub mod audit;
pub mod build;
pub mod check;
pub mod completions;
pub mod eval;
pub mod export;
pub mod fleet;
pub mod init;
pub mod inspect;
pub mod keys;
pub mod leak;
pub mod push;
pub mod render;
pub mod report;
pub mod rollback;
pub mod scanner_rules;
pub mod serve;
pub mod signing_key;
pub mod test;
pub mod usage;
pub mod versions;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;

/// Runs what was typed.
pub fn run(cli: Cli, output: &Output) -> Result<Exit, Failure> {
    let project = cli.global.project.as_deref();
    match cli.command {
        Command::Init(command) => command.run(output),
        Command::Check(command) => command.run(project, output),
        Command::Test(command) => command.run(project, output),
        Command::SigningKey(command) => command.run(project, output),
        Command::Keys(command) => block_on(command.run(project, output)),
        Command::Audit(command) => block_on(command.run(project, output)),
        Command::Leak(command) => block_on(command.run(project, output)),
        Command::ScannerRules(command) => command.run(project, output),
        Command::Build(command) => block_on(command.run(project, output)),
        Command::Inspect(command) => command.run(project, output),
        Command::Eval(command) => block_on(command.run(project, output)),
        Command::Serve(command) => block_on_all(command.run(project, output)),
        Command::Push(command) => block_on(command.run(project, output)),
        Command::Export(command) => block_on(command.run(project, output)),
        Command::Versions(command) => block_on(command.run(project, output)),
        Command::Rollback(command) => block_on(command.run(project, output)),
        Command::Usage(command) => block_on(command.run(project, output)),
        Command::Report(command) => block_on(command.run(project, output)),
        Command::Fleet(command) => block_on(command.run(project, output)),
        Command::Render(command) => command.run(project, output),
        Command::Completions(command) => Ok(command.run()),
    }
}

/// Runs a command that talks to many at once, on all processors.
fn block_on_all<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context(Exit::Failure, "cannot start the event loop")?.block_on(task)
}

/// Runs a command that talks to the registry or the network.
fn block_on<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context(Exit::Failure, "cannot start the event loop")?.block_on(task)
}

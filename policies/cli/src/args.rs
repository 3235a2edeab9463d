//! What can be typed.

use crate::commands;
use crate::exit;
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Govern API keys with Cedar policies that your proxy enforces in-process.
///
/// A project is a folder with Cedar policies, a schema, routes and a key registry. cedarkey checks
/// it, compiles it into a small signed bundle and pushes that to a publisher, from which the filter
/// in each proxy takes it.
#[derive(Debug, Parser)]
#[command(name = "cedarkey", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The heading of what every command has.
const EVERYWHERE: &str = "Options of every command";

/// Options of every command.
#[derive(Args, Debug)]
pub struct Global {
    /// The project's folder [default: the nearest folder upwards with a cedarkey.toml]
    #[arg(short = 'C', long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// How results are written to standard output: for people, or for programs
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, default_value = "human", value_name = "FORMAT")]
    pub format: Format,
    /// How errors are written to standard error: with source lines, for logs and screen readers,
    /// or for programs with one JSON object a line
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, default_value = "human", value_name = "FORMAT")]
    pub error_format: ErrorFormat,
    /// Whether to use colour
    #[arg(long, global = true, help_heading = EVERYWHERE, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,
}

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
}

/// The form of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ErrorFormat {
    Human,
    Plain,
    Json,
}

/// The commands; each says for itself what it does.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(commands::init::Init),
    Check(commands::check::Check),
    Test(commands::test::Test),
    /// Make and show signing keys
    #[command(subcommand)]
    SigningKey(commands::signing_key::SigningKeyCommand),
    /// Issue, change, list and revoke API keys
    #[command(subcommand)]
    Keys(commands::keys::KeysCommand),
    /// Read and verify what was done to keys
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// Answer leaked keys
    #[command(subcommand)]
    Leak(commands::leak::LeakCommand),
    ScannerRules(commands::scanner_rules::ScannerRules),
    Build(commands::build::Build),
    Inspect(commands::inspect::Inspect),
    Eval(commands::eval::Eval),
    Serve(commands::serve::Serve),
    Push(commands::push::Push),
    Export(commands::export::Export),
    Versions(commands::versions::Versions),
    Rollback(commands::rollback::Rollback),
    Usage(commands::usage::Usage),
    Report(commands::report::Report),
    /// See which proxy enforces what
    #[command(subcommand)]
    Fleet(commands::fleet::FleetCommand),
    /// Write configuration for a proxy
    #[command(subcommand)]
    Render(commands::render::Render),
    Completions(commands::completions::Completions),
}

//! `cargo xtask filter`

use cedarkey_host_kit::tools::{self, Tuning};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Build the filter's module, and print where it is.
///
/// With `--to` it is a build to be measured beside the one that ships, by
/// `cargo xtask bench proxy --beside NAME=FILE`: of a changed tree, with another setting of the
/// compiler, or without a part of what is done for speed once the module is linked.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask filter --without hints --to target/no-hints.wasm
  CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS='-C target-feature=+simd128' \\
      cargo xtask filter --to target/simd.wasm")]
pub struct Filter {
    /// Leave out parts of the tuning, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART", requires = "to")]
    without: Vec<Part>,
    /// Where a module goes that is to be measured
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Hints which way branches go
    Hints,
    /// Calls by way of the table of functions, of what V8 is not to take into its callers
    Lookups,
}

impl Filter {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        let module = match self.to {
            Some(to) => {
                let without: Vec<_> = self.without.into_iter().map(Tuning::from).collect();
                tools::filter_without(&without, &to)?;
                to
            }
            None => tools::filter()?,
        };
        anstream::println!("{}", module.display());
        Ok(true)
    }
}

impl From<Part> for Tuning {
    fn from(part: Part) -> Self {
        match part {
            Part::Hints => Self::Hints,
            Part::Lookups => Self::Lookups,
        }
    }
}

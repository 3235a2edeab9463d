//! `cargo xtask test`

use crate::conformance;
use crate::demo::Demo;
use crate::steps::{Tally, run as run_command};
use anyhow::Context;
use cedarkey_host_kit::tools::{self, cargo};

/// The largest that the filter's module may be, in bytes.
const MAX_MODULE: u64 = 400_000;

/// Fetches what tests and the demo need.
pub fn fetch() -> anyhow::Result<bool> {
    tools::targets()?;
    let envoy = tools::envoy()?;
    anstream::println!("{}", envoy.display());
    Ok(true)
}

/// Runs everything; tells whether all of it passed.
pub fn run() -> anyhow::Result<bool> {
    let mut tally = Tally::default();
    tally.step("targets and Envoy", || fetch().map(|_| ()));
    tally.step("format", || run_command(&mut cargo(&["fmt", "--all", "--check"])));
    tally.step("lints", || {
        let args = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
        run_command(&mut cargo(&args))
    });
    tally.step("the data plane builds without std (wasm32v1-none)", || {
        let build = ["build", "--quiet", "--target", "wasm32v1-none"];
        let crates = ["-p", "cedarkey-engine", "-p", "cedarkey-bundle"];
        run_command(&mut cargo(&[&build[..], &crates].concat()))
    });
    tally.step("the filter's module", || {
        let module = tools::filter()?;
        let size = std::fs::metadata(&module).context("the module's size")?.len();
        anstream::println!("{size} bytes, at most {MAX_MODULE} allowed");
        anyhow::ensure!(size <= MAX_MODULE, "the module has grown beyond its limit");
        Ok(())
    });
    // Tests run the command as it is built here.
    tally.step("the command", || tools::cedarkey().map(|_| ()).map_err(Into::into));
    tally.tests("tests", &mut cargo(&["test", "--workspace", "--no-fail-fast"]));
    tally.step("the demo", || Demo::default().run().map(|_| ()));
    conformance::test(&mut tally);
    Ok(tally.close())
}

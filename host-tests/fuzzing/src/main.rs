//! Writes the bytes that a target begins with into a folder.

use anyhow::{Context, ensure};
use cedarkey_fuzzing::TARGETS;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mut run = || -> anyhow::Result<()> {
        let usage = "usage: cedarkey-fuzzing TARGET FOLDER";
        let (name, folder) = arguments.next().zip(arguments.next()).context(usage)?;
        ensure!(arguments.next().is_none(), usage);
        let target = TARGETS.iter().find(|target| *target.name == *name);
        let target = target.with_context(|| format!("there is no target `{}`", name.display()))?;
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let file = folder.join(format!("seed-{number}"));
            std::fs::write(&file, seed).with_context(|| format!("`{}`", file.display()))?;
        }
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

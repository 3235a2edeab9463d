//! Compares the engine with `cedar-policy` on generated policies.

mod print;

use anyhow::{Context, bail};
use cedarkey_differential::case::Case;
use cedarkey_differential::compare::{Alter, Finding, compare, unaltered};
use cedarkey_differential::run::{Difference, Report, Run};
use cedarkey_differential::{files, generate, mutation, shrink};
use clap::{Parser, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Compare compiled policies with the `cedar-policy` crate, on generated ones.
///
/// Schemas, policies, entities and requests are generated from a seed. Each request must get the
/// same decision, determining policies and failing policies from both. A case in which it does not
/// is made as small as can be and written to files, in the form that `cargo xtask conformance`
/// reads; in the folder `regressions` it is a test from then on.
///
/// The exit status is 0 if there was no difference, 1 if there was one or nothing could be run.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask differential", max_term_width = 100)]
struct Cli {
    /// How many requests there are to be, at least
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    requests: u64,
    /// What all cases follow from; a new one if there is none
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads there are; as many as there are processors if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Print also what was generated, and how often it determined an answer or failed
    #[arg(long)]
    tally: bool,
    /// Where cases that differ are written; `regressions` if nothing is said. With `--faults`, the
    /// cases that found them are written only if it is said
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// Run only the case that is made of these bytes, as the fuzzer finds them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["requests", "seed", "faults"])]
    bytes: Option<PathBuf>,
    /// Put faults into the compiled policies, one after the other, and look whether each is found
    #[arg(long)]
    faults: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// For scripts
    Json,
}

/// Where cases lie that once differed.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");

/// Room for policies that nest deep, which Cedar's own code walks recursively.
const STACK: usize = 512 * 1024 * 1024;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let work = move || match &cli.bytes {
        Some(file) => one(&cli, file),
        None if cli.faults => faults(&cli),
        None => run(&cli),
    };
    let worker = thread::Builder::new().stack_size(STACK).spawn(work);
    match worker
        .map_err(Into::into)
        .and_then(|worker| worker.join().unwrap_or_else(|_| bail!("it panicked")))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let run = Run::new(seed, cli.requests);
    let run = Run { threads: cli.threads.map_or(run.threads, usize::from), ..run };
    let mut report = run.run()?;
    let folder = cli.save.as_deref().unwrap_or(Path::new(REGRESSIONS));
    let mut saved = Vec::with_capacity(report.differences.len());
    for Difference { number, case, finding } in report.differences.drain(..) {
        let name = format!("seed-{seed}-case-{number}");
        saved.push(save(folder, &case, finding, &unaltered, &name)?);
    }
    print::report(&report, seed, &saved, cli)?;
    Ok(saved.is_empty() && report.tally.requests > 0)
}

/// The case that a fuzzer's bytes make.
fn one(cli: &Cli, file: &Path) -> anyhow::Result<bool> {
    let bytes = std::fs::read(file).with_context(|| format!("`{}`", file.display()))?;
    let case = generate::case(&bytes);
    let outcome = compare(&case, &unaltered);
    let mut report = Report::default();
    report.tally.count(&case, &outcome.answers);
    let name = file.file_stem().map_or("case".into(), |name| name.to_string_lossy());
    let folder = cli.save.as_deref().unwrap_or(Path::new(REGRESSIONS));
    let saved = outcome.finding.map(|found| save(folder, &case, found, &unaltered, &name));
    let saved: Vec<_> = saved.transpose()?.into_iter().collect();
    print::report(&report, 0, &saved, cli)?;
    Ok(saved.is_empty())
}

/// Looks whether each fault is found.
fn faults(cli: &Cli) -> anyhow::Result<bool> {
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut kept = Vec::new();
    let all = mutation::hunt(seed, cli.requests, |mutation, after, case| {
        print::fault(mutation.name, after, cli);
        if cli.save.is_some() {
            kept.push((mutation, case.clone()));
        }
    })?;
    for (mutation, case) in &kept {
        let (Some(folder), Some(finding)) = (&cli.save, mutation.finding(case)) else { continue };
        let alter = |image: &mut _| (mutation.apply)(image);
        let name = mutation.name.to_lowercase().replace(' ', "-");
        save(folder, case, finding, &alter, &name)?;
    }
    print::faults(&all, seed, cli)?;
    Ok(all.iter().all(|found| found.after.is_some()))
}

/// A case that differs, and where it is written.
#[derive(Debug, serde::Serialize)]
struct Saved {
    file: PathBuf,
    finding: String,
}

/// Makes a case small and writes it.
fn save(
    folder: &Path,
    case: &Case,
    finding: Finding,
    alter: Alter<'_>,
    name: &str,
) -> anyhow::Result<Saved> {
    std::fs::create_dir_all(folder).with_context(|| format!("`{}`", folder.display()))?;
    let (case, finding) = shrink::shrink(case, finding, alter);
    let finding = finding.to_string();
    let file = files::write(&case, folder, name);
    let file = file.with_context(|| format!("the case `{name}`: {finding}"))?;
    Ok(Saved { file, finding })
}

//! Running all tests, on all processors.

use crate::bundle::World;
use crate::folder::Folder;
use crate::question::question;
use crate::report::{Answer, Mismatch, Problem, Report, Which};
use crate::session::{Host, Opened};
use crate::test::{Decision, Request, Test};
use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Room for policies that nest deep, which Cedar's own code walks recursively.
const STACK: usize = 512 * 1024 * 1024;

/// Runs all tests of a folder.
///
/// # Errors
///
/// There are no threads to run them in.
pub fn run(folder: &Folder, host: &Host) -> anyhow::Result<Report> {
    let start = Instant::now();
    let tests: Vec<_> = folder.tests().collect();
    let bar = ProgressBar::new(tests.len() as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} tests, {eta} left");
    bar.set_style(style?);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut report = Report::default();
        while let Some((file, test)) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
            one(folder, host, file, test, &mut report);
            bar.inc(1);
        }
        report
    };
    let mut report = Report { tests: tests.len(), ..Report::default() };
    let count = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let workers = (0..count).map(spawn).collect::<Result<Vec<_>, _>>()?;
        for worker in workers {
            let part = worker.join().map_err(|_| anyhow!("a thread of the runner panicked"))?;
            report.requests = report.requests.saturating_add(part.requests);
            report.mismatches.extend(part.mismatches);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    report.mismatches.sort_by(|a, b| a.file.cmp(&b.file));
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

/// Runs one test. Whatever goes wrong in it is one of its mismatches.
fn one(folder: &Folder, host: &Host, file: &str, test: &Result<Test, String>, report: &mut Report) {
    let fails = |message| {
        let (file, problem) = (file.into(), Problem::Failure(message));
        Mismatch { file, request: None, problem }
    };
    let test = match test {
        Ok(test) => test,
        Err(error) => return report.mismatches.push(fails(error.clone())),
    };
    let run = AssertUnwindSafe(|| answers(folder, host, file, test));
    let answers = catch_unwind(run).unwrap_or_else(|_| Err(anyhow!("it panics")));
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return report.mismatches.push(fails(format!("{error:#}"))),
    };
    for (index, (request, answer)) in test.requests.iter().zip(answers).enumerate() {
        let answered = answer.is_ok();
        report.requests = report.requests.saturating_add(usize::from(answered));
        let Some(problem) = compare(request, answer) else { continue };
        let which = Which { index, description: request.description.clone() };
        report.mismatches.push(Mismatch { file: file.into(), request: Some(which), problem });
    }
}

/// The answer to each request of a test.
fn answers(
    folder: &Folder,
    host: &Host,
    file: &str,
    test: &Test,
) -> anyhow::Result<Vec<anyhow::Result<Answer>>> {
    let world = World::build(folder, file, test)?;
    let mut opened = host.open(&world.load).context("the compiled bundle")?;
    Ok(test.requests.iter().map(|request| answer(&mut opened, &world, request)).collect())
}

fn answer(opened: &mut Opened, world: &World, request: &Request) -> anyhow::Result<Answer> {
    let question = question(request, world.schema.as_ref(), world.guest.clone())?;
    let answer = opened.decide(&question)?;
    let (reason, errors) = (answer.reasons.into_iter(), answer.errors.into_iter());
    Ok(Answer { allow: answer.allow, reason: reason.collect(), errors: errors.collect() })
}

/// What is wrong with an answer, if anything is.
fn compare(request: &Request, answer: anyhow::Result<Answer>) -> Option<Problem> {
    let expected = Answer {
        allow: request.decision == Decision::Allow,
        reason: request.reason.clone(),
        errors: request.errors.clone(),
    };
    match answer {
        Ok(found) if found == expected => None,
        Ok(found) => Some(Problem::Answer { expected, found }),
        Err(error) => Some(Problem::Failure(format!("{error:#}"))),
    }
}

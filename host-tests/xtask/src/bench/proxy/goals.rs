//! What a request may cost with cedarkey, compared with the others of the same run.

use super::contender::Contender;
use super::measure::Metric;
use super::report::{Report, Row};
use super::setting::{Setting, Sweep};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What is to be, and is or is not.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    pub what: String,
    pub measured: f64,
    pub met: bool,
}

/// cedarkey adds at most so many times what another adds.
const AT_MOST: [(Contender, f64); 2] = [(Contender::Nothing, 3.0), (Contender::Native, 4.0)];

/// Another adds at least so many times what cedarkey adds.
const AT_LEAST: [(Contender, Metric, f64); 4] = [
    (Contender::ExtAuthzCedar, Metric::Cpu, 5.0),
    (Contender::ExtAuthzCedar, Metric::P50, 5.0),
    (Contender::ExtAuthzRego, Metric::Cpu, 5.0),
    (Contender::ExtAuthzRego, Metric::P50, 5.0),
];

/// The same of the crate in wasm, from so many policies on.
const CRATE: [(u32, f64); 2] = [(1_000, 25.0), (10, 3.0)];

/// The largest that the module may be, in KB.
const MODULE: f64 = 400.0;

/// The most that starting may take longer than without a filter, in milliseconds.
const READY: f64 = 200.0;

/// How many times as much CPU a request may take at the end of a sweep whose points must not
/// matter.
const FLAT: f64 = 1.1;

/// Whether what cedarkey adds is the same at the ends of a sweep of policies or keys.
pub fn flat(sweep: Sweep, reports: &[Report]) -> Option<Goal> {
    if !matches!(sweep, Sweep::Policies | Sweep::Keys) {
        return None;
    }
    let added = |report: &Report| {
        let mut rows = report.contenders.iter();
        rows.find(|row| row.contender == Contender::Cedarkey)?.added(Metric::Cpu)
    };
    let (first, last) = (reports.first()?, reports.last()?);
    let (from, to) = (&first.name, &last.name);
    let what = format!("adds at most {FLAT} × the CPU at {to} that it adds at {from}");
    let (first, last) = (added(first)?, added(last)?);
    Some(Goal { what, measured: last / first, met: last <= FLAT * first })
}

/// Looks at each goal that this run can tell of.
pub fn check(rows: &[Row], setting: &Setting) -> Vec<Goal> {
    let row = |contender| rows.iter().find(|row| row.contender == contender);
    let Some(own) = row(Contender::Cedarkey) else { return Vec::new() };
    let times = |contender, metric| {
        let other = row(contender)?.added(metric)?;
        Some((own.added(metric)?, other))
    };
    let mut goals = Vec::new();
    for (contender, most) in AT_MOST {
        if let Some((own, other)) = times(contender, Metric::Cpu) {
            let what = format!("adds at most {most} × the CPU that {} adds", contender.name());
            goals.push(Goal { what, measured: own / other, met: own <= most * other });
        }
    }
    let of_crate = CRATE.iter().find(|(policies, _)| setting.policies >= *policies);
    let of_crate = of_crate.map(|(_, least)| (Contender::CedarInWasm, Metric::Cpu, *least));
    for (contender, metric, least) in AT_LEAST.into_iter().chain(of_crate) {
        if let Some((own, other)) = times(contender, metric) {
            let unit = if metric == Metric::Cpu { "CPU" } else { "p50" };
            let what = format!("{} adds at least {least} × its {unit}", contender.name());
            goals.push(Goal { what, measured: other / own, met: other >= least * own });
        }
    }
    if let Some(module) = own.metrics.get(&Metric::Module) {
        let measured = module.value.median;
        let what = format!("the module has at most {MODULE} KB");
        goals.push(Goal { what, measured, met: measured <= MODULE });
    }
    if let Some(measured) = own.added(Metric::Ready) {
        let what = format!("Envoy is ready at most {READY} ms later");
        goals.push(Goal { what, measured, met: measured <= READY });
    }
    goals
}

// === impl Goal ===

impl Goal {
    /// Prints it.
    pub fn show(&self) {
        let (style, word) = if self.met { (GOOD, "met") } else { (BAD, "missed") };
        anstream::println!("{style}{word}{style:#} {}: {:.2}", self.what, self.measured);
    }
}

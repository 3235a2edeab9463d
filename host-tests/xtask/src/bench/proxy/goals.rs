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

/// How many times as much CPU a request may take at one point of a sweep as at another, where they
/// must not matter.
const FLAT: f64 = 1.1;

/// Whether what cedarkey adds is the same at all points of a sweep of policies or keys.
pub fn flat(sweep: Sweep, reports: &[Report]) -> Option<Goal> {
    if !matches!(sweep, Sweep::Policies | Sweep::Keys) {
        return None;
    }
    let added = |report: &Report| {
        let mut rows = report.contenders.iter();
        rows.find(|row| row.contender == Contender::Cedarkey)?.added(Metric::Cpu)
    };
    let mut points = reports
        .iter()
        .map(|one| Some((one.name.as_str(), added(one)?)))
        .collect::<Option<Vec<_>>>()?;
    points.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    let ((least_at, least), (most_at, most)) = (points.first()?, points.last()?);
    let what = format!(
        "cedarkey is to add at most {FLAT} × the CPU at {most_at} that it adds at {least_at}"
    );
    Some(Goal { what, measured: most / least, met: *most <= FLAT * least })
}

/// Looks at each goal that this run can tell of.
pub fn check(rows: &[Row], setting: &Setting) -> Vec<Goal> {
    let row = |contender: &Contender| rows.iter().find(|row| row.contender == *contender);
    let Some(own) = row(&Contender::Cedarkey) else { return Vec::new() };
    let times = |contender: &Contender, metric| {
        let other = row(contender)?.added(metric)?;
        Some((own.added(metric)?, other))
    };
    let mut goals = Vec::new();
    for (contender, most) in AT_MOST {
        if let Some((own, other)) = times(&contender, Metric::Cpu) {
            let what = format!(
                "cedarkey is to add at most {most} × the CPU that {} adds",
                contender.name()
            );
            goals.push(Goal { what, measured: own / other, met: own <= most * other });
        }
    }
    let of_crate = CRATE.iter().find(|(policies, _)| setting.policies >= *policies);
    let of_crate = of_crate.map(|(_, least)| (Contender::CedarInWasm, Metric::Cpu, *least));
    for (contender, metric, least) in AT_LEAST.into_iter().chain(of_crate) {
        if let Some((own, other)) = times(&contender, metric) {
            let unit = if metric == Metric::Cpu { "CPU" } else { "p50" };
            let what = format!(
                "{} is to add at least {least} × the {unit} that cedarkey adds",
                contender.name()
            );
            goals.push(Goal { what, measured: other / own, met: other >= least * own });
        }
    }
    if let Some(module) = own.metrics.get(&Metric::Module) {
        let measured = module.value.median;
        let what = format!("the module is to have at most {MODULE} KB");
        goals.push(Goal { what, measured, met: measured <= MODULE });
    }
    if let Some(measured) = own.added(Metric::Ready) {
        let what = format!("Envoy is to be ready at most {READY} ms later");
        goals.push(Goal { what, measured, met: measured <= READY });
    }
    goals
}

// === impl Goal ===

impl Goal {
    /// Prints it.
    pub fn show(&self) {
        let (style, word) = if self.met { (GOOD, "met") } else { (BAD, "missed") };
        anstream::println!(
            "{style}{word}:{style:#} {} (measured: {:.2})",
            self.what,
            self.measured
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Measured;
    use super::*;

    /// Reports of points at which cedarkey adds so much.
    fn reports(added: &[f64]) -> Vec<Report> {
        let measured =
            |contender, cpu| Measured { contender, samples: [(Metric::Cpu, vec![cpu])].into() };
        let report = |(at, added): (usize, &f64)| {
            let all =
                [measured(Contender::Bare, 20.0), measured(Contender::Cedarkey, 20.0 + added)];
            Report::new(format!("point {at}"), &Setting::usual(), &all)
        };
        added.iter().enumerate().map(report).collect()
    }

    #[test]
    fn a_sweep_is_flat_where_all_points_are_alike() {
        let flat = |added: &[f64]| flat(Sweep::Keys, &reports(added)).unwrap();
        assert!(flat(&[10.0, 10.5, 11.0, 10.0]).met);
        // The ends are the same, and what is between them is not.
        let goal = flat(&[10.0, 9.0, 12.0, 10.0]);
        assert!(!goal.met);
        assert_eq!(
            goal.what,
            "cedarkey is to add at most 1.1 × the CPU at point 2 that it adds at point 1"
        );
        assert!((goal.measured - 12.0 / 9.0).abs() < 1e-9);
    }

    #[test]
    fn only_policies_and_keys_must_not_matter() {
        assert!(super::flat(Sweep::Headers, &reports(&[10.0, 20.0])).is_none());
    }
}

//! What was measured, as differences from the bare listener and ratios to it.

use super::contender::Contender;
use super::goals::{self, Goal};
use super::measure::{Effort, Measured, Metric};
use super::setting::Setting;
use cedarkey_host_kit::tools;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many rounds at least, and seconds in all of them, before figures mean anything.
const ROUNDS: u32 = 3;
const SECONDS: f64 = 3.0;

/// How far the bare listener may be from itself, as a part of its median.
const SPREAD: f64 = 0.5;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the point of a sweep is called.
    pub name: String,
    /// What was the same for all.
    pub setting: Setting,
    /// What was measured of each.
    pub contenders: Vec<Row>,
    /// What is to be, and is or is not.
    pub goals: Vec<Goal>,
}

/// What was measured of a contender.
#[derive(Debug, Serialize)]
pub struct Row {
    pub contender: Contender,
    #[serde(flatten)]
    pub metrics: BTreeMap<Metric, Compared>,
}

/// A metric beside that of the bare listener in the same round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Compared {
    pub value: Spread,
    pub difference: Option<Spread>,
    pub ratio: Option<Spread>,
}

/// Samples, in short.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

// === impl Report ===

impl Report {
    /// Of a run.
    pub fn new(name: String, setting: &Setting, measured: &[Measured]) -> Self {
        let bare = measured.iter().find(|one| one.contender == Contender::Bare);
        let contenders: Vec<_> = measured.iter().map(|one| Row::new(one, bare)).collect();
        let goals = goals::check(&contenders, setting);
        Self { name, setting: setting.clone(), contenders, goals }
    }

    /// Why its figures mean little, if they do.
    pub fn doubt(&self, effort: Effort, envoys: u32) -> Option<String> {
        let rounds = effort.rounds.saturating_mul(envoys);
        let seconds = f64::from(rounds) * effort.seconds;
        if rounds < ROUNDS || seconds < SECONDS {
            return Some(format!(
                "{rounds} rounds of {} s are too few for figures to mean much: it takes {ROUNDS} \
                 rounds, and {SECONDS} s in all",
                effort.seconds
            ));
        }
        let bare = self.contenders.iter().find(|row| row.contender == Contender::Bare)?;
        let shaken = [Metric::Cpu, Metric::P50].into_iter().find_map(|metric| {
            let Spread { min, median, max } = bare.metrics.get(&metric)?.value;
            (max - min > SPREAD * median).then_some((metric, min, max))
        });
        let (metric, min, max) = shaken?;
        let what = if metric == Metric::Cpu { "CPU" } else { "p50" };
        Some(format!(
            "the machine was not quiet, so figures mean little: the bare listener's own {what} was \
             {min:.1} to {max:.1} µs"
        ))
    }

    /// For the terminal.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "beside the bare listener",
            "CPU µs/request",
            "CPU ×",
            "requests/s ×",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "memory MB",
            "ready ms",
            "module KB",
        ]);
        for row in &self.contenders {
            let difference = |metric| row.show(metric, |it| it.difference);
            let ratio = |metric| {
                let ratio = row.metrics.get(&metric).and_then(|it| it.ratio);
                ratio.map_or_else(|| "-".into(), |it| format!("{:.2}", it.median))
            };
            let module = row.metrics.get(&Metric::Module);
            table.add_row([
                row.contender.name().to_owned(),
                difference(Metric::Cpu),
                ratio(Metric::Cpu),
                ratio(Metric::Rate),
                difference(Metric::P50),
                difference(Metric::P99),
                difference(Metric::P999),
                difference(Metric::Memory),
                difference(Metric::Ready),
                module.map_or_else(|| "-".into(), |it| format!("{:.0}", it.value.median)),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

// === impl Row ===

impl Row {
    fn new(one: &Measured, bare: Option<&Measured>) -> Self {
        let compared = |(metric, samples): (&Metric, &Vec<f64>)| {
            let base = bare.and_then(|bare| bare.samples.get(metric));
            let beside = |with: fn(f64, f64) -> f64| {
                let pairs = samples.iter().zip(base?);
                Spread::of(pairs.map(|(own, base)| with(*own, *base)))
            };
            let value = Spread::of(samples.iter().copied())?;
            let difference = beside(|own, base| own - base);
            Some((*metric, Compared { value, difference, ratio: beside(|own, base| own / base) }))
        };
        let metrics = one.samples.iter().filter_map(compared).collect();
        Self { contender: one.contender.clone(), metrics }
    }

    /// The median of what is added to the bare listener.
    pub fn added(&self, metric: Metric) -> Option<f64> {
        Some(self.metrics.get(&metric)?.difference?.median)
    }

    fn show(&self, metric: Metric, of: impl Fn(&Compared) -> Option<Spread>) -> String {
        let spread = self.metrics.get(&metric).and_then(of);
        spread.map_or_else(
            || "-".into(),
            |Spread { min, median, max }| match metric {
                Metric::Cpu => format!("{median:+.1} ({min:.1}..{max:.1})"),
                _ => format!("{median:+.0} ({min:.0}..{max:.0})"),
            },
        )
    }
}

// === impl Spread ===

impl Spread {
    /// Of samples, if there are any.
    fn of(samples: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<_> = samples.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        // Of an even number of samples the two in the middle count.
        let middle = [sorted.len().saturating_sub(1) / 2, sorted.len() / 2];
        let [lower, upper] = middle.map(|at| sorted.get(at).copied());
        let median = f64::midpoint(lower?, upper?);
        Some(Self { min: *sorted.first()?, median, max: *sorted.last()? })
    }
}

/// The version of a crate that contenders are built with.
pub fn version_of(name: &str) -> anyhow::Result<String> {
    let lock =
        std::fs::read_to_string(tools::workspace().join("host-tests/contenders/Cargo.lock"))?;
    let entry = format!("name = \"{name}\"\nversion = \"");
    let version = lock.split_once(&entry).and_then(|(_, rest)| rest.split('"').next());
    Ok(version.unwrap_or("unknown").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_is_compared_with_its_own_bare_one() {
        let measured = |contender, samples: &[f64]| Measured {
            contender,
            samples: [(Metric::Cpu, samples.to_vec())].into(),
        };
        let bare = measured(Contender::Bare, &[10.0, 100.0, 20.0]);
        let own = measured(Contender::Nothing, &[15.0, 106.0, 27.0]);
        let row = Row::new(&own, Some(&bare));
        let difference = row.metrics.get(&Metric::Cpu).unwrap().difference.unwrap();
        assert_eq!([difference.min, difference.median, difference.max], [5.0, 6.0, 7.0]);
        assert_eq!(row.added(Metric::P50), None);
    }

    #[test]
    fn figures_are_doubted_of_few_rounds_and_of_a_busy_machine() {
        let doubt = |rounds, seconds, bare: &[f64]| {
            let samples = [(Metric::Cpu, bare.to_vec())].into();
            let bare = Measured { contender: Contender::Bare, samples };
            let report = Report::new("all".into(), &Setting::usual(), &[bare]);
            report.doubt(Effort { rounds, seconds }, 1).unwrap_or_default()
        };
        let quiet = [20.0, 21.0, 22.0];
        assert_eq!(doubt(3, 2.0, &quiet), "");
        assert!(doubt(2, 2.0, &quiet).starts_with("2 rounds of 2 s are too few"));
        assert!(doubt(5, 0.5, &quiet).starts_with("5 rounds of 0.5 s are too few"));
        assert!(doubt(3, 2.0, &[20.0, 21.0, 40.0]).contains("own CPU was 20.0 to 40.0 µs"));
    }

    #[test]
    fn as_many_samples_are_below_the_median_as_above() {
        let median = |samples: &[f64]| Spread::of(samples.iter().copied()).unwrap().median;
        assert_eq!(median(&[7.0]), 7.0);
        assert_eq!(median(&[9.0, 1.0]), 5.0);
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), 3.0);
        assert!(Spread::of(std::iter::empty()).is_none());
    }
}

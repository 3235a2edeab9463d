//! `cargo xtask bench proxy`

mod beside;
mod contender;
mod cores;
mod goals;
mod load;
mod measure;
mod plot;
mod report;
mod setting;
mod soak;
mod stage;
mod world;

use crate::steps::heading;
use anyhow::{Context, ensure};
use beside::Build;
use cedarkey_host_kit::tools;
use clap::{Args, ValueEnum};
use contender::Contender;
use measure::{Effort, Measured, starts, turns};
use report::{Report, version_of};
use serde_json::json;
use setting::{Setting, Sweep};
use stage::{Programs, Stage};
use std::collections::BTreeSet;
use std::path::PathBuf;
use world::World;

/// What a request costs in Envoy with cedarkey, and with what else would do.
///
/// One Envoy has a listener for each contender, with the same keys, the same rules and the same
/// requests; all answer by themselves, so that only the filters differ. Before anything is measured
/// every contender must give the right status to 10,000 requests, and whoever gives a wrong one
/// later ends the run. Each is driven in turn, and again in the next round; what counts is the
/// difference from the bare listener in the same round. Times are for the machine at hand, and so
/// is the exit status: it is 1 where a goal is missed.
#[derive(Args, Debug)]
pub struct Proxy {
    #[command(flatten)]
    setting: Setting,
    /// Measure at several points, and leave out memory and starts; what the sweep changes is not
    /// taken from the other options
    #[arg(long, value_enum)]
    sweep: Option<Sweep>,
    /// Instead of measuring, send so many requests to cedarkey while a wholly new bundle comes each
    /// second, and see whether memory grows
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["sweep", "contenders", "beside", "envoys", "plot", "no_metrics"],
    )]
    soak: Option<u64>,
    /// Who is measured, besides the bare listener [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    contenders: Vec<Contender>,
    /// Measure another build of cedarkey's module too, with the very configuration of `cedarkey`,
    /// and call it NAME; can be given several times
    ///
    /// It has a listener and a VM of its own in the same Envoys, and its turn in the same rounds.
    /// It is held to no goal. `cargo xtask filter --without` builds such a module.
    #[arg(long, value_name = "NAME=FILE")]
    beside: Vec<Build>,
    /// In how many Envoys, one after the other, each point is measured
    ///
    /// Where code comes to lie in memory differs from one to the next, and with it what a request
    /// costs. The rounds of all count alike. In a sweep each point has its first before any has its
    /// second, so that no point has a better hour than another.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    envoys: u32,
    /// How often each has its turn in an Envoy
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long a turn lasts, in seconds; there are two, one for throughput and one for latency
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Where the plot goes [default: target/bench-proxy.svg]
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs: all spreads, and the settings
    Json,
}

/// What is measured under one setting.
struct Point {
    /// What the point of a sweep is called.
    name: String,
    stage: Stage,
    measured: Vec<Measured>,
}

impl Proxy {
    /// Runs it; tells whether all goals are met.
    pub fn run(self) -> anyhow::Result<bool> {
        ensure!((0.1..=600.0).contains(&self.seconds), "a turn lasts from 0.1 to 600 seconds");
        let mut names = BTreeSet::new();
        for Build { name, .. } in &self.beside {
            ensure!(names.insert(name), "two builds are called `{name}`");
        }
        self.say("get ready (the first time takes a quarter of an hour)");
        let programs = Programs::build(|one| self.soak.is_none() && self.is_named(one))?;
        if let Some(requests) = self.soak {
            return self.soak(&programs, requests);
        }
        let settings = match self.sweep {
            Some(sweep) => sweep.settings(&self.setting),
            None => vec![(String::from("all"), self.setting.clone())],
        };
        let mut points = Vec::new();
        for (name, setting) in settings {
            points.push(self.point(&programs, name, &setting)?);
        }
        let mut reports = self.measure(&mut points)?;
        let flat = self.sweep.and_then(|sweep| goals::flat(sweep, &reports));
        if let Some(report) = reports.last_mut() {
            report.goals.extend(flat.clone());
        }
        let axis = self.sweep.and_then(|sweep| sweep.to_possible_value());
        let axis = axis.map(|value| value.get_name().to_owned()).unwrap_or_default();
        let plot = self.plot.clone();
        let plot = plot.unwrap_or_else(|| tools::workspace().join("target/bench-proxy.svg"));
        plot::draw(&plot, &axis, &reports)?;
        let met = reports.iter().flat_map(|report| &report.goals).all(|goal| goal.met);
        let doubt = reports.iter().find_map(|report| report.doubt(self.effort(), self.envoys));
        if self.format == Format::Json {
            let result = json!({
                "doubt": doubt,
                "envoy": tools::ENVOY_VERSION,
                "cedar-policy": version_of("cedar-policy")?,
                "regorus": version_of("regorus")?,
                "envoys": self.envoys,
                "rounds": self.rounds,
                "seconds": self.seconds,
                "sweep": self.sweep,
                "runs": reports,
                "plot": plot,
            });
            anstream::println!("{}", serde_json::to_string_pretty(&result)?);
        } else {
            flat.iter().for_each(goals::Goal::show);
            let [cedar, rego] = ["cedar-policy", "regorus"].map(version_of);
            anstream::println!(
                "\nEnvoy {}, cedar-policy {}, regorus {}; medians of {} rounds in all \
                 (least..most), Envoys: {}; plot: {}",
                tools::ENVOY_VERSION,
                cedar?,
                rego?,
                self.rounds.saturating_mul(self.envoys),
                self.envoys,
                plot.display()
            );
            if let Some(doubt) = doubt {
                anstream::println!("{doubt}");
            }
            if !met {
                anstream::println!("a goal was missed, so this ends with status 1");
            }
        }
        Ok(met)
    }

    fn soak(&self, programs: &Programs, requests: u64) -> anyhow::Result<bool> {
        self.say(&format!("{requests} requests, and a bundle each second"));
        let soaked = soak::soak(&Stage::new(programs, &self.setting)?, requests)?;
        if self.format == Format::Json {
            anstream::println!("{}", serde_json::to_string_pretty(&soaked)?);
        } else {
            let soak::Soaked { requests, switches, seconds, early, late } = soaked;
            anstream::println!(
                "{requests} requests and {switches} bundles in {seconds:.0} s; resident memory at \
                 most {early:.1} MB in the first minute or half, {late:.1} MB after it"
            );
        }
        Ok(soaked.is_flat())
    }

    /// Measures all points, in one Envoy after the other.
    fn measure(&self, points: &mut [Point]) -> anyhow::Result<Vec<Report>> {
        let of = self.envoys;
        let mut reports = Vec::new();
        for envoy in 1..=of {
            for point in &mut *points {
                let Point { name, stage, measured } = &mut *point;
                let Setting { policies, keys, .. } = stage.setting;
                let what = format!("{policies} policies, {keys} keys ({name})");
                self.say(&format!("{what}, Envoy {envoy} of {of}"));
                turns(stage, self.effort(), measured)?;
                if envoy == of {
                    reports.push(self.report(point)?);
                }
            }
        }
        Ok(reports)
    }

    /// Gets all ready that a point needs.
    fn point(&self, programs: &Programs, name: String, setting: &Setting) -> anyhow::Result<Point> {
        anstream::eprintln!("  a project and a bundle ({name})");
        let stage = Stage::new(programs, setting).context("the project that is measured with")?;
        let contenders = self.contenders(setting).into_iter();
        let measured =
            contenders.map(|one| Measured::new(one, programs)).collect::<Result<_, _>>()?;
        Ok(Point { name, stage, measured })
    }

    /// Looks at a point that has been measured; where it is the only one, also at memory and starts.
    fn report(&self, point: &mut Point) -> anyhow::Result<Report> {
        let Point { name, stage, measured } = point;
        if self.sweep.is_none() {
            starts(stage, self.effort(), measured)?;
        }
        let report = Report::new(name.clone(), &stage.setting, measured);
        if self.format == Format::Table {
            anstream::println!("{}", report.table());
            report.goals.iter().for_each(goals::Goal::show);
        }
        Ok(report)
    }

    const fn effort(&self) -> Effort {
        Effort { rounds: self.rounds, seconds: self.seconds }
    }

    /// Who is measured: all or those that were named, if they can have so many keys.
    fn contenders(&self, setting: &Setting) -> Vec<Contender> {
        let all = Contender::value_variants().iter().cloned();
        let named = all.filter(|one| *one == Contender::Bare || self.is_named(one));
        let named = named.chain(self.beside.iter().cloned().map(Contender::Beside));
        if !World::is_large(setting) {
            return named.collect();
        }
        let able = |one: &Contender| !one.decides() || one.is_own();
        let (able, others): (Vec<_>, Vec<_>) = named.partition(able);
        for other in others {
            let name = other.name();
            anstream::eprintln!("left out: {name}, which takes all {} keys at once", setting.keys);
        }
        able
    }

    fn is_named(&self, contender: &Contender) -> bool {
        self.contenders.is_empty() || self.contenders.contains(contender)
    }

    /// Announces a step; standard output is for the result where a program reads it.
    fn say(&self, what: &str) {
        match self.format {
            Format::Table => heading(what),
            Format::Json => anstream::eprintln!("{what}"),
        }
    }
}

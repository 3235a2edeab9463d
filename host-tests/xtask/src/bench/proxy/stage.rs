//! Everything that runs while contenders are measured.

use super::contender::{Contender, METRICS, Parts, bootstrap};
use super::cores::{self, Cores};
use super::load::{Load, Outcome};
use super::setting::Setting;
use super::world::{self, World, members, rewrite};
use anyhow::{Context, anyhow, ensure};
use cedarkey_host_kit::bulk::{Keys, Template};
use cedarkey_host_kit::deployment::{Deployment, configure};
use cedarkey_host_kit::envoy::{Envoy, Options};
use cedarkey_host_kit::process::Process;
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::{tools, usage, wait};
use clap::ValueEnum;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What has been built.
#[derive(Clone, Debug)]
pub struct Programs {
    nothing: PathBuf,
    calls: PathBuf,
    cedar_in_wasm: PathBuf,
    cedarkey: PathBuf,
    sidecar: PathBuf,
    pub load: PathBuf,
}

/// A world, and what is needed to run contenders on it.
pub struct Stage {
    pub setting: Setting,
    pub programs: Programs,
    pub cores: Cores,
    pub world: World,
    pub template: Template,
    pub source: Source,
    parts: Parts,
    folder: TempDir,
    _deployment: Deployment,
}

/// An Envoy with listeners for some contenders, and the services that these need.
pub struct Running {
    pub envoy: Envoy,
    sidecars: Vec<(Contender, Process)>,
    /// From the start of the first process until Envoy said that it was ready.
    pub ready: Duration,
}

/// How long anything may take that starts.
const LIMIT: Duration = Duration::from_secs(120);

// === impl Programs ===

impl Programs {
    /// Builds what those need that are measured; what is not built has no path.
    pub fn build(is_measured: impl Fn(&Contender) -> bool) -> anyhow::Result<Self> {
        let has_sidecar = Contender::value_variants()
            .iter()
            .any(|one| one.engine().is_some() && is_measured(one));
        let filter = |of: &Contender, package, module| match is_measured(of) {
            true => tools::contender_filter(package, module),
            false => Ok(PathBuf::new()),
        };
        let cedar = "contenders_cedar_in_wasm.wasm";
        Ok(Self {
            nothing: filter(&Contender::Nothing, "contenders-nothing", "contenders_nothing.wasm")?,
            calls: filter(&Contender::Calls, "contenders-calls", "contenders_calls.wasm")?,
            cedar_in_wasm: filter(&Contender::CedarInWasm, "contenders-cedar-in-wasm", cedar)?,
            cedarkey: tools::filter()?,
            sidecar: match has_sidecar {
                true => tools::contender("contenders-sidecar")?,
                false => PathBuf::new(),
            },
            load: tools::contender("contenders-load")?,
        })
    }

    /// The size of a contender's module, in bytes.
    pub fn module(&self, contender: &Contender) -> anyhow::Result<Option<u64>> {
        let path = match contender {
            Contender::Nothing => &self.nothing,
            Contender::Calls => &self.calls,
            Contender::Cedarkey => &self.cedarkey,
            Contender::CedarInWasm => &self.cedar_in_wasm,
            Contender::Beside(build) => &build.module,
            _ => return Ok(None),
        };
        Ok(Some(fs::metadata(path)?.len()))
    }
}

// === impl Stage ===

impl Stage {
    /// Makes a project with so many policies and keys, and all that is made of it.
    pub fn new(programs: &Programs, setting: &Setting) -> anyhow::Result<Self> {
        let boxed = |error: Box<dyn std::error::Error + Send + Sync>| anyhow!(error);
        let deployment = Deployment::released().map_err(boxed)?;
        let teams = rewrite(&deployment, setting.policies)?;
        let mut issued = Vec::new();
        for team in members(&teams) {
            let owner = world::owner(team);
            let arguments =
                ["--owner", &owner, "--team", team, "--scope", "orders:read", "--expires", "90d"];
            issued.push(deployment.issue(&arguments).map_err(boxed)?);
        }
        let kinds: Vec<_> = issued.iter().collect();
        let template = Template::new(&deployment, &kinds).map_err(boxed)?;
        let keys = Keys { count: setting.keys, kind: &world::kind, revoked: &[] };
        let source = Source::start()?;
        source.publish(&template.bundle(1, &keys).map_err(boxed)?);
        let world = World::new(&deployment, &template, teams, setting)?;
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("world"), serde_json::to_vec(&world.json)?)?;
        let parts = Parts {
            nothing: programs.nothing.clone(),
            calls: programs.calls.clone(),
            cedar_in_wasm: programs.cedar_in_wasm.clone(),
            cedarkey: filter(&deployment, &template, &source, setting)?,
            publisher: Some(source.address()),
            sidecars: Vec::new(),
        };
        Ok(Self {
            setting: setting.clone(),
            programs: programs.clone(),
            cores: Cores::new(setting.workers)?,
            world,
            template,
            source,
            parts,
            folder,
            _deployment: deployment,
        })
    }

    /// Starts an Envoy with a listener for each of these, on the cores that are for servers.
    pub fn start(&self, contenders: &[Contender]) -> anyhow::Result<Running> {
        cores::on(&self.cores.servers, || self.start_anywhere(contenders))
    }

    /// The same, on all cores.
    pub fn start_anywhere(&self, contenders: &[Contender]) -> anyhow::Result<Running> {
        let begun = Instant::now();
        let mut parts = self.parts.clone();
        let mut sidecars = Vec::new();
        for contender in contenders {
            let Some(engine) = contender.engine() else { continue };
            let file = |kind: &str| self.folder.path().join(format!("{engine}.{kind}"));
            // What an earlier one has told is not to be believed.
            let _ = fs::remove_file(file("address"));
            let mut command = Command::new(&self.programs.sidecar);
            command.arg(engine).arg(self.folder.path().join("world")).arg(file("address"));
            let mut process = Process::start(&mut command, &file("log"))?;
            let address = process.until("the service listens", LIMIT, || {
                fs::read_to_string(file("address")).ok()?.parse().ok()
            })?;
            parts.sidecars.push((contender.clone(), address));
            sidecars.push((contender.clone(), process));
        }
        let config = bootstrap(contenders, &parts, &self.world, &self.setting)?.to_string();
        let options = Options { workers: self.setting.workers, limit: LIMIT, log_level: "warn" };
        let envoy = Envoy::start(&config, &options)?;
        Ok(Running { envoy, sidecars, ready: begun.elapsed() })
    }

    /// Sends requests to a contender; nothing that comes back may be other than it must be.
    pub fn load(
        &self,
        running: &Running,
        contender: &Contender,
        load: &Load,
    ) -> anyhow::Result<Outcome> {
        let address = running.envoy.listener(contender.name())?;
        let outcome = load.run(self, contender, address)?;
        ensure!(
            outcome.wrong == 0,
            "{} of {} answers of {} are wrong: {}",
            outcome.wrong,
            outcome.requests,
            contender.name(),
            outcome.complaint.unwrap_or_default()
        );
        Ok(outcome)
    }

    /// Waits until a contender gives every answer that it must give, and sees whether Envoy keeps
    /// metrics of it as it is told to.
    pub fn settle(&self, running: &Running, contender: &Contender) -> anyhow::Result<()> {
        let mut last = None;
        let right = wait::until("every answer is right", LIMIT, || {
            let load = Load { requests: 200, ..Load::single(10.0) };
            match self.load(running, contender, &load) {
                Ok(_) => Some(()),
                Err(error) => {
                    last = Some(error);
                    None
                }
            }
        });
        right.map_err(|late| match last {
            Some(error) => error.context(late),
            None => late.into(),
        })?;
        self.load(running, contender, &Load { requests: 10_000, ..Load::single(60.0) })?;
        if contender.is_own() {
            let kept = running.envoy.stats(METRICS)?.len();
            ensure!((kept == 0) == self.setting.no_metrics, "Envoy keeps {kept} metrics");
        }
        Ok(())
    }
}

/// cedarkey's filter as `cedarkey render envoy` writes it, with keys where they are by default.
fn filter(
    deployment: &Deployment,
    template: &Template,
    source: &Source,
    setting: &Setting,
) -> anyhow::Result<Value> {
    let publisher = source.address().to_string();
    let mut options = vec!["--publisher", &publisher];
    options.extend(setting.no_usage.then_some("--no-usage"));
    options.extend(setting.record.then_some(["--record", "all"]).into_iter().flatten());
    let config = deployment.render(&options).map_err(|error| anyhow!(error))?;
    let config: Value = serde_saphyr::from_str(&template.configure(&config))?;
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0";
    let mut filter = config.pointer(filters).cloned().context("the filter")?;
    configure(&mut filter, |own| drop(own.remove("key_from"))).map_err(|error| anyhow!(error))?;
    Ok(filter)
}

// === impl Running ===

impl Running {
    /// The processor time that Envoy and the contender's service have taken.
    pub fn cpu(&self, contender: &Contender) -> anyhow::Result<Duration> {
        let times = self.processes(contender).map(usage::cpu);
        Ok(times.sum::<Result<_, _>>()?)
    }

    /// Their resident memory, in bytes.
    pub fn resident(&self, contender: &Contender) -> anyhow::Result<u64> {
        let sizes = self.processes(contender).map(usage::resident);
        Ok(sizes.sum::<Result<_, _>>()?)
    }

    fn processes(&self, contender: &Contender) -> impl Iterator<Item = u32> {
        let own = self.sidecars.iter().filter(move |(one, _)| one == contender);
        std::iter::once(self.envoy.id()).chain(own.map(|(_, process)| process.id()))
    }
}

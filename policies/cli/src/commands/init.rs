//! `cedarkey init`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, GOOD, Output};
use cedarkey_bundle::is_bundle_name;
use cedarkey_engine::token::check_word;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Make a new project from the standard library: policies, schema, routes and test cases.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey init my-api
  cd my-api
  cedarkey check
  cedarkey test")]
pub struct Init {
    /// The folder to make
    folder: PathBuf,
    /// The bundle's name [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Which environment the proxies serve
    #[arg(long, default_value = "development")]
    environment: String,
}

macro_rules! library {
    ($($name:literal from $source:literal,)*) => {
        [$(($name, include_str!(concat!("../../../library/", $source))),)*]
    };
}

/// The files of a new project, from the standard library.
const FILES: [(&str, &str); 13] = library! {
    "schema.cedarschema" from "schema.cedarschema",
    "policies/guardrails/environment.cedar" from "guardrails/environment.cedar",
    "policies/guardrails/identity.cedar" from "guardrails/identity.cedar",
    "policies/guardrails/lifecycle.cedar" from "guardrails/lifecycle.cedar",
    "policies/guardrails/network.cedar" from "guardrails/network.cedar",
    "policies/guardrails/scope.cedar" from "guardrails/scope.cedar",
    "policies/grants/office-hours.cedar" from "grants/office-hours.cedar",
    "policies/grants/team-service.cedar" from "grants/team-service.cedar",
    "policies/grants/workload.cedar" from "grants/workload.cedar",
    "routes.yaml" from "routes.yaml",
    "entities.json" from "entities.json",
    "tests/guardrails.yaml" from "tests/guardrails.yaml",
    "tests/grants.yaml" from "tests/grants.yaml",
};

/// What must not be in git: secrets, and what is built.
const IGNORED: &str = "signing.key\nkeys.db*\npublisher.db*\n*.ckb\n";

impl Init {
    /// Makes it.
    pub fn run(self, output: &Output) -> Result<Exit, Failure> {
        let shown = self.folder.display().to_string();
        let name = self.name.unwrap_or_else(|| own_name(&self.folder));
        if !is_bundle_name(&name) {
            return Err(Failure::new(Exit::Usage, format_args!("`{name}` is not a bundle name"))
                .help("name one with `--name`: 1 to 64 of `a`-`z`, `0`-`9` and `-`"));
        }
        check_word(&self.environment).map_err(|error| {
            let message = format!("`{}` cannot be an environment", self.environment);
            Failure::because(Exit::Usage, message, error)
        })?;
        let entries = std::fs::read_dir(&self.folder);
        if entries.is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::new(Exit::Failure, format_args!("`{shown}` is not empty"))
                .help("name a folder that does not exist yet"));
        }
        let settings = settings(&name, &self.environment);
        let own = [("cedarkey.toml", settings.as_str()), (".gitignore", IGNORED)];
        for (file, text) in FILES.iter().chain(&own) {
            write(&self.folder, file, text)
                .context(Exit::Failure, format_args!("cannot write `{shown}/{file}`"))?;
        }
        let files: Vec<_> = FILES.iter().chain(&own).map(|(file, _)| *file).collect();
        output.result(&json!({ "folder": self.folder, "name": name, "files": files }), |out| {
            let _ = writeln!(out, "{GOOD}made{GOOD:#} {shown}");
        });
        output.note(format_args!("{DIM}next: `cedarkey test -C {shown}`{DIM:#}"));
        Ok(Exit::Ok)
    }
}

/// The name of a folder, be it `.`; empty where it has none.
fn own_name(folder: &Path) -> String {
    let whole = std::path::absolute(folder);
    let name = whole.as_ref().ok().and_then(|whole| whole.file_name());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn write(folder: &Path, file: &str, text: &str) -> std::io::Result<()> {
    let path = folder.join(file);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, text)
}

fn settings(name: &str, environment: &str) -> String {
    format!(
        "\
[bundle]
name = \"{name}\"
environment = \"{environment}\"   # which proxies take it; part of every token
lifetime = \"30d\"            # how long proxies enforce it without a newer one

[keys]
prefix = \"ck\"
database = \"keys.db\"
max_lifetime = \"365d\"

[signing]
key = \"signing.key\"
trusted = []   # `cedarkey signing-key new` fills this
"
    )
}

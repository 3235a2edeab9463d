//! `cedarkey check`

use super::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, Output, counted};
use crate::project;
use cedarkey_compiler::Problem;
use cedarkey_compiler::mint::Mint;
use cedarkey_compiler::settings::{IssuerSettings, KeySetSource, MintSettings};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Check policies, schema, routes, entities and keys.
///
/// Policies are parsed and validated strictly against the schema; routes must lead to its actions
/// and must not conflict; keys must keep the rules.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey check
  cedarkey check -C my-api --error-format json")]
pub struct Check {
    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,
}

impl Check {
    /// Checks the project.
    pub fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let project = project::load(given)?;
        let keys = block_on(project::keys(&settings))?;
        let mut problems = project.check(&keys);
        problems.extend(settings.mint.iter().flat_map(|mint| missing(mint, &settings.root)));
        if problems.errors() > 0 {
            return Err(problems.into());
        }
        for warning in problems.iter() {
            output.diagnostic(warning);
        }
        let warnings = problems.iter().count();
        let denied = self.deny_warnings && warnings > 0;
        let policies = project.policies.set.policies().count();
        let minting = project.mint.as_ref().map(Mint::len);
        let (routes, keys) = (project.routes.routes.len(), keys.len());
        let value = json!({
            "bundle": settings.name, "policies": policies, "routes": routes,
            "facts": project.plan.len(), "keys": keys, "mintPolicies": minting,
            "warnings": warnings,
        });
        output.result(&value, |out| {
            let minting =
                minting.map(|count| format!(", {} for minting", counted(count, "policy")));
            let counts = format!(
                "{}, {}, {}, {}{}",
                counted(policies, "policy"),
                counted(routes, "route"),
                counted(project.plan.len(), "fact"),
                counted(keys, "key"),
                minting.unwrap_or_default(),
            );
            let _ = if denied {
                let warnings = counted(warnings, "warning");
                writeln!(out, "{BAD}{warnings} denied{BAD:#} in {counts}")
            } else {
                writeln!(out, "{GOOD}ok{GOOD:#}: {counts}")
            };
        });
        Ok(if denied { Exit::Invalid } else { Exit::Ok })
    }
}

/// The files of the project by which workloads prove who they are, and that are not there. Those
/// that are named by a whole path belong to the machine where keys are minted.
fn missing(mint: &MintSettings, root: &Path) -> Vec<Problem> {
    let of_issuer = |issuer: &IssuerSettings| match &issuer.keys {
        KeySetSource::File(file) => Some(file.clone()),
        KeySetSource::Url(_, authority) => authority.clone(),
    };
    let files = mint.issuers.iter().filter_map(of_issuer);
    let files = files.chain(mint.certificates.iter().map(|it| it.ca.clone()));
    let missing = files.filter(|file| file.is_relative() && !root.join(file).is_file());
    let warning = |file: PathBuf| {
        let message = format!("`{}`, which `[mint]` names, is missing", file.display());
        Problem::warning("cedarkey::mint::missing-file", message)
            .help("`cedarkey serve --mint` needs it: put it into the project, or name a whole path")
    };
    missing.map(warning).collect()
}

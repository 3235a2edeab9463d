//! `cedarkey check`

use super::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, Output, counted};
use crate::project;
use cedarkey_compiler::mint::Mint;
use cedarkey_compiler::settings::{IssuerSettings, KeySetSource, MintSettings};
use clap::Args;
use serde_json::json;
use std::path::Path;

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
        let problems = project.check(&keys);
        let missing = settings.mint.as_ref().map(|mint| missing(mint, &settings.root));
        let missing = missing.unwrap_or_default();
        let warnings = problems.iter().count().saturating_sub(problems.errors());
        let warnings = warnings.saturating_add(missing.len());
        if problems.errors() > 0 {
            return Err(problems.into());
        }
        for warning in problems.iter() {
            output.diagnostic(warning);
        }
        for message in missing {
            let help =
                "`cedarkey serve --mint` needs it: put it into the project, or name a whole path";
            output.warning(&message, Some(help.into()));
        }
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
            let _ = writeln!(
                out,
                "{GOOD}ok{GOOD:#}: {}, {}, {}, {}{}",
                counted(policies, "policy"),
                counted(routes, "route"),
                counted(project.plan.len(), "fact"),
                counted(keys, "key"),
                minting.unwrap_or_default(),
            );
        });
        Ok(if self.deny_warnings && warnings > 0 { Exit::Invalid } else { Exit::Ok })
    }
}

/// The files of the project by which workloads prove who they are, and that are not there. Those
/// that are named by a whole path belong to the machine where keys are minted.
fn missing(mint: &MintSettings, root: &Path) -> Vec<String> {
    let of_issuer = |issuer: &IssuerSettings| match &issuer.keys {
        KeySetSource::File(file) => Some(file.clone()),
        KeySetSource::Url(_, authority) => authority.clone(),
    };
    let files = mint.issuers.iter().filter_map(of_issuer);
    let files = files.chain(mint.certificates.iter().map(|it| it.ca.clone()));
    let missing = files.filter(|file| file.is_relative() && !root.join(file).is_file());
    missing.map(|file| format!("`{}`, which `[mint]` names, is missing", file.display())).collect()
}

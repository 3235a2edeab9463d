//! `cedarkey check`

use super::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, Output, counted};
use crate::project;
use cedarkey_compiler::mint::Mint;
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
        let warnings = problems.iter().count().saturating_sub(problems.errors());
        if problems.errors() > 0 {
            return Err(problems.into());
        }
        for warning in problems.iter() {
            output.diagnostic(warning);
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

//! Whether the project can be built with keys as they are to be: keys are never deleted, so one
//! that breaks its rules would be in the way of every build.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::project::{self, Settings};
use cedarkey_compiler::{KeyRules, KeySpec, Project};
use cedarkey_registry::{Key, NewKey};
use jiff::Timestamp;
use miette::Diagnostic;

/// The rules of a project.
pub struct Rules<'a> {
    rules: KeyRules<'a>,
}

/// The id of a key that has none yet.
const NO_ID: &str = "00000000000000000000000000";

impl<'a> Rules<'a> {
    /// Those of a project.
    pub fn of(project: &'a Project) -> Self {
        Self { rules: KeyRules::new(project) }
    }

    /// Whether they allow a new key; tells what they warn of.
    pub fn allow_new(
        &self,
        new: &NewKey,
        now: Timestamp,
        message: &str,
        output: &Output,
    ) -> Result<(), Failure> {
        self.allow(spec(new, now), message, output)
    }

    /// Whether they allow a key as it is to be.
    pub fn allow_key(
        &self,
        key: &Key,
        now: Timestamp,
        message: &str,
        output: &Output,
    ) -> Result<(), Failure> {
        self.allow(project::spec(key, now), message, output)
    }

    /// What keeps a new key from being made, in one line.
    pub fn objection(&self, new: &NewKey, now: Timestamp) -> Option<String> {
        let problems = self.rules.check(&[spec(new, now)]);
        let problem = problems.iter().find(|problem| problem.is_error())?;
        Some(without_id(&problem.to_string(), NO_ID))
    }

    /// Why a key that is bound to SPIFFE ids would not be, whatever the lints' levels are.
    pub fn unbound(&self) -> Option<String> {
        let message = "no policy looks at `context.peerMatches`, so it would work for anybody";
        (!self.rules.reads_spiffe_ids()).then(|| message.into())
    }

    fn allow(&self, spec: KeySpec, message: &str, output: &Output) -> Result<(), Failure> {
        let id = spec.id.clone();
        let problems = self.rules.check(&[spec]);
        if let Some(problem) = problems.iter().find(|problem| problem.is_error()) {
            let said = without_id(&problem.to_string(), &id);
            let failure = Failure::new(Exit::Invalid, format_args!("{message}: {said}"));
            return Err(match Diagnostic::help(problem) {
                Some(help) => failure.help(help),
                None => failure,
            });
        }
        for problem in problems.iter() {
            let said = without_id(&problem.to_string(), &id);
            output.warning(&said, Diagnostic::help(problem).map(|help| help.to_string()));
        }
        Ok(())
    }
}

fn without_id(said: &str, id: &str) -> String {
    said.strip_prefix(&format!("key `{id}`: ")).unwrap_or(said).into()
}

fn spec(new: &NewKey, now: Timestamp) -> KeySpec {
    KeySpec {
        id: NO_ID.into(),
        hash: "0".repeat(64),
        environment: new.environment.clone(),
        owner: new.owner.clone(),
        purpose: new.purpose.clone(),
        team: new.team.clone(),
        workload: new.workload.clone(),
        scopes: new.scopes.clone(),
        networks: new.networks.clone(),
        spiffe_ids: new.spiffe_ids.clone(),
        created: now,
        not_before: new.not_before.unwrap_or(now),
        expires: new.expires,
        revoked: false,
        ended: false,
        decoy: new.decoy,
    }
}

/// A new key has the prefix and the environment of the project.
pub fn placed(new: NewKey, settings: &Settings) -> NewKey {
    NewKey { prefix: settings.prefix.clone(), environment: settings.environment.clone(), ..new }
}

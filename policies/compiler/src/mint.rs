//! Which keys a workload is given on demand: the policies of the folder `mint`.
//!
//! They are no part of a bundle. Whoever issues such keys asks Cedar itself, with an action and a
//! context that are always the same (`mint.cedarschema`), and entity types of the project's schema.

mod grant;
mod spiffe;
pub(crate) mod workload;

pub use grant::{Application, Grant, MintError, Wanted};
pub use spiffe::{SpiffeError, SpiffeId, SpiffeTemplate, is_trust_domain};
pub use workload::{Workload, WorkloadError};

use crate::check::named::{self, Known};
use crate::check::{action_uid, validate};
use crate::compile::STACK;
use crate::keys::uid;
use crate::problem::{Problem, Problems, Source};
use crate::project::{Files, Policies};
use crate::settings::Settings;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Request, RestrictedExpression as Expression, Schema,
    SchemaFragment,
};
use jiff::SignedDuration;
use serde_json::json;
use std::fmt;

/// The policies by which keys are minted.
#[derive(Debug)]
pub struct Mint {
    /// The entity types of the project's, and the action with its context.
    schema: Schema,
    policies: Policies,
}

/// What policies are asked.
#[derive(Clone, Copy, Debug)]
struct Question<'a> {
    /// Whom the key is for: the id of a `Workload`.
    workload: &'a str,
    /// Who is to answer for it: the id of a `Team`.
    team: &'a str,
    /// How long it is to live.
    lifetime: SignedDuration,
    /// What else was asked for, and by whom.
    application: &'a Application<'a>,
}

/// As it is told who asks for it.
impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted { scopes, networks, .. } = self.application.wanted;
        let list = |of: &[String]| if of.is_empty() { "none".into() } else { of.join(" ") };
        write!(
            f,
            "team {}, lifetime {:#}, scopes {}, networks {}, {} live keys",
            self.team,
            self.lifetime,
            list(scopes),
            list(networks),
            self.application.live_keys
        )
    }
}

/// What the policies say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// The key may be issued.
    Granted {
        /// The policies that permit it.
        policies: Vec<String>,
    },
    /// It may not.
    Refused {
        /// The policies that forbid it; none, where none permits it.
        policies: Vec<String>,
        /// Why, as the first of them that has a `@reason` says.
        reason: Option<String>,
    },
    /// Policies could not be evaluated, so there is no key.
    Failed {
        /// The policies.
        policies: Vec<String>,
    },
}

/// Why policies cannot be asked: a value is none of Cedar's.
#[derive(Debug, thiserror::Error)]
#[error("what is wanted is not what it should be: {0}")]
pub struct ValueError(Box<dyn std::error::Error + Send + Sync>);

/// The schema of the action, beside the project's own.
const SCHEMA: &str = include_str!("mint/mint.cedarschema");

/// The action's id.
const ACTION: &str = "mint";

// === impl Mint ===

impl Mint {
    /// Reads the policies of a project, if there are any.
    ///
    /// # Errors
    ///
    /// All files that cannot be parsed; where the settings speak of minting and there are none; and
    /// where the project's schema leaves no room for the action.
    pub(crate) fn load(
        files: &Files,
        schema: &Source,
        settings: &Settings,
    ) -> Result<Option<Self>, Problems> {
        let names = files.mint()?;
        if names.is_empty() {
            if settings.mint.is_none() {
                return Ok(None);
            }
            let message = "`[mint]` is set, and no policy says who is given which keys";
            let problem = Problem::error("cedarkey::mint::none", message);
            let help = "put `.cedar` files into the folder `mint` that permit the action `mint`";
            return Err(problem.help(help).into());
        }
        let policies = Policies::of_files(files, &names)?;
        Ok(Some(Self { schema: with_action(schema)?, policies }))
    }

    /// Validates the policies, and looks whether each workload can be told from the others.
    pub(crate) fn check(&self, entities: &Entities, known: &Known, problems: &mut Problems) {
        validate(&self.schema, &self.policies, problems);
        named::check(&self.policies, known, problems);
        for template in self.policies.set.templates() {
            let id = template.id();
            let message = format!("`{id}` is a template, and nothing links those of `mint`");
            let problem = Problem::error("cedarkey::mint::template", message);
            problems.push(self.policies.placed(problem, id.as_ref(), "this template"));
        }
        for (id, said) in workload::unfit(entities) {
            let problem =
                Problem::warning("cedarkey::mint::workload", format!("the workload `{id}` {said}"));
            problems.push(problem.help("it can be given no key on demand"));
        }
        for (spiffe_id, workloads) in workload::shared(entities) {
            let named: Vec<_> = workloads.iter().map(|id| format!("`{id}`")).collect();
            let message =
                format!("the workloads {} have one SPIFFE id: `{spiffe_id}`", named.join(" and "));
            let problem = Problem::error("cedarkey::mint::workload", message);
            problems.push(problem.help("give each its own, or keep one of them"));
        }
    }

    /// How many policies there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "without policies there is none of this")]
    pub fn len(&self) -> usize {
        self.policies.set.policies().count()
    }

    /// Whether it has a policy of this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.policies.source(id).is_some()
    }

    fn decide(&self, entities: &Entities, asked: &Question<'_>) -> Result<Verdict, ValueError> {
        let request = self.request(asked)?;
        let decide = || Authorizer::new().is_authorized(&request, &self.policies.set, entities);
        let response = stacker::grow(STACK, decide);
        let diagnostics = response.diagnostics();
        let mut failed: Vec<_> = diagnostics
            .errors()
            .map(|error| match error {
                cedar_policy::AuthorizationError::PolicyEvaluationError(error) => {
                    error.policy_id().to_string()
                }
            })
            .collect();
        if !failed.is_empty() {
            failed.sort_unstable();
            return Ok(Verdict::Failed { policies: failed });
        }
        let mut policies: Vec<_> = diagnostics.reason().collect();
        policies.sort_unstable_by_key(|id| id.to_string());
        let said = |id: &&cedar_policy::PolicyId| {
            self.policies.set.policy(id)?.annotation("reason").map(String::from)
        };
        let reason = policies.iter().find_map(said);
        let policies = policies.iter().map(ToString::to_string).collect();
        Ok(match response.decision() {
            Decision::Allow => Verdict::Granted { policies },
            Decision::Deny => Verdict::Refused { policies, reason },
        })
    }

    /// The request, checked against the schema.
    fn request(&self, asked: &Question<'_>) -> Result<Request, ValueError> {
        let none = || ValueError("a name is none of Cedar's".into());
        let Application { spiffe_id, issuer, wanted, live_keys, now } = asked.application;
        let principal = uid(workload::KIND, asked.workload).ok_or_else(none)?;
        let resource = uid("Team", asked.team).ok_or_else(none)?;
        let action = action_uid(ACTION).ok_or_else(none)?;
        let text = |text: &str| Expression::new_string(text.into());
        let duration = format!("{}ms", asked.lifetime.as_millis());
        let live = i64::try_from(*live_keys).unwrap_or(i64::MAX);
        let mut fields = vec![
            ("lifetime", Expression::new_duration(duration)),
            ("liveKeys", Expression::new_long(live)),
            ("networks", Expression::new_set(wanted.networks.iter().map(Expression::new_ip))),
            ("now", Expression::new_datetime(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
            ("scopes", Expression::new_set(wanted.scopes.iter().map(|scope| text(scope)))),
            ("spiffeId", text(spiffe_id.as_str())),
        ];
        fields.extend(issuer.map(|issuer| ("issuer", text(issuer))));
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        let context = Context::from_pairs(fields).map_err(|error| ValueError(error.into()))?;
        Request::new(principal, action, resource, context, Some(&self.schema))
            .map_err(|error| ValueError(error.into()))
    }
}

/// The entity types of the project's schema, with this action and no other.
fn with_action(source: &Source) -> Result<Schema, Problems> {
    let misfit = |error: &dyn std::error::Error| {
        let message = format!("the schema leaves no room for minting: {error}");
        let problem = Problem::error("cedarkey::mint::schema", message).file(source);
        problem.help(
            "policies of the folder `mint` speak of `Workload` and `Team`, as in the standard library",
        )
    };
    let read = |text| match SchemaFragment::from_cedarschema_str(text) {
        Ok((fragment, _)) => Ok(fragment),
        Err(error) => Err(misfit(&error)),
    };
    let own = read(source.text())?;
    let mut own = own.to_json_value().map_err(|error| misfit(&error))?;
    for (_, namespace) in own.as_object_mut().into_iter().flatten() {
        if let Some(actions) = namespace.get_mut("actions") {
            *actions = json!({});
        }
    }
    let own = SchemaFragment::from_json_value(own).map_err(|error| misfit(&error))?;
    Ok(Schema::from_schema_fragments([own, read(SCHEMA)?]).map_err(|error| misfit(&error))?)
}

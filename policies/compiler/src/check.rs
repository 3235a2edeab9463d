//! Whether the parts of a project fit together.

pub(crate) mod named;

use crate::compile::{STACK, build};
use crate::keys::KeySpec;
use crate::lint::KeyRules;
use crate::problem::{Problem, Problems};
use crate::project::{Policies, Project, fact_place, policy_problem};
use cedar_policy::{
    ActionConstraint, EntityId, EntityTypeName, EntityUid, Schema, ValidationMode, Validator,
};
use named::Known;
use std::collections::BTreeSet;
use std::str::FromStr;

impl Project {
    /// Checks the project, with the keys that it is to be built for: errors and warnings.
    #[must_use]
    pub fn check(&self, keys: &[KeySpec]) -> Problems {
        stacker::grow(STACK, || {
            let mut problems = self.check_files();
            if problems.errors() == 0 {
                problems.take(build(self, &self.settings, &[]));
            }
            problems.extend(KeyRules::new(self).check(keys));
            problems
        })
    }

    /// Checks all but the keys.
    pub(crate) fn check_files(&self) -> Problems {
        let mut problems = self.warnings().clone();
        validate(&self.schema, &self.policies, &mut problems);
        let known = Known::new(&self.schema_source, &self.entities);
        named::check_parents(&self.entities, &known, &mut problems);
        named::check(&self.policies, &known, &mut problems);
        self.check_actions(&mut problems);
        self.check_templates(&mut problems);
        self.check_params(&mut problems);
        if let Some(mint) = &self.mint {
            mint.check(&self.entities, &known, &mut problems);
            if self.settings.mint.is_some() && !KeyRules::new(self).reads_spiffe_ids() {
                let message =
                    "keys are minted for SPIFFE ids, and no policy looks at `context.peerMatches`";
                let problem = Problem::error("cedarkey::mint::unbound", message);
                problems.push(problem.help("add the guardrail `identity` of the standard library"));
            }
        }
        problems
    }

    /// Checks that routes lead to actions of the schema, and policies speak of actions that routes
    /// lead to.
    fn check_actions(&self, problems: &mut Problems) {
        let known: BTreeSet<String> = self.schema.actions().map(ToString::to_string).collect();
        for route in &self.routes.routes {
            let Some(action) = action_uid(&route.action) else { continue };
            if known.contains(&action.to_string()) {
                continue;
            }
            let message = format!("the schema has no action `{}`", route.action);
            let problem = Problem::error("cedarkey::routes::action", message);
            let problem =
                problem.file(&self.routes.source).at(self.routes.place(route), "this route");
            problems.push(problem.help("declare it in schema.cedarschema, or name another"));
        }
        let routed: BTreeSet<_> =
            self.routes.routes.iter().filter_map(|route| action_uid(&route.action)).collect();
        let groups = routed.iter().filter_map(|action| self.entities.ancestors(action));
        let groups: BTreeSet<_> = groups.flatten().chain(&routed).cloned().collect();
        // What is said of a template need not be said of each of its links.
        let set = &self.policies.set;
        let policies = set.policies().filter(|policy| policy.is_static());
        let policies =
            policies.map(|policy| ("policy", policy.id().to_string(), policy.action_constraint()));
        let templates = set.templates();
        let templates =
            templates.map(|it| ("template", it.id().to_string(), it.action_constraint()));
        for (what, id, constraint) in policies.chain(templates) {
            let (named, reached) = match constraint {
                ActionConstraint::Any => continue,
                ActionConstraint::Eq(action) => (vec![action], &routed),
                ActionConstraint::In(actions) => (actions, &groups),
            };
            // What the schema does not know, the validator has complained of.
            let unknown = |action: &EntityUid| !known.contains(&action.to_string());
            if named.iter().any(|action| reached.contains(action) || unknown(action)) {
                continue;
            }
            let action = named.iter().map(|action| format!("`{action}`")).collect::<Vec<_>>();
            let action = action.join(" or ");
            let message = format!("no route leads to {action}, so the {what} `{id}` never applies");
            let problem = Problem::warning("cedarkey::policy::unreachable", message);
            problems.push(self.policies.placed(problem, &id, &format!("this {what}")));
        }
    }

    /// Checks that each template has a link.
    fn check_templates(&self, problems: &mut Problems) {
        let linked: BTreeSet<_> =
            self.policies.set.policies().filter_map(|policy| policy.template_id()).collect();
        let templates = self.policies.set.templates().map(|template| template.id());
        let mut unused: Vec<_> = templates.filter(|id| !linked.contains(id)).collect();
        unused.sort_unstable();
        for id in unused {
            let message = format!("the template `{id}` has no link, so it never applies");
            let problem = Problem::warning("cedarkey::policy::unlinked", message);
            let problem = self.policies.placed(problem, id.as_ref(), "this template");
            problems.push(problem.help("add a link to links.json, or remove the template"));
        }
    }

    /// Checks that each path parameter that policies may read is one that some route has.
    fn check_params(&self, problems: &mut Problems) {
        let given: BTreeSet<&str> = self
            .routes
            .routes
            .iter()
            .flat_map(|route| &route.segments)
            .filter_map(|segment| match segment {
                cedarkey_engine::route::SegmentImage::Literal(_) => None,
                cedarkey_engine::route::SegmentImage::Param(name)
                | cedarkey_engine::route::SegmentImage::Rest(name) => Some(name.as_str()),
            })
            .collect();
        for name in self.plan.members("params").filter(|name| !given.contains(name)) {
            let message = format!(
                "no route has a path parameter `{name}`, so `context.params.{name}` is never there"
            );
            let problem = Problem::warning("cedarkey::schema::param", message);
            let place = fact_place(self.schema_source.text(), &format!("params.{name}"));
            let problem = problem.file(&self.schema_source);
            let problem = place
                .into_iter()
                .fold(problem, |problem, place| problem.at(place, "declared here"));
            problems.push(problem.help("give it the name that routes.yaml gives it, or remove it"));
        }
    }
}

/// The uid of an action by its id.
pub(crate) fn action_uid(id: &str) -> Option<EntityUid> {
    let kind = EntityTypeName::from_str("Action").ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// Validates policies against a schema, strictly.
pub(crate) fn validate(schema: &Schema, policies: &Policies, problems: &mut Problems) {
    let validator = Validator::new(schema.clone());
    let result = validator.validate(&policies.set, ValidationMode::Strict);
    let mut wrong = BTreeSet::new();
    let mut found: Vec<Problem> = Vec::new();
    for error in result.validation_errors() {
        let id = error.policy_id().to_string();
        let problem = policy_problem(policies, "cedarkey::policy::invalid", &id, error);
        wrong.insert(id);
        found.push(problem);
    }
    // One and the same mistake is told for each action that the policy may apply to, in no
    // order.
    found.sort_by_cached_key(|problem| (problem.start(), problem.to_string()));
    found.dedup_by(|later, problem| later.meets(problem));
    for warning in result.validation_warnings() {
        let id = warning.policy_id().to_string();
        // That a policy with a mistake never applies is no news.
        if !wrong.contains(&id) {
            let code = "cedarkey::policy::suspicious";
            found.push(policy_problem(policies, code, &id, warning).into_warning());
        }
    }
    problems.extend(found);
}

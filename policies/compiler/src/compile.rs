//! From a project and its keys to a bundle that is still to be signed.

use crate::keys::{Inventory, KeySpec};
use crate::lint::KeyRules;
use crate::model::{self, BuildError, Built, Input, PolicySource, Profile};
use crate::problem::{Problem, Problems};
use crate::project::Project;
use crate::settings::Settings;
use crate::verify::verify;
use cedarkey_bundle::keys::{Directory, KeyShards};
use cedarkey_bundle::{Digest, Draft, Manifest, SegmentKind, revocations};
use cedarkey_engine::model::Model;
use cedarkey_engine::model::image::TokenImage;
use cedarkey_engine::route::Routes;

/// A compiled project.
#[derive(Debug)]
pub struct Compiled {
    name: String,
    lifetime: i64,
    segments: Vec<(SegmentKind, Vec<u8>)>,
    /// What is suspicious, but no error.
    pub warnings: Problems,
    /// How many policies there are.
    pub policies: usize,
    /// How many routes there are.
    pub routes: usize,
    /// How many keys there are.
    pub keys: usize,
    /// How many of the keys are revoked.
    pub revoked: usize,
}

/// Compiles a project for a set of keys. The same input gives the same bytes.
///
/// # Errors
///
/// Everything that is wrong with the project and the keys.
pub fn compile(project: &Project, keys: &[KeySpec]) -> Result<Compiled, Problems> {
    compile_with(project, &project.settings, keys)
}

/// Room for policies that nest deep, which Cedar's own code walks recursively.
pub(crate) const STACK: usize = 256 * 1024 * 1024;

/// Compiles a project with other settings than its own.
pub(crate) fn compile_with(
    project: &Project,
    settings: &Settings,
    keys: &[KeySpec],
) -> Result<Compiled, Problems> {
    stacker::grow(STACK, || compile_here(project, settings, keys))
}

fn compile_here(
    project: &Project,
    settings: &Settings,
    keys: &[KeySpec],
) -> Result<Compiled, Problems> {
    let mut problems = project.check_files();
    problems.extend(KeyRules::with(project, settings).lint(keys));
    let mut inventory = problems.take(Inventory::new(keys, settings, &project.entities));
    if let Some(inventory) = &mut inventory {
        problems.extend(std::mem::take(&mut inventory.warnings));
    }
    let warnings = problems.into_result()?;
    let inventory = inventory.unwrap_or_default();
    let (policies, built) = build(project, settings, &inventory.profiles)?;
    verify(project, &policies, &inventory.profiles, &built.model)?;
    let routes = routes(project, &built.model)?;
    let shards = KeyShards::build(inventory.records.clone())
        .map_err(|error| Problem::error("cedarkey::keys::index", error))?;
    let mut segments =
        vec![(SegmentKind::Model, encode(&built.image)?), (SegmentKind::Routes, encode(&routes)?)];
    let directory = Directory::build(&shards)
        .map_err(|error| Problem::error("cedarkey::keys::index", error))?;
    segments.push((SegmentKind::Directory, directory));
    segments.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    let revoked = revocations::build(inventory.revoked.iter().copied());
    segments.push((SegmentKind::Revocations, revoked));
    Ok(Compiled {
        name: settings.bundle.name.clone(),
        lifetime: settings.bundle.lifetime.0.as_secs(),
        segments,
        warnings,
        policies: policies.len(),
        routes: project.routes.routes.len(),
        keys: inventory.records.len(),
        revoked: inventory.revoked.len(),
    })
}

impl Project {
    /// What a bundle of this project decides by, and for how long, as far as keys have no part in it:
    /// it is the same for projects that are compiled to the same.
    ///
    /// # Errors
    ///
    /// Where the project cannot be compiled.
    pub fn fingerprint(&self) -> Result<Digest, Problems> {
        stacker::grow(STACK, || {
            let (_, built) = build(self, &self.settings, &[])?;
            let routes = routes(self, &built.model)?;
            let bundle = &self.settings.bundle;
            let named = format!("{} {}", bundle.name, bundle.lifetime.0.as_secs());
            let parts = [encode(&built.image)?, encode(&routes)?, named.into_bytes()];
            Ok(Digest::of(&parts.map(|part| Digest::of(&part).0).concat()))
        })
    }
}

// === impl Compiled ===

impl Compiled {
    /// Whether a bundle decides by the same, and for as long, for keys that have the same in common.
    #[must_use]
    pub fn decides_as(&self, manifest: &Manifest) -> bool {
        let lifetime = manifest.expires.saturating_sub(manifest.created);
        if (&manifest.name, lifetime) != (&self.name, self.lifetime) {
            return false;
        }
        let is_rule = |kind| matches!(kind, SegmentKind::Model | SegmentKind::Routes);
        let own = self.segments.iter().filter(|(kind, _)| is_rule(*kind));
        let theirs = manifest.segments.iter().filter(|segment| is_rule(segment.kind));
        own.map(|(kind, content)| (*kind, Digest::of(content)))
            .eq(theirs.map(|segment| (segment.kind, segment.digest)))
    }

    /// The bundle, as of an instant in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn draft(self, version: u64, created: i64) -> Draft {
        let expires = created.saturating_add(self.lifetime);
        Draft { name: self.name, version, created, expires, segments: self.segments }
    }
}

/// Makes the model of a project's policies, and checks that the engine takes it.
pub(crate) fn build(
    project: &Project,
    settings: &Settings,
    profiles: &[Profile],
) -> Result<(Vec<PolicySource>, Built), Problems> {
    let policies = project.policies.sources()?;
    let built = build_from(project, settings, profiles, &policies)?;
    Ok((policies, built))
}

/// Makes the model of these policies, which are ascending by id.
pub(crate) fn build_from(
    project: &Project,
    settings: &Settings,
    profiles: &[Profile],
    policies: &[PolicySource],
) -> Result<Built, Problems> {
    let routes = project.routes.routes.iter();
    let uids: Vec<_> = routes
        .flat_map(|route| [("Action", &route.action), ("Endpoint", &route.resource)])
        .map(|(kind, id)| (String::from(kind), id.clone()))
        .collect();
    let built = model::build(&Input {
        policies,
        entities: &project.entities,
        plan: &project.plan,
        profiles,
        uids: &uids,
        token: TokenImage {
            prefix: settings.keys.prefix.clone(),
            environment: settings.bundle.environment.clone(),
            allow_foreign: settings.keys.allow_foreign,
        },
    })
    .map_err(|error| build_problem(project, &error))?;
    Ok(built)
}

/// The routes with the numbers that the model gives their actions and resources.
pub(crate) fn routes(
    project: &Project,
    model: &Model,
) -> Result<cedarkey_engine::route::RoutesImage, Problems> {
    let uid = |kind, id: &str| model.uid(kind, id).map_or(u32::MAX, |uid| uid.0);
    let image = project
        .routes
        .image(|route| (uid("Action", &route.action), uid("Endpoint", &route.resource)));
    // The same check as in the proxy, so that no proxy is the first to find out.
    Routes::load(image.clone(), model.uid_count())
        .map_err(|error| Problem::error("cedarkey::routes::load", error))?;
    Ok(image)
}

fn encode<T: serde::Serialize>(segment: &T) -> Result<Vec<u8>, Problem> {
    postcard::to_allocvec(segment)
        .map_err(|error| Problem::error("cedarkey::bundle::encode", error))
}

fn build_problem(project: &Project, error: &BuildError) -> Problem {
    let because = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    let message = format!("{error}{}", because.unwrap_or_default());
    let BuildError::Policy { id, .. } = error else {
        return Problem::error("cedarkey::model::build", message);
    };
    let problem = Problem::error("cedarkey::policy::unsupported", message);
    project.policies.placed(problem, id, "this policy")
}

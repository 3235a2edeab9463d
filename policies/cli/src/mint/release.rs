//! A bundle with the keys that were just issued.
//!
//! It changes nothing else. The files of the project may be older or newer here than where bundles
//! are usually pushed from, and so may the registry be; so the bundle in force must be what they are
//! compiled to.

use super::clerk::Office;
use crate::bundle;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::{self, Settings};
use crate::signing::Signers;
use cedarkey_bundle::{Bundle, Digest};
use cedarkey_compiler::{Problems, Project, compile};
use cedarkey_publisher::{InForce, Publisher};
use cedarkey_registry::Registry;
use jiff::Timestamp;
use std::path::Path;
use tokio::task::block_in_place;

/// Makes bundles, and publishes them.
pub struct Release {
    settings: Settings,
    signers: Signers,
    publisher: Publisher,
    /// The version in force that is known to be made from a project of this fingerprint.
    known: Option<(u64, Digest)>,
}

/// A project as its files are now.
pub struct Files {
    pub project: Project,
    fingerprint: Digest,
}

/// Why keys would not be known to proxies. The message is for the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpublished {
    #[error("keys cannot be issued at present; try again")]
    Away,
    #[error("the project at the publisher has errors; whoever runs it has to mend them")]
    Broken,
    #[error("others push all the time; try again")]
    Late,
    #[error("no bundle of this project is in force: whoever runs this has to push it first")]
    NoBundle,
    #[error(
        "the bundle in force was not made from the project and its keys as they are here; whoever runs this has to push first"
    )]
    OtherProject,
    #[error(
        "the bundle in force was made with another key registry, or with a later state of this one: whoever runs this has to start it with that, or to push with this one"
    )]
    OtherRegistry,
}

/// How often it is tried again when somebody else has pushed meanwhile.
const TRIES: usize = 5;

const FAILED: &str = "the bundle with the new keys is not published";

// === impl Unpublished ===

impl From<Failure> for Unpublished {
    /// Something is wrong here, and not with what was asked: the log says what.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Problems(problems) => {
                for problem in problems.iter().filter(|problem| problem.is_error()) {
                    tracing::error!(
                        problem = problem.line(),
                        "no key can be issued: `cedarkey check`"
                    );
                }
                Self::Broken
            }
            Failure::Plain(plain) => {
                let mut said = vec![plain.message().to_owned()];
                said.extend(plain.causes());
                tracing::error!(said = said.join(": "), "no key can be issued");
                Self::Away
            }
        }
    }
}

impl From<Problems> for Unpublished {
    fn from(problems: Problems) -> Self {
        Failure::from(problems).into()
    }
}

// === impl Files ===

impl Files {
    /// Reads a project.
    pub fn read(root: &Path) -> Result<Self, Unpublished> {
        block_in_place(|| {
            let project = Project::load(root)?;
            Ok(Self { fingerprint: project.fingerprint()?, project })
        })
    }
}

// === impl Release ===

impl Release {
    pub fn new(office: &Office) -> Result<Self, Failure> {
        let signers = Signers::read(&office.settings)?;
        let name = &office.settings.name;
        if !office.publisher.trusts(name, &signers.public()) {
            let message =
                format!("this publisher does not take `{name}` from the project's own key");
            let help = "name its public key with `--trusted` as well: `cedarkey signing-key show`";
            return Err(Failure::new(Exit::Bundle, message).help(help));
        }
        let (settings, publisher) = (office.settings.clone(), office.publisher.clone());
        Ok(Self { settings, signers, publisher, known: None })
    }

    /// What is in force is looked at anew.
    pub fn forget(&mut self) {
        self.known = None;
    }

    /// What is in force, if it is what the project is compiled to.
    pub async fn look(
        &mut self,
        files: &Files,
        registry: &Registry,
    ) -> Result<InForce, Unpublished> {
        let in_force = self.publisher.in_force(&self.settings.name).await;
        let in_force = in_force.context(Exit::Publisher, FAILED)?;
        let in_force = in_force.ok_or(Unpublished::NoBundle)?;
        let known = (in_force.manifest.version, files.fingerprint);
        if self.known != Some(known) {
            self.compare(&files.project, registry, &in_force).await?;
            self.known = Some(known);
        }
        Ok(in_force)
    }

    /// Publishes a bundle with all keys of the registry, and gives its version.
    pub async fn publish(
        &mut self,
        files: &Files,
        registry: &Registry,
    ) -> Result<u64, Unpublished> {
        for _ in 0..TRIES {
            let in_force = self.look(files, registry).await?;
            if let Some(version) = self.push(&files.project, registry, &in_force).await? {
                self.known = Some((version, files.fingerprint));
                return Ok(version);
            }
            // Somebody else was first.
        }
        Err(Unpublished::Late)
    }

    /// Whether the bundle in force is what the project is compiled to with just the keys that it
    /// has, and the registry knows all of these, and of each revocation.
    async fn compare(
        &self,
        project: &Project,
        registry: &Registry,
        in_force: &InForce,
    ) -> Result<(), Unpublished> {
        let manifest = in_force.manifest.clone();
        let segments = self.publisher.segments(&manifest).await.context(Exit::Publisher, FAILED)?;
        let bundle = block_in_place(|| Bundle::open(manifest, segments));
        let bundle = bundle.context(Exit::Bundle, FAILED)?;
        let held: Vec<_> = bundle.keys.iter().map(|(hash, _)| hash.to_string()).collect();
        let keys = registry.of_hashes(&held).await.context(Exit::Registry, FAILED)?;
        let revoked: Vec<_> = bundle.revocations.iter().map(|id| id.to_string()).collect();
        let ended = registry.of_ids(&revoked).await.context(Exit::Registry, FAILED)?;
        let ended = ended.iter().filter(|key| key.is_refused()).count();
        if keys.len() != held.len() || ended != revoked.len() {
            return Err(Unpublished::OtherRegistry);
        }
        let now = Timestamp::now();
        let keys: Vec<_> = keys.iter().map(|key| project::spec(key, now)).collect();
        let compiled = block_in_place(|| compile(project, &keys))?;
        if compiled.decides_as(&in_force.manifest) {
            Ok(())
        } else {
            Err(Unpublished::OtherProject)
        }
    }

    /// Pushes a bundle onto what is in force; nothing, where that has changed.
    async fn push(
        &self,
        project: &Project,
        registry: &Registry,
        in_force: &InForce,
    ) -> Result<Option<u64>, Failure> {
        // Before the keys are read, as with every build: what is later knows of more revocations.
        let now = Timestamp::now();
        let keys = project::keys_of(registry).await?;
        let compiled = block_in_place(|| compile(project, &keys))?;
        let version = bundle::version(now).max(in_force.manifest.version.saturating_add(1));
        let archive = self.signers.sign(compiled.draft(version, now.as_second())).await?;
        match self.publisher.push(archive, in_force).await {
            Ok(version) => Ok(Some(version)),
            Err(rejected) if rejected.was_late() => Ok(None),
            Err(rejected) => Err(rejected).context(Exit::Publisher, FAILED),
        }
    }
}

//! A bundle with the keys that were just issued.
//!
//! It changes nothing else. The files of the project may be older or newer here than where bundles
//! are usually pushed from, so the bundle in force must be what they are compiled to.

use super::clerk::Office;
use super::refusal::Refusal;
use crate::bundle;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::{self, Settings};
use crate::signing::Signers;
use cedarkey_bundle::{Bundle, Digest};
use cedarkey_compiler::{Project, compile};
use cedarkey_publisher::{InForce, Publisher};
use cedarkey_registry::Registry;
use jiff::Timestamp;
use std::collections::BTreeSet;
use tokio::task::block_in_place;

/// Makes bundles, and publishes them.
pub struct Release {
    settings: Settings,
    signers: Signers,
    publisher: Publisher,
    /// The version in force that is known to be made from a project of this fingerprint.
    known: Option<(u64, Digest)>,
}

/// How often it is tried again when somebody else has pushed meanwhile.
const TRIES: usize = 5;

const FAILED: &str = "the bundle with the new keys is not published";

// === impl Release ===

impl Release {
    pub fn new(office: &Office) -> Result<Self, Failure> {
        Ok(Self {
            signers: Signers::read(&office.settings)?,
            settings: office.settings.clone(),
            publisher: office.publisher.clone(),
            known: None,
        })
    }

    /// What is in force is looked at anew.
    pub fn forget(&mut self) {
        self.known = None;
    }

    /// Publishes a bundle with all keys of the registry, and gives its version.
    pub async fn publish(
        &mut self,
        project: &Project,
        registry: &Registry,
    ) -> Result<u64, Refusal> {
        for _ in 0..TRIES {
            let in_force = self.publisher.in_force(&self.settings.name).await;
            let in_force = in_force.context(Exit::Publisher, FAILED).map_err(Refusal::fault)?;
            let in_force = in_force.ok_or(Refusal::NoBundle)?;
            let fingerprint = block_in_place(|| project.fingerprint())
                .map_err(|problems| Refusal::fault(problems.into()))?;
            let known = (in_force.manifest.version, fingerprint);
            if self.known != Some(known) {
                let is_same = self.is_of(project, registry, &in_force).await;
                if !is_same.map_err(Refusal::fault)? {
                    return Err(Refusal::OtherProject);
                }
                self.known = Some(known);
            }
            match self.push(project, registry, &in_force).await.map_err(Refusal::fault)? {
                Some(version) => {
                    self.known = Some((version, fingerprint));
                    return Ok(version);
                }
                // Somebody else was first.
                None => continue,
            }
        }
        Err(Refusal::Busy)
    }

    /// Whether the bundle in force is what the project is compiled to, with the keys that it has.
    async fn is_of(
        &self,
        project: &Project,
        registry: &Registry,
        in_force: &InForce,
    ) -> Result<bool, Failure> {
        let manifest = in_force.manifest.clone();
        let segments = self.publisher.segments(&manifest).await.context(Exit::Publisher, FAILED)?;
        let now = Timestamp::now();
        let all = registry.all().await.context(Exit::Registry, FAILED)?;
        block_in_place(|| {
            let bundle = Bundle::open(manifest, segments).context(Exit::Bundle, FAILED)?;
            let held: BTreeSet<_> = bundle.keys.iter().map(|(hash, _)| hash.to_string()).collect();
            let keys = all.iter().filter(|key| held.contains(&key.hash));
            let keys: Vec<_> = keys.map(|key| project::spec(key, now)).collect();
            Ok(compile(project, &keys)?.decides_as(&in_force.manifest))
        })
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

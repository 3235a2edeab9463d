//! Who issues the keys, one request after the other, so that each knows of those before.

use super::order::Order;
use super::refusal::Refusal;
use super::release::{Files, Release, Unpublished};
use super::{Answer, Request};
use crate::commands::keys::Rules;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::{self, Settings};
use cedarkey_compiler::Project;
use cedarkey_compiler::mint::{Application, Grant};
use cedarkey_compiler::settings::MintSettings;
use cedarkey_engine::token::KeyHash;
use cedarkey_identity::Identities;
use cedarkey_publisher::Publisher;
use cedarkey_registry::{Change, Edit, IssueError, Issued, Key, NewKey, Registry, Selector, Which};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use tokio::sync::mpsc;
use tokio::task::block_in_place;

/// What keys are issued with.
#[derive(Debug)]
pub struct Office {
    /// The settings of the project, whose files are read anew for each bundle.
    pub settings: Settings,
    /// What it says of minting.
    pub mint: MintSettings,
    /// Where bundles go.
    pub publisher: Publisher,
}

/// Issues keys.
pub struct Clerk {
    office: Office,
    registry: Registry,
    release: Release,
}

/// A key that is issued, and yet to be known to proxies.
struct Minted {
    issued: Issued,
    answer: Answer,
}

/// How many share one bundle.
const BATCH: usize = 256;

/// Who does what no workload has asked for.
const ACTOR: &str = "cedarkey serve";

// === impl Clerk ===

impl Clerk {
    /// Makes ready, and looks whether keys could be issued.
    pub async fn new(office: Office) -> Result<(Self, Identities), Failure> {
        let failed = "keys cannot be minted";
        let identities =
            Identities::new(&office.mint, &office.settings.root).context(Exit::Invalid, failed)?;
        let problems = Project::load(&office.settings.root)?.check(&[]);
        if problems.errors() > 0 {
            return Err(problems.into());
        }
        let registry = project::registry(&office.settings.registry).await?;
        let release = Release::new(&office)?;
        Ok((Self { office, registry, release }, identities))
    }

    /// Works until nobody can ask any more.
    pub async fn work(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::new();
        while requests.recv_many(&mut batch, BATCH).await > 0 {
            let serving = AssertUnwindSafe(self.serve(std::mem::take(&mut batch)));
            // Whoever waited is told to try again, and the next are served.
            if serving.catch_unwind().await.is_err() {
                tracing::error!("issuing keys panicked, which is a bug: please report it");
                self.release.forget();
            }
        }
        self.registry.close().await;
    }

    async fn serve(&mut self, requests: Vec<Request>) {
        let files = match self.ready().await {
            Ok(files) => files,
            Err(why) => return requests.into_iter().for_each(|it| tell_why(it.answer, why)),
        };
        let rules = Rules::of(&files.project);
        let mut minted = Vec::new();
        // Who has gone away meanwhile needs no key.
        for Request { order, answer } in requests.into_iter().filter(|it| !it.answer.is_closed()) {
            match self.issue(&files.project, &rules, &order).await {
                Ok(issued) => minted.push(Minted { issued, answer }),
                Err(refusal) => {
                    let _ = answer.send(Err(refusal));
                }
            }
        }
        if minted.is_empty() {
            return;
        }
        let published = self.release.publish(&files, &self.registry).await;
        let mut unknown = Vec::new();
        for Minted { issued, answer } in minted {
            let told = published.map(|version| self.view(&issued, version));
            let is_given = told.is_ok();
            let told = told.map_err(Refusal::from);
            if answer.send(told).is_err() || !is_given {
                unknown.push(issued.key);
            }
        }
        if !unknown.is_empty() {
            self.take_back(&unknown).await;
        }
    }

    /// What the files say now: a policy that was changed holds from the next key on. Whether a bundle
    /// could be published is known before anything is issued.
    async fn ready(&mut self) -> Result<Files, Unpublished> {
        let files = Files::read(&self.office.settings.root)?;
        self.release.look(&files, &self.registry).await?;
        Ok(files)
    }

    async fn issue(
        &self,
        project: &Project,
        rules: &Rules<'_>,
        order: &Order,
    ) -> Result<Issued, Refusal> {
        let Order { identity, wanted } = order;
        let now = Timestamp::now();
        let workload = project.applicant(&identity.spiffe_id)?;
        let live = self.registry.live(&workload.id, now).await;
        let live =
            live.context(Exit::Registry, "keys cannot be counted").map_err(Unpublished::from)?;
        let application = Application {
            spiffe_id: &identity.spiffe_id,
            issuer: identity.issuer.as_deref(),
            wanted,
            live_keys: live,
            now,
        };
        let granted = block_in_place(|| project.grant(&workload, &application))?;
        let Grant { team, lifetime, policies } = granted;
        let new = NewKey {
            prefix: project.settings.keys.prefix.clone(),
            environment: project.settings.bundle.environment.clone(),
            owner: format!("team:{team}"),
            // The same for all of them: keys that say the same have one profile in common.
            purpose: format!("minted for {}", workload.id),
            team: Some(team),
            workload: Some(workload.id),
            scopes: wanted.scopes.clone(),
            networks: wanted.networks.clone(),
            spiffe_ids: vec![identity.spiffe_id.to_string()],
            expires: now.checked_add(lifetime).ok(),
            ..NewKey::default()
        };
        if let Some(said) = rules.objection(&new, now).or_else(|| rules.unbound()) {
            return Err(Refusal::Rules(said));
        }
        let policies = policies.join(", ");
        let reason = [Some(format!("minted by {policies}")), wanted.reason.clone()];
        let reason = reason.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let change = Change::new(identity.spiffe_id.as_str(), reason, now);
        let change = change.approved_by(format!("policy {policies}"));
        self.registry.issue(new, &change).await.map_err(|error| match error {
            IssueError::Rule(error) => Refusal::Rules(error.to_string()),
            error => {
                let failure = Failure::because(Exit::Registry, "no key is issued", error);
                Unpublished::from(failure).into()
            }
        })
    }

    /// Nobody has their tokens, and nobody gets them. The next bundle says so.
    async fn take_back(&self, keys: &[Key]) {
        let hashes = keys.iter().filter_map(|key| KeyHash::from_hex(&key.hash));
        let which = Which::Each(hashes.map(Selector::Hash).collect());
        let change = Change::new(ACTOR, "never given to anybody", Timestamp::now());
        let taken = self.registry.edit(&which, &Edit::Retire, &change, &mut |_| {}).await;
        if let Err(error) = taken {
            tracing::error!(%error, "keys that nobody was given could not be retired");
        }
    }

    fn view(&self, issued: &Issued, version: u64) -> Value {
        let key = &issued.key;
        tracing::info!(key = key.id, workload = key.workload, version, "a key was minted");
        json!({
            "token": issued.token.as_str(),
            "expires": key.expires,
            "bundle": self.office.settings.name,
            "version": version,
            "key": {
                "id": key.id, "owner": key.owner, "team": key.team, "workload": key.workload,
                "scopes": key.scopes, "networks": key.networks, "spiffeIds": key.spiffe_ids,
                "notBefore": key.not_before,
            },
        })
    }
}

fn tell_why(to: Answer, why: Unpublished) {
    // Who has gone away is not told.
    let _ = to.send(Err(why.into()));
}

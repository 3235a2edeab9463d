//! Who issues the keys, one request after the other, so that each knows of those before.

use super::Request;
use super::order::Order;
use super::refusal::Refusal;
use super::release::Release;
use crate::commands::keys::Rules;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::{self, Settings};
use cedarkey_compiler::Project;
use cedarkey_compiler::mint::{Application, Grant};
use cedarkey_compiler::settings::MintSettings;
use cedarkey_identity::Identities;
use cedarkey_publisher::{Publisher, TokenRefusal};
use cedarkey_registry::{Change, Edit, Issued, NewKey, Registry, Selector};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::block_in_place;

/// What keys are issued with.
#[derive(Debug)]
pub struct Office {
    /// The project's folder, which is read anew for each bundle.
    pub root: PathBuf,
    /// Its settings.
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
    answer: oneshot::Sender<Result<Value, TokenRefusal>>,
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
            Identities::new(&office.mint, &office.root).context(Exit::Invalid, failed)?;
        let problems = Project::load(&office.root)?.check(&[]);
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
        // What the files say now: a policy that was changed holds from the next key on.
        let project = match block_in_place(|| Project::load(&self.office.root)) {
            Ok(project) => project,
            Err(problems) => {
                Refusal::fault(problems.into());
                return requests.into_iter().for_each(|it| tell(it.answer, Err(Refusal::Away)));
            }
        };
        let mut minted = Vec::new();
        for Request { order, answer } in requests {
            match self.issue(&project, &order).await {
                Ok(issued) => minted.push(Minted { issued, answer }),
                Err(refusal) => tell(answer, Err(refusal)),
            }
        }
        if minted.is_empty() {
            return;
        }
        match self.release.publish(&project, &self.registry).await {
            Ok(version) => {
                for Minted { issued, answer } in minted {
                    tell(answer, Ok(self.view(&issued, version)));
                }
            }
            Err(refusal) => self.take_back(minted, refusal).await,
        }
    }

    async fn issue(&self, project: &Project, order: &Order) -> Result<Issued, Refusal> {
        let Order { identity, wanted } = order;
        let now = Timestamp::now();
        let workload = project.applicant(&identity.spiffe_id)?;
        let live = self.registry.live(&workload.id, now).await;
        let live = live.context(Exit::Registry, "keys cannot be counted");
        let application = Application {
            spiffe_id: &identity.spiffe_id,
            issuer: identity.issuer.as_deref(),
            wanted,
            live_keys: live.map_err(Refusal::fault)?,
            now,
        };
        let granted = block_in_place(|| project.grant(&workload, &application))?;
        let Grant { team, lifetime, policies } = granted;
        let new = NewKey {
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
        let new = crate::commands::keys::placed(new, &self.office.settings);
        if let Some(said) = Rules::of(project).objection(&new, now) {
            return Err(Refusal::Rules(said));
        }
        let reason = [Some(format!("minted by {}", policies.join(", "))), wanted.reason.clone()];
        let reason = reason.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let change = Change::new(identity.spiffe_id.as_str(), reason, now);
        self.registry.issue(new, &change).await.map_err(|error| match error {
            cedarkey_registry::IssueError::Rule(error) => Refusal::Rules(error.to_string()),
            error => Refusal::fault(Failure::because(Exit::Registry, "no key is issued", error)),
        })
    }

    /// Nobody has their tokens, and nobody gets them.
    async fn take_back(&self, minted: Vec<Minted>, refusal: Refusal) {
        let ids = minted.iter().map(|it| Selector::Text(it.issued.key.id.clone())).collect();
        let why = format!("never given to anybody: {refusal}");
        let change = Change::new(ACTOR, why, Timestamp::now());
        let which = cedarkey_registry::Which::Each(ids);
        let taken = self.registry.edit(&which, &Edit::Retire, &change, &mut |_| {}).await;
        if let Err(error) = taken {
            tracing::error!(%error, "keys that nobody was given could not be retired");
        }
        for Minted { answer, .. } in minted {
            tell(answer, Err(refusal.again()));
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

fn tell(to: oneshot::Sender<Result<Value, TokenRefusal>>, answer: Result<Value, Refusal>) {
    // Who has gone away is not told; its key ends in minutes.
    let _ = to.send(answer.map_err(TokenRefusal::from));
}

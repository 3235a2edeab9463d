//! `cedarkey eval`

mod explain;
mod key;
mod typed;

use crate::bundle;
use crate::exit::Exit;
use crate::explained;
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, NOTICE, Output};
use cedarkey_bundle::Bundle;
use cedarkey_compiler::explain::Considered;
use cedarkey_engine::gate::{Call, Gate, OnPolicyError, Session, Verdict};
use cedarkey_engine::key::{KeyId, KeyRecord, Keys, Unreadable};
use cedarkey_engine::token::KeyHash;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use typed::Typed;

/// Decide one request with a bundle, as a proxy would.
///
/// The exit status is 0 for allow and 2 for deny.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey eval quickstart.ckb --token \"$TOKEN\" --path /v1/orders/7
  cedarkey eval quickstart.ckb --key 01KA3V8J3T0Q2M0Y4ZC5WJ6R7N --method POST --path /v1/orders \\
      --source-ip 10.1.2.3 --now 2026-06-01T08:00:00Z --format json
  cedarkey eval quickstart.ckb --key nightly-export --path /v1/orders/7 --explain
  pass show orders-key | cedarkey eval quickstart.ckb --token - --path /v1/orders/7 \\
      --tls-peer spiffe://example.com/export --claim sub=export")]
pub struct Eval {
    /// The bundle
    file: PathBuf,
    /// The key, where the token is not at hand: its id or as much of its beginning as no other has,
    /// the SHA-256 of its token, or the name that the project's registry gives it
    #[arg(long, conflicts_with = "token")]
    key: Option<String>,
    #[command(flatten)]
    request: Typed,
    /// A forbid that cannot be evaluated does not apply, as in Cedar, instead of denying
    #[arg(long)]
    errors_as_in_cedar: bool,
    /// Tell what decided, then what each other policy whose scope matched had to say, and what kept
    /// it from applying. Takes the project that the bundle was built from
    #[arg(long)]
    explain: bool,
}

/// The keys of a bundle, or one of them whatever token is shown.
struct Inventory<'a> {
    bundle: &'a Bundle,
    chosen: Option<KeyRecord>,
}

impl Eval {
    /// Decides it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let bundle = bundle::open(bundle::read(&self.file)?)?;
        let chosen = match &self.key {
            Some(key) => Some(key::find(given, &bundle, key).await?),
            None => None,
        };
        let form = bundle.model.token();
        // Any token of the right form leads to the key that was chosen.
        let stand_in =
            cedarkey_engine::token::mint(&form.prefix, &form.environment, || 0).unwrap_or_default();
        let token = if chosen.is_some() { Some(stand_in) } else { self.request.token()? };
        let on_policy_error =
            if self.errors_as_in_cedar { OnPolicyError::Cedar } else { OnPolicyError::Deny };
        let inventory = Inventory { bundle: &bundle, chosen };
        let gate = Gate {
            model: &bundle.model,
            routes: &bundle.routes,
            keys: &inventory,
            on_policy_error,
        };
        let call = Call {
            method: &self.request.method,
            authority: &self.request.host,
            target: &self.request.path,
            credential: token.as_deref(),
        };
        let mut session = Session::new();
        let verdict = gate.check(&call, &mut &self.request, &mut session);
        let key = match &verdict {
            Verdict::Allow(permit) => Some(permit.key()),
            Verdict::Deny(denial) => denial.key(),
        };
        let considered = match key {
            Some(key) if self.explain => Some(
                explain::explain(given, key, &call, &mut &self.request, &bundle, &session).await?,
            ),
            _ => None,
        };
        Ok(tell(&bundle, &verdict, &session, considered.as_deref(), output))
    }
}

fn tell(
    bundle: &Bundle,
    verdict: &Verdict,
    session: &Session,
    considered: Option<&[Considered]>,
    output: &Output,
) -> Exit {
    let model = &bundle.model;
    let evaluation = session.evaluation();
    let ids = |policies: &[u32]| -> Vec<String> {
        policies.iter().map(|at| model.policy_id(*at).into()).collect()
    };
    let (allowed, key, status, cause, reason) = match verdict {
        Verdict::Allow(permit) => (true, Some(permit.key()), 200, None, None),
        Verdict::Deny(denial) => {
            let cause = denial.cause();
            (false, denial.key(), cause.status(), Some(cause.label()), Some(denial.reason(model)))
        }
    };
    let policies = ids(if allowed { evaluation.reasons() } else { evaluation.forbids() });
    let errors: Vec<_> = evaluation
        .errors()
        .iter()
        .map(|(at, error)| json!({ "policy": model.policy_id(*at), "error": session.describe(model, *error) }))
        .collect();
    let decision = if allowed { "allow" } else { "deny" };
    let key = key.map(|key| key.to_string());
    let mut value = json!({
        "decision": decision, "status": status, "cause": cause, "reason": reason,
        "key": key, "policies": policies, "errors": errors,
    });
    if let (Some(considered), Some(value)) = (considered, value.as_object_mut()) {
        value.insert("considered".into(), considered.iter().map(explained::view).collect());
    }
    output.result(&value, |out| {
        let _ = match cause {
            None => writeln!(out, "{GOOD}ALLOW{GOOD:#}"),
            Some(cause) => {
                let reason = reason.unwrap_or_default();
                writeln!(out, "{BAD}DENY{BAD:#} {status} {cause}: {reason}")
            }
        };
        for policy in &policies {
            let _ = writeln!(out, "  {DIM}by{DIM:#} {policy}");
        }
        for (at, error) in evaluation.errors() {
            let id = model.policy_id(*at);
            let error = session.describe(model, *error);
            let _ = writeln!(out, "  {NOTICE}policy `{id}` failed{NOTICE:#}: {error}");
        }
        if let Some(considered) = considered {
            explained::tell(cause, considered, output, out);
        }
    });
    if allowed { Exit::Ok } else { Exit::Deny }
}

// === impl Inventory ===

impl Keys for Inventory<'_> {
    fn find(&self, token: &str, hash: &KeyHash) -> Result<Option<KeyRecord>, Unreadable> {
        self.chosen.map_or_else(|| self.bundle.find(token, hash), |key| Ok(Some(key)))
    }

    fn is_revoked(&self, id: &KeyId) -> bool {
        self.bundle.is_revoked(id)
    }
}

//! `cedarkey inspect`

use crate::bundle;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, GOOD, NOTICE, Output, STRONG, counted, table};
use crate::project;
use crate::signing;
use cedarkey_bundle::{Bundle, PublicKey, Refusal, Terms};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Show what a bundle holds, and whether a proxy would accept it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey inspect quickstart.ckb
  cedarkey inspect quickstart.ckb --format json | jq .policies")]
pub struct Inspect {
    /// The bundle
    file: PathBuf,
    /// The keys of which one must have signed it [default: the project's, if there is one]
    #[arg(long, value_name = "KEY")]
    trusted: Vec<PublicKey>,
    /// The name that it must have
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Inspect {
    /// Shows it.
    pub fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let archive = bundle::read(&self.file)?;
        let trusted = if self.trusted.is_empty() { own(given)? } else { self.trusted };
        let terms = Terms {
            name: self.name.as_deref(),
            trusted: &trusted,
            above_version: None,
            min_version: 0,
            now: Timestamp::now().as_second(),
        };
        let refusal = archive.envelope.accept(&terms).err();
        let signers: Vec<_> = archive.envelope.signers().map(|key| key.to_string()).collect();
        let bundle = bundle::open(archive)?;
        let value = view(&bundle, &signers, refusal.as_ref());
        output.result(&value, |out| human(&bundle, &signers, refusal.as_ref(), out));
        match refusal {
            // Without a key to trust, nothing was asked for that could fail.
            Some(Refusal::UnknownSigner) if trusted.is_empty() => Ok(Exit::Ok),
            Some(refusal) => Err(refusal).context(Exit::Bundle, "a proxy would refuse this bundle"),
            None => Ok(Exit::Ok),
        }
    }
}

/// The keys that the project trusts now; none where there is no project.
fn own(given: Option<&Path>) -> Result<Vec<PublicKey>, Failure> {
    if given.is_none() && project::root(None).is_err() {
        return Ok(Vec::new());
    }
    let settings = project::settings(given)?;
    Ok(signing::trusted_at(&settings.trusted, Timestamp::now()))
}

fn view(bundle: &Bundle, signers: &[String], refusal: Option<&Refusal>) -> Value {
    let manifest = &bundle.manifest;
    let model = &bundle.model;
    let instant = |seconds| Timestamp::from_second(seconds).ok();
    let policies: Vec<_> = model
        .policies()
        .iter()
        .map(|policy| {
            json!({
                "id": model.text(policy.id), "effect": policy.effect.word(),
                "reason": model.text(policy.reason),
            })
        })
        .collect();
    let segments: Vec<_> = manifest
        .segments
        .iter()
        .map(|segment| {
            json!({
                "kind": segment.kind.to_string(), "bytes": segment.length,
                "sha256": segment.digest.to_string(),
            })
        })
        .collect();
    json!({
        "name": manifest.name, "version": manifest.version,
        "created": instant(manifest.created), "expires": instant(manifest.expires),
        "signers": signers, "accepted": refusal.is_none(),
        "refusal": refusal.map(Refusal::label),
        "policies": policies, "routes": bundle.routes.len(), "keys": bundle.keys.len(),
        "revoked": bundle.revocations.len(), "facts": facts(bundle), "segments": segments,
    })
}

fn human(bundle: &Bundle, signers: &[String], refusal: Option<&Refusal>, out: &mut dyn Write) {
    let manifest = &bundle.manifest;
    let model = &bundle.model;
    let (name, version) = (&manifest.name, manifest.version);
    let instant =
        |seconds| Timestamp::from_second(seconds).map_or_else(|_| "?".into(), |at| at.to_string());
    let _ = writeln!(out, "{STRONG}{name}{STRONG:#} version {version}");
    let _ = match refusal {
        None => writeln!(out, "{GOOD}signed by a trusted key{GOOD:#}"),
        Some(Refusal::UnknownSigner) => {
            writeln!(out, "{NOTICE}signed by none of the keys that are trusted here{NOTICE:#}")
        }
        Some(refusal) => writeln!(out, "{BAD}refused{BAD:#}: {refusal}"),
    };
    for signer in signers {
        let _ = writeln!(out, "signer   {signer}");
    }
    let _ = writeln!(out, "created  {}", instant(manifest.created));
    let _ = writeln!(out, "expires  {}", instant(manifest.expires));
    let (keys, routes) = (counted(bundle.keys.len(), "key"), counted(bundle.routes.len(), "route"));
    let revoked = bundle.revocations.len();
    let _ = writeln!(out, "holds    {routes}, {keys} ({revoked} revoked)");
    let _ = writeln!(out, "facts    {}", facts(bundle).join(" "));
    let mut policies = table(&["policy", "effect", "reason"]);
    for policy in model.policies() {
        let (id, reason) = (model.text(policy.id), model.text(policy.reason));
        policies.add_row([id, policy.effect.word(), reason]);
    }
    let _ = writeln!(out, "\n{policies}\n");
    let mut segments = table(&["segment", "bytes", "sha256"]);
    for segment in &manifest.segments {
        let digest = segment.digest.to_string();
        segments.add_row([segment.kind.to_string(), segment.length.to_string(), digest]);
    }
    let _ = writeln!(out, "{segments}");
}

fn facts(bundle: &Bundle) -> Vec<String> {
    let model = &bundle.model;
    let facts = model.facts().iter().map(|fact| {
        let name = model.name(fact.name);
        fact.group.map_or_else(|| name.into(), |group| format!("{}.{name}", model.name(group)))
    });
    facts.collect()
}

//! `cedarkey rollback`

mod moved;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, NOTICE, Output, counted};
use crate::progress::Progress;
use crate::project::{self, Settings};
use crate::publisher::{InForce, Publisher, Rejection};
use crate::signing::{self, Signers};
use cedarkey_bundle::{
    Digest, Envelope, Manifest, PublicKey, SegmentKind, SegmentRef, revocations,
};
use cedarkey_engine::key::KeyId;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use moved::{Moved, Side};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// Put an earlier version's policies, routes and keys back into force.
///
/// They are signed anew, as a version above all others, because proxies never take a lower one. Keys
/// that were revoked since stay revoked; keys that were issued since are unknown until the next push.
/// Which keys no longer work, and which work again, is told.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey versions --publisher http://127.0.0.1:9180
  cedarkey rollback --to 1767225600000 --publisher http://127.0.0.1:9180")]
pub struct Rollback {
    /// The version whose content is to be in force again; `cedarkey versions` lists them
    #[arg(long, value_name = "VERSION")]
    to: u64,
    /// The publisher's address
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    publisher: reqwest::Url,
    /// How long each step may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: SignedDuration,
}

/// What came of it.
struct Done {
    from: u64,
    version: u64,
    /// How many keys were revoked since.
    revoked: usize,
    /// What became of keys, if that can be told.
    moved: Result<Moved, Failure>,
}

/// An old content, signed anew.
struct Renewed {
    envelope: Envelope,
    /// The only segment that the publisher may not have.
    revocations: (Digest, Vec<u8>),
    /// What was revoked before, and what is now.
    before: BTreeSet<KeyId>,
    after: BTreeSet<KeyId>,
    /// How many keys were revoked since.
    revoked: usize,
}

/// What renewing takes.
struct Signing {
    signers: Signers,
    trusted: Vec<PublicKey>,
    name: String,
}

impl Rollback {
    /// Does it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let publisher = Publisher::new(&self.publisher, self.timeout)?;
        let signing = Signing::read(&project::settings(given)?)?;
        let name = &signing.name;
        let progress = Progress::start(format!("rolling `{name}` back to version {}", self.to));
        let done = match self.once(&publisher, &signing).await {
            // Somebody has pushed at the same time: what is in force must be looked at again.
            Err(Rejection::Overtaken(_)) => self.once(&publisher, &signing).await?,
            other => other?,
        };
        progress.finish();
        let Done { from, version, revoked, moved } = done;
        let told = moved.as_ref().ok().map(Moved::view).unzip();
        let value = json!({
            "name": name, "version": version, "from": from, "to": self.to,
            "stillRevoked": revoked, "stopped": told.0, "restored": told.1,
            "publisher": self.publisher.as_str(),
        });
        output.result(&value, |out| {
            let to = self.to;
            let _ = writeln!(out, "{GOOD}rolled back{GOOD:#} {name} from version {from} to {to}");
            let _ = writeln!(out, "            as version {version}");
            if revoked > 0 {
                let keys = counted(revoked, "key");
                let _ = writeln!(out, "{NOTICE}{keys} revoked since{NOTICE:#}: still revoked");
            }
            if let Ok(moved) = &moved {
                moved.tell(out);
            }
        });
        // It is rolled back all the same.
        if let Err(failure) = &moved {
            output.warning("it cannot be told which keys no longer work, or work again", None);
            output.failure(failure);
        }
        Ok(Exit::Ok)
    }

    async fn once(&self, publisher: &Publisher, signing: &Signing) -> Result<Done, Rejection> {
        let name = &signing.name;
        let InForce { envelope, etag } = publisher.in_force(name).await?;
        let current = signing.verified(&envelope)?;
        let from = current.version;
        if self.to >= from {
            let message = format!("version {} is not below {from}, the one in force", self.to);
            return Err(Failure::new(Exit::Usage, message).into());
        }
        let old = match publisher.version(name, self.to).await {
            Err(Rejection::NotFound(failure)) => {
                let help = "`cedarkey versions` lists those that it keeps";
                return Err(failure.help(help).into());
            }
            other => other?,
        };
        let old = signing.verified(&old)?;
        if old.version != self.to {
            let message = format!("the publisher gives version {} for {}", old.version, self.to);
            return Err(Failure::new(Exit::Publisher, message).into());
        }
        let renewed = renew(publisher, signing, current, old).await?;
        let Renewed { envelope, revocations: (digest, content), revoked, .. } = &renewed;
        let segments = [(*digest, content.as_slice())].into();
        let pushed = publisher.push_parts(envelope, &segments, Some(&etag)).await?;
        // Whoever rolls back is in a hurry: that is told when it is done.
        let before = Side { manifest: current, revoked: &renewed.before };
        let after = Side { manifest: old, revoked: &renewed.after };
        let now = Timestamp::now().as_millisecond();
        let moved = Moved::between(publisher, before, after, now).await;
        Ok(Done { from, version: pushed.version, revoked: *revoked, moved })
    }
}

/// Makes a manifest of an old content, under which no key is valid again that is revoked now.
async fn renew(
    publisher: &Publisher,
    signing: &Signing,
    current: &Manifest,
    old: &Manifest,
) -> Result<Renewed, Failure> {
    let then = revoked(publisher, old).await?;
    let before = revoked(publisher, current).await?;
    let since = before.difference(&then).count();
    let after: BTreeSet<_> = then.union(&before).copied().collect();
    let content = revocations::build(after.iter().copied());
    let digest = Digest::of(&content);
    let length = u32::try_from(content.len()).context(Exit::Bundle, "too many keys are revoked")?;
    let mut segments = old.segments.clone();
    for segment in &mut segments {
        if segment.kind == SegmentKind::Revocations {
            *segment = SegmentRef { kind: segment.kind, digest, length };
        }
    }
    let now = Timestamp::now();
    let by_time = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let lifetime = old.expires.saturating_sub(old.created);
    let manifest = Manifest {
        name: old.name.clone(),
        version: by_time.max(current.version.saturating_add(1)),
        created: now.as_second(),
        expires: now.as_second().saturating_add(lifetime),
        min_engine: old.min_engine,
        segments,
    };
    let envelope = signing.signers.sign_manifest(manifest).await?;
    let revocations = (digest, content);
    Ok(Renewed { envelope, revocations, before, after, revoked: since })
}

/// The keys that are revoked in a bundle.
async fn revoked(publisher: &Publisher, manifest: &Manifest) -> Result<BTreeSet<KeyId>, Failure> {
    let mut ids = BTreeSet::new();
    let lists = manifest.segments.iter();
    for list in lists.filter(|segment| segment.kind == SegmentKind::Revocations) {
        let content = publisher.segment(list).await?;
        let list = revocations::open(content)
            .context(Exit::Bundle, "a list of revoked keys cannot be read")?;
        ids.extend(list.iter());
    }
    Ok(ids)
}

// === impl Signing ===

impl Signing {
    fn read(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            signers: Signers::read(settings)?,
            trusted: signing::keys(&settings.trusted),
            name: settings.name.clone(),
        })
    }

    /// The manifest of an envelope that this project signed: the publisher may be anybody.
    fn verified<'a>(&self, envelope: &'a Envelope) -> Result<&'a Manifest, Failure> {
        let manifest = envelope.manifest();
        let message =
            format!("version {} on the publisher is not this project's", manifest.version);
        envelope.verify(&self.trusted).context(Exit::Bundle, &message)?;
        if manifest.name != self.name {
            return Err(Failure::new(Exit::Bundle, message));
        }
        Ok(manifest)
    }
}

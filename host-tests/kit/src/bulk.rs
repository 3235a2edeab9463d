//! Bundles with as many keys as wanted, around the policies of a project.
//!
//! Issuing a million keys takes longer than what is to be tested with them. So a project is built
//! with one key of each kind, and the inventory of the bundle is replaced.

use crate::deployment::{Deployment, Issued, Result};
use cedarkey_bundle::keys::{Directory, KeyIndex, KeyShards};
use cedarkey_bundle::{Archive, Digest, Draft, SegmentKind, SigningKey, revocations};
use cedarkey_engine::key::{KeyId, KeyRecord};
use cedarkey_engine::token::{self, KeyHash};
use std::fs;

/// Policies, and the kinds of keys that there are.
#[derive(Debug)]
pub struct Template {
    archive: Archive,
    signer: SigningKey,
    /// What the project itself trusts.
    trusted: String,
    environment: String,
    profiles: Vec<u32>,
}

/// How many keys there are, of which kind each is, and which of them are revoked.
pub struct Keys<'a> {
    /// How many.
    pub count: u64,
    /// The position of the kind, among those that the template was made with.
    pub kind: &'a dyn Fn(u64) -> usize,
    /// The numbers of those that are revoked.
    pub revoked: &'a [u64],
}

// === impl Template ===

impl Template {
    /// Of a project, in which one key of each kind was issued.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub fn new(deployment: &Deployment, kinds: &[&Issued]) -> Result<Self> {
        let file = deployment.file("template.ckb");
        deployment.cedarkey(&["build", "-o", &file.to_string_lossy()])?;
        let archive = Archive::decode(&fs::read(&file)?)?;
        let trusted = archive.envelope.signers().next().ok_or("nobody has signed")?.to_string();
        let named = archive.envelope.manifest().segments.iter().zip(&archive.segments);
        let shards = named.filter(|(segment, _)| segment.kind == SegmentKind::Keys);
        let index = KeyIndex::open(shards.map(|(_, bytes)| bytes.clone()).collect())?;
        let profile = |key: &&Issued| index.find(&KeyHash::of(&key.token)).map(|key| key.profile);
        let profiles =
            kinds.iter().map(profile).collect::<Option<_>>().ok_or("a key is missing")?;
        let first = kinds.first().ok_or("there is no kind of key")?;
        let environment = first.token.split('_').nth(1).unwrap_or_default().to_owned();
        let signer = SigningKey::from_seed([42; 32]);
        Ok(Self { archive, signer, trusted, environment, profiles })
    }

    /// The configuration of an Envoy for the project, for the bundles that are made of this; keys
    /// may also be in the parameter `api_key` of the query.
    #[must_use]
    pub fn configure(&self, config: &str) -> String {
        let places = r#"{"key_from":[{"header":"x-api-key"},{"query":"api_key"}],"bundle""#;
        // In YAML the filter's configuration may be in quotes.
        let quoted = (r#"{\"bundle\""#, places.replace('"', r#"\""#));
        config
            .replace(&self.trusted, &self.signer.public().to_string())
            .replace(quoted.0, &quoted.1)
            .replace(r#"{"bundle""#, places)
    }

    /// The token of a key. The same number has the same token whatever the bundle.
    ///
    /// # Errors
    ///
    /// The project has no proper environment.
    pub fn token(&self, number: u64) -> Result<String> {
        let mut bytes = Vec::new();
        let mut round = 0_u64;
        let random = || {
            if bytes.is_empty() {
                bytes = Digest::of([number, round].map(u64::to_le_bytes).as_flattened()).0.into();
                round = round.wrapping_add(1);
            }
            bytes.pop().unwrap_or_default()
        };
        Ok(token::mint("ck", &self.environment, random)?)
    }

    /// A bundle with these keys.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn bundle(&self, version: u64, keys: &Keys<'_>) -> Result<Archive> {
        self.bundle_until(version, keys, 253_402_300_799_000)
    }

    /// A bundle with these keys, of which every record is another than in [`bundle`](Self::bundle):
    /// they expire a second earlier, in the year 9999.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn renewed(&self, version: u64, keys: &Keys<'_>) -> Result<Archive> {
        self.bundle_until(version, keys, 253_402_300_798_000)
    }

    fn bundle_until(&self, version: u64, keys: &Keys<'_>, expires: i64) -> Result<Archive> {
        let old = self.archive.envelope.manifest();
        let mut records = Vec::new();
        for number in 0..keys.count {
            let profile = self.profiles.get((keys.kind)(number)).ok_or("there is no such kind")?;
            let record = KeyRecord {
                id: id(number),
                created: old.created.saturating_mul(1000),
                not_before: old.created.saturating_mul(1000),
                expires,
                profile: *profile,
            };
            records.push((KeyHash::of(&self.token(number)?), record));
        }
        let shards = KeyShards::build(records)?;
        let revoked = revocations::build(keys.revoked.iter().map(|number| id(*number)));
        let mut segments = vec![
            (SegmentKind::Revocations, revoked),
            (SegmentKind::Directory, Directory::build(&shards)?),
        ];
        segments.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
        for (segment, bytes) in old.segments.iter().zip(&self.archive.segments) {
            if matches!(segment.kind, SegmentKind::Model | SegmentKind::Routes) {
                segments.push((segment.kind, bytes.clone()));
            }
        }
        self.sign(version, segments)
    }

    /// A bundle as another, but for the keys that are revoked.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn revoke(&self, version: u64, of: &Archive, revoked: &[u64]) -> Result<Archive> {
        let named = of.envelope.manifest().segments.iter().zip(&of.segments);
        let segments = named.map(|(segment, bytes)| match segment.kind {
            kind @ SegmentKind::Revocations => {
                (kind, revocations::build(revoked.iter().map(|number| id(*number))))
            }
            kind => (kind, bytes.clone()),
        });
        self.sign(version, segments.collect())
    }

    fn sign(&self, version: u64, segments: Vec<(SegmentKind, Vec<u8>)>) -> Result<Archive> {
        let old = self.archive.envelope.manifest();
        let name = old.name.clone();
        let draft = Draft { name, version, created: old.created, expires: old.expires, segments };
        Ok(draft.sign(&[&self.signer])?)
    }
}

fn id(number: u64) -> KeyId {
    KeyId(u128::from(number).saturating_add(1).to_be_bytes())
}

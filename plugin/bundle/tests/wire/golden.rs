//! Bundles written by an earlier cedarkey.
//!
//! `golden/*.ckb` lie beside the `*.json` that they must decode to. A proxy in production reads
//! bundles that were written before it was built: if this test breaks, the format has changed
//! without a new format number, and nothing may be released. A new format gets a new pair of
//! files; `BLESS=1 cargo test -p cedarkey-bundle --test wire` writes what is missing and never
//! touches what is there.

use std::{fs, path::Path};

use cedarkey_bundle::{
    Archive, Digest, Draft, SegmentKind, SigningKey,
    keys::{KeyIndex, KeyShards},
    revocations,
};
use cedarkey_engine::{
    key::{KeyId, KeyRecord},
    token::KeyHash,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Source {
    name: String,
    version: u64,
    created: i64,
    expires: i64,
    model: String,
    routes: String,
    keys: Vec<Key>,
    revoked: Vec<u128>,
    seeds: Vec<Digest64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Key {
    token: String,
    id: u128,
    created: i64,
    not_before: i64,
    expires: i64,
    profile: u32,
}

/// 32 bytes in hexadecimal digits.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Digest64([u8; 32]);

#[test]
fn the_bundle_of_format_1_is_still_what_it_was() {
    check("format-1");
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let source = fs::read(folder.join(name).with_extension("json")).unwrap();
    let source: Source = serde_json::from_slice(&source).unwrap();
    let written = source.archive();

    let file = folder.join(name).with_extension("ckb");
    if std::env::var_os("BLESS").is_some() && !file.exists() {
        fs::write(&file, written.encode()).unwrap();
    }
    let golden = fs::read(&file).unwrap();
    assert_eq!(Archive::decode(&golden).as_ref(), Ok(&written));
    assert!(golden == written.encode(), "what is written today has other bytes");

    for signer in source.signers() {
        let manifest = written.envelope.verify(&[signer.public()]).unwrap();
        assert_eq!((&manifest.name, manifest.version), (&source.name, source.version));
    }
    let index = KeyIndex::open(vec![written.segments[2].clone()]).unwrap();
    for key in &source.keys {
        let hash = KeyHash(Digest::of(key.token.as_bytes()).0);
        assert_eq!(index.find(&hash), Some(key.record()));
    }
    let revoked = revocations::open(written.segments[3].clone()).unwrap();
    assert!(revoked.iter().eq(source.revoked.iter().map(|id| KeyId(id.to_be_bytes()))));
}

// === impl Source ===

impl Source {
    fn archive(&self) -> Archive {
        let hash = |key: &Key| KeyHash(Digest::of(key.token.as_bytes()).0);
        let keys = self.keys.iter().map(|key| (hash(key), key.record())).collect();
        let revoked = self.revoked.iter().map(|id| KeyId(id.to_be_bytes()));
        let draft = Draft {
            name: self.name.clone(),
            version: self.version,
            created: self.created,
            expires: self.expires,
            segments: vec![
                (SegmentKind::Model, self.model.clone().into_bytes()),
                (SegmentKind::Routes, self.routes.clone().into_bytes()),
                (SegmentKind::Keys, KeyShards::build(keys).unwrap().remove(0)),
                (SegmentKind::Revocations, revocations::build(revoked)),
            ],
        };
        let signers = self.signers();
        draft.sign(&signers.iter().collect::<Vec<_>>()).unwrap()
    }

    fn signers(&self) -> Vec<SigningKey> {
        self.seeds.iter().map(|seed| SigningKey::from_seed(seed.0)).collect()
    }
}

// === impl Key ===

impl Key {
    fn record(&self) -> KeyRecord {
        KeyRecord {
            id: KeyId(self.id.to_be_bytes()),
            created: self.created,
            not_before: self.not_before,
            expires: self.expires,
            profile: self.profile,
        }
    }
}

// === impl Digest64 ===

impl TryFrom<String> for Digest64 {
    type Error = cedarkey_bundle::DigestTextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse::<Digest>().map(|digest| Self(digest.0))
    }
}

/// The bytes that `docs/bundle-format.md` explains are those of the file.
#[test]
fn the_document_shows_the_bytes_of_the_file() {
    let document = include_str!("../../../../docs/bundle-format.md");
    let listing = document.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let digits = listing.lines().filter_map(|line| line.split("  ").next());
    let digits: String = digits.flat_map(str::chars).filter(|digit| *digit != ' ').collect();
    let file = include_bytes!("../golden/format-1.ckb");
    let shown: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(digits.len() > 100 && shown.starts_with(&digits), "{digits}");
}

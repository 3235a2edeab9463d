//! What the tests of this program share.

use cedarkey_bundle::{
    Archive, Draft, PublicKey, Refusal, SegmentKind, SigningKey, Terms, keys::KeyShards,
    revocations,
};
use cedarkey_engine::{
    key::{KeyId, KeyRecord},
    token::KeyHash,
};

pub const CREATED: i64 = 1_800_000_000;
pub const EXPIRES: i64 = 1_800_086_400;

pub fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A draft that is as small as one with every kind of segment can be.
pub fn draft() -> Draft {
    Draft {
        name: "quickstart".into(),
        version: 7,
        created: CREATED,
        expires: EXPIRES,
        segments: vec![
            (SegmentKind::Model, b"model".to_vec()),
            (SegmentKind::Routes, b"routes".to_vec()),
            (SegmentKind::Keys, KeyShards::build(inventory(2)).unwrap().remove(0)),
            (SegmentKind::Revocations, revocations::build([KeyId([3; 16])])),
        ],
    }
}

pub fn archive() -> Archive {
    draft().sign(&[&signer(1)]).unwrap()
}

/// Terms that [`draft`] meets.
pub fn terms(trusted: &[PublicKey]) -> Terms<'_> {
    Terms {
        name: Some("quickstart"),
        trusted,
        above_version: Some(6),
        min_version: 7,
        now: EXPIRES - 1,
    }
}

/// Decodes an archive and accepts it as signed by `signer(1)`; the error as text.
pub fn decode_and_accept(bytes: &[u8]) -> Result<Archive, String> {
    let archive = Archive::decode(bytes).map_err(|error| error.to_string())?;
    let accepted = archive.envelope.accept(&terms(&[signer(1).public()]));
    accepted.map_err(|refusal: Refusal| refusal.to_string())?;
    Ok(archive)
}

/// `count` keys whose hashes are spread as digests are.
pub fn inventory(count: u64) -> Vec<(KeyHash, KeyRecord)> {
    (1..=count).map(|number| (hash(number), record(number))).collect()
}

pub fn hash(number: u64) -> KeyHash {
    KeyHash(cedarkey_bundle::Digest::of(&number.to_le_bytes()).0)
}

pub fn record(number: u64) -> KeyRecord {
    KeyRecord {
        id: KeyId(u128::from(number).to_be_bytes()),
        created: CREATED * 1000,
        not_before: CREATED * 1000 + 1,
        expires: EXPIRES * 1000,
        profile: u32::try_from(number % 5).unwrap(),
    }
}

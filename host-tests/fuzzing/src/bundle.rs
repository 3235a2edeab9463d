//! Bundles: archives, manifests behind a good preamble, and segments behind a good signature.

use crate::{bounded, seeds};
use cedarkey_bundle::{Archive, Bundle, Draft, FORMAT, SegmentKind, SigningKey, Terms};
use cedarkey_compiler::cases;

/// A time at which the good bundle holds.
const NOW: i64 = 1_800_000_000;

/// How an envelope begins.
const LABEL: &[u8; 8] = b"cedarkey";

/// The first byte says what the others are: 0, an archive; 1, what comes behind the preamble of
/// one; else the content of the segments, the first three with their length in front, which are
/// then signed. Tells whether the bundle was opened.
pub fn run(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    match kind {
        0 => bounded(bytes.len(), || decode(bytes).is_some()),
        1 => {
            let length = u32::try_from(bytes.len()).unwrap_or_default();
            let preamble = [&LABEL[..], &FORMAT.to_le_bytes(), &length.to_le_bytes()].concat();
            let archive = [&preamble, bytes, &[0]].concat();
            bounded(archive.len(), || decode(&archive).is_some())
        }
        _ => {
            let Some(archive) = sealed(bytes) else { return false };
            bounded(archive.len(), || decode(&archive).is_some_and(|bundle| decide(&bundle)))
        }
    }
}

/// An archive of segments, signed as if they were good.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let mut segments = Vec::new();
    for kind in [SegmentKind::Routes, SegmentKind::Keys, SegmentKind::Revocations] {
        let (length, behind) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (content, behind) = behind.split_at_checked(length)?;
        segments.push((kind, content.to_vec()));
        rest = behind;
    }
    segments.insert(0, (SegmentKind::Model, rest.to_vec()));
    let name = "fuzz".into();
    let draft = Draft { name, version: 1, created: NOW, expires: NOW.saturating_add(1), segments };
    Some(draft.sign(&[&signer()]).ok()?.encode())
}

fn decode(archive: &[u8]) -> Option<Bundle> {
    let archive = Archive::decode(archive).ok()?;
    let trusted = [signer().public()];
    let terms =
        Terms { name: None, trusted: &trusted, above_version: None, min_version: 0, now: NOW };
    let manifest = archive.envelope.accept(&terms).ok()?.clone();
    Bundle::open(manifest, archive.segments).ok()
}

/// Asks what the cases of the good bundle ask.
fn decide(bundle: &Bundle) -> bool {
    let prepared = &seeds::golden().prepared;
    cases::answer(bundle, prepared).len() == prepared.cases.len()
}

fn signer() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

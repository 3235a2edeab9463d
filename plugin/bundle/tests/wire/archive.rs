//! Archives and envelopes: what is written is read, and nothing else is.

use crate::common::{archive, decode_and_accept, draft, signer};
use cedarkey_bundle::{Archive, DecodeError, Digest, DraftError, Envelope, SegmentKind};
use proptest::prelude::*;

#[test]
fn an_archive_comes_back_as_it_was() {
    let written = archive();
    let read = decode_and_accept(&written.encode()).unwrap();
    assert_eq!(read, written);
    let manifest = read.envelope.manifest();
    assert_eq!((manifest.name.as_str(), manifest.version), ("quickstart", 7));
    let kinds: Vec<_> = manifest.segments.iter().map(|segment| segment.kind).collect();
    use SegmentKind::{Keys, Model, Revocations, Routes};
    assert_eq!(kinds, [Model, Routes, Keys, Revocations]);
    assert_eq!(manifest.segments[0].digest, Digest::of(b"model"));
    assert_eq!(manifest.segments[0].length, 5);
}

#[test]
fn an_envelope_says_where_it_ends() {
    let envelope = archive().envelope;
    let mut bytes = envelope.encode();
    let length = bytes.len();
    bytes.extend_from_slice(b"segments");
    assert_eq!(Envelope::decode(&bytes).unwrap(), (envelope, length));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = archive().encode();
    for length in 0..bytes.len() {
        let error = Archive::decode(&bytes[..length]).unwrap_err();
        assert!(matches!(error, DecodeError::Truncated { .. }), "{length}: {error}");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = archive().encode();
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[position] ^= 1 << bit;
            decode_and_accept(&bytes).expect_err(&format!("byte {position}, bit {bit}"));
        }
    }
}

#[test]
fn bytes_behind_the_last_segment_are_refused() {
    let mut bytes = archive().encode();
    bytes.push(0);
    let error = Archive::decode(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "bytes are left over after the end of the archive: 1");
}

#[test]
fn the_message_says_what_is_wrong() {
    let good = archive().encode();
    let change = |position: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[position] = value;
        Archive::decode(&bytes).unwrap_err().to_string()
    };
    assert_eq!(change(0, b'C'), "the envelope does not start with the label of one");
    assert_eq!(
        change(8, 2),
        "the envelope is of format 2, and this version of cedarkey reads format 1"
    );
    assert_eq!(
        change(13, 1),
        "the manifest has the size 16777378, and 1048576 is the most that is accepted"
    );
    assert_eq!(
        change(14, 2),
        "the manifest is of format 2, and this version of cedarkey reads format 1"
    );
    let last = good.len() - 1;
    assert!(change(last, 0).starts_with("segment 3 has the digest `"));
    let error = |bytes: &[u8]| Archive::decode(bytes).unwrap_err().to_string();
    assert_eq!(
        error(b"cedarkey"),
        "the envelope is cut short: 2 bytes were to come and 0 are left"
    );
    assert_eq!(error(b"PK\x03\x04"), "the envelope does not start with the label of one");
    assert_eq!(error(b""), "the envelope is cut short: 8 bytes were to come and 0 are left");
    assert_eq!(
        error(&good[..last]),
        "segment 3 is cut short: 34 bytes were to come and 33 are left"
    );
}

#[test]
fn an_integer_with_superfluous_bytes_is_not_canonical() {
    // The manifest starts with its format, 1, which can be written in two bytes as well.
    let good = archive().encode();
    let mut bytes = good.clone();
    bytes[10] += 1;
    bytes.splice(14..15, [0x81, 0x00]);
    let error = Archive::decode(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "the manifest is not in canonical form");
}

#[test]
fn signatures_are_in_one_order_and_each_signer_is_there_once() {
    let keys = [signer(1), signer(2), signer(3)];
    let envelope = draft().sign(&keys.each_ref()).unwrap().envelope;
    let signers: Vec<_> = envelope.signers().collect();
    assert!(signers.is_sorted() && signers.len() == 3);

    let good = envelope.encode();
    let first = good.len() - 3 * 96;
    let mut swapped = good.clone();
    swapped[first..first + 192].rotate_left(96);
    let error = Envelope::decode(&swapped).unwrap_err();
    assert_eq!(
        error.to_string(),
        "entry 1 of the list of signatures is not above the one before it"
    );
    let mut twice = good.clone();
    twice.copy_within(first..first + 96, first + 96);
    assert!(matches!(Envelope::decode(&twice), Err(DecodeError::Order { entry: 1, .. })));
    let mut none = good;
    none.truncate(first);
    none[first - 1] = 0;
    let error = Envelope::decode(&none).unwrap_err();
    assert_eq!(error.to_string(), "the list of signatures is invalid: it is empty");
}

#[test]
fn a_draft_that_nothing_would_read_is_not_signed() {
    let key = signer(1);
    let refused = |change: fn(&mut cedarkey_bundle::Draft)| {
        let mut draft = draft();
        change(&mut draft);
        draft.sign(&[&key]).unwrap_err()
    };
    for name in ["", "Quickstart", "a b", "a/b", &"a".repeat(65)] {
        let mut draft = draft();
        draft.name = name.into();
        assert_eq!(draft.sign(&[&key]), Err(DraftError::Name { name: name.into() }));
    }
    assert_eq!(refused(|draft| draft.expires = draft.created), DraftError::Lifetime);
    assert_eq!(
        refused(|draft| draft.segments = vec![(SegmentKind::Keys, vec![]); 40_000]),
        DraftError::ManifestTooLong { segments: 40_000 }
    );
    assert_eq!(draft().sign(&[]), Err(DraftError::NoSigner));
    assert_eq!(draft().sign(&[&key, &key]), Err(DraftError::DuplicateSigner));
}

proptest! {
    #[test]
    fn any_draft_round_trips(
        name in "[a-z0-9-]{1,64}",
        version: u64,
        created in i64::MIN..i64::MAX,
        segments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
    ) {
        let segments = segments.into_iter().map(|bytes| (SegmentKind::Keys, bytes)).collect();
        let draft = cedarkey_bundle::Draft { name, version, created, expires: i64::MAX, segments };
        let archive = draft.sign(&[&signer(1)]).unwrap();
        prop_assert_eq!(Archive::decode(&archive.encode()), Ok(archive));
    }

    #[test]
    fn garbage_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Archive::decode(&bytes).is_err());
    }

    /// Behind a header that is right, so that what is inside is reached.
    #[test]
    fn a_garbage_manifest_is_an_error(manifest in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = b"cedarkey\x01\0".to_vec();
        bytes.extend(u32::try_from(manifest.len() + 1).unwrap().to_le_bytes());
        bytes.push(1);
        bytes.extend(&manifest);
        bytes.push(1);
        bytes.extend([0; 96]);
        // No signature, name and length of what is random are right together.
        prop_assert!(decode_and_accept(&bytes).is_err());
    }
}

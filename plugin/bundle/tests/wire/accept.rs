//! Which envelopes come into force, and what is said of the others.

use crate::common::{EXPIRES, archive, draft, signer, terms};
use cedarkey_bundle::{Draft, Envelope, Manifest, Refusal, Terms};

#[test]
fn terms_that_are_met_give_the_manifest() {
    let archive = archive();
    let trusted = [signer(2).public(), signer(1).public()];
    let accepted: &Manifest = archive.envelope.accept(&terms(&trusted)).unwrap();
    assert_eq!(accepted, archive.envelope.manifest());
    let lenient = Terms { name: None, above_version: None, min_version: 0, ..terms(&trusted) };
    assert_eq!(archive.envelope.accept(&lenient), Ok(accepted));
}

#[test]
fn one_trusted_signature_of_several_is_enough() {
    let envelope = draft().sign(&[&signer(1), &signer(2)]).unwrap().envelope;
    for seed in [1, 2] {
        assert!(envelope.verify(&[signer(seed).public()]).is_ok());
    }
    // A signature that is wrong takes nothing from one that is right.
    let mut bytes = envelope.encode();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let (envelope, _) = Envelope::decode(&bytes).unwrap();
    assert!(envelope.verify(&[signer(1).public(), signer(2).public()]).is_ok());
}

#[test]
fn each_refusal_has_its_message_and_its_label() {
    let trusted = [signer(1).public()];
    let strangers = [signer(9).public()];
    let envelope = archive().envelope;
    let good = terms(&trusted);
    for (terms, label, message) in [
        (Terms { trusted: &[], ..good }, "unknown_signer", "it is signed by no trusted key"),
        (Terms { trusted: &strangers, ..good }, "unknown_signer", "it is signed by no trusted key"),
        (
            Terms { name: Some("other"), ..good },
            "wrong_name",
            "its name is `quickstart` instead of `other`",
        ),
        (
            Terms { min_version: 8, ..good },
            "below_floor",
            "version 7 is below 8, the least that is accepted",
        ),
        (
            Terms { above_version: Some(7), ..good },
            "old_version",
            "version 7 is not above 7, the one in force",
        ),
        (
            Terms { above_version: Some(u64::MAX), ..good },
            "old_version",
            "version 7 is not above 18446744073709551615, the one in force",
        ),
        (Terms { now: EXPIRES, ..good }, "expired", "it expired 0 seconds ago"),
        (Terms { now: EXPIRES + 60, ..good }, "expired", "it expired 60 seconds ago"),
    ] {
        let refusal = envelope.accept(&terms).unwrap_err();
        assert_eq!((refusal.label(), refusal.to_string().as_str()), (label, message));
    }
}

#[test]
fn the_signature_is_checked_before_anything_else() {
    let trusted = [signer(1).public()];
    let mut bytes = archive().envelope.encode();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let (envelope, _) = Envelope::decode(&bytes).unwrap();
    let hopeless = Terms { name: Some("other"), now: i64::MAX, ..terms(&trusted) };
    assert_eq!(envelope.accept(&hopeless), Err(Refusal::BadSignature));
    assert_eq!(Refusal::BadSignature.label(), "bad_signature");
}

#[test]
fn a_signature_is_for_one_manifest_only() {
    // The signature of one envelope under the manifest of the other, which is as long.
    let other = Draft { version: 6, ..draft() }.sign(&[&signer(1)]).unwrap().envelope.encode();
    let mut bytes = archive().envelope.encode();
    let from = bytes.len() - 64;
    assert_eq!(bytes.len(), other.len());
    bytes[from..].copy_from_slice(&other[from..]);
    let (envelope, _) = Envelope::decode(&bytes).unwrap();
    assert_eq!(envelope.verify(&[signer(1).public()]), Err(Refusal::BadSignature));
}

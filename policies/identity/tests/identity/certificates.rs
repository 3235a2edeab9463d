//! Certificates, which TLS has verified before.

use crate::login::{Known, Login, claims, settings_of};
use cedarkey_identity::{Identities, ProofError};
use rcgen::{CertificateParams, KeyPair, SanType};
use std::path::Path;

const CERTIFICATES: &str = "[certificates]\ntrust_domain = 'example.com'\nca = 'ca.pem'\n";

fn certificate(names: &[&str]) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let uri = |name: &&str| SanType::URI((*name).try_into().unwrap());
    params.subject_alt_names = names.iter().map(uri).collect();
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[tokio::test]
async fn a_certificate_proves_its_one_uri() {
    let known = Identities::new(&settings_of(CERTIFICATES), Path::new("")).unwrap();
    let good = certificate(&["spiffe://example.com/exporter"]);
    let identity = known.prove(None, Some(&good)).await.unwrap();
    assert_eq!(identity.spiffe_id.as_str(), "spiffe://example.com/exporter");
    assert_eq!(identity.issuer, None);
    for (names, cause) in [
        (&[][..], "certificate"),
        (&["spiffe://example.com/a", "spiffe://example.com/b"], "certificate"),
        (&["https://example.com/a"], "certificate"),
        (&["spiffe://example.com/a/"], "certificate"),
        (&["spiffe://other.com/a"], "trust_domain"),
    ] {
        let error = known.prove(None, Some(&certificate(names))).await.unwrap_err();
        assert_eq!(error.cause(), cause, "{names:?}");
    }
    assert!(known.prove(None, Some(b"no certificate")).await.is_err());
    assert!(matches!(known.prove(None, None).await, Err(ProofError::Nothing)));
}

/// Where nobody has said that certificates prove anything, none does.
#[tokio::test]
async fn certificates_prove_nothing_where_none_are_configured() {
    let known = Known::issuer(&Login::new(1).keys());
    let good = certificate(&["spiffe://example.com/exporter"]);
    let proved = known.identities.prove(None, Some(&good)).await;
    assert!(matches!(proved, Err(ProofError::Nothing)));
}

#[tokio::test]
async fn a_jwt_and_a_certificate_must_say_the_same() {
    let login = Login::new(1);
    let naming = "spiffe_id = 'spiffe://example.com/{/sub}'";
    let known = Known::with(&login.keys(), naming, CERTIFICATES);
    let jwt = login.sign(&claims());
    let same = certificate(&["spiffe://example.com/exporter"]);
    known.identities.prove(Some(&jwt), Some(&same)).await.unwrap();
    let other = certificate(&["spiffe://example.com/importer"]);
    let error = known.identities.prove(Some(&jwt), Some(&other)).await.unwrap_err();
    assert_eq!(error.cause(), "identities_differ");
}

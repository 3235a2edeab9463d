//! Certificates: <https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md>

use crate::ProofError;
use cedarkey_compiler::mint::SpiffeId;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The SPIFFE id of a certificate that has been verified: its one URI (section 2).
pub(crate) fn spiffe_id(certificate: &[u8], domain: &str) -> Result<SpiffeId, ProofError> {
    let certificate = CertificateDer::from_slice(certificate);
    let certificate = EndEntityCert::try_from(&certificate).map_err(|_| ProofError::Certificate)?;
    let mut uris = certificate.valid_uri_names();
    let (Some(uri), None) = (uris.next(), uris.next()) else {
        return Err(ProofError::Certificate);
    };
    let id: SpiffeId = uri.parse().map_err(|_| ProofError::Certificate)?;
    if id.trust_domain() != domain {
        let (found, expected) = (id.trust_domain().into(), domain.into());
        return Err(ProofError::Domain { found, expected });
    }
    Ok(id)
}

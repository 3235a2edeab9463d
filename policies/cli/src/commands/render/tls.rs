//! Who speaks TLS, and whom it trusts. All files are named as Envoy sees them.

use super::envoy::{Authority, type_url};
use clap::Args;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::PathBuf;

/// Files for TLS.
#[derive(Args, Debug)]
pub struct Tls {
    /// The authorities, in PEM, by which the publisher's certificate must be: bundles are then taken
    /// over HTTPS
    #[arg(long, value_name = "FILE", requires = "publisher", conflicts_with = "seed_dir")]
    publisher_ca: Option<PathBuf>,
    /// The listener's certificate with its chain, in PEM, to serve HTTPS with
    #[arg(long, value_name = "FILE", requires = "listen_key")]
    listen_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    listen_key: Option<PathBuf>,
    /// The authorities, in PEM, by which callers' certificates must be: each caller needs one, and
    /// keys may be bound to the SPIFFE id in it
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    client_ca: Option<PathBuf>,
}

// === impl Tls ===

impl Tls {
    /// How the publisher is spoken to, if not in plain HTTP.
    pub fn upstream(&self, publisher: &Authority) -> Option<Value> {
        let ca = self.publisher_ca.as_ref()?;
        let host = publisher.host();
        let is_address = host.parse::<IpAddr>().is_ok();
        let kind = if is_address { "IP_ADDRESS" } else { "DNS" };
        let context = json!({
            "@type": type_url("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
            // An address is no name to be asked for (RFC 6066, section 3).
            "sni": if is_address { "" } else { host },
            "common_tls_context": { "validation_context": {
                "trusted_ca": { "filename": ca },
                "match_typed_subject_alt_names": [
                    { "san_type": kind, "matcher": { "exact": host } },
                ],
            } },
        });
        Some(socket(&context))
    }

    /// How callers are spoken to, if not in plain HTTP.
    pub fn downstream(&self) -> Option<Value> {
        let (certificate, key) = self.listen_cert.as_ref().zip(self.listen_key.as_ref())?;
        let mut common = json!({
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [{
                "certificate_chain": { "filename": certificate },
                "private_key": { "filename": key },
            }],
        });
        if let (Some(ca), Some(common)) = (&self.client_ca, common.as_object_mut()) {
            common.insert("validation_context".into(), json!({ "trusted_ca": { "filename": ca } }));
        }
        let context = json!({
            "@type": type_url(
                "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
            ),
            "require_client_certificate": self.client_ca.is_some(),
            "common_tls_context": common,
        });
        Some(socket(&context))
    }
}

fn socket(context: &Value) -> Value {
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}

//! `POST /v1/tokens`: a key of minutes for a workload that proves who it is.
//!
//! The publisher only receives the request and what proves it; whether there is a key, and which,
//! is for whoever serves the tokens to say.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use axum_server::tls::TlsInfo;
use serde_json::Value;

use crate::{Shared, problem::Problem, tls::Clients};

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Who gives keys to workloads.
pub trait Tokens: fmt::Debug + Send + Sync {
    /// Gives one for this proof and this body, or says why not.
    fn mint(&self, proof: Proof, body: Vec<u8>) -> Minting<'_>;
}

/// What becomes of a request for a key.
pub type Minting<'a> = Pin<Box<dyn Future<Output = Result<Value, TokenRefusal>> + Send + 'a>>;

/// What a workload says of itself. Nobody has verified the token yet; the certificate is good, and by
/// one of the authorities that the listener trusts.
#[derive(Clone, Default)]
pub struct Proof {
    /// The bearer token (RFC 6750).
    pub bearer: Option<String>,
    /// The certificate of the connection, in DER.
    pub certificate: Option<Vec<u8>>,
}

/// Why there is no key.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct TokenRefusal {
    /// The status to answer with.
    pub status: StatusCode,
    /// The cause as logs and the answer's `type` name it; stable.
    pub cause: &'static str,
    /// What to tell.
    pub detail: String,
}

/// Without the token.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// For workloads: where nobody gives keys, they are told so.
pub(crate) fn routes(tokens: Option<Arc<dyn Tokens>>, clients: Clients) -> Router<Arc<Shared>> {
    let answer =
        async move |shared, tls: Option<Extension<Arc<TlsInfo>>>, headers: HeaderMap, body| {
            let tokens = tokens.as_deref().ok_or(Problem::NoTokens)?;
            let certificate = match tls {
                Some(Extension(tls)) if !tls.peer_certificates.is_empty() => {
                    Some(clients.vouch(&tls.peer_certificates).ok_or(Problem::StaleCertificate)?)
                }
                _ => None,
            };
            answer(tokens, shared, certificate, &headers, body).await
        };
    Router::new().route("/v1/tokens", post(answer))
}

async fn answer(
    tokens: &dyn Tokens,
    State(shared): State<Arc<Shared>>,
    certificate: Option<Vec<u8>>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut inflow = shared.intake.unknown(body);
    inflow.whole(MAX_BODY).await?;
    let proof = Proof { bearer: bearer(headers)?, certificate };
    let minted = tokens.mint(proof, inflow.into_bytes()).await?;
    let mut response = (StatusCode::CREATED, Json(minted)).into_response();
    // It holds a secret.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The bearer token. What cannot be understood as one is not passed over: whoever sent it meant it.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
    match (parts, values.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(Problem::NoBearer),
    }
}

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

use crate::{Shared, problem::Problem};

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Who gives keys to workloads.
pub trait Tokens: fmt::Debug + Send + Sync {
    /// Gives one for this proof and this body, or says why not.
    fn mint(&self, proof: Proof, body: Vec<u8>) -> Minting<'_>;
}

/// What becomes of a request for a key.
pub type Minting<'a> = Pin<Box<dyn Future<Output = Result<Value, TokenRefusal>> + Send + 'a>>;

/// What a workload says of itself. Nobody has verified the token yet; the certificate is by one of
/// the authorities that the listener trusts.
#[derive(Clone, Debug, Default)]
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

/// For workloads.
pub(crate) fn routes(tokens: Arc<dyn Tokens>) -> Router<Arc<Shared>> {
    let answer = async move |shared, tls, headers: HeaderMap, body| {
        answer(&*tokens, shared, tls, &headers, body).await
    };
    Router::new().route("/v1/tokens", post(answer))
}

async fn answer(
    tokens: &dyn Tokens,
    State(shared): State<Arc<Shared>>,
    tls: Option<Extension<Arc<TlsInfo>>>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut inflow = shared.intake.unknown(body);
    inflow.whole(MAX_BODY).await?;
    let certificate = tls.and_then(|Extension(tls)| tls.peer_certificates.first().cloned());
    let proof = Proof { bearer: bearer(headers), certificate };
    let minted = tokens.mint(proof, inflow.into_bytes()).await?;
    let mut response = (StatusCode::CREATED, Json(minted)).into_response();
    // It holds a secret.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

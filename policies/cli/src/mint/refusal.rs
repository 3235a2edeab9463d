//! Why there is no key.

use super::release::Unpublished;
use axum::http::StatusCode;
use cedarkey_compiler::mint::MintError;
use cedarkey_identity::ProofError;
use cedarkey_publisher::TokenRefusal;

/// Why there is no key. The message is for the workload.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not what it should be: {0}")]
    Body(String),
    #[error("as many wait for a key as can; try again")]
    Busy,
    #[error("it took too long until the key was issued; try again")]
    Late,
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("the key is not issued: {0}")]
    Rules(String),
    #[error(transparent)]
    Unpublished(#[from] Unpublished),
}

// === impl Refusal ===

impl Refusal {
    fn cause(&self) -> &'static str {
        match self {
            Self::Body(_) => "mint_body",
            Self::Busy | Self::Late | Self::Unpublished(Unpublished::Late) => "mint_busy",
            Self::Mint(error) => error.cause(),
            Self::Proof(error) => error.cause(),
            Self::Rules(_) => "mint_rules",
            Self::Unpublished(Unpublished::Away) => "mint_away",
            Self::Unpublished(Unpublished::Broken) => "mint_broken",
            Self::Unpublished(Unpublished::NoBundle) => "mint_no_bundle",
            Self::Unpublished(Unpublished::OtherProject) => "mint_other_project",
            Self::Unpublished(Unpublished::OtherRegistry) => "mint_other_registry",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Mint(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            Self::Proof(error) if error.is_passing() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Proof(_) => StatusCode::UNAUTHORIZED,
            Self::Busy | Self::Late | Self::Unpublished(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Rules(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl From<Refusal> for TokenRefusal {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status(), cause: refusal.cause(), detail: refusal.to_string() }
    }
}

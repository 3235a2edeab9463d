//! Why there is no key.

use crate::failure::Failure;
use axum::http::StatusCode;
use cedarkey_compiler::mint::MintError;
use cedarkey_identity::ProofError;
use cedarkey_publisher::TokenRefusal;

/// Why there is no key. The message is for the workload.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("keys cannot be issued at present; try again")]
    Away,
    #[error("the body is not what it should be: {0}")]
    Body(String),
    #[error("as many wait for a key as can; try again")]
    Busy,
    #[error("the key is not issued: {0}")]
    Rules(String),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error("no bundle of this project is in force: it has to be pushed first")]
    NoBundle,
    #[error(
        "the bundle in force was not made from the project as it is here; whoever runs this has to push it first"
    )]
    OtherProject,
    #[error(transparent)]
    Proof(#[from] ProofError),
}

// === impl Refusal ===

impl Refusal {
    /// Something is wrong here, and not with what was asked: the log says what.
    pub fn fault(failure: Failure) -> Self {
        let said = match &failure {
            Failure::Problems(problems) => {
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Failure::Plain(plain) => {
                let mut said = vec![plain.message().to_owned()];
                said.extend(plain.causes());
                said.join(": ")
            }
        };
        tracing::error!(?said, "keys cannot be issued");
        Self::Away
    }

    /// The same, for somebody else: of those that end all who wait, none holds anything.
    pub fn again(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::NoBundle => Self::NoBundle,
            Self::OtherProject => Self::OtherProject,
            _ => Self::Away,
        }
    }

    fn cause(&self) -> &'static str {
        match self {
            Self::Away => "mint_away",
            Self::Body(_) => "mint_body",
            Self::Busy => "mint_busy",
            Self::Mint(error) => error.cause(),
            Self::NoBundle => "mint_no_bundle",
            Self::OtherProject => "mint_other_project",
            Self::Proof(error) => error.cause(),
            Self::Rules(_) => "mint_rules",
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
            Self::Away | Self::Busy | Self::NoBundle | Self::OtherProject => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Rules(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl From<Refusal> for TokenRefusal {
    fn from(refusal: Refusal) -> Self {
        let (cause, detail) = (refusal.cause(), refusal.to_string());
        // What is told may be by whoever asks.
        tracing::warn!(cause, ?detail, "no key was minted");
        Self { status: refusal.status(), cause, detail }
    }
}

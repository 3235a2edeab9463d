//! Why there is no key.

use crate::failure::Failure;
use axum::http::StatusCode;
use cedarkey_compiler::mint::WorkloadError;
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
    #[error("{}", denied(.policies, .reason.as_deref()))]
    Denied { policies: Vec<String>, reason: Option<String> },
    #[error("the workload is of the environment `{found}`, and keys here are for `{expected}`")]
    Environment { found: String, expected: String },
    #[error("the policies {} cannot be evaluated for this", quoted(.0))]
    Failed(Vec<String>),
    #[error("a key lives for {0} at most here")]
    Lifetime(String),
    #[error("no bundle of this project is in force: it has to be pushed first")]
    NoBundle,
    #[error(
        "the bundle in force was not made from the project as it is here; whoever runs this has to push it first"
    )]
    OtherProject,
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("the workload belongs to the teams {}: name one as `team`", quoted(.0))]
    TeamAmbiguous(Vec<String>),
    #[error("the workload does not belong to the team `{0}`")]
    TeamForeign(String),
    #[error("the workload belongs to no team that could answer for its keys")]
    TeamNone,
    #[error(transparent)]
    Workload(#[from] WorkloadError),
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
            Self::Denied { .. } => "mint_denied",
            Self::Environment { .. } => "workload_environment",
            Self::Failed(_) => "mint_failed",
            Self::Lifetime(_) => "mint_lifetime",
            Self::NoBundle => "mint_no_bundle",
            Self::OtherProject => "mint_other_project",
            Self::Proof(error) => error.cause(),
            Self::Rules(_) => "mint_rules",
            Self::TeamAmbiguous(_) => "team_ambiguous",
            Self::TeamForeign(_) => "team_foreign",
            Self::TeamNone => "team_none",
            Self::Workload(error) => match error {
                WorkloadError::Departed(_) => "workload_departed",
                WorkloadError::Several(_) => "workload_ambiguous",
                WorkloadError::Unknown(_) => "workload_unknown",
            },
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) | Self::TeamAmbiguous(_) => StatusCode::BAD_REQUEST,
            Self::Proof(error) if error.is_passing() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Proof(_) => StatusCode::UNAUTHORIZED,
            Self::Away | Self::Busy | Self::NoBundle | Self::OtherProject => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Denied { .. }
            | Self::Environment { .. }
            | Self::Lifetime(_)
            | Self::Rules(_)
            | Self::TeamForeign(_)
            | Self::TeamNone
            | Self::Workload(_) => StatusCode::FORBIDDEN,
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

fn denied(policies: &[String], reason: Option<&str>) -> String {
    match (policies, reason) {
        (_, Some(reason)) => reason.into(),
        ([], None) => "no policy lets this workload have such a key".into(),
        (policies, None) => format!("the policies {} forbid it", quoted(policies)),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

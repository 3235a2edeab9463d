//! Whether somebody who has proved who it is may have a key, and which.

use super::workload::{Workload, WorkloadError};
use super::{Question, SpiffeId, ValueError, Verdict};
use crate::project::Project;
use crate::settings::{Lifetime, MintSettings};
use cedarkey_engine::ext::ip;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// What a workload asks for: the body of its request. What is not said is the project's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// How long the key is to live.
    pub lifetime: Option<SignedDuration>,
    /// What it is to be used for.
    pub scopes: Vec<String>,
    /// Where it is to be used from; empty: anywhere.
    pub networks: Vec<String>,
    /// The id of the team that is to answer for it.
    pub team: Option<String>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// Who asks for a key, and for which.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// What the workload has proved to be.
    pub spiffe_id: &'a SpiffeId,
    /// Whose JWT says so; a certificate, if absent.
    pub issuer: Option<&'a str>,
    /// What it asks for.
    pub wanted: &'a Wanted,
    /// How many keys the workload has that can be used.
    pub live_keys: usize,
    /// When it asks.
    pub now: Timestamp,
}

/// A key that may be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The id of the team that answers for it.
    pub team: String,
    /// How long it lives.
    pub lifetime: SignedDuration,
    /// The policies that permit it.
    pub policies: Vec<String>,
}

/// Why there is no key. The message is for the workload.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No policy permits it, or some forbid it.
    #[error("{}", denied(.policies, .reason.as_deref(), .asked))]
    Denied {
        /// The policies that forbid it.
        policies: Vec<String>,
        /// Why, as they say.
        reason: Option<String>,
        /// What they were asked.
        asked: String,
    },
    /// The workload is of another environment.
    #[error("the workload is of the environment `{found}`, and keys here are for `{expected}`")]
    Environment {
        /// The workload's.
        found: String,
        /// The project's.
        expected: String,
    },
    /// Policies cannot be evaluated for this.
    #[error("the policies {} cannot be evaluated for this", quoted(.0))]
    Failed(Vec<String>),
    /// A network is none, or not written as policies could compare it.
    #[error(
        "`{0}` is no address and no range; a range is written with its first address, as `10.0.0.0/8`"
    )]
    Network(String),
    /// It would never live.
    #[error("a key lives for a second at least, and {0:#} is less")]
    NoLifetime(SignedDuration),
    /// It would live for too long, whatever policies say.
    #[error("a key lives for {0} at most here")]
    Lifetime(Lifetime),
    /// Several teams could answer for it.
    #[error("the workload belongs to the teams {}: name one as `team`", quoted(.0))]
    TeamAmbiguous(Vec<String>),
    /// The team that is named is not the workload's.
    #[error("the workload does not belong to the team `{0}`")]
    TeamForeign(String),
    /// There is nobody who could answer for it.
    #[error("the workload belongs to no team that could answer for its keys")]
    TeamNone,
    /// A value is none.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// It is nobody's SPIFFE id.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
}

impl Project {
    /// The workload that has a SPIFFE id, if it belongs here.
    ///
    /// # Errors
    ///
    /// Where there is none, or more than one, or it has departed or is of another environment.
    pub fn applicant(&self, spiffe_id: &SpiffeId) -> Result<Workload, MintError> {
        let workload = self.workload(spiffe_id)?;
        let expected = &self.settings.bundle.environment;
        match &workload.environment {
            Some(found) if found != expected => {
                let (found, expected) = (found.clone(), expected.clone());
                Err(MintError::Environment { found, expected })
            }
            _ => Ok(workload),
        }
    }

    /// The key that a workload may have, as settings and policies say.
    ///
    /// # Errors
    ///
    /// Where it may have none.
    pub fn grant(&self, to: &Workload, application: &Application<'_>) -> Result<Grant, MintError> {
        let wanted = application.wanted;
        let team = team(to, wanted.team.as_deref())?;
        let settings = self.settings.mint.clone().unwrap_or_default();
        let lifetime = lifetime(&settings, wanted.lifetime)?;
        if let Some(network) = wanted.networks.iter().find(|network| !is_network(network)) {
            // It is told, and written to the log.
            return Err(MintError::Network(network.chars().take(64).collect()));
        }
        let asked = Question { workload: &to.id, team: &team, lifetime, application };
        let verdict = match &self.mint {
            Some(mint) => mint.decide(&self.entities, &asked)?,
            None => Verdict::Refused { policies: Vec::new(), reason: None },
        };
        match verdict {
            Verdict::Granted { policies } => Ok(Grant { team, lifetime, policies }),
            Verdict::Refused { policies, reason } => {
                Err(MintError::Denied { policies, reason, asked: asked.to_string() })
            }
            Verdict::Failed { policies } => Err(MintError::Failed(policies)),
        }
    }
}

/// Whether it is an address, or a range that is written as such: `10.0.0.0/8`, and not `10.1.2.3/8`.
fn is_network(text: &str) -> bool {
    ip::parse(text).is_ok_and(|net| {
        let beyond = u128::from_be_bytes(net.bits).checked_shl(net.prefix.into());
        beyond.unwrap_or(0) == 0
    })
}

/// The team that is to answer for a key.
fn team(of: &Workload, wanted: Option<&str>) -> Result<String, MintError> {
    match (wanted, of.nearest.as_slice()) {
        (_, []) => Err(MintError::TeamNone),
        (None, [team]) => Ok(team.clone()),
        (None, teams) => Err(MintError::TeamAmbiguous(teams.to_vec())),
        (Some(wanted), _) if of.teams.iter().any(|it| it == wanted) => Ok(wanted.into()),
        (Some(wanted), _) => Err(MintError::TeamForeign(wanted.into())),
    }
}

fn lifetime(
    settings: &MintSettings,
    wanted: Option<SignedDuration>,
) -> Result<SignedDuration, MintError> {
    let longest = settings.max_lifetime;
    match wanted.map(Lifetime) {
        None => Ok(settings.lifetime.min(longest).0),
        Some(wanted) if wanted > longest => Err(MintError::Lifetime(longest)),
        Some(Lifetime(wanted)) if wanted.as_secs() < 1 => Err(MintError::NoLifetime(wanted)),
        Some(Lifetime(wanted)) => Ok(wanted),
    }
}

// === impl MintError ===

impl MintError {
    /// All causes.
    pub const CAUSES: [&str; 11] = [
        "mint_body",
        "mint_denied",
        "mint_failed",
        "mint_lifetime",
        "team_ambiguous",
        "team_foreign",
        "team_none",
        "workload_ambiguous",
        "workload_departed",
        "workload_environment",
        "workload_unknown",
    ];

    /// The cause, as it is counted and told; stable.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "mint_denied",
            Self::Environment { .. } => "workload_environment",
            Self::Failed(_) => "mint_failed",
            Self::Lifetime(_) => "mint_lifetime",
            Self::TeamAmbiguous(_) => "team_ambiguous",
            Self::TeamForeign(_) => "team_foreign",
            Self::TeamNone => "team_none",
            Self::Network(_) | Self::NoLifetime(_) | Self::Value(_) => "mint_body",
            Self::Workload(error) => match error {
                WorkloadError::Departed(_) => "workload_departed",
                WorkloadError::Several(_) => "workload_ambiguous",
                WorkloadError::Unknown(_) => "workload_unknown",
            },
        }
    }

    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Network(_) | Self::NoLifetime(_) | Self::TeamAmbiguous(_) | Self::Value(_) => 400,
            Self::Failed(_) => 500,
            _ => 403,
        }
    }

    /// The policies that determined it.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        match self {
            Self::Denied { policies, .. } | Self::Failed(policies) => policies,
            _ => &[],
        }
    }
}

fn denied(policies: &[String], reason: Option<&str>, asked: &str) -> String {
    match (policies, reason) {
        (_, Some(reason)) => reason.into(),
        ([], None) => format!("no policy lets this workload have such a key ({asked})"),
        (policies, None) => format!("the policies {} forbid it", quoted(policies)),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_and_ranges() {
        for good in
            ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3", "10.1.2.3/32", "::/0", "fe80::/10", "::1"]
        {
            assert!(is_network(good), "{good}");
        }
        for bad in ["10.1.2.3/8", "1.2.3.4/0", "fe80::1/64", "here", "", "10.0.0.0/33"] {
            assert!(!is_network(bad), "{bad}");
        }
    }
}

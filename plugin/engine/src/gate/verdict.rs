//! What the gate decides.

use crate::key::{KeyId, KeyRecord};
use crate::model::Model;

/// The outcome of a request.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// It may pass, with this in hand.
    Allow(Permit),
    /// It may not.
    Deny(Denial),
}

/// The proof that a request may pass. Only the gate makes one.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    key: KeyId,
    profile: u32,
}

/// Why a request may not pass.
#[derive(Clone, Copy, Debug)]
pub struct Denial {
    cause: Cause,
    key: Option<KeyId>,
    profile: Option<u32>,
    policy: Option<u32>,
}

/// The kind of a denial. Each is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The method, path, host, or a parameter that a policy reads, can be read in more than one way.
    AmbiguousPath,
    /// The filter's configuration is unusable.
    BadConfig,
    /// The key is a decoy, and in force. The caller is told what it is told of an unknown key.
    DecoyKey,
    /// Something that cannot be has happened.
    Internal,
    /// The key has expired.
    KeyExpired,
    /// The key is not valid yet.
    KeyNotYetValid,
    /// The key was revoked.
    KeyRevoked,
    /// The place where the key would be cannot be read.
    KeysUnavailable,
    /// What was presented is not a token, or there are several.
    MalformedKey,
    /// No key was presented.
    MissingKey,
    /// There is no bundle to decide with.
    NoBundle,
    /// No policy permits the request.
    NoPermit,
    /// No route matches.
    NoRoute,
    /// A policy forbids the request.
    Policy,
    /// A policy that might forbid the request could not be evaluated.
    PolicyError,
    /// The bundle has expired.
    StaleBundle,
    /// The inventory has no such key.
    UnknownKey,
}

// === impl Permit ===

impl Permit {
    pub(super) fn new(key: &KeyRecord) -> Self {
        Self { key: key.id, profile: key.profile }
    }

    /// Whose request it is.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The profile of that key in the model.
    pub fn profile(&self) -> u32 {
        self.profile
    }
}

// === impl Denial ===

impl Denial {
    /// A denial before the key is known.
    pub fn new(cause: Cause) -> Self {
        Self { cause, key: None, profile: None, policy: None }
    }

    pub(super) fn of_key(cause: Cause, key: &KeyRecord) -> Self {
        Self { key: Some(key.id), profile: Some(key.profile), ..Self::new(cause) }
    }

    /// A decoy that is no longer in force, or not yet, is no other than a key that is unknown.
    pub(super) fn of_decoy(key: &KeyRecord, lapse: Option<Cause>) -> Self {
        match lapse {
            None => Self::of_key(Cause::DecoyKey, key),
            Some(_) => Self::new(Cause::UnknownKey),
        }
    }

    pub(super) fn by(self, policy: u32) -> Self {
        Self { policy: Some(policy), ..self }
    }

    pub(super) fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// The kind of this denial.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whose request it was, where that is known.
    pub fn key(&self) -> Option<KeyId> {
        self.key
    }

    /// The profile of that key in the model. A decoy has none there.
    pub fn profile(&self) -> Option<u32> {
        self.profile
    }

    /// The first policy that forbade it, or could not be evaluated.
    pub fn policy(&self) -> Option<u32> {
        self.policy
    }
}

impl Denial {
    /// What a caller is told: the `@reason` of the policy that forbade it, else words for the
    /// cause. It may tell more than a caller should know: see [`Cause::KeyRevoked`].
    pub fn reason<'m>(&self, model: &'m Model) -> &'m str {
        let policy = self.policy.and_then(|at| model.policy(at));
        let reason = policy.map(|policy| model.text(policy.reason));
        reason.filter(|reason| !reason.is_empty()).unwrap_or(self.cause.detail())
    }
}

// === impl Cause ===

impl Cause {
    /// All causes.
    pub const ALL: [Self; 17] = [
        Self::AmbiguousPath,
        Self::BadConfig,
        Self::DecoyKey,
        Self::Internal,
        Self::KeyExpired,
        Self::KeyNotYetValid,
        Self::KeyRevoked,
        Self::KeysUnavailable,
        Self::MalformedKey,
        Self::MissingKey,
        Self::NoBundle,
        Self::NoPermit,
        Self::NoRoute,
        Self::Policy,
        Self::PolicyError,
        Self::StaleBundle,
        Self::UnknownKey,
    ];

    /// The name of this cause in metrics, records and case files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "ambiguous_path",
            Self::BadConfig => "bad_config",
            Self::DecoyKey => "decoy_key",
            Self::Internal => "internal",
            Self::KeyExpired => "key_expired",
            Self::KeyNotYetValid => "key_not_yet_valid",
            Self::KeyRevoked => "key_revoked",
            Self::KeysUnavailable => "keys_unavailable",
            Self::MalformedKey => "malformed_key",
            Self::MissingKey => "missing_key",
            Self::NoBundle => "no_bundle",
            Self::NoPermit => "no_permit",
            Self::NoRoute => "no_route",
            Self::Policy => "policy",
            Self::PolicyError => "policy_error",
            Self::StaleBundle => "stale_bundle",
            Self::UnknownKey => "unknown_key",
        }
    }

    /// The HTTP status that this cause is answered with.
    pub const fn status(self) -> u16 {
        match self {
            Self::DecoyKey
            | Self::KeyRevoked
            | Self::MalformedKey
            | Self::MissingKey
            | Self::UnknownKey => 401,
            Self::BadConfig
            | Self::Internal
            | Self::KeysUnavailable
            | Self::NoBundle
            | Self::StaleBundle => 503,
            _ => 403,
        }
    }

    /// What a caller is told, where no policy has better words.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "the request can be read in more than one way",
            Self::BadConfig
            | Self::Internal
            | Self::KeysUnavailable
            | Self::NoBundle
            | Self::StaleBundle => "requests cannot be authorized at the moment",
            Self::KeyExpired => "the API key has expired",
            Self::KeyNotYetValid => "the API key is not valid yet",
            Self::KeyRevoked => "the API key was revoked",
            Self::MalformedKey => "what was sent is not an API key",
            Self::MissingKey => "the request has no API key",
            Self::NoPermit => "the API key is not permitted to do this",
            Self::NoRoute => "there is nothing here that an API key may do",
            Self::Policy => "a policy forbids this",
            Self::PolicyError => "a policy that guards this could not be evaluated",
            Self::DecoyKey | Self::UnknownKey => "the API key is not valid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn causes_are_listed_in_their_order() {
        // By which counters are found.
        assert!(Cause::ALL.iter().enumerate().all(|(at, cause)| *cause as usize == at));
    }
}

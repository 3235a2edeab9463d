//! The conditions under which a bundle comes into force.

use alloc::string::String;

use crate::{ENGINE, Manifest, PublicKey};

/// What a manifest must meet to be accepted.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The name it must have, if any is demanded.
    pub name: Option<&'a str>,
    /// The keys of which one must have signed it.
    pub trusted: &'a [PublicKey],
    /// The version in force, above which it must be.
    pub above_version: Option<u64>,
    /// The least version accepted, as the operator configured it.
    pub min_version: u64,
    /// The time, in seconds since 1970-01-01T00:00:00Z.
    pub now: i64,
}

/// Why a well-formed envelope is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A trusted key is named, but the signature is not its own.
    #[error("the signature does not match the manifest")]
    BadSignature,
    /// The version is below the least one that the operator accepts.
    #[error("version {version} is below {floor}, the least that is accepted")]
    BelowFloor {
        /// The bundle's version.
        version: u64,
        /// The least version accepted.
        floor: u64,
    },
    /// The bundle asks for an engine that this build does not have.
    #[error("it needs engine {needs}, and this build has engine {has}")]
    EngineTooOld {
        /// The engine that the bundle needs.
        needs: u32,
        /// The engine of this build.
        has: u32,
    },
    /// The bundle no longer holds.
    #[error("it expired {} seconds ago", now.saturating_sub(*expires))]
    Expired {
        /// When it expired, in seconds since 1970-01-01T00:00:00Z.
        expires: i64,
        /// The time it was held against, in seconds since 1970-01-01T00:00:00Z.
        now: i64,
    },
    /// The version is not above the one in force.
    #[error("version {version} is not above {current}, the one in force")]
    OldVersion {
        /// The bundle's version.
        version: u64,
        /// The version in force.
        current: u64,
    },
    /// None of those who signed is trusted.
    #[error("it is signed by no trusted key")]
    UnknownSigner,
    /// It is another bundle.
    #[error("its name is `{found}` instead of `{expected}`")]
    WrongName {
        /// The bundle's name.
        found: String,
        /// The name that was asked for.
        expected: String,
    },
}

// === impl Refusal ===

impl Refusal {
    /// The cause as metrics and logs name it; stable.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::BelowFloor { .. } => "below_floor",
            Self::EngineTooOld { .. } => "engine_too_old",
            Self::Expired { .. } => "expired",
            Self::OldVersion { .. } => "old_version",
            Self::UnknownSigner => "unknown_signer",
            Self::WrongName { .. } => "wrong_name",
        }
    }
}

// === impl Terms ===

impl Terms<'_> {
    /// All terms but the signature.
    pub(crate) fn meets(&self, manifest: &Manifest) -> Result<(), Refusal> {
        if let Some(expected) = self.name.filter(|name| *name != manifest.name) {
            let (found, expected) = (manifest.name.clone(), expected.into());
            return Err(Refusal::WrongName { found, expected });
        }
        let version = manifest.version;
        if version < self.min_version {
            return Err(Refusal::BelowFloor { version, floor: self.min_version });
        }
        if let Some(current) = self.above_version.filter(|current| version <= *current) {
            return Err(Refusal::OldVersion { version, current });
        }
        let (expires, now) = (manifest.expires, self.now);
        if expires <= now {
            return Err(Refusal::Expired { expires, now });
        }
        if manifest.min_engine > ENGINE {
            return Err(Refusal::EngineTooOld { needs: manifest.min_engine, has: ENGINE });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    /// No draft asks for an engine that does not exist yet, so this cannot be seen from outside.
    #[test]
    fn a_bundle_for_a_later_engine_is_refused() {
        let (name, segments) = ("quickstart".into(), Vec::new());
        let manifest =
            Manifest { name, version: 1, created: 0, expires: 10, min_engine: 2, segments };
        let terms = Terms { name: None, trusted: &[], above_version: None, min_version: 0, now: 5 };
        let refusal = terms.meets(&manifest).unwrap_err();
        assert_eq!(refusal.label(), "engine_too_old");
        assert_eq!(refusal.to_string(), "it needs engine 2, and this build has engine 1");
        assert_eq!(terms.meets(&Manifest { min_engine: ENGINE, ..manifest }), Ok(()));
    }
}

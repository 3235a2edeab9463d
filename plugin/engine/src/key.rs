//! A key as the data plane knows it, and the port through which the gate looks one up.

use crate::token::KeyHash;
use core::fmt;
use ulid::Ulid;

/// The identity of a key: a ULID, 16 bytes, most significant first.
///
/// Its text form is 26 characters of Crockford's base32, upper case, and is the id of the key's
/// `ApiKey` entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

/// The length of a key id's text form, in bytes.
pub const KEY_ID_LEN: usize = ulid::ULID_LEN;

/// One key of the inventory. Times are milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Who this key is.
    pub id: KeyId,
    /// When the key was issued.
    pub created: i64,
    /// The first instant at which the key is valid.
    pub not_before: i64,
    /// The first instant at which the key is no longer valid.
    pub expires: i64,
    /// Index into the model's key profiles: owner, scopes and all that keys have in common; or
    /// [`DECOY`](Self::DECOY).
    pub profile: u32,
}

/// Why it cannot be told whether there is such a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the place where the key would be cannot be read")]
pub struct Unreadable;

/// Where keys are looked up.
pub trait Keys {
    /// What [`find`](Self::find) gave for this very token, if that is known. It was found with the
    /// same form of tokens, in the same keys.
    fn recall(&self, token: &str) -> Option<Option<KeyRecord>> {
        let _ = token;
        None
    }

    /// The key whose token this is, and has this hash.
    ///
    /// # Errors
    ///
    /// It cannot be told, which is not the same as that there is none.
    fn find(&self, token: &str, hash: &KeyHash) -> Result<Option<KeyRecord>, Unreadable>;

    /// Whether this key was revoked, whatever its record says.
    fn is_revoked(&self, id: &KeyId) -> bool;
}

// === impl KeyRecord ===

impl KeyRecord {
    /// The profile of a decoy: none. There is nothing that a policy could permit something to.
    pub const DECOY: u32 = u32::MAX;

    /// Whether it is a decoy: no request passes with it, and whoever has it has found it where it
    /// was laid out.
    #[must_use]
    pub fn is_decoy(&self) -> bool {
        self.profile == Self::DECOY
    }
}

// === impl KeyId ===

impl KeyId {
    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        Ulid::from_string(text).ok().map(|ulid| Self(ulid.to_bytes()))
    }

    /// Writes the text form without allocating.
    pub fn encode(self, buffer: &mut [u8; KEY_ID_LEN]) -> &str {
        Ulid::from_bytes(self.0).array_to_str(buffer)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode(&mut [0; KEY_ID_LEN]))
    }
}

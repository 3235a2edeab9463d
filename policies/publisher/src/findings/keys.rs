//! The keys with which GitHub signs what its secret scanning has found.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use serde::Deserialize;
use webpki::{RawPublicKeyEntity, ring::ECDSA_P256_SHA256};

use crate::stamp::{Stamp, stamp};

/// The most of a file that is read, in bytes: GitHub has a handful of keys.
const MAX_FILE: u64 = 256 * 1024;

/// GitHub's public keys, from a file of the form in which GitHub serves them. It is read again when
/// it changes; while it is no good, what was read last holds. Clones are the same keys.
#[derive(Clone, Debug)]
pub struct GithubKeys {
    file: PathBuf,
    known: Arc<Mutex<Known>>,
}

/// Why a file of keys cannot be used. The operator is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GithubKeysError {
    /// It cannot be read.
    #[error("`{}` cannot be read", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// One of its keys is none for ECDSA on P-256.
    #[error("the key `{identifier}` in `{}` is no ECDSA key on P-256 in PEM", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The key's name.
        identifier: String,
    },
    /// There is no key in it.
    #[error("`{}` holds no keys", file.display())]
    None {
        /// The file.
        file: PathBuf,
    },
    /// It is not of the form in which GitHub serves keys.
    #[error("`{}` is not the JSON in which GitHub serves its keys", file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// Where it is not.
        source: serde_json::Error,
    },
}

/// Why a signature is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// The key did not make it.
    BadSignature,
    /// There is no such key.
    UnknownKey,
}

#[derive(Debug, Default)]
struct Known {
    keys: Keys,
    stamp: Option<Stamp>,
}

/// By their names.
type Keys = BTreeMap<String, SubjectPublicKeyInfoDer<'static>>;

#[derive(Deserialize)]
struct Served {
    public_keys: Vec<ServedKey>,
}

#[derive(Deserialize)]
struct ServedKey {
    key_identifier: String,
    key: String,
}

// === impl GithubKeys ===

impl GithubKeys {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is missing, or not what it should be.
    pub fn load(file: &Path) -> Result<Self, GithubKeysError> {
        let known = Known { stamp: stamp(file), keys: read(file)? };
        Ok(Self { file: file.to_owned(), known: Arc::new(Mutex::new(known)) })
    }

    /// Whether the key of this name made a signature, in DER, of a body.
    pub(super) fn verify(
        &self,
        identifier: &str,
        signature: &[u8],
        body: &[u8],
    ) -> Result<(), Unsigned> {
        let key = self.newest().keys.get(identifier).cloned().ok_or(Unsigned::UnknownKey)?;
        if is_by(&key, signature, body) { Ok(()) } else { Err(Unsigned::BadSignature) }
    }

    fn newest(&self) -> MutexGuard<'_, Known> {
        // Nothing is left half done below, so a panic elsewhere does no harm.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.file);
        if stamp != known.stamp {
            known.stamp = stamp;
            match read(&self.file) {
                Ok(keys) => known.keys = keys,
                Err(error) => {
                    tracing::error!(%error, "GitHub's new keys cannot be used; the old ones stay");
                }
            }
        }
        known
    }
}

fn read(file: &Path) -> Result<Keys, GithubKeysError> {
    let at = || file.to_owned();
    let mut text = String::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_FILE).read_to_string(&mut text))
        .map_err(|source| GithubKeysError::File { file: at(), source })?;
    let served: Served = serde_json::from_str(&text)
        .map_err(|source| GithubKeysError::Text { file: at(), source })?;
    let mut keys = Keys::new();
    for ServedKey { key_identifier: identifier, key } in served.public_keys {
        match SubjectPublicKeyInfoDer::from_pem_slice(key.as_bytes()) {
            Ok(key) if is_p256(&key) => keys.insert(identifier, key),
            _ => return Err(GithubKeysError::Key { file: at(), identifier }),
        };
    }
    if keys.is_empty() {
        return Err(GithubKeysError::None { file: at() });
    }
    Ok(keys)
}

fn is_by(key: &SubjectPublicKeyInfoDer<'_>, signature: &[u8], body: &[u8]) -> bool {
    let verified = RawPublicKeyEntity::try_from(key)
        .and_then(|key| key.verify_signature(ECDSA_P256_SHA256, body, signature));
    verified.is_ok()
}

/// A key of another kind is found out by any signature: it is not even looked at.
fn is_p256(key: &SubjectPublicKeyInfoDer<'_>) -> bool {
    let verified = RawPublicKeyEntity::try_from(key)
        .and_then(|key| key.verify_signature(ECDSA_P256_SHA256, b"", b""));
    matches!(verified, Err(webpki::Error::InvalidSignatureForPublicKey))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::KeyPair;
    use serde_json::json;
    use std::fs;
    use tempfile::TempDir;

    fn refused(file: &Path, text: &str) -> String {
        fs::write(file, text).unwrap();
        GithubKeys::load(file).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_holds_no_keys_of_githubs_is_refused() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("keys.json");
        assert!(GithubKeys::load(&file).unwrap_err().to_string().ends_with("cannot be read"));
        for text in ["", "[]", "{\"keys\": []}"] {
            assert!(
                refused(&file, text).ends_with("is not the JSON in which GitHub serves its keys")
            );
        }
        assert!(refused(&file, "{\"public_keys\": []}").ends_with("holds no keys"));
        let another =
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().public_key_pem();
        for key in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", &another] {
            let text = json!({"public_keys": [{"key_identifier": "a", "key": key}]}).to_string();
            assert!(refused(&file, &text).starts_with("the key `a` in "), "{key}");
        }
    }
}

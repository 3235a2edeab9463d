//! What is decided with.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What is decided with: policies, entities, routes and keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// The policies, in Cedar's syntax.
    pub policies: String,
    /// The same policies in Rego, as the package `authz` with the rule `answer`.
    pub rego: String,
    /// All entities but the keys', in Cedar's JSON format.
    pub entities: Vec<Value>,
    /// Which requests are what.
    pub routes: Vec<Route>,
    /// The kinds of keys that there are.
    pub kinds: Vec<Kind>,
    /// All keys.
    pub keys: Vec<Key>,
}

/// Which requests are what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The methods.
    pub methods: Vec<String>,
    /// The path, with parameters in braces.
    pub path: String,
    /// The id of the action.
    pub action: String,
    /// The id of the endpoint.
    pub resource: String,
    /// What a key needs.
    pub scopes: Vec<String>,
}

/// What keys have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The id of the team that they belong to.
    pub team: String,
    /// Who answers for them.
    pub owner: String,
    /// What they were issued for.
    pub scopes: Vec<String>,
    /// Where they are valid.
    pub environment: String,
    /// When they were issued, in Cedar's syntax.
    pub created: String,
    /// From when on they are no longer valid, in Cedar's syntax.
    pub expires: String,
}

/// A key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// The SHA-256 of its token, in hexadecimal digits.
    pub hash: String,
    /// The position of its kind.
    pub kind: usize,
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

// === impl Hash ===

impl Hash {
    /// Of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// From hexadecimal digits.
    ///
    /// # Errors
    ///
    /// They are none, or not so many.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut hash = [0; 32];
        anyhow::ensure!(text.len() == 64, "`{text}` is no hash");
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap_or_default(), 16)?;
        }
        Ok(Self(hash))
    }
}

// === impl Kind ===

impl Kind {
    /// The entity of a key of this kind.
    pub(crate) fn entity(&self, id: &str) -> Value {
        let datetime = |text: &str| json!({ "__extn": { "fn": "datetime", "arg": text } });
        json!({
            "uid": { "type": "ApiKey", "id": id },
            "attrs": {
                "owner": self.owner,
                "environment": self.environment,
                "scopes": self.scopes,
                "created": datetime(&self.created),
                "notBefore": datetime(&self.created),
                "expires": datetime(&self.expires),
                "revoked": false,
            },
            "parents": [{ "type": "Team", "id": self.team }],
        })
    }
}

//! The key inventory, as it goes into a bundle.

use crate::lint::Level;
use crate::model::Profile;
use crate::problem::{Problem, Problems};
use crate::settings::Settings;
use cedar_policy::{Entities, EntityId, EntityTypeName, EntityUid};
use cedarkey_engine::ext::ip;
use cedarkey_engine::key::{KeyId, KeyRecord};
use cedarkey_engine::token::KeyHash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A key of the registry: all but the token, which nobody has but its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeySpec {
    /// A ULID.
    pub id: String,
    /// SHA-256 of the token, in hexadecimal digits.
    pub hash: String,
    /// Which environment it is for.
    pub environment: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// The id of the owner's `Team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The id of the `Workload` that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What it may be used for, as far as policies look at it.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Where it may be used from; empty: from anywhere.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Which SPIFFE ids it may be used by; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spiffe_ids: Vec<String>,
    /// When it was issued.
    pub created: Timestamp,
    /// The first instant at which it is valid.
    pub not_before: Timestamp,
    /// The first instant at which it is no longer valid; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whether it is to be refused: revoked, retired, or suspended for now.
    #[serde(default)]
    pub revoked: bool,
    /// Whether nobody will ever use it again, so that no rule matters to it any more.
    #[serde(default)]
    pub ended: bool,
    /// Whether it is a decoy: never granted, and its use is told.
    #[serde(default)]
    pub decoy: bool,
}

/// The inventory in the form of a bundle.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// What keys have in common.
    pub profiles: Vec<Profile>,
    /// The keys.
    pub records: Vec<(KeyHash, KeyRecord)>,
    /// Those that were revoked.
    pub revoked: Vec<KeyId>,
    /// Which keys are left out, and why.
    pub warnings: Problems,
}

/// What a key says that is not so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// Stable.
    pub code: &'static str,
    /// In words, without the key.
    pub message: String,
    /// What would help.
    pub help: &'static str,
}

/// The instant of a key that never expires: 9999-12-31T23:59:59Z, in milliseconds.
pub(crate) const NEVER: i64 = 253_402_300_799_000;

// === impl Inventory ===

impl Inventory {
    /// Checks keys and brings them into the form of a bundle.
    ///
    /// # Errors
    ///
    /// All keys that break a rule.
    pub fn new(
        keys: &[KeySpec],
        settings: &Settings,
        entities: &Entities,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut warnings = Problems::new();
        let mut profiles: BTreeMap<Profile, Vec<usize>> = BTreeMap::new();
        let mut records = Vec::with_capacity(keys.len());
        let mut revoked = Vec::new();
        let mut hashes: BTreeMap<[u8; 32], &KeySpec> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for key in keys {
            let checked = problems.take(check(key, settings, entities));
            if let Some(problem) = wrong_network(key) {
                // Such a key cannot be bound to where it belongs, so it is never let in.
                let left_out = "until it has an address or a range, the key is left out";
                match settings.lints.keys.network {
                    Level::Deny => problems.push(problem),
                    Level::Warn => warnings.push(problem.into_warning().help(left_out)),
                    Level::Allow => {}
                }
                continue;
            }
            let Some((id, hash)) = checked else { continue };
            if let Some(other) = hashes.insert(hash.0, key) {
                let message =
                    format!("the keys `{}` and `{}` have the same token", other.id, key.id);
                let problem = Problem::error("cedarkey::keys::duplicate-hash", message);
                problems.push(problem.help("a token is issued once: revoke it and issue another"));
                continue;
            }
            if !ids.insert(id) {
                let message = format!("there are two keys `{}`", key.id);
                problems.push(Problem::error("cedarkey::keys::duplicate-id", message));
                continue;
            }
            if key.revoked {
                revoked.push(id);
            }
            if !key.decoy {
                profiles.entry(profile(key)).or_default().push(records.len());
            }
            let record = KeyRecord {
                id,
                created: key.created.as_millisecond(),
                not_before: key.not_before.as_millisecond(),
                expires: key.expires.map_or(NEVER, |at| at.as_millisecond()),
                // Of all others it is known once all are there.
                profile: if key.decoy { KeyRecord::DECOY } else { 0 },
            };
            records.push((hash, record));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for (number, places) in (0..).zip(profiles.values()) {
            for place in places {
                if let Some((_, record)) = records.get_mut(*place) {
                    record.profile = number;
                }
            }
        }
        Ok(Self { profiles: profiles.into_keys().collect(), records, revoked, warnings })
    }
}

fn profile(key: &KeySpec) -> Profile {
    let networks = key.networks.iter().map(|net| json!({ "__extn": { "fn": "ip", "arg": net } }));
    let mut attrs = json!({
        "owner": key.owner,
        "purpose": key.purpose,
        "environment": key.environment,
        "scopes": key.scopes,
        "networks": networks.collect::<Vec<_>>(),
    });
    if let (false, Some(attrs)) = (key.spiffe_ids.is_empty(), attrs.as_object_mut()) {
        attrs.insert("spiffeIds".into(), json!(key.spiffe_ids));
    }
    let mut parents = Vec::new();
    let links = [("team", "Team", &key.team), ("workload", "Workload", &key.workload)];
    for (attribute, kind, id) in links {
        let Some(id) = id else { continue };
        if let Some(attrs) = attrs.as_object_mut() {
            attrs.insert(attribute.into(), json!({ "__entity": { "type": kind, "id": id } }));
        }
        parents.push((String::from(kind), id.clone()));
    }
    Profile {
        owner: key.owner.clone(),
        attrs: attrs.to_string(),
        parents,
        networks: key.networks.clone(),
        spiffe_ids: key.spiffe_ids.clone(),
    }
}

fn check(
    key: &KeySpec,
    settings: &Settings,
    entities: &Entities,
) -> Result<(KeyId, KeyHash), Problems> {
    let mut problems = Problems::new();
    let mut wrong = |code, message: String, help: &str| {
        let message = format!("key `{}`: {message}", key.id);
        problems.push(Problem::error(code, message).help(help));
    };
    let id = KeyId::parse(&key.id);
    if id.is_none() {
        wrong("cedarkey::keys::id", "the id is no ULID".into(), "it has 26 characters");
    }
    let hash = KeyHash::from_hex(&key.hash);
    if hash.is_none() {
        let help = "it is the SHA-256 of the token in 64 hexadecimal digits";
        wrong("cedarkey::keys::hash", "the hash is malformed".into(), help);
    }
    for Fault { code, message, help } in faults(key, settings, entities) {
        wrong(code, message, help);
    }
    match (id, hash) {
        (Some(id), Some(hash)) if problems.is_empty() => Ok((id, hash)),
        _ => Err(problems),
    }
}

/// What a key says of the project that is not so there.
pub(crate) fn faults(key: &KeySpec, settings: &Settings, entities: &Entities) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (kind, id) in [("Team", &key.team), ("Workload", &key.workload)] {
        if let Some(id) = id.as_ref().filter(|id| !key.ended && !exists(entities, kind, id)) {
            faults.push(Fault {
                code: "cedarkey::keys::entity",
                message: format!("there is no {kind} `{id}`"),
                help: "add it to entities.json, or give the key another",
            });
        }
    }
    let own = &settings.bundle.environment;
    if key.environment != *own {
        faults.push(Fault {
            code: "cedarkey::keys::environment",
            message: format!("it is for `{}`, and this bundle for `{own}`", key.environment),
            help: "keep a registry for each environment",
        });
    }
    faults
}

/// The first network of a key that is none.
fn wrong_network(key: &KeySpec) -> Option<Problem> {
    let network = key.networks.iter().find(|network| ip::parse(network).is_err())?;
    let message = format!("key `{}`: `{network}` is no network", key.id);
    let problem = Problem::error("cedarkey::keys::network", message);
    Some(problem.help("write an address or a range, as in `10.0.0.0/8`"))
}

fn exists(entities: &Entities, kind: &str, id: &str) -> bool {
    uid(kind, id).is_some_and(|uid| entities.get(&uid).is_some())
}

/// The uid of an entity.
pub(crate) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind = EntityTypeName::from_str(kind).ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

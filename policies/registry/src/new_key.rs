//! A key that is yet to be made, and the rules that it must keep.

use crate::change::{Change, whole};
use crate::error::RuleError;
use crate::key::{Key, State};
use cedarkey_engine::ext::ip;
use cedarkey_engine::token::{KeyHash, check_word};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKey {
    /// What it is called, if anything: no other key is called so.
    pub name: Option<String>,
    /// The prefix of its token.
    pub prefix: String,
    /// The environment that it is for.
    pub environment: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// The id of the owner's team.
    pub team: Option<String>,
    /// The id of the workload that uses it.
    pub workload: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Where it may be used from; empty: anywhere.
    pub networks: Vec<String>,
    /// Which SPIFFE ids it may be used by; empty: any.
    pub spiffe_ids: Vec<String>,
    /// Whatever else is to be known of it.
    pub labels: BTreeMap<String, String>,
    /// From when on it is valid; from now on, if absent.
    pub not_before: Option<Timestamp>,
    /// From when on it is no longer valid; never, if absent.
    pub expires: Option<Timestamp>,
    /// By when somebody has to look whether it is still needed.
    pub review_by: Option<Timestamp>,
    /// Whether it is a decoy.
    pub decoy: bool,
}

/// The longest owner, purpose or label, in bytes.
const MAX_TEXT: usize = 512;
/// The longest SPIFFE id, in bytes, by the SPIFFE ID standard, section 2.3.
const MAX_SPIFFE: usize = 2048;

// === impl NewKey ===

impl NewKey {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(&self, now: Timestamp) -> Result<(), RuleError> {
        for (what, text) in [("an owner", &self.owner), ("a purpose", &self.purpose)] {
            if text.trim().is_empty() {
                return Err(RuleError::Blank(what));
            }
        }
        let texts = [
            ("an owner", Some(&self.owner)),
            ("a purpose", Some(&self.purpose)),
            ("a team", self.team.as_ref()),
            ("a workload", self.workload.as_ref()),
        ];
        for (what, text) in texts.iter().filter_map(|(what, text)| Some((what, (*text)?))) {
            if text.contains(char::is_control) {
                return Err(RuleError::Control(what));
            }
            if text.len() > MAX_TEXT {
                return Err(RuleError::TooLong(what));
            }
        }
        for word in [&self.prefix, &self.environment] {
            check_word(word).map_err(|error| RuleError::Word(word.clone(), error))?;
        }
        let refuse = |list: &[String],
                      is_good: fn(&str) -> bool,
                      error: fn(String) -> RuleError| {
            list.iter().find(|text| !is_good(text)).map_or(Ok(()), |text| Err(error(text.clone())))
        };
        refuse(&self.scopes, is_scope, RuleError::Scope)?;
        refuse(&self.networks, |network| ip::parse(network).is_ok(), RuleError::Network)?;
        refuse(&self.spiffe_ids, is_spiffe_id, RuleError::Spiffe)?;
        refuse(self.name.as_slice(), is_name, RuleError::Name)?;
        if let Some(what) = self.reach().filter(|_| self.decoy) {
            return Err(RuleError::Decoy(what));
        }
        for (key, value) in &self.labels {
            if !is_name(key) || value.len() > MAX_TEXT || value.contains(char::is_control) {
                return Err(RuleError::Label(key.clone()));
            }
        }
        if let Some(expires) = self.expires.map(whole) {
            if expires <= whole(now) {
                return Err(RuleError::PastExpiry(expires));
            }
            if expires <= whole(self.not_before.unwrap_or(now)) {
                return Err(RuleError::Lifetime);
            }
        }
        Ok(())
    }

    /// What it says of how far it goes, if anything.
    fn reach(&self) -> Option<&'static str> {
        let said = [
            ("a workload", self.workload.is_some()),
            ("scopes", !self.scopes.is_empty()),
            ("networks", !self.networks.is_empty()),
            ("SPIFFE ids", !self.spiffe_ids.is_empty()),
        ];
        said.into_iter().find_map(|(what, is_said)| is_said.then_some(what))
    }

    /// The key that it becomes.
    pub(crate) fn into_key(self, id: String, hash: KeyHash, change: &Change) -> Key {
        Key {
            id,
            name: self.name,
            hash: hash.to_string(),
            prefix: self.prefix,
            environment: self.environment,
            owner: self.owner.trim().into(),
            purpose: self.purpose.trim().into(),
            team: self.team,
            workload: self.workload,
            scopes: self.scopes,
            networks: self.networks,
            spiffe_ids: self.spiffe_ids,
            labels: self.labels,
            created: change.now,
            not_before: whole(self.not_before.unwrap_or(change.now)),
            expires: self.expires.map(whole),
            review_by: self.review_by.map(whole),
            state: State::Active,
            since: change.now,
            reason: None,
            requested_by: None,
            approver: Some(change.approver.as_ref().unwrap_or(&change.actor).clone()),
            replaces: None,
            replaced_by: None,
            waiting: None,
            decoy: self.decoy,
        }
    }
}

fn is_scope(scope: &str) -> bool {
    let is_proper = |c: char| !c.is_whitespace() && !c.is_control();
    (1..=128).contains(&scope.len()) && scope.chars().all(is_proper)
}

/// Whether a key or a label may be called that.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._/-".contains(c);
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_good)
}

fn is_spiffe_id(id: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    id.len() <= MAX_SPIFFE
        && id.strip_prefix("spiffe://").is_some_and(|rest| {
            let domain = rest.split('/').next().unwrap_or_default();
            !domain.is_empty() && !rest.ends_with('/') && rest.chars().all(is_good)
        })
}

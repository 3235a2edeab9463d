//! The record of a decision, for the proxy's access log: who wanted to do what, and which policies
//! of which bundle let it, or did not.

use crate::delivery::Active;
use crate::host;
use crate::json::{begin, list, quote};
use cedarkey_engine::gate::{Cause, Session};
use cedarkey_engine::key::{KEY_ID_LEN, KeyId};
use std::fmt::Write;

/// Which decisions are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// None.
    #[default]
    None,
    /// Those by which a request was denied.
    Denied,
    /// All.
    All,
}

/// A decision.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The id of the decision.
    pub id: &'a str,
    /// Why the request was denied, whatever its caller is told; absent where it was allowed.
    pub cause: Option<Cause>,
    /// Whose request it was, where that is known.
    pub key: Option<KeyId>,
    /// The profile of that key.
    pub profile: Option<u32>,
    /// The bundle that was in force, if any.
    pub active: Option<&'a Active>,
    /// How its policies came to the decision, where they were asked.
    pub session: Option<&'a Session>,
}

/// Room for most records, in bytes.
const ROOM: usize = 320;

/// The most policies that are named: an access log has lines, not pages.
const MOST: usize = 16;

// === impl Record ===

impl<'a> Record<'a> {
    /// The record of a denial of which no more is known.
    pub fn of_denial(id: &'a str, cause: Cause) -> Self {
        Self { id, cause: Some(cause), key: None, profile: None, active: None, session: None }
    }

    /// Hands the record to the proxy. Apart, as not all proxies are to have it.
    #[inline(never)]
    pub fn tell(&self) {
        host::record(&self.json());
    }

    /// A JSON object. What is not known is left out.
    fn json(&self) -> String {
        let mut out = String::with_capacity(ROOM);
        out.push_str(if self.cause.is_none() {
            "{\"decision\":\"allow\""
        } else {
            "{\"decision\":\"deny\""
        });
        field("id", self.id, &mut out);
        field("cause", self.cause.map_or("", Cause::label), &mut out);
        if let Some(key) = self.key {
            field("key", key.encode(&mut [0; KEY_ID_LEN]), &mut out);
        }
        if let (Some(Active { model, .. }), Some(session)) = (self.active, self.session) {
            field("owner", self.profile.map_or("", |profile| model.owner(profile)), &mut out);
            field(
                "action",
                session.action().map_or("", |action| model.entity_id(action)),
                &mut out,
            );
            let evaluation = session.evaluation();
            let (permits, forbids) = (evaluation.permits(), evaluation.forbids());
            let decided = if self.cause.is_none() { permits } else { forbids };
            let failed = evaluation.errors().iter().map(|(at, _)| *at);
            let name = |at| model.policy_id(at);
            some("policies", decided.iter().copied().map(name), &mut out);
            some("errors", failed.map(name), &mut out);
        }
        if let Some(active) = self.active {
            let _ = write!(out, ",\"bundle\":{}", active.manifest.version);
        }
        out.push('}');
        out
    }
}

/// Writes a field, unless it is empty.
fn field(name: &str, text: &str, out: &mut String) {
    if !text.is_empty() {
        begin(name, out);
        quote(text, out);
    }
}

/// Writes some of the names, and how many there are besides.
fn some<'a>(name: &str, mut names: impl Iterator<Item = &'a str>, out: &mut String) {
    list(name, names.by_ref().take(MOST), out);
    let omitted = names.count();
    if omitted > 0 {
        // Writing to a string does not fail.
        let _ = write!(out, ",\"{name}_omitted\":{omitted}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_not_known_is_left_out() {
        let read = |record: Record<'_>| serde_json::from_str::<Value>(&record.json()).unwrap();
        let denial = Record::of_denial("7f", Cause::NoBundle);
        let expected = json!({ "decision": "deny", "id": "7f", "cause": "no_bundle" });
        assert_eq!(read(denial), expected);
        let expected =
            json!({ "decision": "allow", "id": "7f", "key": "00000000000000000000000007" });
        assert_eq!(
            read(Record { cause: None, key: Some(KeyId(7_u128.to_be_bytes())), ..denial }),
            expected
        );
    }

    #[test]
    fn a_list_says_how_many_it_leaves_out() {
        let written = |count: usize| {
            let mut out = String::new();
            some("names", std::iter::repeat_n("a\"b", count), &mut out);
            out
        };
        assert_eq!(written(0), "");
        assert_eq!(written(2), r#","names":["a\"b","a\"b"]"#);
        assert!(!written(MOST).contains("omitted"));
        assert!(written(MOST + 3).ends_with(r#""],"names_omitted":3"#));
    }
}

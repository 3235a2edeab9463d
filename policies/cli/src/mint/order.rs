//! What a workload asks for.

use super::refusal::Refusal;
use cedarkey_compiler::mint::Wanted;
use cedarkey_identity::Identity;

/// A key that somebody wants who has proved who it is.
#[derive(Debug)]
pub struct Order {
    pub identity: Identity,
    pub wanted: Wanted,
}

/// How many scopes or networks a key may name.
const MOST: usize = 64;

/// The longest reason, in bytes.
const MOST_REASON: usize = 512;

/// How much of what is wrong is said, in bytes.
const MOST_SAID: usize = 200;

// === impl Order ===

impl Order {
    /// Reads a body; an empty one asks for nothing in particular.
    pub fn read(identity: Identity, body: &[u8]) -> Result<Self, Refusal> {
        let mut wanted = match body.trim_ascii() {
            [] => Wanted::default(),
            // A list would be taken for the fields in their order.
            [first, ..] if *first != b'{' => {
                return Err(Refusal::Body("it is no JSON object".into()));
            }
            body => serde_json::from_slice(body).map_err(|error| {
                // It may quote what was sent, which is told and written to the log.
                let mut said = error.to_string();
                said.truncate(said.floor_char_boundary(MOST_SAID));
                Refusal::Body(said)
            })?,
        };
        if wanted.reason.as_ref().is_some_and(|reason| reason.len() > MOST_REASON) {
            return Err(Refusal::Body(format!("`reason` has more than {MOST_REASON} bytes")));
        }
        // Keys that say the same are to have the same in common, so that bundles stay small.
        for list in [&mut wanted.scopes, &mut wanted.networks] {
            list.sort_unstable();
            list.dedup();
            if list.len() > MOST {
                return Err(Refusal::Body(format!("more than {MOST} scopes or networks")));
            }
        }
        Ok(Self { identity, wanted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn read(body: &str) -> Result<Wanted, Refusal> {
        let spiffe_id = "spiffe://example.com/a".parse().unwrap();
        let identity = Identity { spiffe_id, issuer: None };
        Order::read(identity, body.as_bytes()).map(|order| order.wanted)
    }

    #[test]
    fn what_is_not_given_is_left_to_the_project() {
        for body in ["", " \n", "{}"] {
            assert_eq!(read(body).unwrap(), Wanted::default());
        }
        let wanted = read(r#"{"lifetime": "10m", "scopes": ["b", "a", "b"]}"#).unwrap();
        assert_eq!(wanted.lifetime, Some(SignedDuration::from_mins(10)));
        assert_eq!(wanted.scopes, ["a", "b"]);
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let many: Vec<_> = (0..=MOST).map(|at| at.to_string()).collect();
        let many = serde_json::json!({ "scopes": many }).to_string();
        let reason = serde_json::json!({ "reason": "x".repeat(MOST_REASON + 1) }).to_string();
        for body in [
            "[]",
            "{",
            "{} {}",
            &many,
            &reason,
            r#"{"lifetime": 60}"#,
            r#"{"scopes": "a"}"#,
            r#"{"ttl": 1}"#,
        ] {
            assert!(matches!(read(body), Err(Refusal::Body(_))), "{body}");
        }
    }
}

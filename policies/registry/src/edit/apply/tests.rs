use super::*;
use crate::key::tests::{key, now};
use jiff::ToSpan;

fn by(actor: &str) -> Change {
    Change::new(actor, "because", now().checked_add(1.hour()).unwrap())
}

fn status(edit: &Edit, key: &Key) -> Result<Option<Status>, Refusal> {
    let after = edit.apply(key, &by("bob"))?;
    Ok(after.map(|after| after.status(by("bob").now)))
}

fn in_state(state: State) -> Key {
    Key { state, reason: Some("before".into()), requested_by: Some("alice".into()), ..key() }
}

/// For each state, what each edit makes of it: `-` nothing, `!` a refusal.
#[test]
fn the_whole_life_of_a_key() {
    let edits =
        [Edit::Approve, Edit::Deny, Edit::Suspend, Edit::Resume, Edit::Retire, Edit::Revoke];
    let states = [
        (State::Active, "! ! suspended ! retired revoked"),
        (State::Denied, "! ! ! ! ! !"),
        (State::Pending, "active denied ! ! ! revoked"),
        (State::Retired, "! ! ! ! - revoked"),
        (State::Revoked, "! ! ! ! - -"),
        (State::Suspended, "! ! - active retired revoked"),
    ];
    for (state, expected) in states {
        let outcome = |edit: &Edit| match status(edit, &in_state(state)) {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => "-".into(),
            Err(_) => "!".into(),
        };
        let outcomes: Vec<_> = edits.iter().map(outcome).collect();
        assert_eq!(outcomes.join(" "), expected, "{state:?}");
    }
}

#[test]
fn a_new_state_says_since_when_and_why() {
    let after = Edit::Suspend.apply(&key(), &by("bob")).unwrap().unwrap();
    assert_eq!((after.since, after.reason.as_deref()), (by("bob").now, Some("because")));
    assert_eq!(Key { state: State::Active, since: now(), reason: None, ..after }, key());
}

#[test]
fn nobody_approves_their_own_request_nor_one_that_is_too_old() {
    let pending = in_state(State::Pending);
    let own = Edit::Approve.apply(&pending, &by(" Alice")).unwrap_err();
    assert_eq!(own, Refusal::OwnRequest("alice".into()));
    let late = Change::new("bob", "", pending.expires.unwrap());
    let late = Edit::Approve.apply(&pending, &late).unwrap_err();
    assert_eq!(late, Refusal::PastExpiry(pending.expires.unwrap()));
    let approved = Edit::Approve.apply(&pending, &by("bob")).unwrap().unwrap();
    assert_eq!(approved.approver.as_deref(), Some("bob"));
}

#[test]
fn an_extension_is_longer_and_in_the_future() {
    let until = |until| Edit::Extend { until };
    let expires = key().expires.unwrap();
    let extended = until(Some(expires + 1.hour())).apply(&key(), &by("bob")).unwrap().unwrap();
    assert_eq!(extended.expires, Some(expires + 1.hour()));
    assert_eq!(until(None).apply(&key(), &by("bob")).unwrap().unwrap().expires, None);
    let refusal = |edit: Edit, key: &Key| edit.apply(key, &by("bob")).unwrap_err();
    assert!(matches!(refusal(until(Some(expires)), &key()), Refusal::NotLonger(_)));
    assert!(matches!(refusal(until(Some(now())), &key()), Refusal::PastExpiry(_)));
    let endless = Key { expires: None, ..key() };
    assert!(matches!(refusal(until(None), &endless), Refusal::NotLonger(_)));
    let replaced = Key { replaced_by: Some("01".into()), ..key() };
    assert!(matches!(refusal(until(None), &replaced), Refusal::Replaced(_)));
    assert!(matches!(refusal(until(None), &in_state(State::Revoked)), Refusal::NotNow { .. }));
    let over = Key { expires: Some(now() + 1.minute()), ..key() };
    assert!(matches!(refusal(until(None), &over), Refusal::NotNow { .. }));
}

#[test]
fn a_key_is_transferred_once() {
    let to = |owner: &str| Edit::Transfer { owner: owner.into(), team: None };
    let after = to("bob").apply(&key(), &by("carol")).unwrap().unwrap();
    assert_eq!((after.owner.as_str(), after.team.as_deref()), ("bob", Some("payments")));
    assert_eq!(to("bob").apply(&after, &by("carol")).unwrap(), None);
    assert!(matches!(to(" ").apply(&key(), &by("carol")), Err(Refusal::Rule(_))));
    assert!(to("bob").apply(&in_state(State::Retired), &by("carol")).is_err());
}

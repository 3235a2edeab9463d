//! Telling operators that a decoy was used.

use crate::forward::Shown;
use crate::host;
use crate::json::quote;
use cedarkey_engine::key::KeyId;
use proxy_wasm::types::LogLevel;
use std::cell::Cell;

/// How many lines a VM may write at once. It may write one more each second, so that whoever holds a
/// decoy cannot fill a disk with it.
const BURST: i64 = 10;

/// One line a second, in milliseconds.
const EACH: i64 = 1000;

/// The most of a caller's text that is written, in bytes.
const MAX_TEXT: usize = 256;

/// What a VM has told of decoys.
#[derive(Debug, Default)]
pub struct Alarm {
    /// Up to when lines are paid for, in milliseconds since 1970-01-01T00:00:00Z.
    paid: Cell<i64>,
    /// How many uses were not told since the last line.
    untold: Cell<u64>,
}

// === impl Alarm ===

impl Alarm {
    /// Writes a line of who has used which decoy for what, unless there were too many of late.
    pub fn tell(&self, key: KeyId, decision: &str, of: &Shown<'_>, now: i64) {
        let Some(untold) = self.admit(now) else { return };
        let source = host::property(vec!["source", "address"]).unwrap_or_default();
        host::log(LogLevel::Warn, &line(key, decision, &source, of, untold));
    }

    /// Whether a line may be written now, and how many were not since the last.
    fn admit(&self, now: i64) -> Option<u64> {
        let latest = now.saturating_add(EACH.saturating_mul(BURST));
        // What was paid for by a clock that has been set back since is forgotten.
        let paid = self.paid.get();
        let next = if (now..=latest).contains(&paid) { paid } else { now }.saturating_add(EACH);
        if next > latest {
            self.untold.set(self.untold.get().saturating_add(1));
            return None;
        }
        self.paid.set(next);
        Some(self.untold.take())
    }
}

fn line(key: KeyId, decision: &str, source: &[u8], of: &Shown<'_>, untold: u64) -> String {
    let mut line = format!("a decoy key was used: key={key} decision={decision}");
    for (name, text) in [
        ("source", &*String::from_utf8_lossy(source)),
        ("method", &of.method),
        // What follows may hold what is nobody's business.
        ("path", of.target.split(['?', '#']).next().unwrap_or_default()),
    ] {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        // What is beyond ASCII may end a line, or turn it round, wherever it is shown.
        quote(&text.replace(|c: char| !c.is_ascii(), "?"), &mut line);
    }
    if untold > 0 {
        line.push_str(&format!(" ({untold} uses before were not told)"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_and_then_one_a_second() {
        let alarm = Alarm::default();
        let at = 1_800_000_000_000;
        let told = |now: i64, count: usize| (0..count).filter_map(|_| alarm.admit(now)).count();
        assert_eq!(told(at, 100), 10);
        assert_eq!(told(at + 999, 1), 0);
        assert_eq!(alarm.admit(at + 1000), Some(91));
        assert_eq!(told(at + 1000, 5), 0);
        assert_eq!(told(at + 4000, 100), 3);
        assert_eq!(told(at + 60_000, 100), 10);
        // A clock that is set back does not silence it.
        assert_eq!(told(at - 3_600_000, 100), 10);
    }

    #[test]
    fn a_line_holds_no_query_and_no_line_break() {
        let path = format!("/v1/\"orders\"/{}?api_key=secret", "x".repeat(300));
        let of = Shown { method: "GET\n".into(), target: path.into() };
        let line = line(KeyId([1; 16]), "d", b"10.0.0.1:80", &of, 3);
        let expected =
            " decision=d source=\"10.0.0.1:80\" method=\"GET\\n\" path=\"/v1/\\\"orders\\\"/xxx";
        assert!(line.starts_with("a decoy key was used: key="), "{line}");
        assert!(line.contains(expected), "{line}");
        assert!(line.ends_with("x\" (3 uses before were not told)"), "{line}");
        assert!(!line.contains("secret") && line.len() < 500, "{line}");
    }
}

//! What is changed of keys, field by field.

use crate::output::{BAD, DIM, GOOD, NOTICE};
use cedarkey_registry::{Applied, Key, Waiting};
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Fields that say nothing that another does not.
const SILENT: [&str; 7] =
    ["since", "reason", "approver", "requestedBy", "replaces", "replacedBy", "waiting"];

/// Writes what a file changes.
pub fn write(applied: &Applied, out: &mut dyn Write) -> Result<()> {
    for (key, _) in &applied.created {
        writeln!(out, "{GOOD}+ {}{GOOD:#} of {}: {}", name(key), key.owner, key.purpose)?;
    }
    for (before, after) in &applied.changed {
        writeln!(out, "{NOTICE}~ {}{NOTICE:#} {}", name(before), before.id)?;
        let mut lines = fields(before, after);
        if before.waiting != after.waiting {
            match after.waiting.as_ref() {
                Some(Waiting::Become { key, .. }) => {
                    let asked = Key { state: after.state, ..Key::clone(key) };
                    let asked = fields(after, &asked).into_iter();
                    lines.extend(asked.map(|line| format!("{line}, once somebody else approves")));
                }
                _ => lines.push("what was asked for is withdrawn".into()),
            }
        }
        for line in lines {
            writeln!(out, "    {line}")?;
        }
    }
    for key in &applied.unlisted {
        writeln!(out, "{DIM}  {} is not in the file, and stays as it is{DIM:#}", name(key))?;
    }
    Ok(())
}

/// In what a key differs from what it was.
pub fn fields(before: &Key, after: &Key) -> Vec<String> {
    changed(&json!(before), &json!(after))
}

/// The same of keys in JSON, as the audit has them.
pub fn changed(before: &Value, after: &Value) -> Vec<String> {
    let fields = before.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !SILENT.contains(&field.as_str()));
    let mut lines = Vec::new();
    for (field, old) in fields {
        let new = after.get(field).unwrap_or(&Value::Null);
        if old != new {
            let (old, new) = (text(old), text(new));
            lines.push(format!("{field}: {BAD}{old}{BAD:#} -> {GOOD}{new}{GOOD:#}"));
        }
    }
    lines
}

fn name(key: &Key) -> &str {
    key.name.as_deref().unwrap_or(&key.id)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

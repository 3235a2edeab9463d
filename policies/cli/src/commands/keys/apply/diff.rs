//! What is changed, line by line.

use crate::output::{BAD, DIM, GOOD, NOTICE};
use cedarkey_registry::{Applied, Key};
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Fields that say nothing that another does not.
const SILENT: [&str; 6] = ["since", "reason", "approver", "requestedBy", "replaces", "replacedBy"];

/// Writes it.
pub fn write(applied: &Applied, out: &mut dyn Write) -> Result<()> {
    for (key, _) in &applied.created {
        writeln!(out, "{GOOD}+ {}{GOOD:#} of {}: {}", name(key), key.owner, key.purpose)?;
    }
    for (before, after) in &applied.changed {
        writeln!(out, "{NOTICE}~ {}{NOTICE:#} {}", name(before), before.id)?;
        let (before, after) = (json!(before), json!(after));
        let fields = before.as_object().into_iter().flatten();
        for (field, old) in fields.filter(|(field, _)| !SILENT.contains(&field.as_str())) {
            let new = after.get(field).unwrap_or(&Value::Null);
            if old != new {
                writeln!(
                    out,
                    "    {field}: {BAD}{}{BAD:#} -> {GOOD}{}{GOOD:#}",
                    text(old),
                    text(new)
                )?;
            }
        }
    }
    for key in &applied.unlisted {
        writeln!(out, "{DIM}  {} is not in the file, and stays as it is{DIM:#}", name(key))?;
    }
    Ok(())
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

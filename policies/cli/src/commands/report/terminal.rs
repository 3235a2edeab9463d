//! A report for people, on a terminal.

use crate::commands::keys::day;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, NOTICE, Output, STRONG, counted, table};
use crate::report::{Granted, Level, Report};
use anstyle::Style;
use jiff::Timestamp;
use std::io::Write;

/// Tells what was found.
pub fn tell(report: &Report, out: &mut dyn Write) {
    let Report { name, environment, keys, findings, .. } = report;
    let keys = counted(*keys, "key");
    let _ = writeln!(out, "{STRONG}{name}{STRONG:#}, {environment}: {keys}");
    if findings.is_empty() {
        let _ = writeln!(out, "{GOOD}nothing was found{GOOD:#}");
    }
    for level in Level::ALL {
        let of_level = findings.iter().filter(|finding| finding.level == level);
        let mut rows = table(&["finding", "key", "owner", "what", "reference"]);
        let mut commands = Vec::new();
        for finding in of_level {
            let reference = finding.owasp.unwrap_or_default().split(' ').next().unwrap_or_default();
            let references = [&[reference][..], finding.nist].concat();
            rows.add_row([
                finding.rule.word().to_owned(),
                finding.name.clone().unwrap_or_else(|| finding.key.clone()),
                finding.owner.clone(),
                finding.message.clone(),
                references.join(" ").trim().to_owned(),
            ]);
            commands.push(&finding.command);
        }
        if commands.is_empty() {
            continue;
        }
        let style = style(level);
        let _ = writeln!(out, "\n{style}{}{style:#}", level.word());
        let _ = writeln!(out, "{rows}");
        let _ = writeln!(out, "{DIM}what to do:{DIM:#}");
        for command in commands {
            let _ = writeln!(out, "  {command}");
        }
    }
    let narrower = report.narrower();
    if !narrower.is_empty() {
        let mut rows = table(&["key", "may do", "does", "scopes it could do without"]);
        for Granted { key, actions, used_actions, unused_scopes, .. } in narrower {
            rows.add_row([
                key.clone(),
                actions.join(" "),
                used_actions.as_deref().unwrap_or_default().join(" "),
                unused_scopes.join(" "),
            ]);
        }
        let _ = writeln!(out, "\n{STRONG}granted and used{STRONG:#}\n{rows}");
    }
    let counts = report.counts.iter().map(|(level, count)| format!("{count} {}", level.word()));
    let counts: Vec<String> = counts.collect();
    let _ = writeln!(out, "\n{}: {}", counted(findings.len(), "finding"), counts.join(", "));
}

/// Writes the policy that keeps a key to what it was used for.
pub fn narrow(
    granted: &Granted,
    since: Option<Timestamp>,
    output: &Output,
) -> Result<Exit, Failure> {
    let Granted { key, unused_scopes, policy, .. } = granted;
    let Some(policy) = policy else {
        let used = granted.used_actions.as_deref().unwrap_or_default();
        let why = match (used, granted.unused_actions.as_slice()) {
            ([], _) => "was not used, as far as is known: suspend it rather",
            (_, []) => "has used all that its scopes let it do, or more than was told apart",
            _ => "has used an action that the schema does not know any more",
        };
        return Err(Failure::new(Exit::Failure, format!("key `{key}` {why}")));
    };
    output.result(granted, |out| {
        let since = day(since);
        let _ = writeln!(out, "// What the key was used for, as proxies say since {since}.");
        let _ = write!(out, "{policy}");
    });
    if !unused_scopes.is_empty() {
        let scopes = unused_scopes.join("`, `");
        output.note(format_args!("it could do without the scopes `{scopes}` too"));
    }
    Ok(Exit::Ok)
}

fn style(level: Level) -> Style {
    match level {
        Level::High => BAD,
        Level::Medium => NOTICE,
        Level::Low => STRONG,
    }
}

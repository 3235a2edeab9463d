//! A report for people, on a terminal.

use crate::output::{BAD, DIM, GOOD, NOTICE, STRONG, counted, table};
use crate::report::{Granted, Level, Report};
use anstyle::Style;
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

fn style(level: Level) -> Style {
    match level {
        Level::High => BAD,
        Level::Medium => NOTICE,
        Level::Low => STRONG,
    }
}

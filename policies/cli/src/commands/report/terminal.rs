//! A report for people, on a terminal.

use crate::output::{BAD, DIM, GOOD, NOTICE, STRONG, counted, table};
use crate::report::{Granted, Level, Report};
use anstyle::Style;
use std::io::Write;

/// How commands begin that take several keys, up to the first.
const SEVERAL: [&str; 3] =
    ["cedarkey keys revoke ", "cedarkey keys suspend ", "cedarkey keys transfer "];

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
            commands.push((finding.key.as_str(), finding.command.as_str()));
        }
        if commands.is_empty() {
            continue;
        }
        let style = style(level);
        let _ = writeln!(out, "\n{style}{}{style:#}", level.word());
        let _ = writeln!(out, "{rows}");
        let _ = writeln!(out, "{DIM}what to do:{DIM:#}");
        for command in together(&commands) {
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

/// Commands, each for a key; one where a command takes several keys and is otherwise the same.
fn together(commands: &[(&str, &str)]) -> Vec<String> {
    let mut lines: Vec<(&str, Vec<&str>, &str)> = Vec::new();
    for (key, command) in commands {
        let parts = command.split_once(key).filter(|(start, _)| SEVERAL.contains(start));
        let Some((start, end)) = parts else {
            lines.push((command, Vec::new(), ""));
            continue;
        };
        let is_same = |(other, keys, rest): &&mut (&str, Vec<&str>, &str)| {
            !keys.is_empty() && (*other, *rest) == (start, end)
        };
        match lines.iter_mut().find(is_same) {
            Some((_, keys, _)) => keys.push(key),
            None => lines.push((start, vec![key], end)),
        }
    }
    lines.iter().map(|(start, keys, end)| format!("{start}{}{end}", keys.join(" "))).collect()
}

fn style(level: Level) -> Style {
    match level {
        Level::High => BAD,
        Level::Medium => NOTICE,
        Level::Low => STRONG,
    }
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn what_is_to_be_done_to_several_keys_is_one_command_where_it_can_be() {
        let commands = [
            ("A", "cedarkey keys suspend A --reason 'not in use'"),
            ("B", "cedarkey keys rotate B --overlap 7d"),
            ("C", "cedarkey keys suspend C --reason 'not in use'"),
            ("D", "cedarkey keys rotate D --overlap 7d"),
            ("E", "cedarkey keys revoke E --reason 'not in use'"),
        ];
        let expected = [
            "cedarkey keys suspend A C --reason 'not in use'",
            "cedarkey keys rotate B --overlap 7d",
            "cedarkey keys rotate D --overlap 7d",
            "cedarkey keys revoke E --reason 'not in use'",
        ];
        assert_eq!(together(&commands), expected);
    }
}

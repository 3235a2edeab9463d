//! Control characters made visible.
//!
//! What is shown comes from registries, bundles and publishers too, and whoever wrote it must not
//! move the cursor, rename the window or hide a line: CWE-150.

use std::io::{Result, Write};

/// Writes text with its control characters escaped. Line breaks and tabs are kept, and so is colour.
/// Each call must be given whole characters and whole sequences, as formatting does.
pub struct Visible<W>(pub W);

// === impl Visible ===

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write_all(escape(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}

fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = colour(rest);
        if colour.is_none() && is_unseen(c) {
            shown.extend(c.escape_unicode());
        }
        let Some((this, after)) = rest.split_at_checked(colour.unwrap_or(c.len_utf8())) else {
            break;
        };
        if colour.is_some() || !is_unseen(c) {
            shown.push_str(this);
        }
        rest = after;
    }
    shown
}

/// The length of the sequence that sets a colour or style (ECMA-48, SGR) at the front of a text.
fn colour(text: &str) -> Option<usize> {
    const START: &str = "\u{1b}[";
    let parameters = text.strip_prefix(START)?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let ends = parameters.get(end..)?.starts_with('m');
    ends.then(|| START.len().saturating_add(end).saturating_add(1))
}

/// Whether a character does something instead of being seen; those that turn the direction of what
/// follows (Unicode, UAX #9) do.
fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_shown_instead() {
        for (text, shown) in [
            ("plain é\n\ttext", "plain é\n\ttext"),
            ("\u{1b}[1;31mred\u{1b}[0m\u{1b}[m", "\u{1b}[1;31mred\u{1b}[0m\u{1b}[m"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\rb\u{8}\u{9b}2J\u{7f}", "a\\u{d}b\\u{8}\\u{9b}2J\\u{7f}"),
            ("\u{202e}x", "\\u{202e}x"),
            ("\u{1b}", "\\u{1b}"),
            ("\u{1b}[", "\\u{1b}["),
            ("\u{1b}[31", "\\u{1b}[31"),
        ] {
            let mut out = Vec::new();
            write!(Visible(&mut out), "{text}").unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}

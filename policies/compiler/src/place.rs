//! Places in text: byte offset and length.

/// The byte offset of a line and column, both counted from 1, the column in characters.
pub fn offset(text: &str, line: u64, column: u64) -> usize {
    let skipped = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let before: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    let ahead = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    let within: usize = rest.chars().take(ahead).map(char::len_utf8).sum();
    before.saturating_add(within).min(text.len())
}

/// Where a JSON text is not what was expected of it.
pub fn json(text: &str, error: &serde_json::Error) -> usize {
    offset(text, error.line() as u64, error.column().max(1) as u64)
}

/// The number of the line that an offset is in, counted from 1.
pub fn line_number(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or_default();
    before.matches('\n').count().saturating_add(1)
}

/// The rest of the line from an offset on.
pub fn line(text: &str, offset: usize) -> (usize, usize) {
    let rest = text.get(offset..).unwrap_or_default();
    (offset, rest.lines().next().unwrap_or_default().trim_end().len())
}

/// What stands at an offset, up to a space, comma or closing bracket.
pub fn word(text: &str, offset: usize) -> (usize, usize) {
    let rest = text.get(offset..).unwrap_or_default();
    let end = rest.find(|c: char| c.is_whitespace() || ",]})".contains(c));
    (offset, end.unwrap_or(rest.len()))
}

/// The first place where a name is declared: as a whole word, quoted or not, before a colon.
pub fn declaration(text: &str, name: &str) -> Option<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut places = text.match_indices(name).filter(|(at, _)| {
        let end = at.saturating_add(name.len());
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(end..).unwrap_or_default();
        let after = after.trim_start_matches('"').trim_start().trim_start_matches('?');
        !before.is_some_and(is_word) && after.trim_start().starts_with(':')
    });
    places.next().map(|(at, found)| (at, found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_from_one() {
        let text = "é: 1\nb: é2\n";
        assert_eq!(offset(text, 1, 1), 0);
        assert_eq!(offset(text, 1, 2), 2);
        assert_eq!(offset(text, 2, 5), text.find('2').unwrap());
        assert_eq!(offset(text, 9, 9), text.len());
    }

    #[test]
    fn a_line_ends_before_what_cannot_be_seen() {
        assert_eq!(line("ab  \r\nc", 1), (1, 1));
        assert_eq!(line("ab", 7), (7, 0));
    }

    #[test]
    fn a_declaration_is_a_whole_name_before_a_colon() {
        let text = "type A = { xnow: Long, // now\n \"x-now\"? : String, now: datetime };";
        assert_eq!(declaration(text, "now"), text.find("now: datetime").map(|at| (at, 3)));
        assert_eq!(declaration(text, "x-now"), text.find("x-now").map(|at| (at, 5)));
        assert_eq!(declaration(text, "later"), None);
    }
}

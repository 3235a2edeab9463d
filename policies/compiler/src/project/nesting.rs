//! How deep a text nests, found before Cedar's parser, which recurses, gets to see it.

use super::tokens::Tokens;
use crate::problem::{Problem, Source};

/// How deep brackets and `if`s may nest in policies and schemas.
pub const MAX_TEXT_NESTING: usize = 400;

/// The brackets of policies. `<` and `>` are none.
pub const POLICY: [&str; 2] = ["([{", ")]}"];

/// The brackets of schemas.
pub const SCHEMA: [&str; 2] = ["([{<", ")]}>"];

/// Refuses text that nests too deep.
///
/// # Errors
///
/// Tells where it does.
pub fn check(source: &Source, brackets: [&str; 2]) -> Result<(), Problem> {
    let Some(at) = too_deep(source.text(), brackets) else { return Ok(()) };
    let message = format_args!("brackets and `if`s nest deeper than {MAX_TEXT_NESTING}");
    let problem = Problem::error("cedarkey::project::nesting", message).file(source);
    Err(problem.at((at, 1), "here").help("split it into several, or compare with a set"))
}

/// The offset of the bracket or `if` that is one too many.
fn too_deep(text: &str, [opening, closing]: [&str; 2]) -> Option<usize> {
    let mut depth = Depth::default();
    for (at, token) in Tokens::of(text) {
        match token {
            ";" => depth = Depth::default(),
            "if" => depth.add_if(),
            bracket if opening.contains(bracket) => depth.open(),
            bracket if closing.contains(bracket) => depth.close(),
            _ => {}
        }
        if depth.total > MAX_TEXT_NESTING {
            return Some(at);
        }
    }
    None
}

/// How deep a place lies.
#[derive(Debug, Default)]
struct Depth {
    total: usize,
    /// How many `if`s lie before each open bracket, since the one before: they end where the
    /// bracket around them does.
    ifs: Vec<usize>,
    /// How many `if`s there are since the last open bracket.
    last: usize,
}

// === impl Depth ===

impl Depth {
    fn open(&mut self) {
        self.total = self.total.saturating_add(1);
        self.ifs.push(std::mem::take(&mut self.last));
    }

    fn close(&mut self) {
        self.total = self.total.saturating_sub(self.last);
        self.last = 0;
        if let Some(before) = self.ifs.pop() {
            self.total = self.total.saturating_sub(1);
            self.last = before;
        }
    }

    fn add_if(&mut self) {
        self.total = self.total.saturating_add(1);
        self.last = self.last.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nests(text: &str) -> bool {
        too_deep(text, POLICY).is_some()
    }

    #[test]
    fn brackets_and_ifs_are_counted_together() {
        let most = "(".repeat(MAX_TEXT_NESTING);
        assert!(!nests(&most));
        assert_eq!(too_deep(&format!("é{most}["), POLICY), Some(most.len() + 2));
        assert!(nests(&"if a then b else ".repeat(MAX_TEXT_NESTING + 1)));
        assert!(!nests(&"(if a then b else c) ".repeat(MAX_TEXT_NESTING + 1)));
        assert!(!nests(&format!("{most};{most}")));
    }

    #[test]
    fn strings_comments_and_longer_words_do_not_count() {
        let deep = "(".repeat(MAX_TEXT_NESTING + 1);
        assert!(!nests(&format!("\"\\\"{deep}\" // {deep}\n // {deep}")));
        assert!(!nests(&"iffy < _if ".repeat(MAX_TEXT_NESTING + 1)));
        assert!(nests(&format!("// \n{deep}")));
    }

    #[test]
    fn angles_are_brackets_of_schemas_only() {
        let sets = "Set<".repeat(MAX_TEXT_NESTING + 1);
        assert!(!nests(&sets));
        assert!(too_deep(&sets, SCHEMA).is_some());
    }
}

//! The patterns of `like`: text with wildcards.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A pattern: pieces of literal text with any text between each two of them.
///
/// One piece is a pattern without wildcards; `*` alone is two empty pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pieces: Vec<String>,
}

// === impl Pattern ===

impl Pattern {
    /// A pattern of the text before, between and after its wildcards.
    pub fn new(pieces: Vec<String>) -> Self {
        Self { pieces }
    }

    /// Whether the whole text is as the pattern says.
    ///
    /// Takes the leftmost place for each piece, which is right whenever any is, so that it never
    /// tries twice.
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(text) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut text) = text.strip_suffix(last.as_str()) else { return false };
        for piece in middle {
            match text.split_once(piece.as_str()) {
                Some((_, after)) => text = after,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use alloc::string::String;

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern.split('*').map(String::from).collect()).matches(text)
    }

    #[test]
    fn wildcards_stand_for_any_text() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "any"),
            ("a*", "a"),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c", "ac"),
            ("a*c", "abcabc"),
            ("*b*", "abc"),
            ("a**c", "abc"),
            ("é*", "éa"),
            ("*ab*ab*", "abab"),
            ("*ab", "aab"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a*", "ba"),
            ("*c", "cb"),
            ("a*a", "a"),
            ("*ab*ab*", "aba"),
            ("a*b", "abc"),
        ] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_wildcards_take_no_longer_than_the_text() {
        let pattern = "*a".repeat(2_000) + "b";
        assert!(!like(&pattern, &"a".repeat(20_000)));
    }
}

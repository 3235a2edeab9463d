//! The words and signs of Cedar's text, without comments.

/// The tokens of a text with their offsets: a word, a string with its quotes, or one other
/// character.
pub struct Tokens<'a> {
    text: &'a str,
    rest: &'a str,
}

// === impl Tokens ===

impl<'a> Tokens<'a> {
    pub fn of(text: &'a str) -> Self {
        Self { text, rest: text }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest = self.rest.trim_start();
            let first = self.rest.chars().next()?;
            let at = self.text.len().saturating_sub(self.rest.len());
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            let len = match first {
                '"' => self.rest.len().saturating_sub(after_string(self.rest.get(1..)?).len()),
                _ => {
                    let word = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
                    word.max(first.len_utf8())
                }
            };
            let (token, rest) = self.rest.split_at_checked(len)?;
            self.rest = rest;
            return Some((at, token));
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows a string whose opening quote has been read.
fn after_string(text: &str) -> &str {
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        match next {
            '"' => break,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
    }
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_strings_are_one() {
        let text = "when { a_1 // \"no\n&& \"x // \\\" y\"é";
        let tokens: Vec<_> = Tokens::of(text).collect();
        let words: Vec<_> = tokens.iter().map(|(_, token)| *token).collect();
        assert_eq!(words, ["when", "{", "a_1", "&", "&", "\"x // \\\" y\"", "é"]);
        for (at, token) in tokens {
            assert!(text.get(at..).unwrap().starts_with(token));
        }
        assert_eq!(Tokens::of("\"open").collect::<Vec<_>>(), [(0, "\"open")]);
    }
}

//! What people copy from a terminal and type.

/// As a shell takes it for one word, whatever is in it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@:._/-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_is_to_be_typed_is_one_word_and_does_nothing_else() {
        assert_eq!(quoted("team:payments"), "team:payments");
        assert_eq!(quoted("alice@example.com"), "alice@example.com");
        assert_eq!(quoted("nightly export"), "'nightly export'");
        assert_eq!(quoted("$(rm -rf ~)'; echo"), r"'$(rm -rf ~)'\''; echo'");
        assert_eq!(quoted(""), "''");
    }
}

//! What the YAML reader complains of, in words that somebody understands who only wrote the file.

use crate::place;
use crate::problem::{Problem, Source};
use serde_saphyr::Error;

/// What is wrong, without its place.
#[must_use]
pub fn message(error: &Error) -> String {
    let error = error.without_snippet();
    if let Error::MultipleDocuments { .. } = error {
        return "a second document begins with `---`: a file has one".into();
    }
    // The reader draws the place itself; only its first line is the message.
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message).into()
}

/// The same, at its place.
pub(crate) fn problem(code: &'static str, source: &Source, error: &Error) -> Problem {
    let problem = Problem::error(code, message(error)).file(source);
    match error.location() {
        Some(at) => {
            let offset = place::offset(source.text(), at.line(), at.column());
            problem.at(place::word(source.text(), offset), "here")
        }
        None => problem,
    }
}

//! JSON as it is read from a configuration and written into an answer.

use json_event_parser::{JsonEvent, JsonSyntaxError, SliceJsonParser};

/// How deep a configuration may nest. It nests three deep.
const MAX_DEPTH: usize = 8;

/// A JSON value. Numbers stay text: a configuration has few, and none with a fraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// An array.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A number, as written.
    Number(String),
    /// An object, in the order in which it is written.
    Object(Vec<(String, Self)>),
    /// A string.
    Text(String),
}

/// Why text is not JSON, or not JSON that is unambiguous.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// A name occurs twice in an object.
    #[error("field `{0}` is given twice")]
    Duplicate(String),
    /// It nests too deep.
    #[error("it nests deeper than {MAX_DEPTH} levels")]
    Depth,
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Syntax(#[from] JsonSyntaxError),
}

// === impl Json ===

impl Json {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// It is not one JSON value, nests too deep, or has an object that names a field twice.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let mut parser = SliceJsonParser::new(text);
        let first = parser.parse_next()?;
        let value = Self::read(&mut parser, first, MAX_DEPTH)?;
        // What follows is `Eof`, for else the parser has refused it.
        parser.parse_next()?;
        Ok(value)
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "a list",
            Self::Bool(_) => "`true` or `false`",
            Self::Null => "`null`",
            Self::Number(_) => "a number",
            Self::Object(_) => "an object",
            Self::Text(_) => "a string",
        }
    }

    fn read(
        parser: &mut SliceJsonParser<'_>,
        event: JsonEvent<'_>,
        depth: usize,
    ) -> Result<Self, JsonError> {
        let inner = depth.checked_sub(1).ok_or(JsonError::Depth);
        Ok(match event {
            JsonEvent::StartArray => {
                let inner = inner?;
                let mut values = Vec::new();
                loop {
                    match parser.parse_next()? {
                        JsonEvent::EndArray => break Self::Array(values),
                        event => values.push(Self::read(parser, event, inner)?),
                    }
                }
            }
            JsonEvent::StartObject => {
                let inner = inner?;
                let mut fields: Vec<(String, Self)> = Vec::new();
                while let JsonEvent::ObjectKey(name) = parser.parse_next()? {
                    if fields.iter().any(|(other, _)| *other == name) {
                        return Err(JsonError::Duplicate(name.into_owned()));
                    }
                    let event = parser.parse_next()?;
                    fields.push((name.into_owned(), Self::read(parser, event, inner)?));
                }
                Self::Object(fields)
            }
            JsonEvent::Boolean(value) => Self::Bool(value),
            JsonEvent::Number(text) => Self::Number(text.into_owned()),
            JsonEvent::String(text) => Self::Text(text.into_owned()),
            // The others cannot begin a value: the parser has refused them.
            _ => Self::Null,
        })
    }
}

/// Writes a string with its quotes (RFC 8259, section 7).
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    // Nearly all text stands as it is.
    if text.bytes().any(|byte| is_escaped(byte.into())) {
        escaped(text, out);
    } else {
        out.push_str(text);
    }
    out.push('"');
}

/// Writes a field that is a list, unless it is empty.
pub fn list<'a>(name: &str, texts: impl Iterator<Item = &'a str>, out: &mut String) {
    let mut texts = texts.peekable();
    if texts.peek().is_none() {
        return;
    }
    begin(name, out);
    let mut mark = '[';
    for text in texts {
        out.push(mark);
        quote(text, out);
        mark = ',';
    }
    out.push(']');
}

/// Begins a field of an object that has one before it. The name needs no escaping.
pub fn begin(name: &str, out: &mut String) {
    for part in [",\"", name, "\":"] {
        out.push_str(part);
    }
}

#[inline(never)]
fn escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        if is_escaped(c) {
            escape(c, out);
        } else {
            out.push(c);
        }
    }
}

/// All of these are ASCII: no byte of another character is one of them.
fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\') || c.is_ascii_control()
}

fn escape(c: char, out: &mut String) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\n' => out.push_str("\\n"),
        c => {
            let digit = |nibble| char::from_digit(nibble, 16).unwrap_or('0');
            let code = u32::from(c);
            out.push_str("\\u00");
            out.extend([digit(code >> 4), digit(code & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn values_are_read() {
        let json = Json::parse(br#" {"a": [1, "x\u00e9", true, null, {}], "b": -2.5e3} "#).unwrap();
        let list = vec![
            Json::Number("1".into()),
            Json::Text("xé".into()),
            Json::Bool(true),
            Json::Null,
            Json::Object(Vec::new()),
        ];
        let number = Json::Number("-2.5e3".into());
        assert_eq!(json, Json::Object(vec![("a".into(), Json::Array(list)), ("b".into(), number)]));
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for text in ["", " ", "{", "[1", "{\"a\"}", "{\"a\":}", "{}{}", "[1,]", "{} x", "nul", "01"]
        {
            assert!(error(text).starts_with("it is not JSON"), "{text}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
        assert_eq!(error(r#"{"a": 1, "a": 1}"#), "field `a` is given twice");
        assert_eq!(error(&"[".repeat(9)), "it nests deeper than 8 levels");
        assert!(Json::parse(b"[[[[[[[[]]]]]]]]").is_ok());
    }

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        let text = "a\"b\\c\n\t\u{1}\u{1f}é\u{7f}";
        let mut quoted = String::new();
        quote(text, &mut quoted);
        assert_eq!(Json::parse(quoted.as_bytes()).unwrap(), Json::Text(text.into()));
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}

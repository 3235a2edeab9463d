//! Taking the fields out of an object, so that every error names the field that it is about.

use super::ConfigError;
use crate::json::Json;

/// The fields of an object that are still to be taken.
#[derive(Debug)]
pub struct Fields {
    path: String,
    fields: Vec<(String, Json)>,
}

// === impl Fields ===

impl Fields {
    /// The fields of an object, all of which must be known. The path is empty for the outermost.
    pub fn of(json: Json, path: String, known: &[&str]) -> Result<Self, ConfigError> {
        let fields = match json {
            Json::Object(fields) => fields,
            other if path.is_empty() => {
                let message = format!("the configuration is {} instead of an object", other.kind());
                return Err(ConfigError::Form(message));
            }
            other => return Err(expected("an object", path, &other)),
        };
        let this = Self { path, fields };
        match this.fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(this),
            Some((name, _)) => {
                let field = this.field(name);
                Err(ConfigError::Unknown { field, known: format!("`{}`", known.join("`, `")) })
            }
        }
    }

    /// The full name of a field.
    pub fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}.{name}", self.path) }
    }

    /// A field's value, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(other, _)| other == name)?;
        Some(self.fields.swap_remove(at).1)
    }

    /// A field that must be there.
    pub fn require(&mut self, name: &str) -> Result<Json, ConfigError> {
        self.take(name).ok_or_else(|| super::wrong(self.field(name), "it is missing"))
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ConfigError> {
        self.take(name).map(|json| text(json, self.field(name))).transpose()
    }

    /// A truth value, `false` where it is absent.
    pub fn flag(&mut self, name: &str) -> Result<bool, ConfigError> {
        Ok(self.given_flag(name)?.unwrap_or_default())
    }

    /// A truth value, where it is given.
    pub fn given_flag(&mut self, name: &str) -> Result<Option<bool>, ConfigError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(expected("`true` or `false`", self.field(name), &other)),
        }
    }

    /// A whole number that is not negative.
    pub fn number(&mut self, name: &str) -> Result<Option<u64>, ConfigError> {
        let what = "a whole number from 0 to 18446744073709551615";
        match self.take(name) {
            None => Ok(None),
            Some(Json::Number(text)) => text.parse().map(Some).map_err(|_| {
                super::wrong(self.field(name), format!("it is `{text}` instead of {what}"))
            }),
            Some(other) => Err(expected(what, self.field(name), &other)),
        }
    }

    /// What one of some words stands for; the default where it is absent.
    pub fn choice<T: Copy + Default>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let Some(word) = self.text(name)? else { return Ok(T::default()) };
        let chosen = choices.iter().find(|(other, _)| *other == word);
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            let others = others.join("`, `");
            let message = format!("it is `{word}` instead of `{others}` or `{last}`");
            super::wrong(self.field(name), message)
        })
    }
}

/// A string.
pub fn text(json: Json, field: String) -> Result<String, ConfigError> {
    match json {
        Json::Text(text) => Ok(text),
        other => Err(expected("a string", field, &other)),
    }
}

/// A list that is not empty; each element with its full name.
pub fn list(
    json: Json,
    field: String,
) -> Result<impl Iterator<Item = (String, Json)>, ConfigError> {
    match json {
        Json::Array(values) if values.is_empty() => {
            Err(super::wrong(field, "the list is empty; it needs at least one"))
        }
        Json::Array(values) => {
            let numbered = values.into_iter().enumerate();
            Ok(numbered.map(move |(at, value)| (format!("{field}[{at}]"), value)))
        }
        other => Err(expected("a list", field, &other)),
    }
}

fn expected(what: &str, field: String, found: &Json) -> ConfigError {
    super::wrong(field, format!("it is {} instead of {what}", found.kind()))
}

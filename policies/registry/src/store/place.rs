//! The address of a registry.

use crate::error::OpenError;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a registry lies. Its text form has no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Box<Url>);

// === impl Place ===

impl Place {
    /// Reads an address: a URL of PostgreSQL, or the path of a file, which a relative path is one
    /// of from `folder`.
    ///
    /// # Errors
    ///
    /// Where it is a URL that leads to no registry.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, OpenError> {
        let wrong = || OpenError::NoAddress(masked(text));
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                let url = Url::parse(text).map_err(|_| wrong())?;
                Ok(Self::Postgres(PostgresUrl(Box::new(url))))
            }
            Some(_) => Err(wrong()),
            None if text.trim().is_empty() => Err(wrong()),
            None => Ok(Self::File(folder.join(text))),
        }
    }

    /// Whether there is a registry, as far as can be told without opening it.
    pub fn exists(&self) -> bool {
        match self {
            Self::File(file) => file.exists(),
            Self::Postgres(_) => true,
        }
    }

    /// The URL as sqlx wants it.
    pub(super) fn url(&self) -> Option<String> {
        match self {
            Self::File(file) => {
                let file = std::path::absolute(file).ok()?;
                let url = Url::from_file_path(file).ok()?;
                Some(url.as_str().replacen("file://", "sqlite://", 1))
            }
            Self::Postgres(PostgresUrl(url)) => Some(url.to_string()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

// === impl PostgresUrl ===

/// Without the password, wherever in the URL it stands.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = Url::clone(&self.0);
        url.set_query(None);
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return f.write_str("postgres://***");
        }
        url.fmt(f)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// A malformed address, of which nobody can tell where its password stands.
fn masked(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let host = rest.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://***@{host}")
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let parse = |text: &str| Place::parse(text, Path::new("/srv")).map(|it| it.to_string());
        let shown = |text: &str| parse(text).unwrap_or_else(|error| error.to_string());
        assert_eq!(shown("postgres://u:secret@h/db"), "postgres://u:***@h/db");
        assert_eq!(shown("postgresql://u@h/db?password=secret"), "postgresql://u@h/db");
        assert_eq!(shown("keys.db"), "/srv/keys.db");
        assert_eq!(shown("/var/keys.db"), "/var/keys.db");
        let wrong = shown("mysql://u:secret@h/db");
        assert_eq!(wrong, "`mysql://***@h/db` is not the address of a registry");
        assert!(!shown("postgres://u:secret@h:port/db").contains("secret"));
    }
}

//! Which database a publisher keeps its bundles in.

use std::{fmt, path::PathBuf, str::FromStr};

use url::Url;

/// A SQLite file, or a PostgreSQL database. Its text is a path, or a URL that begins with
/// `postgres://` or `postgresql://`.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A PostgreSQL database, which several publishers may share.
    Postgres(Url),
    /// A file, which is made if it does not exist.
    Sqlite(PathBuf),
}

/// Why a text names no database. The text itself, which may hold a password, is not in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it begins as the URL of a PostgreSQL database and is none: {0}")]
pub struct DatabaseTextError(url::ParseError);

// === impl Database ===

impl FromStr for Database {
    type Err = DatabaseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return text.parse().map(Self::Postgres).map_err(DatabaseTextError);
        }
        Ok(Self::Sqlite(text.into()))
    }
}

/// Without the password and the parameters, which may hold one too.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                // It fails for URLs that have no host, and these have no password.
                let _ = shown.set_password(None);
                fmt::Display::fmt(&shown, f)
            }
            Self::Sqlite(path) => fmt::Display::fmt(&path.display(), f),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database(`{self}`)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_file_and_a_url_is_a_server() {
        let file: Database = "var/publisher.db".parse().unwrap();
        assert_eq!(file, Database::Sqlite("var/publisher.db".into()));
        for scheme in ["postgres", "postgresql"] {
            let server: Database = format!("{scheme}://db.example/bundles").parse().unwrap();
            assert!(matches!(server, Database::Postgres(_)), "{server:?}");
        }
        let error = "postgres://host:port/x".parse::<Database>().unwrap_err();
        assert!(error.to_string().ends_with("invalid port number"), "{error}");
    }

    #[test]
    fn a_password_is_never_shown() {
        let text = "postgres://cedarkey:secret@db.example:5433/bundles?password=secret";
        let database: Database = text.parse().unwrap();
        assert_eq!(database.to_string(), "postgres://cedarkey@db.example:5433/bundles");
        assert!(!format!("{database:?}").contains("secret"));
    }
}

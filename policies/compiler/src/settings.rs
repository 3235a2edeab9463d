//! `cedarkey.toml`: the settings of a project.

mod mint;

pub use mint::{Certificates, IssuerSettings, KeySetSource, MintSettings, Naming};

use crate::lint::LintSettings;
use crate::problem::{Problem, Problems};
use crate::project::Files;
use cedarkey_bundle::{PublicKey, is_bundle_name};
use cedarkey_engine::token::check_word;
use jiff::{SignedDuration, Span, Timestamp};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "cedarkey.toml";

/// The settings of a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is built.
    pub bundle: BundleSettings,
    /// What keys look like, and where they are kept.
    #[serde(default)]
    pub keys: KeySettings,
    /// What is done with keys that have leaked.
    #[serde(default)]
    pub leak: LeakSettings,
    /// How grave it is when a rule is broken.
    #[serde(default)]
    pub lints: LintSettings,
    /// Who is given keys on demand, and how they prove who they are; nobody, if absent.
    pub mint: Option<MintSettings>,
    /// Where keys are kept, if not in a file of the project.
    #[serde(default)]
    pub registry: RegistrySettings,
    /// Who signs.
    #[serde(default)]
    pub signing: SigningSettings,
}

/// `[bundle]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSettings {
    /// The bundle's name: 1 to 64 of `a`-`z`, `0`-`9` and `-`.
    pub name: String,
    /// Which environment the proxies that take this bundle serve.
    pub environment: String,
    /// How long a bundle holds after it was built.
    #[serde(default = "month")]
    pub lifetime: Lifetime,
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// The prefix of tokens.
    pub prefix: String,
    /// The registry's file, relative to the project.
    pub database: PathBuf,
    /// The longest that a key may be valid.
    pub max_lifetime: Option<Lifetime>,
    /// Whether tokens of another form are looked up by their hash.
    pub allow_foreign: bool,
    /// Whether a new key is only valid once a second person has approved it.
    pub approval: bool,
    /// Which environments are production, where some rules are stricter.
    pub production: Vec<String>,
}

/// `[leak]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakSettings {
    /// What is done with a key that was found where it should not be.
    pub response: LeakResponse,
}

/// What is done with a key that was found where it should not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeakResponse {
    /// It ends for good.
    #[default]
    Revoke,
    /// It is refused until somebody resumes it.
    Suspend,
}

/// `[registry]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrySettings {
    /// The URL of a PostgreSQL database.
    pub url: Option<String>,
}

/// `[signing]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// The private key's file, relative to the project.
    pub key: Option<PathBuf>,
    /// Where else the keys are that sign: every bundle is signed by all of them.
    pub keys: Vec<KeySource>,
    /// The public keys that proxies and publishers trust.
    pub trusted: Vec<TrustedKey>,
}

/// Where a key is that signs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "KeyTable")]
pub enum KeySource {
    /// A command that signs what it is given, and the key with which it does.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// The key.
        public: PublicKey,
    },
    /// An environment variable.
    Env(String),
    /// A file, relative to the project.
    File(PathBuf),
}

/// `[[signing.keys]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    file: Option<PathBuf>,
    env: Option<String>,
    command: Option<Vec<String>>,
    public: Option<Public>,
}

/// A public key, and when it is trusted. It is written as its text, or as a table with `key`,
/// `not_before` and `not_after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// The first instant at which it is.
    pub not_before: Option<Timestamp>,
    /// The first instant at which it no longer is.
    pub not_after: Option<Timestamp>,
}

/// A public key as it is written.
struct Public(PublicKey);

/// A length of time, written as `90d`, `12h` or `1h 30m`; a day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(pub SignedDuration);

// === impl Settings ===

impl Settings {
    /// Reads the settings of the project in a folder.
    ///
    /// # Errors
    ///
    /// Where the file is missing or malformed, or a setting is not as it must be.
    pub fn load(root: &Path) -> Result<Self, Problems> {
        Self::parse(&Files::settings(root))
    }

    pub(crate) fn parse(files: &Files) -> Result<Self, Problems> {
        let source = files.text(FILE)?;
        let settings: Self = toml::from_str(source.text()).map_err(|error| {
            let problem = Problem::error("cedarkey::settings::form", error.message().trim());
            let problem = problem.file(&source);
            match error.span() {
                Some(span) => problem.at(span, "here"),
                None => problem,
            }
        })?;
        let mut problems = Problems::new();
        let mut wrong = |message: String, value: &str, help: &str| {
            let problem = Problem::error("cedarkey::settings::value", message).file(&source);
            let place = source.text().find(&format!("\"{value}\""));
            let problem = match place {
                Some(at) => problem.at((at, value.len().saturating_add(2)), "here"),
                None => problem,
            };
            problems.push(problem.help(help));
        };
        let name = &settings.bundle.name;
        if !is_bundle_name(name) {
            let help = "use 1 to 64 of the characters `a`-`z`, `0`-`9` and `-`";
            wrong(format!("`{name}` is not a bundle name"), name, help);
        }
        let words = [&settings.bundle.environment, &settings.keys.prefix];
        for word in words.into_iter().filter(|word| check_word(word).is_err()) {
            let help = "it becomes part of every token: use 1 to 16 lower-case letters and digits";
            wrong(format!("`{word}` cannot stand in a token"), word, help);
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

// === impl KeySettings ===

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            prefix: "ck".into(),
            database: "keys.db".into(),
            max_lifetime: None,
            allow_foreign: false,
            approval: false,
            production: ["live", "prod", "production"].map(String::from).into(),
        }
    }
}

// === impl LeakResponse ===

impl LeakResponse {
    /// As it is written, if it is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "revoke" => Some(Self::Revoke),
            "suspend" => Some(Self::Suspend),
            _ => None,
        }
    }
}

// === impl SigningSettings ===

impl SigningSettings {
    /// The keys that sign. If nothing is said, it is one in a file.
    #[must_use]
    pub fn sources(&self) -> Vec<KeySource> {
        let file = self.key.clone().map(KeySource::File);
        let mut sources: Vec<_> = file.into_iter().chain(self.keys.iter().cloned()).collect();
        if sources.is_empty() {
            sources.push(KeySource::File(Self::FILE.into()));
        }
        sources
    }

    /// The file of the project's key, if nothing else is said.
    pub const FILE: &str = "signing.key";
}

// === impl KeySource ===

impl TryFrom<KeyTable> for KeySource {
    type Error = &'static str;

    fn try_from(table: KeyTable) -> Result<Self, Self::Error> {
        match table {
            KeyTable { file: Some(file), env: None, command: None, public: None } => {
                Ok(Self::File(file))
            }
            KeyTable { file: None, env: Some(name), command: None, public: None } => {
                Ok(Self::Env(name))
            }
            KeyTable { file: None, env: None, command: Some(words), public: Some(key) }
                if !words.is_empty() =>
            {
                Ok(Self::Command { words, public: key.0 })
            }
            _ => Err("a signing key is one of `file`, `env`, or `command` with `public`"),
        }
    }
}

// === impl TrustedKey ===

impl TrustedKey {
    /// Whether it is trusted at an instant.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= now)
            && self.not_after.is_none_or(|until| now < until)
    }
}

impl From<PublicKey> for TrustedKey {
    fn from(key: PublicKey) -> Self {
        Self { key, not_before: None, not_after: None }
    }
}

impl<'de> Deserialize<'de> for TrustedKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        /// As a table.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            key: Public,
            not_before: Option<Timestamp>,
            not_after: Option<Timestamp>,
        }

        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TrustedKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a public key or a table with `key`, `not_before` and `not_after`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TrustedKey, E> {
                public(text).map(TrustedKey::from)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrustedKey, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                let Table { key: Public(key), not_before, not_after } = table;
                if not_before.zip(not_after).is_some_and(|(from, until)| until <= from) {
                    let message = "`not_after` is not after `not_before`: it is never trusted";
                    return Err(serde::de::Error::custom(message));
                }
                Ok(TrustedKey { key, not_before, not_after })
            }
        }

        input.deserialize_any(Either)
    }
}

// === impl Public ===

impl<'de> Deserialize<'de> for Public {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        public(&String::deserialize(input)?).map(Self)
    }
}

fn public<E: serde::de::Error>(text: &str) -> Result<PublicKey, E> {
    text.parse().map_err(|error| E::custom(format_args!("`{text}` is not a public key: {error}")))
}

// === impl Lifetime ===

fn month() -> Lifetime {
    Lifetime(SignedDuration::from_hours(30 * 24))
}

/// As it may be written: in days, where it is whole days.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(length) = self;
        match length.as_hours() {
            hours if hours % 24 == 0 && *length == SignedDuration::from_hours(hours) => {
                write!(f, "{}d", hours / 24)
            }
            _ => write!(f, "{length:#}"),
        }
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let wrong = || {
            serde::de::Error::custom(format_args!(
                "`{text}` is not a length of time: write `90d`, `12h` or `1h 30m`"
            ))
        };
        let span: Span = text.parse().map_err(|_| wrong())?;
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        let length = span.to_duration(days).map_err(|_| wrong())?;
        if length.is_positive() { Ok(Self(length)) } else { Err(wrong()) }
    }
}

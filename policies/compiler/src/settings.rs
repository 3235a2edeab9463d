//! `cedarkey.toml`: the settings of a project.

use crate::lint::LintSettings;
use crate::problem::{Problem, Problems};
use crate::project::Files;
use cedarkey_bundle::{PublicKey, is_bundle_name};
use cedarkey_engine::token::check_word;
use jiff::{SignedDuration, Span};
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
    /// How grave it is when a rule is broken.
    #[serde(default)]
    pub lints: LintSettings,
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

/// `[registry]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrySettings {
    /// The URL of a PostgreSQL database.
    pub url: Option<String>,
}

/// `[signing]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// The private key's file, relative to the project.
    pub key: PathBuf,
    /// The public keys that proxies and publishers trust.
    #[serde(deserialize_with = "public_keys")]
    pub trusted: Vec<PublicKey>,
}

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

// === impl SigningSettings ===

impl Default for SigningSettings {
    fn default() -> Self {
        Self { key: "signing.key".into(), trusted: Vec::new() }
    }
}

fn public_keys<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<PublicKey>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    let parse = |text: &String| {
        text.parse().map_err(|error| {
            serde::de::Error::custom(format_args!("`{text}` is not a public key: {error}"))
        })
    };
    texts.iter().map(parse).collect()
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

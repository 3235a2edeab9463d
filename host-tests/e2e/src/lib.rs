//! Tests of the whole, on real hosts: see `tests`. Here is what several of them begin with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::SigningKey;
use cedarkey_compiler::Project;
use cedarkey_compiler::cases::{Prepared, compile, prepare};
use cedarkey_host_kit::deployment::Result;
use serde_json::{Map, Value};

/// A case file with the filter's configuration for it.
#[derive(Debug)]
pub struct Ready {
    /// Its cases, and the tokens of its keys.
    pub prepared: Prepared,
    /// The configuration, with a bundle of these keys in it.
    pub config: Value,
}

// === impl Ready ===

impl Ready {
    /// Makes a project's case file ready, with more fields in the configuration.
    ///
    /// # Errors
    ///
    /// The file or the project is not as it must be.
    pub fn new(project: &Project, name: &str, more: &[(&str, Value)]) -> Result<Self> {
        let prepared = prepare(project, name)?;
        let key = SigningKey::from_seed([9; 32]);
        let now = jiff::Timestamp::now().as_second();
        let archive = compile(project, &prepared)?.draft(1, now).sign(&[&key])?;
        let own: [(&str, Value); 3] = [
            ("bundle", project.settings.bundle.name.as_str().into()),
            ("trusted_keys", vec![key.public().to_string()].into()),
            ("seed", STANDARD.encode(archive.encode()).into()),
        ];
        let fields = own.iter().chain(more).map(|(name, value)| ((*name).into(), value.clone()));
        Ok(Self { prepared, config: Value::Object(fields.collect::<Map<_, _>>()) })
    }
}

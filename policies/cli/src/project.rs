//! The project that a command works on.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use cedarkey_compiler::settings::{
    KeySource, LeakResponse, MintSettings, SigningSettings, TrustedKey,
};
use cedarkey_compiler::{KeySpec, Project, Settings as ProjectSettings, settings};
use cedarkey_registry::{Key, OpenError, Place, Registry, Status};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// The settings of a project, with paths that can be used as they are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project's folder.
    pub root: PathBuf,
    /// The bundle's name.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// The prefix of tokens.
    pub prefix: String,
    /// Where the registry is.
    pub registry: Place,
    /// Whether a second person approves new keys.
    pub approval: bool,
    /// Whether proxies take tokens of another form.
    pub allow_foreign: bool,
    /// How keys are minted, if they are.
    pub mint: Option<MintSettings>,
    /// What is done with keys that have leaked.
    pub leak_response: LeakResponse,
    /// Where the keys are that sign.
    pub signing_keys: Vec<KeySource>,
    /// The file of a key that is made for the project.
    pub new_key: PathBuf,
    /// The public keys that are trusted, and when.
    pub trusted: Vec<TrustedKey>,
}

/// The variable that names another registry than the project does.
const REGISTRY: &str = "CEDARKEY_REGISTRY";

/// Finds the project's folder: the one given, or the nearest upwards.
pub fn root(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given.into());
    }
    let here = std::env::current_dir().context(Exit::Failure, "there is no current folder")?;
    let found = here.ancestors().find(|folder| folder.join(settings::FILE).is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        let message = format!("no {} here or in any folder above", settings::FILE);
        Failure::new(Exit::Invalid, message)
            .help("go to a project, name one with `-C`, or make one with `cedarkey init`")
    })
}

/// Reads the project's settings.
pub fn settings(given: Option<&Path>) -> Result<Settings, Failure> {
    let root = root(given)?;
    let settings = ProjectSettings::load(&root)?;
    let named = std::env::var(REGISTRY).ok().filter(|named| !named.is_empty());
    let registry = match (named, &settings.registry.url) {
        // What is typed is meant from where it is typed.
        (Some(address), _) => Place::parse(&address, Path::new("")).map_err(unusable)?,
        (None, Some(address)) => Place::parse(address, &root).map_err(unusable)?,
        (None, None) => Place::File(root.join(&settings.keys.database)),
    };
    Ok(Settings {
        name: settings.bundle.name,
        environment: settings.bundle.environment,
        prefix: settings.keys.prefix,
        registry,
        approval: settings.keys.approval,
        allow_foreign: settings.keys.allow_foreign,
        mint: settings.mint,
        leak_response: settings.leak.response,
        signing_keys: settings.signing.sources(),
        new_key: root
            .join(settings.signing.key.as_deref().unwrap_or(SigningSettings::FILE.as_ref())),
        trusted: settings.signing.trusted,
        root,
    })
}

/// Reads the whole project.
pub fn load(given: Option<&Path>) -> Result<Project, Failure> {
    Ok(Project::load(&root(given)?)?)
}

/// Opens the project's registry.
pub async fn registry(place: &Place) -> Result<Registry, Failure> {
    Registry::open_at(place).await.map_err(unusable)
}

fn unusable(error: OpenError) -> Failure {
    let help = error.help();
    Failure::because(Exit::Registry, "the key registry cannot be used", error).help(help)
}

/// The keys of the project's registry as the compiler takes them; none where there is no registry
/// yet.
pub async fn keys(settings: &Settings) -> Result<Vec<KeySpec>, Failure> {
    if !settings.registry.exists() {
        return Ok(Vec::new());
    }
    let registry = registry(&settings.registry).await?;
    let keys = keys_of(&registry).await;
    registry.close().await;
    keys
}

/// All keys that the project's registry ever had; none where there is no registry yet.
pub async fn all_keys(settings: &Settings) -> Result<Vec<Key>, Failure> {
    if !settings.registry.exists() {
        return Ok(Vec::new());
    }
    let registry = registry(&settings.registry).await?;
    let keys = registry.all().await;
    registry.close().await;
    keys.context(Exit::Registry, "the keys cannot be read")
}

/// The keys of a registry as the compiler takes them.
pub async fn keys_of(registry: &Registry) -> Result<Vec<KeySpec>, Failure> {
    let now = Timestamp::now();
    let keys = registry.current(now).await.context(Exit::Registry, "the keys cannot be read")?;
    Ok(keys.iter().filter(|key| key.is_known()).map(|key| spec(key, now)).collect())
}

/// A key as the compiler takes it.
pub fn spec(key: &Key, now: Timestamp) -> KeySpec {
    let status = key.status(now);
    KeySpec {
        revoked: key.is_refused(),
        ended: matches!(status, Status::Expired | Status::Retired | Status::Revoked),
        decoy: key.decoy,
        id: key.id.clone(),
        hash: key.hash.clone(),
        environment: key.environment.clone(),
        owner: key.owner.clone(),
        purpose: key.purpose.clone(),
        team: key.team.clone(),
        workload: key.workload.clone(),
        scopes: key.scopes.clone(),
        networks: key.networks.clone(),
        spiffe_ids: key.spiffe_ids.clone(),
        created: key.created,
        not_before: key.not_before,
        expires: key.expires,
    }
}

/// Adds a public key to those that the project trusts.
pub fn trust(settings: &Settings, public: &str) -> Result<(), Failure> {
    let file = settings.root.join(settings::FILE);
    let shown = file.display();
    let failed = format!("cannot add the key to `{shown}`");
    let text = std::fs::read_to_string(&file).context(Exit::Failure, &failed)?;
    let mut document: toml_edit::DocumentMut = text.parse().context(Exit::Invalid, &failed)?;
    let signing = document.entry("signing").or_insert_with(toml_edit::table);
    let trusted = signing.as_table_like_mut().map(|signing| {
        signing.entry("trusted").or_insert_with(|| toml_edit::value(toml_edit::Array::new()))
    });
    match trusted.and_then(|trusted| trusted.as_array_mut()) {
        Some(trusted) => trusted.push(public),
        None => return Err(Failure::new(Exit::Invalid, failed)),
    }
    std::fs::write(&file, document.to_string()).context(Exit::Failure, &failed)
}

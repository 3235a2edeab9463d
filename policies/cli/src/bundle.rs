//! Building and reading bundles.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;
use crate::progress::Progress;
use crate::project;
use crate::publisher::{Publisher, Pushed};
use crate::signing::Signers;
use cedarkey_bundle::{Archive, Bundle, Manifest};
use cedarkey_compiler::{Problems, compile};
use jiff::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};

/// A bundle that was just built.
#[derive(Debug)]
pub struct Built {
    /// The bundle.
    pub archive: Archive,
    /// How many policies it has.
    pub policies: usize,
    /// How many routes it has.
    pub routes: usize,
    /// How many keys it has.
    pub keys: usize,
    /// How many of them are revoked.
    pub revoked: usize,
}

/// How long a bundle is built anew because somebody else has pushed meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Builds and signs the project's bundle with the registry's keys.
///
/// Without a version it is the present instant in milliseconds, so that each build is above the
/// last without anything to remember.
pub async fn build(
    given: Option<&Path>,
    version: Option<u64>,
    output: &Output,
) -> Result<Built, Failure> {
    // Before the keys are read: of two builds, the one that has the later version must know of
    // every key that the other knows to be revoked.
    let now = Timestamp::now();
    let settings = project::settings(given)?;
    let progress = Progress::start(format!("building `{}`", settings.name));
    let project = project::load(given)?;
    let keys = project::keys(&settings).await?;
    let signers = Signers::read(&settings)?;
    let mut compiled = compile(&project, &keys)?;
    let warnings = std::mem::replace(&mut compiled.warnings, Problems::new());
    let (policies, routes) = (compiled.policies, compiled.routes);
    let (keys, revoked) = (compiled.keys, compiled.revoked);
    let draft = compiled.draft(version.unwrap_or_else(|| self::version(now)), now.as_second());
    let archive = signers.sign(draft).await?;
    progress.finish();
    for warning in warnings.iter() {
        output.diagnostic(warning);
    }
    Ok(Built { archive, policies, routes, keys, revoked })
}

/// Builds the project's bundle and sends it to a publisher; gives what it consists of besides.
///
/// Where somebody else was first, it is built anew, with whatever keys there are now: a revocation
/// must not lose to a publisher that mints keys all the time.
pub async fn push(
    given: Option<&Path>,
    publisher: &Publisher,
    output: &Output,
) -> Result<(Pushed, Manifest), Failure> {
    let begun = Instant::now();
    loop {
        let archive = build(given, None, output).await?.archive;
        match publisher.push(&archive).await {
            Ok(pushed) => return Ok((pushed, archive.envelope.manifest().clone())),
            Err(failure) if failure.exit() == Exit::Conflict && begun.elapsed() < PATIENCE => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// The version of a bundle whose build begins at an instant.
pub fn version(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or(1)
}

/// Reads an archive from a file.
pub fn read(file: &Path) -> Result<Archive, Failure> {
    let shown = file.display();
    let bytes = std::fs::read(file).context(Exit::Bundle, format_args!("cannot read `{shown}`"))?;
    if bytes.is_empty() {
        return Err(Failure::new(Exit::Bundle, format_args!("`{shown}` is empty")));
    }
    Archive::decode(&bytes).context(Exit::Bundle, format_args!("`{shown}` is not a good bundle"))
}

/// Opens what is in an archive.
pub fn open(archive: Archive) -> Result<Bundle, Failure> {
    let manifest = archive.envelope.manifest().clone();
    Bundle::open(manifest, archive.segments).context(Exit::Bundle, "the bundle cannot be opened")
}

//! Who signs: keys in files and environment variables, and commands that sign with keys that this
//! process never sees.

mod command;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::Settings;
use cedarkey_bundle::{
    Archive, Demand, Draft, Envelope, Manifest, PublicKey, Signatures, SigningKey,
};
use cedarkey_compiler::settings::{KeySource, TrustedKey};
use jiff::Timestamp;
use rustix::process::geteuid;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// All that sign a project's bundles. There is at least one, and each is trusted.
#[derive(Debug)]
pub struct Signers(Vec<Signer>);

/// One of them.
#[derive(Debug)]
enum Signer {
    /// A command, and the key whose signatures it gives.
    Command(command::Command, PublicKey),
    /// A key at hand.
    Key(SigningKey),
}

// === impl Signers ===

impl Signers {
    /// Reads the project's keys. Those whose time is over do not sign; one must be trusted now.
    pub fn read(settings: &Settings) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let mut signers = Vec::new();
        let mut holds = false;
        for source in &settings.signing_keys {
            let signer = Signer::read(source, &settings.root)?;
            let public = signer.public();
            let trusted = settings.trusted.iter().find(|trusted| trusted.key == public);
            let trusted = trusted.ok_or_else(|| untrusted(public))?;
            if trusted.not_after.is_none_or(|until| now < until) {
                holds |= trusted.holds_at(now);
                signers.push(signer);
            }
        }
        if !holds {
            let help = "see `not_before` and `not_after` of `signing.trusted` in cedarkey.toml";
            let message = "no key that signs for this project is trusted at present";
            return Err(Failure::new(Exit::Bundle, message).help(help));
        }
        Ok(Self(signers))
    }

    /// Their public keys.
    pub fn public(&self) -> Vec<PublicKey> {
        self.0.iter().map(Signer::public).collect()
    }

    /// Makes a signed bundle of a draft.
    pub async fn sign(&self, draft: Draft) -> Result<Archive, Failure> {
        let (manifest, segments) = draft.into_parts().context(Exit::Bundle, UNSIGNED)?;
        Ok(Archive { envelope: self.sign_manifest(manifest).await?, segments })
    }

    /// Signs what is asked of a publisher with every key.
    pub async fn sign_demand(&self, demand: &Demand) -> Result<Signatures, Failure> {
        Ok(Signatures { at: demand.at, by: self.signatures(&demand.message()).await? })
    }

    /// Signs a manifest with every key.
    pub async fn sign_manifest(&self, manifest: Manifest) -> Result<Envelope, Failure> {
        let message = manifest.message().context(Exit::Bundle, UNSIGNED)?;
        let signatures = self.signatures(&message).await?;
        manifest.with_signatures(signatures).context(Exit::Bundle, UNSIGNED)
    }

    async fn signatures(&self, message: &[u8]) -> Result<Vec<(PublicKey, [u8; 64])>, Failure> {
        let mut signatures = Vec::new();
        for signer in &self.0 {
            signatures.push((signer.public(), signer.sign(message).await?));
        }
        Ok(signatures)
    }
}

const UNSIGNED: &str = "the bundle cannot be signed";

fn untrusted(public: PublicKey) -> Failure {
    let message = format!("the project does not trust its own signing key `{public}`");
    let help = "add it to `signing.trusted` in cedarkey.toml, or sign with a key that is there";
    Failure::new(Exit::Bundle, message).help(help)
}

// === impl Signer ===

impl Signer {
    fn read(source: &KeySource, root: &Path) -> Result<Self, Failure> {
        match source {
            KeySource::Command { words, public } => {
                Ok(Self::Command(command::Command::new(words, root), *public))
            }
            KeySource::Env(name) => read_variable(name).map(Self::Key),
            KeySource::File(file) => read_file(&root.join(file)).map(Self::Key),
        }
    }

    fn public(&self) -> PublicKey {
        match self {
            Self::Command(_, public) => *public,
            Self::Key(key) => key.public(),
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], Failure> {
        match self {
            Self::Command(command, _) => command.sign(message).await,
            Self::Key(key) => Ok(key.sign(message)),
        }
    }
}

/// The public key of one of the project's.
pub fn public(source: &KeySource, root: &Path) -> Result<PublicKey, Failure> {
    Signer::read(source, root).map(|signer| signer.public())
}

/// The public keys that are trusted at an instant.
pub fn trusted_at(trusted: &[TrustedKey], now: Timestamp) -> Vec<PublicKey> {
    trusted.iter().filter(|key| key.holds_at(now)).map(|key| key.key).collect()
}

/// Reads a private key from a file.
pub fn read_file(file: &Path) -> Result<SigningKey, Failure> {
    let shown = file.display();
    let mut text = Zeroizing::new(String::new());
    let read = File::open(file).and_then(|mut file| {
        file.read_to_string(&mut text)?;
        file.metadata()
    });
    let metadata = read
        .context(Exit::Bundle, format_args!("cannot read the signing key `{shown}`"))
        .map_err(|failure| failure.help("make one with `cedarkey signing-key new`"))?;
    let key = SigningKey::from_text(&text)
        .context(Exit::Bundle, format_args!("`{shown}` is not a signing key"))?;
    // Of one's own files, as `ssh` does it: those of others, such as secrets that are mounted, may
    // be readable for a reason.
    let mode = metadata.mode() & 0o777;
    if metadata.uid() == geteuid().as_raw() && mode & 0o077 != 0 {
        let message = format!("others may use the signing key `{shown}`: its mode is {mode:04o}");
        let help = format!("`chmod 600 {shown}`, and replace the key if anybody may have read it");
        return Err(Failure::new(Exit::Bundle, message).help(help));
    }
    Ok(key)
}

fn read_variable(name: &str) -> Result<SigningKey, Failure> {
    let text = std::env::var(name)
        .context(Exit::Bundle, format_args!("there is no signing key in the variable `{name}`"))?;
    let text = Zeroizing::new(text);
    SigningKey::from_text(&text)
        .context(Exit::Bundle, format_args!("the variable `{name}` does not hold a signing key"))
}

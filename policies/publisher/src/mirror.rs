//! Bundles in a folder or object store, laid out so that any static server gives them to proxies at
//! the paths where a publisher does: `v1/bundles/{name}/manifest` and `v1/segments/{digest}`.
//!
//! Segments come first and the manifest last, so that whoever reads a manifest finds all of it.
//! Nothing is ever removed: somebody may still be reading it, and an object store has rules for
//! that.

use std::{collections::BTreeSet, fmt, path::Path as FilePath, str::FromStr, sync::Arc};

use axum::body::Bytes;
use cedarkey_bundle::{Digest, ENVELOPE_MEDIA_TYPE, Envelope, Manifest};
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    UpdateVersion,
    local::LocalFileSystem,
    path::{Path, PathPart},
};
use url::Url;

use crate::{segment::FOR_EVER, tls};

/// A folder or a place in an object store. Its text is a path, or a URL: `file:///…` or
/// `s3://BUCKET/PREFIX`, whose credentials are in the environment (`AWS_…`).
#[derive(Clone)]
pub struct Mirror {
    shown: Arc<str>,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Whether it keeps what is to be said of an object beside its content.
    has_attributes: bool,
}

/// Why a bundle is not mirrored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// A segment that the manifest names is not at hand.
    #[error("the segment {digest} is not at hand")]
    Missing {
        /// Its digest.
        digest: Digest,
    },
    /// A newer version is there already.
    #[error("version {version} is not above {current}, the one that is there")]
    OldVersion {
        /// The bundle's version.
        version: u64,
        /// The version that is there.
        current: u64,
    },
    /// Another has written at the same time.
    #[error("another version was written there at the same time")]
    Overtaken,
    /// The folder or object store fails.
    #[error("`{mirror}` cannot be used")]
    Store {
        /// Where it should be written.
        mirror: String,
        /// What the store says.
        source: Error,
    },
    /// It is none of the URLs that are known.
    #[error("`{text}` is neither a folder nor the URL of one (`file:`) or of a bucket (`s3:`)")]
    Url {
        /// The text.
        text: String,
    },
}

/// What became of a bundle that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// How many segments were not there before.
    pub segments: usize,
    /// How many bytes these are.
    pub bytes: usize,
}

// === impl Mirror ===

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let failed = |source| MirrorError::Store { mirror: text.to_owned(), source };
        let url = match text.parse::<Url>() {
            Ok(url) => url,
            // What has no scheme is a path.
            Err(_) => return Self::folder(FilePath::new(text)),
        };
        match url.scheme() {
            "file" => {
                let wrong = |()| MirrorError::Url { text: text.to_owned() };
                Self::folder(&url.to_file_path().map_err(wrong)?)
            }
            "s3" => {
                tls::use_ring();
                let named = std::env::vars().filter(|(name, _)| name.starts_with("AWS_"));
                let named = named.map(|(name, value)| (name.to_ascii_lowercase(), value));
                let (store, prefix) = object_store::parse_url_opts(&url, named).map_err(failed)?;
                let (shown, store) = (text.into(), store.into());
                Ok(Self { shown, store, prefix, has_attributes: true })
            }
            _ => Err(MirrorError::Url { text: text.to_owned() }),
        }
    }
}

impl Mirror {
    /// A folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn folder(path: &FilePath) -> Result<Self, MirrorError> {
        let shown = path.display().to_string();
        let failed = |source| MirrorError::Store { mirror: shown.clone(), source };
        let made = std::fs::create_dir_all(path);
        made.map_err(|error| {
            failed(Error::Generic { store: "LocalFileSystem", source: error.into() })
        })?;
        // What was said to be written is still there after a power cut.
        let store = LocalFileSystem::new_with_prefix(path).map_err(failed)?.with_fsync(true);
        let (shown, store) = (shown.as_str().into(), Arc::new(store));
        Ok(Self { shown, store, prefix: Path::default(), has_attributes: false })
    }

    /// Writes a bundle whose segments `segment` gives: first those that are not there, then the
    /// manifest, if its version is above the one that is there.
    ///
    /// # Errors
    ///
    /// [`MirrorError::OldVersion`] if that is not so; or the store fails, or a segment is missing.
    pub async fn publish<F, E>(
        &self,
        envelope: &Envelope,
        segment: impl Fn(Digest) -> F,
    ) -> Result<Mirrored, E>
    where
        F: Future<Output = Result<Option<Bytes>, E>>,
        E: From<MirrorError>,
    {
        let manifest = envelope.manifest();
        let place = self.bundle(manifest)?;
        let there = self.there(&place, manifest).await?;
        let digests: BTreeSet<Digest> = manifest.segments.iter().map(|it| it.digest).collect();
        let mut mirrored = Mirrored { segments: 0, bytes: 0 };
        for digest in digests {
            let place = self.place(["v1", "segments", &digest.to_string()]);
            if self.has(&place).await? {
                continue;
            }
            let content = segment(digest).await?.ok_or(MirrorError::Missing { digest })?;
            mirrored.segments = mirrored.segments.saturating_add(1);
            mirrored.bytes = mirrored.bytes.saturating_add(content.len());
            let options = self.options("application/octet-stream", FOR_EVER);
            let put = self.store.put_opts(&place, content.into(), options).await;
            put.map_err(|error| self.failed(error))?;
        }
        self.put_manifest(&place, envelope, there).await?;
        Ok(mirrored)
    }

    /// The version of the object that is to be replaced, if there is one.
    async fn there(
        &self,
        place: &Path,
        manifest: &Manifest,
    ) -> Result<Option<UpdateVersion>, MirrorError> {
        let found = match self.store.get(place).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| self.failed(error))?,
        };
        let version =
            UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(|error| self.failed(error))?;
        // What is no manifest is no reason not to write one.
        if let Ok(envelope) = Envelope::decode_whole(&bytes) {
            let (version, current) = (manifest.version, envelope.manifest().version);
            if version <= current {
                return Err(MirrorError::OldVersion { version, current });
            }
        }
        Ok(Some(version))
    }

    async fn put_manifest(
        &self,
        place: &Path,
        envelope: &Envelope,
        there: Option<UpdateVersion>,
    ) -> Result<(), MirrorError> {
        let bytes = Bytes::from(envelope.encode());
        let put = async |mode| {
            let options = PutOptions { mode, ..self.options(ENVELOPE_MEDIA_TYPE, "no-cache") };
            self.store.put_opts(place, bytes.clone().into(), options).await
        };
        let mode = there.map_or(PutMode::Create, PutMode::Update);
        let written = match put(mode).await {
            // A folder replaces a file as a whole, but not only if it is the one that was seen.
            Err(Error::NotImplemented { .. }) => put(PutMode::Overwrite).await,
            written => written,
        };
        match written {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(MirrorError::Overtaken)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn has(&self, place: &Path) -> Result<bool, MirrorError> {
        match self.store.head(place).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn bundle(&self, manifest: &Manifest) -> Result<Path, MirrorError> {
        Ok(self.place(["v1", "bundles", &manifest.name, "manifest"]))
    }

    fn place<const N: usize>(&self, parts: [&str; N]) -> Path {
        self.prefix.parts().chain(parts.map(PathPart::from)).collect()
    }

    fn options(&self, media_type: &'static str, caching: &'static str) -> PutOptions {
        let mut attributes = Attributes::new();
        if self.has_attributes {
            attributes.insert(Attribute::ContentType, media_type.into());
            attributes.insert(Attribute::CacheControl, caching.into());
        }
        PutOptions { attributes, ..PutOptions::default() }
    }

    fn failed(&self, source: Error) -> MirrorError {
        MirrorError::Store { mirror: self.shown.to_string(), source }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mirror(`{self}`)")
    }
}

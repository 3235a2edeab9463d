//! A bundle that was opened: everything a gate decides with.

use alloc::vec::Vec;

use cedarkey_engine::{
    key::{KeyId, KeyRecord, Keys, Unreadable},
    model::{LoadError, Model, ModelImage},
    route::{Routes, RoutesError, RoutesImage},
    token::KeyHash,
};
use serde::de::DeserializeOwned;

use crate::{
    DecodeError, Manifest, SegmentKind, What,
    keys::{Directory, KeyIndex},
    revocations::{self, Revocations},
};

/// A whole bundle, checked and ready to decide with.
#[derive(Debug)]
pub struct Bundle {
    /// What it is called, how long it holds, and what it consists of.
    pub manifest: Manifest,
    /// The compiled policies.
    pub model: Model,
    /// The route table.
    pub routes: Routes,
    /// The keys.
    pub keys: KeyIndex,
    /// The keys that were revoked since.
    pub revocations: Revocations,
}

/// Why segments do not make a bundle. The bundle is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A segment does not decode, or is not the one that the manifest names.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There is not exactly one segment of a kind.
    #[error("there are {found} segments of the kind `{kind}` instead of one")]
    KindCount {
        /// The kind.
        kind: SegmentKind,
        /// How many there are.
        found: usize,
    },
    /// The model contradicts itself.
    #[error("the model is invalid: {0}")]
    Model(LoadError),
    /// A key refers to a profile that the model does not have.
    #[error("a key has the profile {profile}, and the model has {profiles} profiles")]
    Profile {
        /// The profile that the key has.
        profile: u32,
        /// How many there are.
        profiles: u32,
    },
    /// The route table contradicts itself or the model.
    #[error("the route table is invalid: {0}")]
    Routes(RoutesError),
    /// The number of segments is not the one of the manifest.
    #[error("the manifest names {expected} segments and {found} are there")]
    SegmentCount {
        /// How many the manifest names.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

// === impl Bundle ===

impl Bundle {
    /// Opens the segments, which come in the order of the manifest. The manifest is one that was
    /// [accepted](crate::Envelope::accept); this checks that the segments are those it names.
    ///
    /// # Errors
    ///
    /// The segments are not those of the manifest, or what they hold does not fit together.
    pub fn open(manifest: Manifest, segments: Vec<Vec<u8>>) -> Result<Self, OpenError> {
        let parts = Parts::sort(&manifest, segments)?;
        let model = model(&one(SegmentKind::Model, parts.model)?)?;
        let routes = routes(&one(SegmentKind::Routes, parts.routes)?, &model)?;
        if let Some(directory) = parts.directory {
            check_directory(&directory, &parts.keys)?;
        }
        let keys = KeyIndex::open(parts.keys)?;
        let profiles = model.profile_count();
        let has_none = |key: &KeyRecord| key.profile >= profiles && !key.is_decoy();
        if let Some((_, key)) = keys.iter().find(|(_, key)| has_none(key)) {
            return Err(OpenError::Profile { profile: key.profile, profiles });
        }
        let revocations = one(SegmentKind::Revocations, parts.revocations)?;
        let revocations = revocations::open(revocations)?;
        Ok(Self { manifest, model, routes, keys, revocations })
    }
}

/// Reads a model segment.
///
/// # Errors
///
/// It does not decode, or contradicts itself.
pub fn model(bytes: &[u8]) -> Result<Model, OpenError> {
    let image: ModelImage = decode(What::the("model segment"), bytes)?;
    Model::load(image).map_err(OpenError::Model)
}

/// Reads the routes segment of a bundle with this model.
///
/// # Errors
///
/// It does not decode, or contradicts itself or the model.
pub fn routes(bytes: &[u8], model: &Model) -> Result<Routes, OpenError> {
    let image: RoutesImage = decode(What::the("routes segment"), bytes)?;
    Routes::load(image, model.uid_count()).map_err(OpenError::Routes)
}

/// Whether a directory is that of these shards. Who holds the shards can do without it; but a
/// bundle must be the same one everywhere.
fn check_directory(directory: &[u8], shards: &[Vec<u8>]) -> Result<(), DecodeError> {
    if Directory::build(shards)? == directory {
        return Ok(());
    }
    let what = What::the("key directory");
    Err(DecodeError::Invalid { what, why: "it is not that of the key shards" })
}

impl Keys for Bundle {
    fn find(&self, _: &str, hash: &KeyHash) -> Result<Option<KeyRecord>, Unreadable> {
        Ok(self.keys.find(hash))
    }

    fn is_revoked(&self, id: &KeyId) -> bool {
        self.revocations.contains(id)
    }
}

/// Segments by kind, each known to be the one that the manifest names.
#[derive(Default)]
struct Parts {
    model: Vec<Vec<u8>>,
    routes: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    directory: Option<Vec<u8>>,
}

// === impl Parts ===

impl Parts {
    fn sort(manifest: &Manifest, segments: Vec<Vec<u8>>) -> Result<Self, OpenError> {
        let (expected, found) = (manifest.segments.len(), segments.len());
        if expected != found {
            return Err(OpenError::SegmentCount { expected, found });
        }
        let mut parts = Self::default();
        for (number, (segment, bytes)) in manifest.segments.iter().zip(segments).enumerate() {
            segment.check_as(What::nth("segment", number), &bytes)?;
            match segment.kind {
                SegmentKind::Model => parts.model.push(bytes),
                SegmentKind::Routes => parts.routes.push(bytes),
                SegmentKind::Keys => parts.keys.push(bytes),
                SegmentKind::Revocations => parts.revocations.push(bytes),
                SegmentKind::Directory if parts.directory.is_none() => {
                    parts.directory = Some(bytes);
                }
                kind @ SegmentKind::Directory => {
                    return Err(OpenError::KindCount { kind, found: 2 });
                }
            }
        }
        Ok(parts)
    }
}

fn one(kind: SegmentKind, segments: Vec<Vec<u8>>) -> Result<Vec<u8>, OpenError> {
    let [segment] = <[Vec<u8>; 1]>::try_from(segments)
        .map_err(|segments| OpenError::KindCount { kind, found: segments.len() })?;
    Ok(segment)
}

fn decode<T: DeserializeOwned>(what: What, bytes: &[u8]) -> Result<T, DecodeError> {
    let (image, rest) =
        postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed { what })?;
    if !rest.is_empty() {
        return Err(DecodeError::Trailing { what, extra: rest.len() as u64 });
    }
    Ok(image)
}

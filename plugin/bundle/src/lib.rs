//! The wire format of a bundle: what the compiler writes, the publisher stores and the filter reads.
//!
//! A bundle is a signed *manifest* and the *segments* it names by their SHA-256. The manifest and
//! its signatures together are an *envelope*; the envelope followed by the segments is an
//! *archive*, which is one file (`.ckb`).
//!
//! Everything here is written on the assumption that the bytes come from an attacker: labels,
//! format numbers and lengths are checked before they are used, nothing is allocated that the
//! input is not long enough to fill, and bytes left over are an error.
//!
//! ```
//! use cedarkey_bundle::{Archive, Draft, SegmentKind, SigningKey, Terms};
//!
//! let key = SigningKey::from_seed([7; 32]);
//! let draft = Draft {
//!     name: "quickstart".into(),
//!     version: 1,
//!     created: 1_800_000_000,
//!     expires: 1_800_086_400,
//!     segments: vec![(SegmentKind::Revocations, cedarkey_bundle::revocations::build([]))],
//! };
//! let file = draft.sign(&[&key])?.encode();
//!
//! let archive = Archive::decode(&file)?;
//! let trusted = [key.public()];
//! let manifest = archive.envelope.accept(&Terms {
//!     name: Some("quickstart"),
//!     trusted: &trusted,
//!     above_version: None,
//!     min_version: 0,
//!     now: 1_800_000_060,
//! })?;
//! assert_eq!(manifest.version, 1);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod accept;
mod archive;
mod bundle;
mod demand;
mod digest;
mod draft;
mod envelope;
mod error;
pub mod keys;
mod manifest;
pub mod revocations;
mod segment;
mod signing;
pub mod usage;
mod wire;

pub use accept::{Refusal, Terms};
pub use archive::Archive;
pub use bundle::{Bundle, OpenError, model, routes};
pub use demand::{Demand, Signatures};
pub use digest::{Digest, DigestTextError};
pub use draft::{Draft, DraftError};
pub use envelope::Envelope;
pub use error::{DecodeError, What};
pub use manifest::{Manifest, is_bundle_name};
pub use segment::{SegmentKind, SegmentRef};
pub use signing::{KeyTextError, PRIVATE_PREFIX, PublicKey, SigningKey};

/// The format of envelopes, manifests and binary segments that this build reads and writes.
pub const FORMAT: u16 = 1;

/// What this build's engine is able to evaluate. A manifest that asks for more is refused.
pub const ENGINE: u32 = cedarkey_engine::ENGINE_VERSION;

/// The media type of an envelope.
pub const ENVELOPE_MEDIA_TYPE: &str = "application/vnd.cedarkey.envelope";

/// The media type of an archive.
pub const ARCHIVE_MEDIA_TYPE: &str = "application/vnd.cedarkey.bundle";

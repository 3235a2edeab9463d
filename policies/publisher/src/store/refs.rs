//! The segments that a manifest names, as queries take them.

use std::collections::BTreeMap;

use cedarkey_bundle::{Digest, Manifest};

/// Each segment once: a JSON array of pairs of a digest, in hexadecimal digits, and a length. Both
/// databases read it, so that one query does for all of a manifest's segments.
#[derive(Debug)]
pub(crate) struct Refs(String);

// === impl Refs ===

impl Refs {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let segments = manifest.segments.iter();
        let lengths: BTreeMap<Digest, u32> =
            segments.map(|segment| (segment.digest, segment.length)).collect();
        let pairs = lengths.iter().map(|(digest, length)| format!(r#"["{digest}",{length}]"#));
        Self(format!("[{}]", pairs.collect::<Vec<_>>().join(",")))
    }

    pub(super) fn as_json(&self) -> &str {
        &self.0
    }
}

/// The digest that a query gave.
pub(super) fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}

//! What tells one state of a file from another.

use std::{path::Path, time::SystemTime};

/// When it was last written, and its length.
pub(crate) type Stamp = (SystemTime, u64);

/// That of a file; none, where it is not to be seen.
pub(crate) fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = file.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

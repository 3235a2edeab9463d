//! What GitHub's secret scanning has found, as a publisher keeps it.

use super::{Finding, Place, said};
use crate::publisher::Found;

/// What it is called.
const NAME: &str = "GitHub";

impl From<&Found> for Finding {
    fn from(found: &Found) -> Self {
        let place = Place {
            scanner: NAME,
            rule: found.kind.clone(),
            source: said(found.source.clone()),
            link: said(found.url.clone()),
            ..Place::default()
        };
        Self { hashes: vec![found.hash], place }
    }
}

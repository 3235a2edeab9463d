//! Who may ask for what is not for everybody: those who may push the bundle that it is about.

use axum::http::{HeaderMap, header};
use cedarkey_bundle::{Demand, Digest, Signatures};

use crate::{Shared, clock::now, problem::Problem};

/// How far the clock of one who asks may be from the publisher's, in seconds.
const SKEW: u64 = 300;

// === impl Shared ===

impl Shared {
    /// Whether a request is signed, for this and at this time, by a key that may push the bundle.
    pub(crate) fn authorize(
        &self,
        headers: &HeaderMap,
        what: &str,
        name: &str,
        body: Digest,
    ) -> Result<(), Problem> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let signatures = header.and_then(Signatures::of_header).ok_or(Problem::Unsigned)?;
        let now = now();
        if signatures.at.abs_diff(now) > SKEW {
            return Err(Problem::Untimely { at: signatures.at, now });
        }
        let (what, bundle) = (what.to_owned(), name.to_owned());
        let demand = Demand { what, bundle, at: signatures.at, body };
        demand.verify(&self.signers.of(name, now), &signatures).map_err(Problem::Unauthorized)
    }
}

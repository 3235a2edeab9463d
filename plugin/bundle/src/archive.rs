//! The archive: a whole bundle as one file.

use alloc::vec::Vec;

use crate::{DecodeError, Envelope, What, wire::Reader};

/// An envelope and all segments that its manifest names, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The manifest and its signatures, which are not verified by decoding.
    pub envelope: Envelope,
    /// The segments' bytes, whose digests are those of the manifest.
    pub segments: Vec<Vec<u8>>,
}

// === impl Archive ===

impl Archive {
    /// Reads an archive and checks every segment's digest.
    ///
    /// # Errors
    ///
    /// The bytes are not exactly one archive, or a segment is not the one the manifest names.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (envelope, used) = Envelope::decode(bytes)?;
        let mut reader = Reader::new(What::the("archive"), bytes);
        reader.take(used)?;
        let mut segments = Vec::new();
        for (number, segment) in envelope.manifest().segments.iter().enumerate() {
            let what = What::nth("segment", number);
            let content = reader.take_for(what, segment.length as usize)?;
            segment.check_as(what, content)?;
            segments.push(content.to_vec());
        }
        reader.finish()?;
        Ok(Self { envelope, segments })
    }

    /// The bytes that [`decode`](Archive::decode) reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.envelope.encode();
        for segment in &self.segments {
            out.extend_from_slice(segment);
        }
        out
    }
}

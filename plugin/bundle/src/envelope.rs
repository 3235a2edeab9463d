//! The envelope: a manifest and who signed it.

use alloc::vec::Vec;

use crate::{
    DecodeError, FORMAT, Manifest, PublicKey, Refusal, Terms, What, manifest::MAX_MANIFEST,
    signing, wire::Reader,
};

const LABEL: &[u8; 8] = b"cedarkey";

/// Comes before the manifest in what is signed, so that no signature serves a second purpose.
pub(crate) const CONTEXT: &[u8] = b"cedarkey manifest v1\0";

/// A manifest with its signatures, which [`accept`](Envelope::accept) verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    manifest: Manifest,
    /// The manifest's bytes: what was signed is kept as it came.
    bytes: Vec<u8>,
    /// Strictly ascending by key.
    signatures: Vec<Signed>,
}

/// One key's signature of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// Who claims to have signed; not known to be a point of the curve.
    key: PublicKey,
    signature: [u8; 64],
}

// === impl Envelope ===

impl Envelope {
    /// The longest envelope that there can be, in bytes.
    pub const MAX_BYTES: usize = MAX_MANIFEST + 64 + 255 * 96;

    /// Reads an envelope from the front of `bytes` and says how many bytes it took. Nothing in it
    /// is to be believed before it is accepted.
    ///
    /// # Errors
    ///
    /// The bytes do not start with an envelope in the one form that envelopes are written in.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        let what = What::the("envelope");
        let mut reader = Reader::new(what, bytes);
        reader.label(LABEL)?;
        let length = reader.u32()? as usize;
        if length > MAX_MANIFEST {
            let what = What::the("manifest");
            let (found, limit) = (length as u64, MAX_MANIFEST as u64);
            return Err(DecodeError::Limit { what, found, limit });
        }
        let manifest = reader.take(length)?;
        let signatures = decode_signatures(&mut reader)?;
        let used = bytes.len().saturating_sub(reader.rest().len());
        let envelope =
            Self { manifest: Manifest::decode(manifest)?, bytes: manifest.to_vec(), signatures };
        Ok((envelope, used))
    }

    /// Reads an envelope that is all of `bytes`.
    ///
    /// # Errors
    ///
    /// The bytes are not exactly one envelope in the one form that envelopes are written in.
    pub fn decode_whole(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (envelope, used) = Self::decode(bytes)?;
        match bytes.len().saturating_sub(used) {
            0 => Ok(envelope),
            extra => {
                let what = What::the("envelope");
                Err(DecodeError::Trailing { what, extra: extra as u64 })
            }
        }
    }

    /// The bytes that [`decode`](Envelope::decode) reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Both lengths were checked when the envelope was made; see `decode` and `sign`.
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let count = u8::try_from(self.signatures.len()).unwrap_or(u8::MAX);
        let mut out = Vec::new();
        out.extend_from_slice(LABEL);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.bytes);
        out.push(count);
        for signed in &self.signatures {
            out.extend_from_slice(&signed.key.0);
            out.extend_from_slice(&signed.signature);
        }
        out
    }

    /// The manifest, whether or not anyone trusted signed it.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Who claims to have signed, in ascending order.
    pub fn signers(&self) -> impl ExactSizeIterator<Item = PublicKey> + '_ {
        self.signatures.iter().map(|signed| signed.key)
    }

    /// The manifest, if one of the trusted keys signed it.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownSigner`] or [`Refusal::BadSignature`].
    pub fn verify(&self, trusted: &[PublicKey]) -> Result<&Manifest, Refusal> {
        let signatures = self.signatures.iter().map(|signed| (&signed.key, &signed.signature));
        signing::verify(&message(&self.bytes), signatures, trusted)?;
        Ok(&self.manifest)
    }

    /// The manifest, if it was signed by a trusted key and meets all of the terms.
    ///
    /// # Errors
    ///
    /// Which of the terms it does not meet; the signature comes first.
    pub fn accept(&self, terms: &Terms<'_>) -> Result<&Manifest, Refusal> {
        let manifest = self.verify(terms.trusted)?;
        terms.meets(manifest)?;
        Ok(manifest)
    }

    /// A manifest that has been checked, and signatures that are neither none nor more than 255.
    pub(crate) fn new(
        manifest: Manifest,
        bytes: Vec<u8>,
        signatures: Vec<(PublicKey, [u8; 64])>,
    ) -> Self {
        let mut signatures: Vec<_> =
            signatures.into_iter().map(|(key, signature)| Signed { key, signature }).collect();
        signatures.sort_by_key(|signed| signed.key);
        Self { manifest, bytes, signatures }
    }
}

pub(crate) fn message(manifest: &[u8]) -> Vec<u8> {
    [CONTEXT, manifest].concat()
}

fn decode_signatures(reader: &mut Reader<'_>) -> Result<Vec<Signed>, DecodeError> {
    let what = What::the("list of signatures");
    let mut signatures: Vec<Signed> = Vec::new();
    let count = reader.u8()?;
    if count == 0 {
        return Err(DecodeError::Invalid { what, why: "it is empty" });
    }
    for entry in 0..count {
        let key = PublicKey(*reader.array()?);
        let signature = *reader.array()?;
        if signatures.last().is_some_and(|last| last.key >= key) {
            return Err(DecodeError::Order { what, entry: entry.into() });
        }
        signatures.push(Signed { key, signature });
    }
    Ok(signatures)
}

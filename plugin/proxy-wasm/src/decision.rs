//! The ids of decisions.

/// What a caller and the records of an upstream name a decision by: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct DecisionId([u8; 32]);

// === impl DecisionId ===

impl DecisionId {
    /// The id of these 128 bits.
    pub fn new(halves: [u64; 2]) -> Self {
        let mut digits = [b'0'; 32];
        for (digits, half) in digits.chunks_exact_mut(16).zip(halves) {
            // It has room for just so many digits.
            let _ = base16ct::lower::encode(&half.to_be_bytes(), digits);
        }
        Self(digits)
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::DecisionId;

    #[test]
    fn an_id_is_32_digits() {
        let id = DecisionId::new([0x0123_4567_89ab_cdef, 0xf]);
        assert_eq!(id.as_str(), "0123456789abcdef000000000000000f");
    }
}

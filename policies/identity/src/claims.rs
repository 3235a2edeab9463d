//! What a JWT says before anybody has verified it: only who is to be asked for the key.

use crate::JwtError;
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde_json::Value;

/// The longest JWT that is looked at, in bytes.
const MAX: usize = 16 * 1024;

/// The longest issuer, in bytes.
const MAX_ISSUER: usize = 512;

/// The issuer that a JWT claims to be by.
pub(crate) fn issuer(jwt: &str) -> Result<String, JwtError> {
    if jwt.len() > MAX {
        return Err(JwtError::Form(format!("it has more than {MAX} bytes")));
    }
    let claims: Value =
        insecure_decode_claims(jwt).map_err(|error| JwtError::Form(error.to_string()))?;
    match claims.get("iss").and_then(Value::as_str) {
        // It is told and written to the log.
        Some(issuer) if issuer.len() <= MAX_ISSUER => Ok(issuer.into()),
        Some(_) => Err(JwtError::Form(format!("its `iss` has more than {MAX_ISSUER} bytes"))),
        None => Err(JwtError::Form("it has no `iss`".into())),
    }
}

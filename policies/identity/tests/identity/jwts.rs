//! JWTs of an issuer whose keys are known.

use crate::login::{Known, Login, claims, now, with};
use cedarkey_host_kit::identities::{ISSUER, part};
use ring::hmac;
use serde_json::{Value, json};

#[tokio::test]
async fn a_jwt_proves_what_its_claims_name() {
    let login = Login::new(1);
    let known = Known::issuer(&login.keys());
    for jwt in [login.sign(&claims()), login.sign_on_curve(&claims())] {
        let identity = known.prove(&jwt).await.unwrap();
        assert_eq!(identity.spiffe_id.as_str(), "spiffe://example.com/exporter");
        assert_eq!(identity.issuer.as_deref(), Some(ISSUER));
    }
    let several = with(&json!({ "aud": ["other", "cedarkey"] }));
    known.prove(&login.sign(&several)).await.unwrap();
}

#[tokio::test]
async fn claims_that_do_not_hold_prove_nothing() {
    let login = Login::new(1);
    let known = Known::issuer(&login.keys());
    for (other, cause) in [
        (json!({ "exp": now() - 60 }), "jwt_time"),
        (json!({ "exp": null }), "jwt_form"),
        (json!({ "exp": "tomorrow" }), "jwt_form"),
        (json!({ "exp": -1 }), "jwt_form"),
        (json!({ "nbf": now() + 600 }), "jwt_time"),
        (json!({ "nbf": "soon" }), "jwt_form"),
        (json!({ "aud": "other" }), "jwt_audience"),
        (json!({ "aud": [] }), "jwt_audience"),
        (json!({ "aud": null }), "jwt_form"),
        (json!({ "aud": 7 }), "jwt_form"),
        (json!({ "iss": "https://evil.example.com" }), "jwt_issuer"),
        (json!({ "iss": [ISSUER] }), "jwt_form"),
        (json!({ "iss": null }), "jwt_form"),
        (json!({ "sub": null }), "jwt_naming"),
        (json!({ "sub": ["exporter"] }), "jwt_form"),
        (json!({ "sub": "exporter/../admin" }), "jwt_naming"),
        (json!({ "sub": "" }), "jwt_naming"),
    ] {
        assert_eq!(known.refuse(&login.sign(&with(&other))).await, cause, "{other}");
    }
}

#[tokio::test]
async fn forgeries_prove_nothing() {
    let (login, other) = (Login::new(1), Login::new(2));
    let keys = login.keys();
    let known = Known::issuer(&keys);
    let good = login.sign(&claims());
    let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let admin = part(with(&json!({ "sub": "admin" })).to_string());
    let json_part = |value: Value| part(value.to_string());

    assert_eq!(known.refuse(&other.sign(&claims())).await, "jwt_signature");
    assert_eq!(known.refuse(&other.sign_on_curve(&claims())).await, "jwt_signature");
    assert_eq!(known.refuse(&format!("{header}.{admin}.{signature}")).await, "jwt_signature");
    assert_eq!(known.refuse(&format!("{header}.{body}.")).await, "jwt_signature");
    for text in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        &format!("{good}.x"),
        &format!("{good}="),
        "\u{e4}.\u{f6}.\u{fc}",
    ] {
        assert_eq!(known.refuse(text).await, "jwt_form", "{text}");
    }
    let long = format!("{header}.{}.{signature}", "a".repeat(20_000));
    assert_eq!(known.refuse(&long).await, "jwt_form");

    // No signature at all.
    for none in ["none", "None", "NONE"] {
        let jwt = format!("{}.{body}.", json_part(json!({ "alg": none })));
        assert_eq!(known.refuse(&jwt).await, "jwt_form");
    }
    // A signature that whoever knows the public key can make.
    let public = keys.pointer("/keys/0/x").unwrap().as_str().unwrap();
    let signed = format!("{}.{admin}", json_part(json!({ "alg": "HS256", "kid": "1" })));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
    let jwt = format!("{signed}.{}", part(hmac::sign(&secret, signed.as_bytes())));
    assert_eq!(known.refuse(&jwt).await, "jwt_algorithm");
    // What nobody here understands, and has to.
    let header = json!({ "alg": "EdDSA", "kid": "1", "crit": ["b64"], "b64": false });
    assert_eq!(known.refuse(&login.ed.token_as(&header, &claims())).await, "jwt_form");
    let wordy = login.sign(&with(&json!({ "iss": "x".repeat(600) })));
    assert_eq!(known.refuse(&wordy).await, "jwt_form");
    // Keys that the JWT brings along, and names that are no names.
    let own = other.keys();
    for header in [
        json!({ "alg": "EdDSA", "kid": "1", "jwk": own.pointer("/keys/0") }),
        json!({ "alg": "EdDSA", "kid": "1", "jku": "http://127.0.0.1:9/jwks" }),
    ] {
        let jwt = other.ed.token_as(&header, &claims());
        assert_eq!(known.refuse(&jwt).await, "jwt_signature", "{header}");
    }
    for header in [
        json!({ "alg": "EdDSA", "kid": "nobody" }),
        json!({ "alg": "EdDSA", "kid": "curve" }),
        json!({ "alg": "ES384", "kid": "curve" }),
        json!({ "alg": "RS256", "kid": "1" }),
        json!({ "alg": "EdDSA", "kid": "" }),
    ] {
        assert_eq!(
            known.refuse(&login.ed.token_as(&header, &claims())).await,
            "jwt_key",
            "{header}"
        );
    }
}

/// One claim that is there twice is taken as neither.
#[tokio::test]
async fn claims_that_are_there_twice_prove_nothing() {
    let login = Login::new(1);
    let known = Known::issuer(&login.keys());
    let header = part(json!({ "alg": "EdDSA", "kid": "1" }).to_string());
    let claims = claims().to_string();
    let twice = claims.replacen('{', r#"{"aud":"other","#, 1);
    let jwt = login.ed.token_of(&header, &part(twice));
    assert_eq!(known.refuse(&jwt).await, "jwt_form");
}

#[tokio::test]
async fn a_jwt_svid_names_ids_of_its_own_domain() {
    let login = Login::new(1);
    let known = Known::with(&login.keys(), "trust_domain = 'example.com'", "");
    let sub = |sub: &str| login.sign(&with(&json!({ "sub": sub })));
    let identity = known.prove(&sub("spiffe://example.com/a")).await.unwrap();
    assert_eq!(identity.spiffe_id.as_str(), "spiffe://example.com/a");
    assert_eq!(known.refuse(&sub("spiffe://other.com/a")).await, "trust_domain");
    assert_eq!(known.refuse(&sub("spiffe://example.com.evil.com/a")).await, "trust_domain");
    assert_eq!(known.refuse(&sub("exporter")).await, "jwt_naming");
}

/// The example of RFC 7515, appendix A.2. It is not for anybody here, and long over; but what is said
/// of it is that, and not that its signature is wrong.
#[tokio::test]
async fn rsa_is_verified_as_the_rfc_shows() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let keys = json!({ "keys": [{ "kty": "RSA", "n": n, "e": "AQAB" }] });
    let header = "eyJhbGciOiJSUzI1NiJ9";
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let known = Known::by("joe", &keys);
    assert_eq!(known.refuse(&format!("{header}.{claims}.{signature}")).await, "jwt_form");
    let later = part(json!({ "iss": "joe", "exp": now() + 60 }).to_string());
    assert_eq!(known.refuse(&format!("{header}.{later}.{signature}")).await, "jwt_signature");
    // By another algorithm of the same key.
    let header = part(json!({ "alg": "PS256" }).to_string());
    assert_eq!(known.refuse(&format!("{header}.{claims}.{signature}")).await, "jwt_signature");
}

//! Access tokens of this test process.

use std::sync::OnceLock;

use auth::token::Verifier;
use chrono::{TimeDelta, Utc};
use contracts::{
    UserId,
    claims::{AUDIENCE, Claims, ISSUER, Role},
};
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use uuid::Uuid;

/// Names that key.
pub const KEY_ID: &str = "test";

/// Knows the key that the people of this test process sign in with.
#[must_use]
pub fn verifier() -> Verifier {
    Verifier::new(&keys().public)
}

/// The public half of that key, as identity publishes its own.
#[must_use]
pub fn key_set() -> &'static JwkSet {
    &keys().public
}

/// Claims that are good for a quarter of an hour, as identity's are.
#[must_use]
pub fn claims(id: UserId, role: Role, is_verified: bool) -> Claims {
    let now = Utc::now();
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: id.0,
        iat: now.timestamp(),
        exp: (now + TimeDelta::minutes(15)).timestamp(),
        jti: Uuid::now_v7(),
        role,
        is_verified,
        scope: String::new(),
        sid: None,
    }
}

/// A token that says this.
///
/// # Panics
/// Never: the key is good.
#[must_use]
pub fn token(claims: &Claims) -> String {
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &keys().private).expect("the key signs")
}

struct Keys {
    private: EncodingKey,
    public: JwkSet,
}

/// Made anew in each process, so that no key is in the source.
fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(Uuid::now_v7().as_bytes());
        secret[16..].copy_from_slice(Uuid::now_v7().as_bytes());
        // Without the public half, which not every library reads.
        let key = KeypairBytes { secret_key: secret, public_key: None };
        let der = key.to_pkcs8_der().expect("a key has a DER form");
        let private = EncodingKey::from_ed_der(der.as_bytes());
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::EdDSA).expect("a public key");
        jwk.common.key_id = Some(KEY_ID.to_owned());
        Keys { private, public: JwkSet { keys: vec![jwk] } }
    })
}

//! A signing key.

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes, spki::der::pem::LineEnding},
};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};

use super::file::KeyFile;

const END: &str = "-----END PRIVATE KEY-----";

/// A private key, its public key, and their id.
pub struct Key {
    pub id: String,
    pub private: EncodingKey,
    pub public: Jwk,
    /// None if it was given as a setting.
    pub file: Option<KeyFile>,
}

impl Key {
    /// Generates a key, and returns its id and its PEM text.
    pub fn generate() -> Option<(String, String)> {
        let key = SigningKey::from_bytes(&rand::random());
        let pem = pkcs8_v1(&key).to_pkcs8_pem(LineEnding::LF).ok()?;
        Some((Self::new(&key)?.id, pem.to_string()))
    }

    /// Parses a PEM text.
    pub fn from_pem(pem: &str) -> Option<Self> {
        Self::new(&SigningKey::from_pkcs8_pem(pem.trim()).ok()?)
    }

    /// Parses a text that holds one or more keys.
    pub fn all_of(text: &str) -> Option<Vec<Self>> {
        let pems = text.split_inclusive(END).filter(|pem| !pem.trim().is_empty());
        let keys: Vec<_> = pems.map(Self::from_pem).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(keys)
    }

    fn new(key: &SigningKey) -> Option<Self> {
        let private = EncodingKey::from_ed_der(pkcs8_v1(key).to_pkcs8_der().ok()?.as_bytes());
        let mut public = Jwk::from_encoding_key(&private, Algorithm::EdDSA).ok()?;
        let id = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self { id, private, public, file: None })
    }
}

/// Returns the form of PKCS#8 that every library reads.
fn pkcs8_v1(key: &SigningKey) -> KeypairBytes {
    KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn pem() -> String {
        Key::generate().expect("a key").1
    }

    #[test]
    fn a_keys_text_gives_the_key_back() {
        let (id, pem) = Key::generate().expect("a key");

        assert_eq!(Key::from_pem(&pem).map(|key| key.id), Some(id));
    }
}

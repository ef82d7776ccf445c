//! A refresh token: the id of its session, and a secret that works once.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// A refresh token, of whose secret only the hash is stored.
pub struct RefreshToken {
    pub session: Uuid,
    secret: [u8; 32],
}

impl RefreshToken {
    /// Creates a new session's first token. The id is fully random, since whoever guesses it can end the session.
    pub fn new() -> Self {
        Self { session: Builder::from_random_bytes(rand::random()).into_uuid(), secret: rand::random() }
    }

    /// Creates the session's next token.
    pub fn next(&self) -> Self {
        Self { session: self.session, secret: rand::random() }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (session, secret) = bytes.split_first_chunk()?;
        Some(Self { session: Uuid::from_bytes(*session), secret: secret.try_into().ok()? })
    }

    pub fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([self.session.as_bytes().as_slice(), &self.secret].concat())
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

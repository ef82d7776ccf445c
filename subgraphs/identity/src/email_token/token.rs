//! A token, its hash, and what it permits.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// The length of a token, before it is encoded. Encoded, it has the form of a refresh token, which a test looks for in
/// logs.
const LENGTH: usize = 48;

/// What a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "email_token_purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// To choose a new password.
    PasswordReset,
    /// To prove that the address is one's own.
    EmailVerification,
    /// To make the address that of the account.
    EmailChange,
}

/// The hash of a token, which alone is stored.
pub struct TokenHash([u8; 32]);

impl Purpose {
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::PasswordReset => TimeDelta::hours(1),
            Self::EmailVerification => TimeDelta::days(3),
            Self::EmailChange => TimeDelta::days(1),
        }
    }
}

impl TokenHash {
    /// The hash of a token that somebody presents; `None` if it does not have the form of one.
    pub fn of(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == LENGTH)?;
        Some(Self(Sha256::digest(bytes).into()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Creates a token.
pub fn new() -> (String, TokenHash) {
    let secret: [u8; LENGTH] = rand::random();
    (BASE64_URL_SAFE_NO_PAD.encode(secret), TokenHash(Sha256::digest(secret).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let (token, hash) = new();
        assert_eq!(token.len(), 64);
        assert_eq!(TokenHash::of(&token).map(|hash| hash.0), Some(hash.0));

        for bad in
            ["", "x", &token[1..], &format!("{token}AAAA"), &format!("{}=", &token[1..]), "ü", &"A".repeat(100_000)]
        {
            assert!(TokenHash::of(bad).is_none(), "{bad:.80}");
        }
    }
}

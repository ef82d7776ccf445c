//! A refresh token: the id of its session, and a secret that works once.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::client::SessionClient;

/// A refresh token, of whose secret only the hash is stored.
pub struct RefreshToken {
    pub session: Uuid,
    secret: [u8; 32],
}

/// The salt of a token's successor.
pub type Salt = [u8; 32];

impl RefreshToken {
    /// Creates a new session's first token. The id is fully random, since whoever guesses it can end the session.
    pub fn new() -> Self {
        Self { session: Builder::from_random_bytes(rand::random()).into_uuid(), secret: rand::random() }
    }

    /// The session's next token: the same for the same salt. The salt is stored, so that whoever presents this token again
    /// can get the same successor; without the token it tells nothing.
    pub fn successor(&self, salt: &Salt) -> Self {
        Self { session: self.session, secret: self.mac("successor", salt) }
    }

    /// A MAC of the client that has used this token.
    pub fn client_mac(&self, client: &SessionClient) -> [u8; 32] {
        let agent = client.user_agent.as_deref().unwrap_or_default();
        self.mac("client", format!("{:?}\n{agent}", client.ip.network()).as_bytes())
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

    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("an HMAC takes a key of any length");
        mac.update(format!("lyceum refresh token, {purpose}: ").as_bytes());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use subgraph_kit::ClientIp;

    use super::*;

    #[test]
    fn a_successor_follows_from_token_and_salt_alone() {
        let (token, other) = (RefreshToken::new(), RefreshToken::new());
        let successor = token.successor(&[1; 32]);

        assert_eq!(successor.session, token.session);
        assert_eq!(successor.hash(), token.successor(&[1; 32]).hash());
        assert_ne!(successor.hash(), token.successor(&[2; 32]).hash());
        assert_ne!(successor.hash(), other.successor(&[1; 32]).hash());
        assert_ne!(successor.hash(), token.hash());
    }

    #[test]
    fn a_client_is_its_network_and_its_user_agent() {
        let client = |ip: &str, agent: Option<&str>| SessionClient {
            ip: ClientIp(ip.parse().ok()),
            user_agent: agent.map(str::to_owned),
        };
        let token = RefreshToken::new();
        let mac = token.client_mac(&client("192.0.2.1", Some("Firefox")));

        assert_eq!(mac, token.client_mac(&client("192.0.2.1", Some("Firefox"))));
        for other in [client("192.0.2.2", Some("Firefox")), client("192.0.2.1", Some("Chrome")), client("", None)] {
            assert_ne!(mac, token.client_mac(&other));
        }
        assert_ne!(mac, RefreshToken::new().client_mac(&client("192.0.2.1", Some("Firefox"))));
    }
}

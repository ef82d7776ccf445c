//! Access tokens: what they say, and how a subgraph verifies them for itself.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, UserId, Viewer, viewer::Role};

/// Who signs Lyceum's tokens (`iss`).
pub const ISSUER: &str = "lyceum";
/// For whom they are (`aud`).
pub const AUDIENCE: &str = "lyceum";

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Clocks of two machines differ a little.
const LEEWAY_SECONDS: u64 = 5;

/// What an access token says of its bearer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// The user's id.
    pub sub: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// This token's own id.
    pub jti: Uuid,
    /// What the user is.
    pub role: Role,
    /// Whether a teacher has been verified.
    pub is_verified: bool,
    /// What the token may be used for, words separated by spaces; none so far.
    pub scope: String,
}

/// Verifies access tokens by identity's public keys.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<RwLock<HashMap<String, DecodingKey>>>,
    source: Option<Arc<Remote>>,
}

struct Remote {
    url: String,
    client: reqwest::Client,
}

impl Verifier {
    /// Knows these keys and no others.
    #[must_use]
    pub fn new(keys: &JwkSet) -> Self {
        Self { keys: Arc::new(RwLock::new(usable(keys))), source: None }
    }

    /// Fetches identity's key set when a token names a key that is not known yet.
    ///
    /// # Panics
    /// Never: the HTTP client's settings are constants.
    #[must_use]
    pub fn remote(url: String) -> Self {
        let client =
            reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().expect("the client's settings are valid");
        Self { keys: Arc::default(), source: Some(Arc::new(Remote { url, client })) }
    }

    /// Who the request's headers say is asking. No credentials are an anonymous viewer, bad ones
    /// an error.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable` if the key set cannot be fetched.
    pub async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Error> {
        let Some(token) = bearer_token(headers)? else { return Ok(Viewer::Anonymous) };
        let claims = self.verify(token).await?;
        Ok(Viewer::SignedIn { id: UserId(claims.sub), role: claims.role, is_verified: claims.is_verified })
    }

    async fn verify(&self, token: &str) -> Result<Claims, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
        let key = self.key(header.kid.as_deref().ok_or(INVALID)?).await?;
        jsonwebtoken::decode(token, &key, &validation()).map(|token| token.claims).map_err(|_| INVALID)
    }

    async fn key(&self, id: &str) -> Result<DecodingKey, Error> {
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let Some(source) = &self.source else { return Err(INVALID) };
        let keys = source.fetch().await.map_err(|error| Error::Unavailable(Arc::new(error)))?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = usable(&keys);
        self.known_key(id).ok_or(INVALID)
    }

    fn known_key(&self, id: &str) -> Option<DecodingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Remote {
    async fn fetch(&self) -> Result<JwkSet, reqwest::Error> {
        self.client.get(&self.url).send().await?.error_for_status()?.json().await
    }
}

const INVALID: Error = Error::Unauthenticated("the access token is not valid, or not any more: sign in again");

fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::Unauthenticated("give one Authorization header"));
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(INVALID)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(INVALID) }
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = LEEWAY_SECONDS;
    validation
}

fn usable(keys: &JwkSet) -> HashMap<String, DecodingKey> {
    keys.keys.iter().filter_map(named_key).collect()
}

fn named_key(key: &Jwk) -> Option<(String, DecodingKey)> {
    Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?))
}

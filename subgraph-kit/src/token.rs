//! Access tokens: what they say, and how a subgraph verifies them for itself.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, time::sleep};
use tracing::warn;
use uuid::Uuid;

use crate::{Error, UserId, Viewer, budget, viewer::Role};

/// Who signs Lyceum's tokens (`iss`).
pub const ISSUER: &str = "lyceum";
/// For whom they are (`aud`).
pub const AUDIENCE: &str = "lyceum";

/// Ours have less than 1 kB: what is longer is not ours, and not worth reading.
pub const LONGEST_TOKEN: usize = 4_096;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two fetches because of unknown keys, which anyone can name.
const FETCH_PAUSE: Duration = Duration::from_secs(3);
const REFRESH: Duration = Duration::from_secs(10);
/// As long as none is known, a process cannot do its work.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// For so long a token is good after its end, everywhere: clocks of two machines differ a little.
pub const LEEWAY_SECONDS: u64 = 5;

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

/// Who is asking, as a verified token says.
#[derive(Clone, Copy, Debug)]
pub struct Bearer {
    /// Who.
    pub viewer: Viewer,
    /// Until when, in seconds since 1970; none for the anonymous.
    ends: Option<i64>,
}

const ANONYMOUS: Bearer = Bearer { viewer: Viewer::Anonymous, ends: None };

impl Bearer {
    /// How long the token is good from now; none for the anonymous, whose time does not end.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left =
            TimeDelta::milliseconds(self.ends?.saturating_mul(1_000).saturating_sub(Utc::now().timestamp_millis()));
        Some(left.to_std().unwrap_or(Duration::ZERO))
    }
}

/// Verifies access tokens by identity's public keys. Clones share what they know.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<RwLock<HashMap<String, DecodingKey>>>,
    source: Option<Arc<Remote>>,
}

struct Remote {
    url: Url,
    client: reqwest::Client,
    last: Mutex<Option<Attempt>>,
}

/// The last time that the keys were fetched, and why that failed.
struct Attempt {
    at: Instant,
    failure: Option<Arc<FetchError>>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("identity's public keys cannot be fetched")]
    Request(#[from] reqwest::Error),
    #[error("identity publishes no key that can be used")]
    NoKeys,
}

impl Verifier {
    /// Knows these keys and no others, until they are replaced.
    #[must_use]
    pub fn new(keys: &JwkSet) -> Self {
        Self { keys: Arc::new(RwLock::new(usable(keys))), source: None }
    }

    /// Fetches identity's key set when a token names a key that is not known yet, but not more
    /// often than every few seconds, whatever tokens come.
    ///
    /// # Panics
    /// Never: the HTTP client's settings are constants.
    #[must_use]
    pub fn remote(url: Url) -> Self {
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).pool_idle_timeout(budget::IDLE).build();
        let client = client.expect("the client's settings are valid");
        Self { keys: Arc::default(), source: Some(Arc::new(Remote { url, client, last: Mutex::default() })) }
    }

    /// Knows these keys and no others from now on.
    pub fn replace(&self, keys: &JwkSet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = usable(keys);
    }

    /// Whether tokens of this key are believed.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.known_key(id).is_some()
    }

    /// Whether any token is believed.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Fetches the keys from time to time, so that a new one is known before the first token of it
    /// comes, and one that was removed is forgotten. While identity is away, the known ones stay.
    pub async fn keep_fresh(self) {
        let Some(source) = &self.source else { return };
        let mut was_there = true;
        loop {
            let failure = self.fetch(source, &mut *source.last.lock().await).await;
            if let (Some(error), true) = (&failure, was_there) {
                let stays = if self.has_keys() { "those that are known stay in use" } else { "waiting for them" };
                warn!(error = error.as_ref() as &dyn std::error::Error, "identity's public keys: {stays}");
            }
            was_there = failure.is_none();
            sleep(if self.has_keys() { REFRESH } else { FIRST_RETRY }).await;
        }
    }

    /// Who the request's headers say is asking.
    ///
    /// # Errors
    /// Those of [`Self::bearer`].
    pub async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Error> {
        self.bearer(headers).await.map(|bearer| bearer.viewer)
    }

    /// Who the request's headers say is asking, and for how long. No credentials are an anonymous viewer, bad ones
    /// an error.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable` if the key set cannot be fetched.
    pub async fn bearer(&self, headers: &HeaderMap) -> Result<Bearer, Error> {
        let Some(token) = bearer_token(headers)? else { return Ok(ANONYMOUS) };
        let claims = self.verify(token).await?;
        let viewer = Viewer::SignedIn { id: UserId(claims.sub), role: claims.role, is_verified: claims.is_verified };
        Ok(Bearer { viewer, ends: Some(claims.exp) })
    }

    async fn verify(&self, token: &str) -> Result<Claims, Error> {
        if token.len() > LONGEST_TOKEN {
            return Err(INVALID);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
        if header.alg != Algorithm::EdDSA {
            return Err(INVALID);
        }
        let key = self.key(header.kid.as_deref().ok_or(INVALID)?).await?;
        jsonwebtoken::decode(token, &key, &validation()).map(|token| token.claims).map_err(|_| INVALID)
    }

    async fn key(&self, id: &str) -> Result<DecodingKey, Error> {
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let Some(source) = &self.source else { return Err(INVALID) };
        // Of many who ask at once, the first fetches and the others wait for what it brings.
        let mut last = source.last.lock().await;
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let failure = match &*last {
            Some(attempt) if attempt.at.elapsed() < FETCH_PAUSE => attempt.failure.clone(),
            _ => self.fetch(source, &mut last).await,
        };
        match (self.known_key(id), failure) {
            (Some(key), _) => Ok(key),
            (None, Some(failure)) => Err(Error::Unavailable(failure)),
            (None, None) => Err(INVALID),
        }
    }

    /// Takes over the published keys; without an answer, the known ones stay.
    async fn fetch(&self, source: &Remote, last: &mut Option<Attempt>) -> Option<Arc<FetchError>> {
        // Counts even if whoever waits for it goes away.
        let before = last.take().and_then(|attempt| attempt.failure);
        *last = Some(Attempt { at: Instant::now(), failure: before });
        let failure = match source.fetch().await {
            Ok(keys) => {
                self.replace(&keys);
                None
            }
            Err(error) => Some(Arc::new(error)),
        };
        *last = Some(Attempt { at: Instant::now(), failure: failure.clone() });
        failure
    }

    fn known_key(&self, id: &str) -> Option<DecodingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Remote {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let keys: JwkSet = self.client.get(self.url.clone()).send().await?.error_for_status()?.json().await?;
        if usable(&keys).is_empty() { Err(FetchError::NoKeys) } else { Ok(keys) }
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

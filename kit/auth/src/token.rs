//! Verification of access tokens, by each subgraph.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use contracts::{
    UserId,
    claims::{AUDIENCE, Claims, ISSUER},
};
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use moka::sync::Cache;
use reqwest::Url;
use subgraph_kit::{Error, Viewer, timeouts, viewer::CurrentSession};
use tokio::{sync::Mutex, time::sleep};
use tracing::warn;

/// Longer tokens are invalid: ours have less than 1 kB.
pub const MAX_TOKEN_LENGTH: usize = 4_096;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The minimum time between two fetches because of unknown key ids, which anyone can send.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(3);
const REFRESH_INTERVAL: Duration = Duration::from_secs(10);
/// Shorter than `REFRESH_INTERVAL`: without keys, a process is not ready.
const INITIAL_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The capacity of the cache of verified tokens: all requests of a page carry the same one.
const MAX_CACHED_TOKENS: u64 = 10_000;
/// The leeway after a token's expiry, everywhere, for clock skew between machines.
pub const LEEWAY_SECONDS: u64 = 5;

/// The viewer that a verified token identifies.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated {
    /// The viewer.
    pub viewer: Viewer,
    /// The session that the token was issued for, if it names one.
    pub session: CurrentSession,
    /// The token's expiry, in seconds since 1970; `None` if anonymous.
    expires_at: Option<i64>,
}

impl Authenticated {
    /// A viewer without credentials.
    pub const ANONYMOUS: Self = Self { viewer: Viewer::Anonymous, session: CurrentSession(None), expires_at: None };

    /// The time until the token expires; `None` if anonymous.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left = TimeDelta::milliseconds(
            self.expires_at?.saturating_mul(1_000).saturating_sub(Utc::now().timestamp_millis()),
        );
        Some(left.to_std().unwrap_or(Duration::ZERO))
    }

    fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|end| end.saturating_add_unsigned(LEEWAY_SECONDS) < Utc::now().timestamp())
    }
}

/// A verifier of access tokens, by identity's public keys. Clones share keys and cache.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<RwLock<KeySet>>,
    /// The cache of verified tokens.
    verified: Cache<String, CachedToken>,
    source: Option<Arc<Remote>>,
}

#[derive(Default)]
struct KeySet {
    published: Option<JwkSet>,
    by_id: HashMap<String, DecodingKey>,
    /// Incremented with each new key set.
    version: u64,
}

/// A verified token's viewer, valid for this version of the key set.
#[derive(Clone, Copy)]
struct CachedToken {
    authenticated: Authenticated,
    version: u64,
}

struct Remote {
    url: Url,
    client: reqwest::Client,
    last: Mutex<Option<FetchAttempt>>,
}

/// The last fetch of the keys: its time and, if it failed, its error.
struct FetchAttempt {
    at: Instant,
    failure: Option<Arc<FetchError>>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("cannot fetch identity's public keys")]
    Request(#[from] reqwest::Error),
    #[error("identity publishes no usable key")]
    NoKeys,
}

impl Verifier {
    /// A verifier with a fixed key set, until it is replaced.
    #[must_use]
    pub fn new(keys: &JwkSet) -> Self {
        let verifier = Self { keys: Arc::default(), verified: Cache::new(MAX_CACHED_TOKENS), source: None };
        verifier.replace(keys);
        verifier
    }

    /// A verifier that fetches identity's key set when a token has an unknown key id, at most every few seconds.
    ///
    /// # Panics
    /// Never: the HTTP client's settings are constants.
    #[must_use]
    pub fn remote(url: Url) -> Self {
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).pool_idle_timeout(timeouts::IDLE).build();
        let client = client.expect("the client's settings are valid");
        let source = Some(Arc::new(Remote { url, client, last: Mutex::default() }));
        Self { keys: Arc::default(), verified: Cache::new(MAX_CACHED_TOKENS), source }
    }

    /// Replaces the key set.
    pub fn replace(&self, keys: &JwkSet) {
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if known.published.as_ref() != Some(keys) {
            let version = known.version + 1;
            *known = KeySet { published: Some(keys.clone()), by_id: usable(keys), version };
        }
    }

    /// Whether the key is known.
    #[must_use]
    pub fn has_key(&self, id: &str) -> bool {
        self.known_key(id).is_some()
    }

    /// Whether any key is known.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys().by_id.is_empty()
    }

    /// Fetches the keys periodically, so that new ones are known before their first token, and removed ones are
    /// dropped. While identity is unavailable, the known keys stay.
    pub async fn refresh_loop(self) {
        let Some(source) = &self.source else { return };
        let mut was_there = true;
        loop {
            let failure = self.fetch(source, &mut *source.last.lock().await).await;
            if let (Some(error), true) = (&failure, was_there) {
                let stays = if self.has_keys() { "the known keys stay in use" } else { "waiting for them" };
                warn!(error = error.as_ref() as &dyn std::error::Error, "identity's public keys: {stays}");
            }
            was_there = failure.is_none();
            sleep(if self.has_keys() { REFRESH_INTERVAL } else { INITIAL_RETRY_DELAY }).await;
        }
    }

    /// Returns the viewer that the request's token identifies.
    ///
    /// # Errors
    /// As [`Self::authenticate`].
    pub async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Error> {
        self.authenticate(headers).await.map(|authenticated| authenticated.viewer)
    }

    /// Authenticates the viewer by the request's token. Without credentials the viewer is anonymous; invalid ones are
    /// an error.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is invalid or expired; [`Error::Unavailable`] if it names an unknown key
    /// and the key set cannot be fetched.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Authenticated, Error> {
        let Some(token) = bearer_token(headers)? else { return Ok(Authenticated::ANONYMOUS) };
        if let Some(authenticated) = self.cached(token) {
            return Ok(authenticated);
        }
        // Before the key is looked up: if the set is replaced meanwhile, the cached token is not used.
        let version = self.keys().version;
        let claims = self.verify(token).await?;
        let viewer = Viewer::SignedIn { id: UserId(claims.sub), role: claims.role, is_verified: claims.is_verified };
        let session = CurrentSession(claims.sid);
        let authenticated = Authenticated { viewer, session, expires_at: Some(claims.exp) };
        self.verified.insert(token.to_owned(), CachedToken { authenticated, version });
        Ok(authenticated)
    }

    fn cached(&self, token: &str) -> Option<Authenticated> {
        let CachedToken { authenticated, version } = self.verified.get(token)?;
        (version == self.keys().version && !authenticated.is_expired()).then_some(authenticated)
    }

    async fn verify(&self, token: &str) -> Result<Claims, Error> {
        if token.len() > MAX_TOKEN_LENGTH {
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
        // Of concurrent requests, the first fetches, and the others wait for its outcome.
        let mut last = source.last.lock().await;
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let failure = match &*last {
            Some(attempt) if attempt.at.elapsed() < MIN_FETCH_INTERVAL => attempt.failure.clone(),
            _ => self.fetch(source, &mut last).await,
        };
        match (self.known_key(id), failure) {
            (Some(key), _) => Ok(key),
            (None, Some(failure)) => Err(Error::Unavailable(failure)),
            (None, None) => Err(INVALID),
        }
    }

    /// Replaces the keys by the published ones; if the fetch fails, the known ones stay.
    async fn fetch(&self, source: &Remote, last: &mut Option<FetchAttempt>) -> Option<Arc<FetchError>> {
        // Recorded first: the attempt counts even if this future is dropped.
        let before = last.take().and_then(|attempt| attempt.failure);
        *last = Some(FetchAttempt { at: Instant::now(), failure: before });
        let failure = match source.fetch().await {
            Ok(keys) => {
                self.replace(&keys);
                None
            }
            Err(error) => Some(Arc::new(error)),
        };
        *last = Some(FetchAttempt { at: Instant::now(), failure: failure.clone() });
        failure
    }

    fn known_key(&self, id: &str) -> Option<DecodingKey> {
        self.keys().by_id.get(id).cloned()
    }

    fn keys(&self) -> RwLockReadGuard<'_, KeySet> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let keys: JwkSet = self.client.get(self.url.clone()).send().await?.error_for_status()?.json().await?;
        if usable(&keys).is_empty() { Err(FetchError::NoKeys) } else { Ok(keys) }
    }
}

const INVALID: Error = Error::Unauthenticated("the access token is invalid or has expired: sign in again");

fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::Unauthenticated("send one Authorization header"));
    }
    // Many clients send the header always, and leave it empty until somebody signs in.
    if value.as_bytes().trim_ascii().is_empty() {
        return Ok(None);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_token_ends_when_its_time_is_over() {
        let expires_at = |seconds: i64| Authenticated {
            expires_at: Some(Utc::now().timestamp() + seconds),
            ..Authenticated::ANONYMOUS
        };
        let leeway = i64::try_from(LEEWAY_SECONDS).expect("a few seconds");
        let verifier = Verifier::new(&JwkSet::default());
        let version = verifier.keys().version;
        let remember = |token: &str, authenticated| {
            verifier.verified.insert(token.to_owned(), CachedToken { authenticated, version });
        };
        remember("good", expires_at(60));
        remember("ended", expires_at(-leeway - 1));

        assert!(verifier.cached("good").is_some());
        assert!(verifier.cached("ended").is_none());
        assert!(verifier.cached("unknown").is_none());
    }
}

//! A subgraph that runs alone, and fetches identity's public keys.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth::token::Verifier;
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use futures::future::join_all;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jsonwebtoken::jwk::JwkSet;
use subgraph_kit::{Error, Viewer};
use tokio::{net::TcpListener, time::sleep};

use crate::token::KnownKey;

/// Publishes a test's keys, and counts the fetches.
#[derive(Clone)]
struct Publisher {
    keys: Arc<Mutex<Result<JwkSet, StatusCode>>>,
    fetches: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start(keys: JwkSet) -> (Self, Verifier) {
        let publisher = Self { keys: Arc::new(Mutex::new(Ok(keys))), fetches: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let routes = Router::new().route("/jwks", get(answer)).with_state(publisher.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (publisher, Verifier::remote(url.parse().expect("a URL")))
    }

    fn publish(&self, keys: Result<JwkSet, StatusCode>) {
        *self.keys.lock().expect("a lock") = keys;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

async fn answer(State(publisher): State<Publisher>) -> Result<Json<JwkSet>, StatusCode> {
    publisher.fetches.fetch_add(1, Ordering::SeqCst);
    sleep(Duration::from_millis(20)).await;
    publisher.keys.lock().expect("a lock").clone().map(Json)
}

async fn ask(verifier: &Verifier, token: &str) -> Result<Viewer, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).expect("a header's value"));
    verifier.viewer(&headers).await
}

async fn rejection(verifier: &Verifier, token: &str) -> Option<&'static str> {
    ask(verifier, token).await.err().map(|error| error.code())
}

#[tokio::test]
async fn those_who_come_at_once_wait_for_one_fetch() {
    let key = KnownKey::new();
    let (publisher, verifier) = Publisher::start(key.keys.jwks()).await;
    let token = key.sign(|_| ());

    let answers = join_all((0..100).map(|_| ask(&verifier, &token))).await;

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test]
async fn whoever_names_keys_that_do_not_exist_causes_no_flood_of_fetches() {
    let (key, stranger) = (KnownKey::new(), KnownKey::new());
    let (publisher, verifier) = Publisher::start(key.keys.jwks()).await;
    ask(&verifier, &key.sign(|_| ())).await.expect("a viewer");

    for _ in 0..20 {
        let forged = stranger.sign(|_| ());
        let rejections = join_all((0..10).map(|_| rejection(&verifier, &forged))).await;
        assert!(rejections.iter().all(|code| *code == Some("UNAUTHENTICATED")), "{rejections:?}");
    }

    // One fetch for the first token, and at most one every few seconds after that.
    assert!(publisher.fetches() <= 3, "{}", publisher.fetches());
}

#[tokio::test]
async fn a_key_that_was_published_later_is_found() {
    let (old, new) = (KnownKey::new(), KnownKey::new());
    let (publisher, verifier) = Publisher::start(old.keys.jwks()).await;
    ask(&verifier, &old.sign(|_| ())).await.expect("a viewer");
    let both = old.keys.jwks().keys.into_iter().chain(new.keys.jwks().keys).collect();
    publisher.publish(Ok(JwkSet { keys: both }));
    sleep(Duration::from_millis(3_100)).await;

    assert_eq!(rejection(&verifier, &new.sign(|_| ())).await, None);
    assert_eq!(rejection(&verifier, &old.sign(|_| ())).await, None);
}

#[tokio::test]
async fn while_identity_is_unavailable_the_known_keys_stay_in_use() {
    let (key, stranger) = (KnownKey::new(), KnownKey::new());
    let token = key.sign(|_| ());
    let (publisher, verifier) = Publisher::start(key.keys.jwks()).await;
    ask(&verifier, &token).await.expect("a viewer");

    for outage in [Err(StatusCode::BAD_GATEWAY), Ok(JwkSet { keys: Vec::new() })] {
        publisher.publish(outage);
        sleep(Duration::from_millis(3_100)).await;

        // Without identity, an unknown key cannot be rejected for good.
        assert_eq!(rejection(&verifier, &stranger.sign(|_| ())).await, Some("SERVICE_UNAVAILABLE"));
        assert_eq!(rejection(&verifier, &token).await, None);
    }
}

#[tokio::test]
async fn a_subgraph_that_is_kept_fresh_knows_the_keys_before_the_first_token() {
    let key = KnownKey::new();
    let (publisher, verifier) = Publisher::start(key.keys.jwks()).await;
    let fresh = tokio::spawn(verifier.clone().refresh_loop());
    while publisher.fetches() == 0 || !verifier.has_key(&key.id) {
        sleep(Duration::from_millis(10)).await;
    }

    assert_eq!(rejection(&verifier, &key.sign(|_| ())).await, None);
    assert_eq!(publisher.fetches(), 1);
    fresh.abort();
}

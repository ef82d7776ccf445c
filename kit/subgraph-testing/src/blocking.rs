//! The client for tests that are plain functions, as those that start and stop processes are.

#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a request has its effect without its answer, too"
)]

use std::sync::OnceLock;

use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::{runtime::Runtime, time::timeout};

use crate::{Reply, client::TIMEOUT};

/// A [`Client`](crate::Client) that waits for its answers.
#[derive(Clone)]
pub struct Client(crate::Client);

impl Client {
    /// See [`new`](crate::Client::new).
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self(crate::Client::new(server))
    }

    /// See [`with_signature`](crate::Client::with_signature).
    #[must_use]
    pub fn with_signature(
        server: &str,
        sign: impl Fn(&HeaderMap, &[u8]) -> (HeaderName, HeaderValue) + Send + Sync + 'static,
    ) -> Self {
        Self(crate::Client::with_signature(server, sign))
    }

    /// See [`with_header`](crate::Client::with_header).
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        Self(self.0.with_header(name, value))
    }

    /// See [`with_token`](crate::Client::with_token).
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self(self.0.with_token(token))
    }

    /// See [`token`](crate::Client::token).
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.0.token()
    }

    /// The same, for the user of this address.
    ///
    /// # Panics
    /// If the server does not answer with a session.
    pub fn sign_in(&self, email: &str, password: &str) -> Self {
        let signed_in = wait(self.0.try_sign_in(email, password));
        Self(signed_in.unwrap_or_else(|error| panic!("{error:#}")))
    }

    /// See [`send`](crate::Client::send).
    pub fn send(&self, document: &str, variables: Value) -> Reply {
        wait(self.0.send(document, variables))
    }

    /// See [`data`](crate::Client::data).
    pub fn data(&self, document: &str, variables: Value) -> Value {
        wait(self.0.data(document, variables))
    }

    /// See [`send_request`](crate::Client::send_request).
    pub fn send_request(&self, request: &Value) -> Reply {
        wait(self.0.send_request(request))
    }

    /// See [`post`](crate::Client::post).
    pub fn post(&self, body: impl Into<Vec<u8>>) -> Reply {
        wait(self.0.post(body))
    }

    /// The client that does not wait.
    #[must_use]
    pub fn inner(&self) -> &crate::Client {
        &self.0
    }

    /// The first event of a subscription.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn first_event(&self, document: &str, variables: Value) -> Reply {
        let mut events = self.0.subscribe(document, variables);
        let event = wait(async { timeout(TIMEOUT, events.next()).await });
        event.expect("an event in time").expect("an event")
    }
}

/// Waits for what is not a plain function.
///
/// # Panics
/// If this thread is one of a runtime's that runs futures.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime can be made")).block_on(future)
}

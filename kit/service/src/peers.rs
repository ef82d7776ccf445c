//! Queries and events to other subgraphs: by function call in the same process, by signed HTTP to another one.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_graphql::{Request, Variables};
use auth::signature::{SIGNATURE, Secrets, SignedParts};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use messaging::{Delivery, DeliveryError, OutgoingEvent, Transport};
use reqwest::Url;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use subgraph_kit::{Error, timeouts};

use crate::{Credentials, Subgraph};

/// The path at which a subgraph receives events.
pub(crate) const EVENTS_PATH: &str = "/events";

/// The subgraphs that can be queried and receive events.
#[derive(Clone, Default)]
pub struct Peers(Arc<RwLock<HashMap<String, Peer>>>);

#[derive(Clone)]
enum Peer {
    Local(Box<Subgraph>),
    Remote(Box<RemoteSubgraph>),
}

/// A subgraph in another process.
#[derive(Clone)]
struct RemoteSubgraph {
    name: String,
    graphql: Url,
    events: Url,
    http: reqwest::Client,
    /// `None` only with `--insecure-dev`.
    secrets: Option<Secrets>,
}

/// The response of a GraphQL endpoint.
#[derive(Deserialize)]
struct GraphqlResponse {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
struct GraphqlError {
    message: String,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    code: Option<String>,
}

/// The reason why a request to a peer failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the address of subgraph `{0}` is not configured: add it to LYCEUM_SUBGRAPH_URLS")]
    Unknown(String),
    #[error("cannot reach {0}")]
    Transport(String, #[source] reqwest::Error),
    #[error("{0} did not respond in time")]
    Timeout(String),
    #[error("{0} responded with HTTP status {1}")]
    Status(String, StatusCode),
    #[error("{0} responded with an error: {1}")]
    Response(String, String),
    #[error("the response of {0} is malformed")]
    Format(String, #[source] serde_json::Error),
}

impl Peers {
    /// Adds a subgraph of this process.
    pub fn add(&self, subgraph: Subgraph) {
        self.insert(subgraph.name().to_owned(), Peer::Local(Box::new(subgraph)));
    }

    /// Adds a subgraph at the URL `graphql`.
    ///
    /// # Errors
    /// [`PeerError`] if the URL is not valid.
    ///
    /// # Panics
    /// Never: the client has no special needs.
    pub fn add_remote(&self, name: &str, graphql: &str, secrets: Option<Secrets>) -> Result<(), PeerError> {
        let wrong = || PeerError { name: name.to_owned() };
        let graphql = address(graphql).ok_or_else(wrong)?;
        let events = graphql.join(EVENTS_PATH).map_err(|_| wrong())?;
        let http = reqwest::Client::builder().timeout(timeouts::PEER_REQUEST).pool_idle_timeout(timeouts::IDLE).build();
        let http = http.expect("a client without special needs");
        let remote = RemoteSubgraph { name: name.to_owned(), graphql, events, http, secrets };
        self.insert(name.to_owned(), Peer::Remote(Box::new(remote)));
        Ok(())
    }

    /// Queries a subgraph on behalf of the viewer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the service is unavailable; [`Error::Internal`] if its response has errors or another
    /// shape.
    pub async fn query<T: DeserializeOwned>(
        &self,
        subgraph: &str,
        credentials: &Credentials,
        document: &str,
        variables: Value,
    ) -> Result<T, Error> {
        let answer = match self.get(subgraph).ok_or_else(|| unavailable(Failure::Unknown(subgraph.to_owned())))? {
            Peer::Local(peer) => query_local(&peer, credentials, document, variables).await?,
            Peer::Remote(peer) => peer.query(credentials, document, &variables).await?,
        };
        read(subgraph, answer)
    }

    fn insert(&self, name: String, peer: Peer) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, peer);
    }

    fn get(&self, name: &str) -> Option<Peer> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// Direct delivery to the consumer's inbox.
impl Transport for Peers {
    fn deliver<'a>(
        &'a self,
        destination: &'a str,
        event: OutgoingEvent<'a>,
    ) -> BoxFuture<'a, Result<Delivery, DeliveryError>> {
        let deliver = async move {
            match self.get(destination) {
                Some(Peer::Local(peer)) => peer.receive(event.json).await?,
                Some(Peer::Remote(peer)) => peer.deliver(event.json).await?,
                None => return Err(DeliveryError::Unavailable(Failure::Unknown(destination.to_owned()).to_string())),
            }
            Ok(Delivery::Delivered)
        };
        deliver.boxed()
    }
}

/// Parses the URL of another process; `None` unless it is an HTTP URL. It is in logs and traces, so it has no password.
#[must_use]
pub fn address(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    (["http", "https"].contains(&url.scheme()) && !has_credentials).then_some(url)
}

/// An invalid URL for a subgraph.
#[derive(Debug, thiserror::Error)]
#[error(
    "the URL in LYCEUM_SUBGRAPH_URLS is not a valid URL of {name}: expected a form like \
     http://127.0.0.1:8002/graphql, without a user and a password"
)]
pub struct PeerError {
    name: String,
}

async fn query_local(
    peer: &Subgraph,
    credentials: &Credentials,
    document: &str,
    variables: Value,
) -> Result<GraphqlResponse, Error> {
    let request = Request::new(document).variables(Variables::from_json(variables));
    let answer = tokio::time::timeout(timeouts::PEER_REQUEST, peer.execute(&credentials.headers(), request))
        .await
        .map_err(|_| unavailable(Failure::Timeout(peer.name().to_owned())))?;
    let answer = serde_json::to_value(answer).and_then(serde_json::from_value);
    answer.map_err(|error| Error::internal(Failure::Format(peer.name().to_owned(), error)))
}

impl RemoteSubgraph {
    async fn query(
        &self,
        credentials: &Credentials,
        document: &str,
        variables: &Value,
    ) -> Result<GraphqlResponse, Error> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let response = self.send(&self.graphql, "application/json", credentials.headers(), body.into_bytes());
        let response = response.await.map_err(|error| unavailable(Failure::Transport(self.name.clone(), error)))?;
        if !response.status().is_success() {
            return Err(unavailable(Failure::Status(self.name.clone(), response.status())));
        }
        let body = response.bytes().await.map_err(|error| unavailable(Failure::Transport(self.name.clone(), error)))?;
        serde_json::from_slice(&body).map_err(|error| Error::internal(Failure::Format(self.name.clone(), error)))
    }

    async fn deliver(&self, event: &[u8]) -> Result<(), DeliveryError> {
        let sent = self.send(&self.events, "application/cloudevents+json", HeaderMap::new(), event.to_vec()).await;
        let response =
            sent.map_err(|error| DeliveryError::Unavailable(Failure::Transport(self.name.clone(), error).to_string()))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::BAD_REQUEST => Err(DeliveryError::Rejected(response.text().await.unwrap_or_default())),
            status => Err(DeliveryError::Unavailable(Failure::Status(self.name.clone(), status).to_string())),
        }
    }

    async fn send(
        &self,
        url: &Url,
        content_type: &'static str,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, reqwest::Error> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(secrets) = &self.secrets {
            let signature: (HeaderName, HeaderValue) = (
                SIGNATURE,
                secrets.sign(SignedParts {
                    subgraph: &self.name,
                    method: &Method::POST,
                    path: url.path(),
                    headers: &headers,
                    body: &body,
                }),
            );
            headers.extend([signature]);
        }
        self.http.post(url.clone()).headers(headers).body(body).send().await
    }
}

fn read<T: DeserializeOwned>(subgraph: &str, answer: GraphqlResponse) -> Result<T, Error> {
    if let Some(error) = answer.errors.into_iter().next() {
        let code = error.extensions.and_then(|extensions| extensions.code).unwrap_or_default();
        let failure = Failure::Response(subgraph.to_owned(), format!("{code} {}", error.message));
        return Err(match code.as_str() {
            "UNAUTHENTICATED" => Error::Unauthenticated("sign in again"),
            "SERVICE_UNAVAILABLE" => unavailable(failure),
            _ => Error::internal(failure),
        });
    }
    serde_json::from_value(answer.data.unwrap_or_default())
        .map_err(|error| Error::internal(Failure::Format(subgraph.to_owned(), error)))
}

fn unavailable(failure: Failure) -> Error {
    Error::Unavailable(Arc::new(failure))
}

//! The GraphQL client of the tests.

use std::{fmt, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, TryFutureExt as _, future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::{
    http::Http,
    transport::{Events, Reply, Transport},
};

/// No test waits longer for one answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
const SIGN_IN: &str =
    "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";

/// Sends requests to a router or a subgraph, for one viewer.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    headers: HeaderMap,
    token: Option<String>,
}

impl Client {
    /// Nobody signed in, at the server of this URL, such as `http://127.0.0.1:4000`.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self::with_http(http_client(), server)
    }

    /// The same with an HTTP client of one's own.
    #[must_use]
    pub fn with_http(http: reqwest::Client, server: &str) -> Self {
        Self::over(Http::new(http, server))
    }

    /// The same, signing each request: `sign` is given its headers and body.
    #[must_use]
    pub fn with_signature(
        server: &str,
        sign: impl Fn(&HeaderMap, &[u8]) -> (HeaderName, HeaderValue) + Send + Sync + 'static,
    ) -> Self {
        Self::over(Http::new(http_client(), server).with_signature(sign))
    }

    pub(crate) fn over(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), headers: HeaderMap::new(), token: None }
    }

    /// The same, with one header more.
    ///
    /// # Panics
    /// If no header can have this name or value.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let name: HeaderName = name.parse().expect("a header's name");
        // As it arrives: without the spaces around it.
        client.headers.insert(name, value.trim().parse().expect("a header's value"));
        client
    }

    /// The same, with one value more of a header that it has.
    ///
    /// # Panics
    /// If no header can have this name or value.
    #[must_use]
    pub fn with_another_value(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let name: HeaderName = name.parse().expect("a header's name");
        client.headers.append(name, value.parse().expect("a header's value"));
        client
    }

    /// The same, for whoever has this access token.
    ///
    /// # Panics
    /// If no header can have this value.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.with_header(AUTHORIZATION.as_str(), &format!("Bearer {token}")) }
    }

    /// The same, for nobody signed in.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        let mut client = Self { token: None, ..self.clone() };
        client.headers.remove(AUTHORIZATION);
        client
    }

    /// The access token that it sends.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same, for the user of this address.
    ///
    /// # Errors
    /// If the server does not answer, or not with a session.
    pub async fn try_sign_in(&self, email: &str, password: &str) -> Result<Self> {
        let data = self.try_data(SIGN_IN, &json!({ "input": { "email": email, "password": password } })).await?;
        let token = data.pointer("/login/session/accessToken").and_then(Value::as_str);
        Ok(self.with_token(token.with_context(|| format!("no session: {data}"))?))
    }

    /// Sends a document with variables.
    ///
    /// # Errors
    /// If the server does not answer, or not with JSON.
    pub async fn try_send(&self, document: &str, variables: &Value) -> Result<Reply> {
        self.try_send_request(&request(document, variables)).await
    }

    /// Sends a request that has more than a document and variables, or less.
    ///
    /// # Errors
    /// If the server does not answer, or not with JSON.
    pub async fn try_send_request(&self, request: &Value) -> Result<Reply> {
        let reply = self.try_post(request.to_string()).await?;
        if reply.json.is_null() {
            bail!("no JSON: {} {:?}", reply.status, reply.text);
        }
        Ok(reply)
    }

    /// Sends a document with variables, and gives the data of an answer without errors.
    ///
    /// # Errors
    /// If the server does not answer with JSON, or with errors.
    pub async fn try_data(&self, document: &str, variables: &Value) -> Result<Value> {
        let mut reply = self.try_send(document, variables).await?;
        if reply.json.get("errors").is_some() {
            bail!("{reply}");
        }
        Ok(reply.json["data"].take())
    }

    /// Sends any body, as JSON if no header says something else.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn try_post(&self, body: impl Into<Vec<u8>>) -> Result<Reply> {
        self.transport.post(self.headers.clone(), body.into()).await
    }

    /// Sends a document with variables.
    ///
    /// # Panics
    /// If the server does not answer, or not with JSON.
    pub async fn send(&self, document: &str, variables: Value) -> Reply {
        self.try_send(document, &variables).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Sends a document with variables, and gives the data of an answer without errors.
    ///
    /// # Panics
    /// If there is no such answer.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        self.try_data(document, &variables).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Sends a request that has more than a document and variables, or less.
    ///
    /// # Panics
    /// If the server does not answer, or not with JSON.
    pub async fn send_request(&self, request: &Value) -> Reply {
        self.try_send_request(request).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Sends any body, as JSON if no header says something else.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn post(&self, body: impl Into<Vec<u8>>) -> Reply {
        self.try_post(body).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Sends a subscription, and gives its events once it is accepted.
    ///
    /// # Errors
    /// If it is not accepted.
    pub async fn try_subscribe(&self, document: &str, variables: &Value) -> Result<Events> {
        self.open(document, variables).await
    }

    fn open(&self, document: &str, variables: &Value) -> BoxFuture<'static, Result<Events>> {
        self.transport.subscribe(self.headers.clone(), request(document, variables).to_string().into_bytes())
    }

    /// Sends a subscription, and gives each of its events.
    ///
    /// # Panics
    /// If the server does not answer, or breaks off.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write the variables in place")]
    pub fn subscribe(&self, document: &str, variables: Value) -> BoxStream<'static, Reply> {
        let events = self.open(document, &variables).try_flatten_stream();
        events.map(|event| Reply::of_call(event.unwrap_or_else(|error| panic!("{error:#}")))).boxed()
    }

    /// Asks a subgraph for entities by their representations, as the router does.
    pub async fn entities(&self, selection: &str, representations: Value) -> Reply {
        let document = format!(
            "query ($representations: [_Any!]!) {{ _entities(representations: $representations) {{ {selection} }} }}"
        );
        self.send(&document, json!({ "representations": representations })).await
    }
}

fn http_client() -> reqwest::Client {
    reqwest::Client::builder().timeout(TIMEOUT).build().expect("the client's settings are valid")
}

fn request(document: &str, variables: &Value) -> Value {
    json!({ "query": document, "variables": variables })
}

/// Without the token.
impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

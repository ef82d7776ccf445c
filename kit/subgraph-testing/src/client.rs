//! The GraphQL client of the tests.

use std::{fmt, ops::Index, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, TryFutureExt as _, future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::{http::Http, transcript};

/// No test waits longer for one answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
const SIGN_IN: &str =
    "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";

/// How requests reach a GraphQL server.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request, which is JSON if the test is about anything but JSON.
    fn post(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'_, Result<Reply>>;

    /// Sends a subscription, and gives its events once it is accepted.
    fn subscribe(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'static, Result<Events>>;
}

/// The events of a subscription, each of them an answer. Dropped, it ends.
pub type Events = BoxStream<'static, Result<Value>>;

/// Sends requests to a router or a subgraph, for one viewer.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    headers: HeaderMap,
    token: Option<String>,
}

/// An answer. Its errors are in the transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// 200 if the transport is a call.
    pub status: StatusCode,
    /// None if the transport is a call.
    pub headers: HeaderMap,
    /// As it came.
    pub text: String,
    /// Null if the text is none.
    pub json: Value,
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

impl Reply {
    /// What a server has answered over HTTP.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, text: String) -> Self {
        let json = serde_json::from_str(&text).unwrap_or_default();
        transcript::answer(&json);
        Self { status, headers, text, json }
    }

    /// What a server in this process has answered.
    pub(crate) fn of_call(json: Value) -> Self {
        transcript::answer(&json);
        Self { status: StatusCode::OK, headers: HeaderMap::new(), text: json.to_string(), json }
    }

    /// Reads a response.
    ///
    /// # Errors
    /// If it breaks off.
    pub async fn read(response: reqwest::Response) -> Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self::new(status, headers, response.text().await?))
    }

    /// The data at a JSON pointer such as `/course/title`.
    ///
    /// # Panics
    /// If there is nothing there.
    #[must_use]
    pub fn data(&self, pointer: &str) -> &Value {
        self.json["data"].pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} in {self}"))
    }

    /// The code of the first error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.json.pointer("/errors/0/extensions/code").and_then(Value::as_str)
    }

    /// The codes of all errors.
    #[must_use]
    pub fn errors(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["extensions"]["code"].as_str()).collect()
    }

    /// The message of the first error.
    #[must_use]
    pub fn message(&self) -> &str {
        self.json.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or_default()
    }

    /// Code and field of each user error in the payload of a mutation's only field.
    #[must_use]
    pub fn user_errors(&self) -> Vec<(&str, String)> {
        let payload = self.json["data"].as_object().and_then(|data| data.values().next());
        let errors = payload.and_then(|payload| payload["userErrors"].as_array());
        errors.into_iter().flatten().map(code_and_field).collect()
    }

    /// The answer, if it has no error.
    ///
    /// # Panics
    /// If it has one.
    #[must_use]
    pub fn ok(self) -> Self {
        assert!(self.json.get("errors").is_none(), "{self}");
        self
    }
}

/// Without the token.
impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

fn code_and_field(error: &Value) -> (&str, String) {
    let field = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).skip(1).collect::<Vec<_>>();
    (error["code"].as_str().unwrap_or_default(), field.join("."))
}

/// A part of its JSON.
impl Index<&str> for Reply {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.json[name]
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

//! How a client reaches a GraphQL server, and what it gets from there.

use std::{fmt, ops::Index};

use anyhow::Result;
use futures::{future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::transcript;

/// How requests reach a GraphQL server.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request, which is JSON if the test is about anything but JSON.
    fn post(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'_, Result<Reply>>;

    /// Sends a subscription, and gives its events once it is accepted.
    fn subscribe(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'static, Result<Events>>;
}

/// The events of a subscription, each of them an answer. Dropped, it ends.
pub type Events = BoxStream<'static, Result<Value>>;

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

//! Requests to a server of another process.

use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, future::BoxFuture, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};
use reqwest::{Client, RequestBuilder, Response};

use crate::{
    sse,
    transport::{Events, Reply, Transport},
};

/// A stream lasts for as long as its test wants.
const STREAM_TIMEOUT: Duration = Duration::from_hours(1);

type Sign = dyn Fn(&HeaderMap, &[u8]) -> (HeaderName, HeaderValue) + Send + Sync;

pub struct Http {
    client: Client,
    url: String,
    sign: Option<Box<Sign>>,
}

impl Http {
    pub fn new(http: Client, server: &str) -> Self {
        Self { client: http, url: format!("{server}/graphql"), sign: None }
    }

    pub fn with_signature(
        self,
        sign: impl Fn(&HeaderMap, &[u8]) -> (HeaderName, HeaderValue) + Send + Sync + 'static,
    ) -> Self {
        Self { sign: Some(Box::new(sign)), ..self }
    }

    fn request(&self, mut headers: HeaderMap, body: Vec<u8>) -> RequestBuilder {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        if let Some(sign) = &self.sign {
            let (name, value) = sign(&headers, &body);
            headers.insert(name, value);
        }
        self.client.post(&self.url).headers(headers).body(body)
    }
}

impl Transport for Http {
    fn post(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'_, Result<Reply>> {
        let request = self.request(headers, body);
        Box::pin(async move { Reply::read(request.send().await?).await })
    }

    fn subscribe(&self, mut headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'static, Result<Events>> {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let request = self.request(headers, body).timeout(STREAM_TIMEOUT);
        Box::pin(async move { Ok(events(request.send().await?.error_for_status()?)) })
    }
}

fn events(response: Response) -> Events {
    let events = stream::try_unfold((response, sse::Events::default()), |(mut response, mut events)| async move {
        loop {
            if let Some(event) = events.next_data() {
                return Ok(Some((serde_json::from_str(&event)?, (response, events))));
            }
            match response.chunk().await? {
                Some(chunk) => events.push(&chunk),
                None => return Ok(None),
            }
        }
    });
    events.boxed()
}

//! Batches: the operations of several requests in one body, as a JSON array, and their responses in another one.
//!
//! Each operation becomes a request of its own to the router's endpoint, so that it has its own cost and its own
//! errors, and counts in all limits like one that is sent alone.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, stream};
use hive_router::{
    GraphQLError,
    http::{
        HeaderMap, HeaderName, Method, StatusCode,
        header::{
            ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, ORIGIN,
            RETRY_AFTER, TE, TRANSFER_ENCODING, UPGRADE,
        },
    },
    ntex::http::{HeaderMap as ClientHeaders, Response, header::HeaderValue as ClientValue},
    plugins::{
        hooks::on_graphql_params::OnGraphQLParamsStartHookPayload,
        plugin_context::{PluginContext, RouterHttpRequest},
    },
};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use subgraph_kit::client_ip;
use tokio::time::{Instant, timeout_at};

use crate::{
    hive_gaps::media_types::JSON,
    loopback::Loopback,
    plugins::{
        client_address::Address,
        errors::{RequestError, TIMED_OUT},
        retry_after::RetryAfter,
    },
    subscription_proxy::KEY,
};

const MAX_OPERATIONS: usize = 10;
/// The maximum of one batch's operations in progress.
const CONCURRENCY: usize = 4;
/// Headers that are about the client's own request or its connection, not about its operations, and those that only the
/// router may set.
const NOT_FORWARDED: [HeaderName; 14] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    client_ip::HEADER,
    EXPECT,
    HOST,
    KEY,
    ORIGIN,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

pub struct Batches {
    loopback: Option<Loopback>,
    /// The maximum size of all responses together.
    max_bytes: usize,
    /// How long all operations together may take, so that what has been executed is answered before hive-router gives
    /// up the whole request.
    timeout: Option<Duration>,
}

/// One batch that is being executed.
struct Batch<'a> {
    loopback: &'a Loopback,
    path: &'a str,
    headers: HeaderMap,
    client: Option<IpAddr>,
    /// When what is not done is given up.
    deadline: Option<Instant>,
    /// The bytes that its responses may still have.
    remaining: AtomicUsize,
    /// The longest `Retry-After` of its responses, in seconds.
    retry_after: AtomicU64,
}

/// A response that cannot be a part of the batch's.
enum Unusable {
    /// There is none, or it is not JSON.
    Unavailable,
    /// It is not there in time.
    TooLate,
    /// It does not fit.
    TooLarge,
}

/// What decides whether an operation can run beside others.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    query: Option<Cow<'a, str>>,
}

impl Batches {
    pub fn new(loopback: Option<Loopback>, max_bytes: usize, request_timeout: Option<Duration>) -> Self {
        Self { loopback, max_bytes, timeout: request_timeout.map(|timeout| timeout / 10 * 9) }
    }

    /// The response to a batch; `None` to any other request.
    pub async fn on_graphql_params(
        &self,
        payload: &OnGraphQLParamsStartHookPayload<'_>,
    ) -> Result<Option<Response>, RequestError> {
        let request = payload.router_http_request;
        let Some(loopback) = self.loopback.as_ref().filter(|_| is_batch(request, &payload.body)) else {
            return Ok(None);
        };
        let operations = operations(&payload.body)
            .map_err(|message| RequestError::new(invalid(message), StatusCode::BAD_REQUEST))?;
        let batch = Batch {
            loopback,
            path: request.path,
            headers: forwarded(request.headers),
            deadline: self.timeout.map(|timeout| Instant::now() + timeout),
            client: payload.context.get_ref::<Address>().map(|address| address.0),
            remaining: AtomicUsize::new(self.max_bytes),
            retry_after: AtomicU64::new(0),
        };
        Ok(Some(batch.respond(&operations, payload.context).await))
    }
}

impl Batch<'_> {
    async fn respond(&self, operations: &[&RawValue], context: &PluginContext) -> Response {
        // A mutation sees what those before it have done, and those behind it see what it has done.
        let concurrency = if operations.iter().any(|operation| may_mutate(operation)) { 1 } else { CONCURRENCY };
        let executions: Vec<_> = operations.iter().map(|operation| self.execute(operation).boxed()).collect();
        let responses: Vec<_> = stream::iter(executions).buffered(concurrency).collect().await;
        let retry_after = self.retry_after.load(Ordering::Relaxed);
        if retry_after > 0 {
            context.insert(RetryAfter(retry_after));
        }
        Response::build(StatusCode::OK).content_type(JSON).body(format!("[{}]", responses.join(",")))
    }

    async fn execute(&self, operation: &RawValue) -> String {
        let executed = match self.deadline {
            // Nothing is begun that cannot be waited for.
            Some(deadline) if deadline <= Instant::now() => Err(Unusable::TooLate),
            Some(deadline) => timeout_at(deadline, self.try_execute(operation)).await.unwrap_or(Err(Unusable::TooLate)),
            None => self.try_execute(operation).await,
        };
        executed.unwrap_or_else(|unusable| unusable.response())
    }

    async fn try_execute(&self, operation: &RawValue) -> Result<String, Unusable> {
        let request = self.loopback.post(self.path, self.client).headers(self.headers.clone());
        let request = request.header(ACCEPT, JSON).header(CONTENT_TYPE, JSON).body(operation.get().to_owned());
        let mut response = request.send().await.map_err(|_| Unusable::Unavailable)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        self.retry_after.fetch_max(retry_after.unwrap_or_default(), Ordering::Relaxed);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Unusable::Unavailable)? {
            let less = |remaining: usize| remaining.checked_sub(chunk.len());
            let fits = self.remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
            if !fits {
                // Others may still fit.
                self.remaining.fetch_add(body.len(), Ordering::Relaxed);
                return Err(Unusable::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let json = serde_json::from_slice::<&RawValue>(&body).map_err(|_| Unusable::Unavailable)?;
        Ok(json.get().to_owned())
    }
}

impl Unusable {
    fn response(&self) -> String {
        let (message, code) = match self {
            Self::Unavailable => ("The server is unavailable. Try again later.", "SERVICE_UNAVAILABLE"),
            Self::TooLate => (TIMED_OUT, "SERVICE_UNAVAILABLE"),
            Self::TooLarge => ("The responses of the batch would be too large. Request less.", "RESPONSE_TOO_LARGE"),
        };
        json!({ "errors": [{ "message": message, "extensions": { "code": code } }] }).to_string()
    }
}

fn is_batch(request: &RouterHttpRequest<'_>, body: &[u8]) -> bool {
    let content_type = request.headers.get(CONTENT_TYPE).map(ClientValue::as_bytes);
    request.method == Method::POST
        // As `media_types` has normalized it.
        && content_type == Some(JSON.as_bytes())
        && body.trim_ascii_start().first() == Some(&b'[')
}

fn operations(body: &[u8]) -> Result<Vec<&RawValue>, String> {
    let Ok(operations) = serde_json::from_slice::<Vec<&RawValue>>(body) else {
        return Err("The body is not JSON.".to_owned());
    };
    if operations.is_empty() {
        return Err("The body is an empty list: send a GraphQL request, or a list of them.".to_owned());
    }
    if operations.len() > MAX_OPERATIONS {
        let count = operations.len();
        return Err(format!("A batch has at most {MAX_OPERATIONS} operations, and this one has {count}. Split it."));
    }
    match operations.iter().position(|operation| !operation.get().starts_with('{')) {
        Some(at) => Err(format!("Item {} of the batch is not a GraphQL request: a JSON object.", at + 1)),
        None => Ok(operations),
    }
}

/// Whether this may be a mutation: no document without that word has one, and a hash says nothing.
fn may_mutate(operation: &RawValue) -> bool {
    let document = serde_json::from_str::<Document<'_>>(operation.get()).ok().and_then(|operation| operation.query);
    document.is_none_or(|text| text.is_empty() || text.contains("mutation"))
}

fn forwarded(headers: &ClientHeaders) -> HeaderMap {
    let mut forwarded = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| !NOT_FORWARDED.contains(name)) {
        forwarded.append(name.clone(), value.clone().into());
    }
    forwarded
}

fn invalid(message: String) -> GraphQLError {
    GraphQLError::from_message_and_code(message, "BAD_USER_INPUT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        operations(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn a_batch_has_ten_requests_at_most_and_nothing_else() {
        let of = |count: usize| format!(" [{}]", vec![r#"{"query":"{ a }"}"#; count].join(" , "));

        assert_eq!(operations(of(10).as_bytes()).map(|operations| operations.len()), Ok(10));
        assert!(message(&of(11)).contains("at most 10 operations, and this one has 11"));
        assert!(message("[]").contains("empty list"));
        for item in ["[]", "null", "1", "\"{}\"", "[{}]"] {
            assert!(message(&format!("[{{}}, {item}]")).starts_with("Item 2 "), "{item}");
        }
        for body in ["[", "[{}", "[{}]]", "[{},]"] {
            assert_eq!(message(body), "The body is not JSON.");
        }
    }

    #[test]
    fn what_may_be_a_mutation_is_not_run_beside_others() {
        let may = |json: &str| may_mutate(serde_json::from_str(json).expect("it is JSON"));

        assert!(!may(r#"{"query":"{ a }"}"#));
        assert!(!may(r#"{"query":"query { a }","variables":{"a":"mutation"}}"#));
        for operation in [
            r#"{"query":"mutation { a }"}"#,
            r#"{"query":"\u006dutation { a }"}"#,
            r#"{"query":"{ a }","query":"mutation { a }"}"#,
            r#"{"query":1}"#,
            r#"{"query":""}"#,
            r#"{"query":null}"#,
            r#"{"documentId":"a"}"#,
        ] {
            assert!(may(operation), "{operation}");
        }
    }
}

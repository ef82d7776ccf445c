//! Missing: a client that accepts only streams may send queries and mutations, too, and gets the single result as a
//! stream (GraphQL over SSE, distinct connections mode; `graphql-sse` sends everything so). hive-router executes the
//! operation, mutations included, and then responds that no accepted type can hold the result. So JSON is added to the
//! accepted types, and the response is converted to a stream of one event.
//!
//! Upstream: no issue known; "TODO: streaming single responses" in `pipeline/mod.rs`.
//! `hive_gaps::the_result_of_a_query_is_not_streamed` fails once it is fixed.

use std::time::Duration;

use futures::stream;
use hive_router::{
    http::{
        HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE},
    },
    ntex::{
        http::{
            HeaderMap,
            body::{Body, BodyStream, ResponseBody},
        },
        util::Bytes,
        web::WebResponse,
    },
    pipeline::{
        header::{RequestAccepts as _, ResponseMode, StreamContentType},
        multipart_subscribe::{
            APOLLO_MULTIPART_HTTP_CONTENT_TYPE, INCREMENTAL_DELIVERY_CONTENT_TYPE, create_apollo_multipart_http_stream,
            create_incremental_delivery_stream,
        },
        sse,
    },
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};

use super::media_types::{self, JSON};
/// No heartbeat: the one event is available immediately.
const HEARTBEAT_INTERVAL: Duration = Duration::from_hours(1);

// After `media_types`, which normalizes them for hive-router.
pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    let headers = payload.router_http_request.headers_mut();
    if !media_types::accepts_only_streams(headers) {
        return payload.proceed();
    }
    accept_json(headers);
    payload.on_end(|payload| payload.map_response(streamed).proceed())
}

fn accept_json(headers: &mut HeaderMap) {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = HeaderValue::try_from(format!("{accepted}, {JSON}")).expect("both are header values");
    headers.insert(ACCEPT, value.into());
}

/// Converts a whole response to a stream; a stream stays one.
fn streamed(response: WebResponse) -> WebResponse {
    let Ok(ResponseMode::Dual(_, format)) = response.request().negotiate(false) else { return response };
    response.map_body(|head, body| match body {
        ResponseBody::Body(Body::Bytes(result)) | ResponseBody::Other(Body::Bytes(result)) => {
            // An `EventSource` cannot read a response with another status.
            head.status = StatusCode::OK;
            head.headers_mut().remove(CONTENT_LENGTH);
            let (content_type, body) = stream_of(&result, &format);
            head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type).into());
            ResponseBody::Body(body)
        }
        body => body,
    })
}

fn stream_of(result: &Bytes, format: &StreamContentType) -> (&'static str, Body) {
    let result = stream::iter([result.to_vec()]);
    match format {
        StreamContentType::SSE => {
            (sse::SSE_HEADER, Body::from_message(BodyStream::new(sse::create_stream(result, HEARTBEAT_INTERVAL))))
        }
        StreamContentType::ApolloMultipartHTTP => (
            APOLLO_MULTIPART_HTTP_CONTENT_TYPE,
            Body::from_message(BodyStream::new(create_apollo_multipart_http_stream(result, HEARTBEAT_INTERVAL))),
        ),
        StreamContentType::IncrementalDelivery => (
            INCREMENTAL_DELIVERY_CONTENT_TYPE,
            Body::from_message(BodyStream::new(create_incremental_delivery_stream(result))),
        ),
    }
}

//! Sets the header `Retry-After` from a response's errors.

use hive_router::{
    http::{HeaderValue, header::RETRY_AFTER},
    plugins::{
        hooks::{
            on_graphql_error::OnGraphQLErrorHookPayload,
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        },
        plugin_trait::{EndHookPayload, StartHookPayload},
    },
};
use sonic_rs::JsonValueTrait;

/// The longest `retryAfter` of a request's errors, in seconds.
pub struct RetryAfter(pub u64);

pub fn on_graphql_error(payload: &mut OnGraphQLErrorHookPayload<'_>) {
    let retry_after = payload.error.extensions.extensions.get("retryAfter").and_then(JsonValueTrait::as_u64);
    if let Some(seconds) = retry_after {
        let longest = payload.context.get_ref::<RetryAfter>().map_or(0, |known| known.0);
        payload.context.insert(RetryAfter(seconds.max(longest)));
    }
}

pub fn on_http_request(payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    payload.on_end(|payload| {
        let Some(seconds) = payload.context.get_ref::<RetryAfter>().map(|seconds| seconds.0) else {
            return payload.proceed();
        };
        payload
            .map_response(|mut response| {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds).into());
                response
            })
            .proceed()
    })
}

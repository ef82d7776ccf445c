//! Limits the size of a response, and of the subgraphs' responses that are buffered for it. One above the limit is
//! dropped, and no further request is sent; those that were sent by then and fit are kept, in order of arrival.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use hive_router::{
    GraphQLError,
    executor::response::{subgraph_response::SubgraphResponse, value::Value},
    http::StatusCode,
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_trait::{EndHookPayload, StartHookPayload},
    },
};

pub struct ResponseLimit {
    max_bytes: usize,
}

/// The bytes of subgraphs' responses that are buffered, in a request's context.
#[derive(Default)]
struct BufferedBytes {
    bytes: AtomicUsize,
    /// Whether a response was dropped.
    is_exceeded: AtomicBool,
}

impl ResponseLimit {
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
    }

    pub fn on_http_request(payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
        payload.context.insert(BufferedBytes::default());
        payload.proceed()
    }

    pub fn on_subgraph_execute<'exec>(
        &'exec self,
        payload: OnSubgraphExecuteStartHookPayload<'exec>,
    ) -> OnSubgraphExecuteStartHookResult<'exec> {
        let context = payload.context;
        if context.get_ref::<BufferedBytes>().is_some_and(|buffered| buffered.is_exceeded.load(Ordering::Relaxed)) {
            return payload.end_with_response(too_large_response());
        }
        payload.on_end(move |mut payload| {
            let bytes = self.length(&payload.execution_result);
            if !self.fits(context.get_ref::<BufferedBytes>().as_deref(), bytes) {
                payload.execution_result = too_large_response();
            }
            payload.proceed()
        })
    }

    pub fn on_execute<'exec>(
        &'exec self,
        payload: OnExecuteStartHookPayload<'exec>,
    ) -> OnExecuteStartHookResult<'exec> {
        payload.on_end(move |mut payload| {
            // The response may repeat what a subgraph sent once.
            let Some(remaining) = remaining_after(&payload.data, self.max_bytes) else {
                return payload.end_with_graphql_error(too_large(), StatusCode::OK);
            };
            payload.response_size_estimate = self.max_bytes - remaining;
            payload.proceed()
        })
    }
}

impl ResponseLimit {
    /// The length of a subgraph's response, whether or not it came as JSON: above the maximum, one byte more than that.
    fn length(&self, response: &SubgraphResponse<'_>) -> usize {
        let of_data = || {
            remaining_after(&response.data, self.max_bytes)
                .map_or(self.max_bytes + 1, |remaining| self.max_bytes - remaining)
        };
        response.bytes.as_ref().map_or_else(of_data, Bytes::len)
    }

    /// Adds a response's bytes to the total, unless that would exceed the limit.
    fn fits(&self, buffered: Option<&BufferedBytes>, bytes: usize) -> bool {
        let Some(buffered) = buffered else { return true };
        let total = |buffered: usize| buffered.checked_add(bytes).filter(|total| *total <= self.max_bytes);
        let fits = buffered.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, total).is_ok();
        buffered.is_exceeded.fetch_or(!fits, Ordering::Relaxed);
        fits
    }
}

fn too_large() -> GraphQLError {
    GraphQLError::from_message_and_code("The response would be too large. Request less.", "RESPONSE_TOO_LARGE")
}

fn too_large_response() -> SubgraphResponse<'static> {
    SubgraphResponse { errors: Some(vec![too_large()]), ..SubgraphResponse::default() }
}

/// The rest of `bytes` after this value as JSON; `None` if it does not fit.
fn remaining_after(value: &Value<'_>, bytes: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) => bytes.checked_sub(4),
        Value::F64(_) | Value::I64(_) | Value::U64(_) => bytes.checked_sub(1),
        Value::String(text) | Value::RawJson(text) => bytes.checked_sub(text.len() + 2),
        Value::Array(items) => items
            .iter()
            .try_fold(bytes.checked_sub(2)?, |remaining, item| remaining_after(item, remaining)?.checked_sub(1)),
        Value::Object(fields) => fields.iter().try_fold(bytes.checked_sub(2)?, |remaining, (name, value)| {
            remaining_after(value, remaining)?.checked_sub(name.len() + 4)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_of_subgraphs_count_together() {
        let (limit, buffered) = (ResponseLimit { max_bytes: 100 }, BufferedBytes::default());

        assert!(limit.fits(Some(&buffered), 60));
        assert!(!buffered.is_exceeded.load(Ordering::Relaxed));
        assert!(!limit.fits(Some(&buffered), 41));
        assert!(limit.fits(Some(&buffered), 40), "what was dropped does not count");
        assert!(!limit.fits(Some(&buffered), 1));
        assert!(buffered.is_exceeded.load(Ordering::Relaxed), "nothing more is fetched");
    }

    #[test]
    fn a_response_that_did_not_come_as_json_has_a_length() {
        let limit = ResponseLimit { max_bytes: 1_500 };
        let response = |items| SubgraphResponse {
            data: Value::Array(vec![Value::String("0123456789".into()); items]),
            ..SubgraphResponse::default()
        };

        assert_eq!(limit.length(&response(100)), 2 + 100 * 13);
        assert_eq!(limit.length(&response(1_000)), 1_501);
        assert_eq!(limit.length(&too_large_response()), 4);
    }

    fn json_length(json: &str) -> usize {
        let value: Value<'_> = sonic_rs::from_str(json).expect("it is JSON");
        let many = 1_000_000;
        many - remaining_after(&value, many).expect("it is not that long")
    }

    #[test]
    fn bytes_are_counted_as_they_will_be_written() {
        for json in [r#"{"a":"b","c":[true,null,"d"],"e":{"f":"g"}}"#, "[]", "{}", r#""é""#] {
            assert!(json_length(json).abs_diff(json.len()) <= 4, "{json}: {}", json_length(json));
        }
    }

    #[test]
    fn what_is_longer_is_noticed() {
        let value = Value::Array(vec![Value::String("0123456789".into()); 100]);

        assert!(remaining_after(&value, 1_500).is_some());
        assert!(remaining_after(&value, 1_200).is_none());
    }
}

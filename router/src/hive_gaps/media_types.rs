//! Missing: media types are case-insensitive, and may have parameters such as `charset` (RFC 9110, 8.3.1); several
//! `Accept` headers are one list (5.3); and a request that accepts no available type is 406, not 415 (15.5.7).
//! hive-router compares case-sensitively, parameters included, with the first header. And errors of plugins are
//! `application/json`, whatever is accepted.
//!
//! Upstream: no issue known; `negotiate` in `pipeline/header.rs`, `decode_post` in `pipeline/execution_request.rs`.
//! `hive_gaps::media_types_are_compared_letter_by_letter` fails once it is fixed.

use hive_router::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    ntex::{
        http::{
            HeaderMap,
            body::{Body, ResponseBody},
        },
        web::WebResponse,
    },
    pipeline::request_extensions::read_graphql_response_metric_status,
    plugins::{
        hooks::{
            on_graphql_error::OnGraphQLErrorHookPayload,
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        },
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
    telemetry::metrics::catalog::values::GraphQLResponseStatus,
};

use super::json::Entries;

pub const JSON: &str = "application/json";
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const SINGLE_RESULT_TYPES: [&str; 2] = [JSON, GRAPHQL_RESPONSE];
const STREAM_TYPES: [&str; 2] = ["text/event-stream", "multipart/mixed"];
const NOT_ACCEPTABLE: &str = "Accept `application/json`, `application/graphql-response+json`, or a stream: \
                              `text/event-stream` or `multipart/mixed`.";

/// Marks, in its context, a request that accepts no available type.
struct NotAcceptable;

pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    let headers = payload.router_http_request.headers_mut();
    normalize_content_type(headers);
    normalize_accept(headers);
    if accepts_none(headers) {
        payload.context.insert(NotAcceptable);
    }
    if !accepts(headers, GRAPHQL_RESPONSE) {
        return payload.proceed();
    }
    let accepts_json = accepts(headers, JSON);
    payload.on_end(move |payload| {
        payload
            .map_response(|mut response| {
                if !accepts_json && has_type(&response, JSON) {
                    insert(response.headers_mut(), &CONTENT_TYPE, GRAPHQL_RESPONSE);
                }
                if is_partial(&response) {
                    *response.response_mut().status_mut() = partial_success();
                }
                response
            })
            .proceed()
    })
}

/// The status that GraphQL over HTTP recommends for data with errors, for its own media type.
fn partial_success() -> StatusCode {
    StatusCode::from_u16(294).expect("it has three digits")
}

fn has_type(response: &WebResponse, name: &str) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == name.as_bytes())
}

fn is_partial(response: &WebResponse) -> bool {
    let has_errors =
        matches!(read_graphql_response_metric_status(response.request()), Some(GraphQLResponseStatus::Error));
    let has_both = || match response.response().body() {
        ResponseBody::Body(Body::Bytes(body)) | ResponseBody::Other(Body::Bytes(body)) => has_data_and_errors(body),
        _ => false,
    };
    response.status() == StatusCode::OK && has_errors && has_type(response, GRAPHQL_RESPONSE) && has_both()
}

/// The body of a request that was rejected has errors alone; and the errors that hive-router has counted may have been
/// about nothing that the client has requested ([`super::responses`]).
fn has_data_and_errors(body: &[u8]) -> bool {
    let has_both = |body: Entries<'_>| body.get("data").is_some() && body.get("errors").is_some();
    serde_json::from_slice(body).is_ok_and(has_both)
}

// After `errors`, which sets another content type.
pub fn on_graphql_error(payload: &mut OnGraphQLErrorHookPayload<'_>) {
    if payload.context.get_ref::<NotAcceptable>().is_some() {
        payload.status_code = StatusCode::NOT_ACCEPTABLE;
        NOT_ACCEPTABLE.clone_into(&mut payload.error.message);
    }
}

fn normalize_content_type(headers: &mut HeaderMap) {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return };
    if value == JSON {
        return;
    }
    // hive-router searches the whole value for this type, and would also find it in a parameter of another one.
    let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if name == JSON || value.contains(JSON) {
        insert(headers, &CONTENT_TYPE, &name);
    }
}

fn normalize_accept(headers: &mut HeaderMap) {
    let values: Vec<_> = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    let is_plain = |value: &str| !value.contains(|c: char| c == ';' || c.is_ascii_uppercase());
    if values.is_empty() || matches!(values.as_slice(), [value] if is_plain(value)) {
        return;
    }
    let ranges: Vec<_> = values.iter().flat_map(|value| split(value, ',')).map(MediaRange::normalized).collect();
    insert(headers, &ACCEPT, &ranges.join(", "));
}

fn insert(headers: &mut HeaderMap, name: &HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("it is a part of a header's value");
    headers.insert(name.clone(), value.into());
}

fn accepts_none(headers: &HeaderMap) -> bool {
    !accepts_any(headers, SINGLE_RESULT_TYPES) && !accepts_any(headers, STREAM_TYPES)
}

pub fn accepts_only_streams(headers: &HeaderMap) -> bool {
    accepts_any(headers, STREAM_TYPES) && !accepts_any(headers, SINGLE_RESULT_TYPES)
}

fn accepts_any(headers: &HeaderMap, offered: [&str; 2]) -> bool {
    offered.iter().any(|offered| accepts(headers, offered))
}

fn accepts(headers: &HeaderMap, offered: &str) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut ranges = split(accepted, ',').filter(|range| !range.is_empty()).map(MediaRange::of).peekable();
    ranges.peek().is_none() || ranges.any(|range| range.accepts(offered))
}

/// A media range of an `Accept` header, with its parameters.
struct MediaRange<'a> {
    name: String,
    parameters: Vec<&'a str>,
}

impl<'a> MediaRange<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts = split(text, ';');
        Self { name: parts.next().unwrap_or_default().to_ascii_lowercase(), parameters: parts.collect() }
    }

    /// The media range without parameters that no response depends on.
    fn normalized(text: &'a str) -> String {
        let range = Self::of(text);
        let is_multipart = range.name.starts_with("multipart/");
        let kept = range.parameters.iter().filter(|parameter| is_multipart || quality(parameter).is_some());
        [range.name.as_str()].into_iter().chain(kept.copied()).collect::<Vec<_>>().join(";")
    }

    fn accepts(&self, offered: &str) -> bool {
        let is_declined = self.parameters.iter().find_map(|parameter| quality(parameter)) == Some(0.0);
        let is_in_range = match self.name.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => offered.split_once('/').is_some_and(|(of, _)| of == kind),
            None => self.name == offered,
        };
        is_in_range && !is_declined
    }
}

fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(0.0))
}

/// Splits a header's value, except within quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut in_quotes, mut is_escaped) = (false, false);
    let parts = text.split(move |c: char| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_quotes => is_escaped = true,
            '"' => in_quotes = !in_quotes,
            _ => {}
        }
        c == separator && !in_quotes
    });
    parts.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).expect("a header's value").into());
        }
        headers
    }

    fn accept(values: &[&str]) -> String {
        let mut headers = headers(&ACCEPT, values);
        normalize_accept(&mut headers);
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn accepted_types_keep_their_weight_and_lose_other_parameters() {
        assert_eq!(accept(&["application/json; charset=utf-8"]), "application/json");
        assert_eq!(
            accept(&["Application/JSON;Charset=\"a,b;q=0\"; q=0.5, */*;q=0.1"]),
            "application/json;q=0.5, */*;q=0.1"
        );
        assert_eq!(accept(&["application/json", "text/event-stream"]), "application/json, text/event-stream");
        assert_eq!(
            accept(&["multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"]),
            "multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json",
        );
    }

    #[test]
    fn a_body_is_of_the_type_that_it_says_and_not_of_a_parameter() {
        let content_type = |value: &str| {
            let mut headers = headers(&CONTENT_TYPE, &[value]);
            normalize_content_type(&mut headers);
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };

        assert_eq!(content_type("Application/JSON; charset=UTF-8"), "application/json");
        assert_eq!(content_type("text/plain; a=application/json"), "text/plain");
        assert_eq!(content_type("application/jsonp"), "application/jsonp");
        assert_eq!(content_type("text/plain"), "text/plain");
    }

    #[test]
    fn a_response_is_partial_if_it_has_data_and_errors() {
        assert!(has_data_and_errors(br#"{"data":{"a":null},"errors":[{"message":"no"}]}"#));
        assert!(has_data_and_errors(br#"{"errors":[{"message":"no"}],"data":null}"#));
        assert!(!has_data_and_errors(br#"{"data":{"errors":null}}"#));
        assert!(!has_data_and_errors(br#"{"errors":[{"message":"no"}]}"#));
        assert!(!has_data_and_errors(b"{}"));
    }

    #[test]
    fn something_is_accepted_unless_nothing_fits() {
        let is_acceptable = |value: &str| !accepts_none(&headers(&ACCEPT, &[value]));

        for value in
            ["", "*/*", "application/*", "text/event-stream", "text/html, */*;q=0.8", "application/json;q=0.001"]
        {
            assert!(is_acceptable(value), "{value}");
        }
        for value in ["text/html", "image/*", "application/json;q=0", "application/xml, application/json;q=0.0"] {
            assert!(!is_acceptable(value), "{value}");
        }
        assert!(!accepts_none(&HeaderMap::new()));
    }
}

//! Missing: by GET, `operationName=` and `extensions=null` are equivalent to none. Clients with a URL template send
//! them. hive-router looks for an operation with an empty name, and for an object.
//!
//! Upstream: no issue known; `GraphQLGetInput` in `pipeline/execution_request.rs`, which knows `variables=null` since 0.3.
//! `hive_gaps::parameters_that_say_nothing_are_looked_at` fails once it is fixed.

use std::borrow::Cow;

use hive_router::{
    http::{Method, Uri, uri::PathAndQuery},
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload as _,
    },
};
use percent_encoding::percent_decode_str;

pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    let head = payload.router_http_request.head_mut();
    if head.method == Method::GET
        && let Some(uri) = without_empty_parameters(&head.uri)
    {
        head.uri = uri;
    }
    payload.proceed()
}

/// The URI without such parameters; `None` if it has none.
fn without_empty_parameters(uri: &Uri) -> Option<Uri> {
    let query = uri.query()?;
    if !query.split('&').any(is_empty_parameter) {
        return None;
    }
    let kept: Vec<_> = query.split('&').filter(|pair| !is_empty_parameter(pair)).collect();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{}?{}", uri.path(), kept.join("&"))).ok()?);
    Uri::from_parts(parts).ok()
}

fn is_empty_parameter(pair: &str) -> bool {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = decode(value);
    match decode(name).as_ref() {
        b"operationName" => value.is_empty(),
        b"variables" | b"extensions" => matches!(value.trim_ascii(), b"" | b"null"),
        _ => false,
    }
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    percent_decode_str(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_nothing_is_left_out() {
        for (address, expected) in [
            ("/graphql?query=%7Ba%7D&operationName=", Some("/graphql?query=%7Ba%7D")),
            ("/graphql?operationName&query=x", Some("/graphql?query=x")),
            ("/graphql?query=x&variables=null&extensions=%6eull", Some("/graphql?query=x")),
            ("/graphql?v%61riables=&query=x", Some("/graphql?query=x")),
            ("http://localhost/graphql?query=x&extensions=null", Some("http://localhost/graphql?query=x")),
            ("/graphql?query=x&operationName=A&variables=%7B%7D", None),
            ("/graphql?query=x&operationName=null", None),
            ("/graphql?query=&variables=nul", None),
            ("/graphql", None),
        ] {
            let changed = without_empty_parameters(&address.parse().expect("an address"));

            assert_eq!(changed.map(|uri| uri.to_string()).as_deref(), expected, "{address}");
        }
    }
}

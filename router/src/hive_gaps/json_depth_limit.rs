//! hive-router's JSON parser has no depth limit: a few kilobytes of brackets would crash the process. So JSON that is
//! nested too deeply is rejected before it is parsed.
//!
//! Upstream: cloudwego/sonic-rs has no such setting. `upstream_has_no_limit_of_depth` fails once hive-router has one.

use hive_router::{GraphQLError, http::StatusCode, plugins::hooks::on_graphql_params::OnGraphQLParamsStartHookPayload};
use percent_encoding::percent_decode_str;

use crate::plugins::errors::RequestError;

/// Far more than any input of the graph has.
pub const MAX_DEPTH: usize = 32;

pub fn on_graphql_params(payload: &OnGraphQLParamsStartHookPayload<'_>) -> Result<(), RequestError> {
    let in_address = || parameters(payload.router_http_request.query_string).any(|value| depth(value) > MAX_DEPTH);
    if depth(payload.body.iter().copied()) > MAX_DEPTH || in_address() {
        return Err(RequestError::new(too_deep(), StatusCode::BAD_REQUEST));
    }
    Ok(())
}

/// Whether this must not reach a JSON parser.
pub fn is_too_deep(json: &[u8]) -> bool {
    depth(json.iter().copied()) > MAX_DEPTH
}

fn too_deep() -> GraphQLError {
    let message = format!("The request's JSON is nested more than {MAX_DEPTH} levels deep.");
    GraphQLError::from_message_and_code(message, "BAD_USER_INPUT")
}

/// The values of all parameters but the document, which is not JSON and has a limit of its own.
pub fn parameters(query_string: &str) -> impl Iterator<Item = impl Iterator<Item = u8>> {
    let pairs = query_string.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(name, _)| !percent_decode_str(name).eq(*b"query")).map(|(_, value)| percent_decode_str(value))
}

/// The nesting depth of objects and arrays. Brackets within strings do not count.
pub fn depth(json: impl Iterator<Item = u8>) -> usize {
    let (mut current, mut max) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                current += 1;
                max = max.max(current);
            }
            b']' | b'}' if !in_string => current = current.saturating_sub(1),
            _ => {}
        }
    }
    max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(json: &str) -> usize {
        depth(json.bytes())
    }

    #[test]
    fn upstream_has_no_limit_of_depth() {
        let deep = format!("{{\"variables\":{{\"a\":{}{}}}}}", "[".repeat(64), "]".repeat(64));

        assert!(sonic_rs::from_str::<hive_router::plugins::hooks::on_graphql_params::GraphQLParams>(&deep).is_ok());
    }

    #[test]
    fn objects_and_arrays_count_and_text_does_not() {
        assert_eq!(deep(r#"{"query":"{ a { b } }","variables":{"list":[[1],[2]]}}"#), 4);
        assert_eq!(deep(r#"["\"[[[", "\\", [1]]"#), 2);
        assert_eq!(deep("]]]]["), 1);
        assert_eq!(deep(&"[".repeat(100_000)), 100_000);
        assert_eq!(deep(""), 0);
    }

    #[test]
    fn parameters_of_an_address_are_read_as_they_are_meant() {
        let depths = |query_string| parameters(query_string).map(depth).collect::<Vec<_>>();

        assert_eq!(depths("query=%7Ba%7Bb%7D%7D&variables=%7B%22a%22:[1]%7D&x"), [2, 0]);
        assert_eq!(depths("%76ariables=[[["), [3]);
        assert_eq!(depths(""), [0]);
    }
}

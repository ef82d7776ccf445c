//! Missing: the scheme of `Authorization` is case-insensitive (RFC 9110, 11.1). hive-router compares it with the
//! `prefix` of its configuration case-sensitively.
//!
//! Upstream: no issue known; `lookup` in `jwt/mod.rs`.
//! `hive_gaps::the_scheme_of_a_token_has_letter_case` fails once it is fixed.

use hive_router::{
    http::{HeaderValue, header::AUTHORIZATION},
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

const SCHEME: &str = "Bearer";

pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    let headers = payload.router_http_request.headers_mut();
    // Two headers are an error, which the plugin `credentials` must still see.
    if headers.get_all(AUTHORIZATION).count() == 1
        && let Some(value) = headers.get(AUTHORIZATION).and_then(|value| canonical(value.as_bytes()))
    {
        headers.insert(AUTHORIZATION, value.into());
    }
    payload.proceed()
}

/// Normalizes the scheme to hive-router's spelling; `None` if it has it.
fn canonical(value: &[u8]) -> Option<HeaderValue> {
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    let is_other_case = scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) && scheme != SCHEME.as_bytes();
    if !is_other_case || !token.starts_with(b" ") {
        return None;
    }
    let mut value = HeaderValue::from_bytes(&[SCHEME.as_bytes(), token].concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scheme_is_changed() {
        let changed = |value: &str| canonical(value.as_bytes()).map(|value| value.as_bytes().to_vec());

        assert_eq!(changed("bearer Ab.C"), Some(b"Bearer Ab.C".to_vec()));
        assert_eq!(changed("BEARER  x"), Some(b"Bearer  x".to_vec()));
        for other in ["Bearer x", "bearer", "bearerx", "basic x", "", "x"] {
            assert_eq!(changed(other), None, "{other}");
        }
    }
}

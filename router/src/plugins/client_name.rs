//! Which program a client is, by the headers that Apollo's clients send or by those of others: hive-router reads only
//! one pair of names, for its logs, traces and metrics.

use hive_router::{
    http::HeaderName,
    ntex::http::HeaderMap,
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

/// The names that hive-router reads, and Apollo's.
pub const NAMES: [[HeaderName; 2]; 2] = [
    [HeaderName::from_static("graphql-client-name"), HeaderName::from_static("apollographql-client-name")],
    [HeaderName::from_static("graphql-client-version"), HeaderName::from_static("apollographql-client-version")],
];

pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    rename(payload.router_http_request.headers_mut());
    payload.proceed()
}

fn rename(headers: &mut HeaderMap) {
    for [name, of_apollo] in &NAMES {
        if !headers.contains_key(name)
            && let Some(value) = headers.get(of_apollo).cloned()
        {
            headers.insert(name.clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use hive_router::http::HeaderValue;

    use super::*;

    fn named(sent: &[(&'static str, &'static str)]) -> [Option<String>; 2] {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value).into());
        }
        rename(&mut headers);
        NAMES.map(|[name, _]| headers.get(&name).and_then(|value| value.to_str().ok()).map(str::to_owned))
    }

    #[test]
    fn both_pairs_of_names_are_understood() {
        let of = |name: Option<&str>, version: Option<&str>| [name, version].map(|text| text.map(str::to_owned));

        let apollos = [("apollographql-client-name", "shop"), ("apollographql-client-version", "1.2")];
        assert_eq!(named(&apollos), of(Some("shop"), Some("1.2")));
        let others = [("graphql-client-name", "shop"), ("graphql-client-version", "1.2")];
        assert_eq!(named(&others), of(Some("shop"), Some("1.2")));
        let both = [("apollographql-client-name", "library"), ("graphql-client-name", "shop")];
        assert_eq!(named(&both), of(Some("shop"), None));
        assert_eq!(named(&[]), of(None, None));
    }
}

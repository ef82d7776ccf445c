//! Missing: to an origin that no policy allows, hive-router answers `Access-Control-Allow-Origin: null`, which is the
//! origin of sandboxed frames and of local files. So every site can read responses through such a frame as soon as one
//! origin is allowed. Without the header, nobody can.
//!
//! No upstream issue is known; `set_headers` in `pipeline/cors.rs`. `upstream_allows_the_origin_null` fails once it is
//! fixed.

use hive_router::{http::header::ACCESS_CONTROL_ALLOW_ORIGIN, ntex::http::HeaderMap};

pub fn remove(headers: &mut HeaderMap) {
    if headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|origin| origin.as_bytes() == b"null") {
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    }
}

#[cfg(test)]
mod tests {
    use hive_router::{
        ntex::{http::header::HeaderValue, web::test::TestRequest},
        pipeline::cors::Cors,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn upstream_allows_the_origin_null() {
        let config = json!({ "enabled": true, "policies": [{ "origins": ["https://app.example.com"] }] });
        let config = serde_json::from_value(config).expect("it is valid");
        let cors = Cors::from_config(&config).expect("it is valid").expect("it is enabled");
        for origin in ["null", "https://evil.example"] {
            let request = TestRequest::default().header("origin", origin).to_http_request();
            let mut headers = HeaderMap::new();
            cors.set_headers(&request, &mut headers);
            assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(HeaderValue::as_bytes), Some(&b"null"[..]));

            remove(&mut headers);

            assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }
}

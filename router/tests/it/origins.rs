//! Pages on other origins: which may read responses, and which may not.

use reqwest::{Response, StatusCode};
use router::CorsSettings;
use serde_json::json;

use crate::{
    support::{App, Options, Own, Transport, changed_config},
    websocket::{Ask, open},
};

const LOCAL: [&str; 8] = [
    "http://localhost:5173",
    "http://localhost",
    "https://localhost:3000",
    "http://127.0.0.1:8080",
    "https://127.0.0.1",
    "http://[::1]:4321",
    "https://[::1]",
    "http://localhost:65535",
];

/// Origins that a browser or a forger can send, and that are not this machine's.
const FOREIGN: [&str; 22] = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost.evil.example:5173",
    "http://evil.example.localhost.evil.example",
    "http://evil-localhost:5173",
    "http://notlocalhost",
    "http://127.0.0.1.nip.io",
    "http://127.0.0.1.nip.io:5173",
    "http://127a0b0c1:5173",
    "http://127.0.0.11",
    "http://2130706433",
    "http://[::1].evil.example",
    "http://[::12]",
    "http://localhost@evil.example",
    "http://user@localhost:5173",
    "http://localhost:5173@evil.example",
    "http://localhost:5173/",
    "http://localhost:",
    "http://localhost:123456",
    "ftp://localhost",
    "localhost:5173",
    "null",
];

fn router(options: Options) -> Own {
    App::own(Transport::InProcess, options)
}

async fn preflight(app: &App, origin: &str) -> Response {
    let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, app.url("/graphql"));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "authorization,content-type");
    request.send().await.expect("the router answers")
}

async fn ask(app: &App, origin: &str) -> Response {
    let request = app.post().header("origin", origin).json(&json!({ "query": "{ __typename }" }));
    request.send().await.expect("the router answers")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("ASCII"))
}

async fn assert_allowed(app: &App, origin: &str) {
    let before = preflight(app, origin).await;
    assert_eq!(before.status(), StatusCode::NO_CONTENT, "{origin}");
    assert_eq!(header(&before, "access-control-allow-origin"), Some(origin));
    assert_eq!(header(&before, "access-control-allow-headers"), Some("authorization,content-type"), "{origin}");
    let answer = ask(app, origin).await;
    assert_eq!((answer.status(), header(&answer, "access-control-allow-origin")), (StatusCode::OK, Some(origin)));
    assert!(header(&answer, "access-control-expose-headers").is_some_and(|names| names.contains("retry-after")));
    assert_eq!(header(&answer, "access-control-allow-credentials"), None, "there are no cookies");
    assert!(open(app, Ask { origin: Some(origin.to_owned()), ..Ask::default() }).await.is_ok(), "{origin}");
}

async fn assert_refused(app: &App, origin: &str) {
    for response in [preflight(app, origin).await, ask(app, origin).await] {
        assert_eq!(header(&response, "access-control-allow-origin"), None, "{origin}");
    }
    assert!(open(app, Ask { origin: Some(origin.to_owned()), ..Ask::default() }).await.is_err(), "{origin}");
}

#[tokio::test]
async fn in_development_pages_on_this_machine_may_read_and_no_others() {
    let Own { app, .. } = &router(Options { development: true, ..Options::default() });

    for origin in LOCAL {
        assert_allowed(app, origin).await;
    }
    for origin in FOREIGN {
        assert_refused(app, origin).await;
    }
}

#[tokio::test]
async fn in_production_only_the_origins_of_the_setting_may_read() {
    let cors = CorsSettings { cors_origins: vec!["https://app.example.com".parse().expect("an origin")] };
    let Own { app, .. } = &router(Options { cors, ..Options::default() });

    assert_allowed(app, "https://app.example.com").await;
    for origin in ["https://app.example.com:8443", "http://app.example.com", "https://app.example.com.evil.example"] {
        assert_refused(app, origin).await;
    }
    for origin in LOCAL.into_iter().chain(FOREIGN) {
        assert_refused(app, origin).await;
    }
}

#[tokio::test]
async fn origins_of_the_configuration_file_stay() {
    let config = changed_config(
        "  enabled: false\n  policies: []",
        "  enabled: true\n  policies:\n    - origins: [\"https://file.example\"]\n      expose_headers: [retry-after]",
    );
    let cors = CorsSettings { cors_origins: vec!["https://app.example.com".parse().expect("an origin")] };
    let Own { app, .. } = &router(Options { config: Some(config), cors, development: true, ..Options::default() });

    for origin in ["https://file.example", "https://app.example.com", "http://localhost:5173"] {
        assert_allowed(app, origin).await;
    }
    assert_refused(app, "https://evil.example").await;
}

//! The playground's page, the storefront, links to data exports, and the endpoints for machines.

use reqwest::{Method, Response, StatusCode};
use router::{Explain, Mailbox};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{App, Options, Own, Transport, changed_config};

async fn page(path: &str) -> Response {
    App::get().get_page(path).header("accept", "text/html").send().await.expect("the router answers")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn the_page_is_at_the_root() {
    let response = page("/").await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&response, "cache-control"), "no-cache");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert!(header(&response, "content-security-policy").starts_with("default-src 'self'; script-src 'self';"));
    assert!(response.text().await.expect("it is text").contains("<title>Page"));
}

#[tokio::test]
async fn a_known_page_is_not_sent_again() {
    let tag = header(&page("/").await, "etag").to_owned();

    let again = App::get().get_page("/").header("if-none-match", &tag).send().await.expect("the router answers");

    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn assets_are_kept_forever_and_sent_compressed() {
    let plain = page("/assets/index-abc123.js").await;
    let request = App::get().get_page("/assets/index-abc123.js").header("accept-encoding", "gzip, br");
    let compressed = request.send().await.expect("the router answers");

    assert!(header(&plain, "cache-control").contains("immutable"));
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.text().await.expect("it is text"), "console.log(1)");
    assert_eq!(header(&compressed, "content-encoding"), "br");
    assert_eq!(compressed.text().await.expect("it is text"), "compressed");
}

#[tokio::test]
async fn nothing_outside_the_directory_is_served() {
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets",
        "/secret.txt",
        "//etc/passwd",
    ] {
        assert_eq!(page(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

const STOREFRONT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[tokio::test]
async fn each_page_of_the_storefront_is_its_index() {
    for path in ["/store", "/store/", "/store/courses/0198c0de-0000-7000-8000-000000000001", "/store/sign-in?next=%2F"]
    {
        let response = page(path).await;

        assert_eq!(response.status(), StatusCode::OK, "{path}");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", STOREFRONT_POLICY),
        ] {
            assert_eq!(header(&response, name), value, "{path}");
        }
        let tag = header(&response, "etag").to_owned();
        assert!(response.text().await.expect("it is text").contains("<title>Shop"), "{path}");
        let again = App::get().get_page(path).header("if-none-match", &tag).send().await.expect("the router answers");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn files_of_the_storefront_are_kept_forever_and_sent_compressed() {
    for (accepted, encoding, content) in [
        ("", "", "console.log(2)"),
        ("gzip, br", "br", "brotli"),
        ("gzip", "gzip", "gzip"),
        ("br;q=0", "", "console.log(2)"),
    ] {
        let request = App::get().get_page("/store/assets/shop-abc123.js").header("accept-encoding", accepted);
        let response = request.send().await.expect("the router answers");

        assert_eq!(header(&response, "content-encoding"), encoding, "{accepted}");
        assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&response, "content-security-policy"), STOREFRONT_POLICY);
        assert!(header(&response, "vary").contains("accept-encoding"), "{accepted}");
        assert_eq!(response.text().await.expect("it is text"), content, "{accepted}");
    }
    let font = page("/store/assets/text-abc123.woff2").await;
    assert_eq!(header(&font, "content-type"), "font/woff2");
    assert!(header(&font, "cache-control").contains("immutable"));
    assert_eq!(header(&page("/store/icon.svg").await, "cache-control"), "no-cache");
}

#[tokio::test]
async fn nothing_but_its_files_is_below_the_storefront() {
    for path in [
        "/store/missing.js",
        "/store/assets/missing-abc123.js",
        "/store/assets/shop-abc123.js.br",
        "/store/../secret.txt",
        "/store/%2e%2e/secret.txt",
        "/store/..%2fsecret.txt",
        "/store/..%5csecret.txt",
        "/store/..\\secret.txt",
        "/store/%00",
        "/store/index.html%00.js",
        "/store/%2e%2e",
        // Links that lead out of its directory.
        "/store/secret.txt",
        "/store/out/secret.txt",
        "/store/out/shop/index.html",
        "/storefront",
        "/store.txt",
    ] {
        let (status, text) = raw_get(path).await;
        assert!(!text.contains("secret") && !text.contains("<title>"), "{path}: {text}");
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let request = reqwest::Client::new().request(method.clone(), App::get().url("/store"));
        let response = request.send().await.expect("the router answers");
        assert!(response.status().is_client_error(), "{method}: {}", response.status());
    }
}

/// Sends the path as it is: a client would resolve it.
async fn raw_get(path: &str) -> (u16, String) {
    let address = App::get().url("").replace("http://", "");
    let mut connection = TcpStream::connect(&address).await.expect("the router listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("it can be sent");
    let mut response = Vec::new();
    connection.read_to_end(&mut response).await.expect("it is answered");
    let text = String::from_utf8_lossy(&response).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    (status, text)
}

#[tokio::test]
async fn a_link_to_a_data_export_leads_to_identity_and_nothing_else_does() {
    let response = page("/data-exports/the-Link_1").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-disposition"), "attachment");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header(&response, "x-internal"), "");
    assert_eq!(response.text().await.expect("it is text"), "the file of the-Link_1");

    assert_eq!(page("/data-exports/another").await.status(), StatusCode::NOT_FOUND);
    let long = format!("/data-exports/{}", "a".repeat(129));
    for wrong in [
        "/data-exports/",
        "/data-exports/../jwks",
        "/data-exports/%2e%2e%2fjwks",
        "/data-exports/a/b",
        "/data-exports/a%00",
        &long,
    ] {
        let (status, text) = raw_get(wrong).await;
        assert_eq!(status, 404, "{wrong}: {text}");
        assert!(!text.contains("the file of") && !text.contains("keys"), "{wrong}: {text}");
    }
    // A link works once: programs that only look must not use it up.
    for method in [Method::HEAD, Method::POST] {
        let request = reqwest::Client::new().request(method.clone(), App::get().url("/data-exports/the-Link_1"));
        assert_eq!(
            request.send().await.expect("the router answers").status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method}"
        );
    }
}

#[tokio::test]
async fn sample_people_are_offered_in_development_only() {
    let settings = page("/playground.json").await;

    assert_eq!(header(&settings, "content-type"), "application/json");
    assert_eq!(
        settings.text().await.expect("it is text"),
        r#"{"development":false,"diagnostics":"admins","samples":[]}"#
    );
}

fn mailbox() -> Mailbox {
    Mailbox::new(|| Box::pin(async { json!([{ "subject": "Choose a new password" }]) }))
}

#[tokio::test]
async fn mails_are_shown_in_development_only_and_on_this_machine_only() {
    let options = Options { development: true, mailbox: Some(mailbox()), ..Options::default() };
    let Own { app, stop, runtime: _runtime, .. } = App::own(Transport::InProcess, options);
    let get = || app.get_page("/playground/mail.json");
    let response = get().send().await.expect("the router answers");

    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [("content-type", "application/json"), ("cache-control", "no-store")] {
        assert_eq!(header(&response, name), value);
    }
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    let mails: Value = response.json().await.expect("it is JSON");
    assert_eq!(mails, json!([{ "subject": "Choose a new password" }]));
    // A proxy on this machine lets others in.
    for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"] {
        let response = get().header(name, "192.0.2.1").send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
    }
    stop.cancel();
}

#[tokio::test]
async fn no_other_router_has_a_mailbox() {
    for options in [
        Options { development: false, mailbox: Some(mailbox()), ..Options::default() },
        Options { development: true, mailbox: None, ..Options::default() },
    ] {
        let Own { app, stop, runtime: _runtime, .. } = App::own(Transport::InProcess, options);
        let response = app.get_page("/playground/mail.json").send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        stop.cancel();
    }
}

fn explain() -> Explain {
    Explain::new(|_| Box::pin(async { Ok(json!("a plan")) }))
}

#[tokio::test]
async fn statements_are_explained_by_id_only_and_on_this_machine_only() {
    let options = Options { development: true, explain: Some(explain()), ..Options::default() };
    let Own { app, stop, runtime: _runtime, .. } = App::own(Transport::InProcess, options);
    let get = |id: &str| app.get_page(&format!("/playground/explain/{id}"));

    let long = "x".repeat(4_000);
    for id in ["", "00000000000000000000000000000000", "select%201", "select 1", "%00", "..%2F..", long.as_str()] {
        let response = get(id).send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
        for (name, value) in [("content-type", "application/json"), ("cache-control", "no-store")] {
            assert_eq!(header(&response, name), value);
        }
        let body: Value = response.json().await.expect("it is JSON");
        assert!(body["error"].as_str().is_some_and(|error| error.contains("not remembered")), "{body}");
    }
    for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"] {
        let response = get("0").header(name, "192.0.2.1").send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        assert!(!response.text().await.expect("text").contains("remembered"), "{name}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let request = reqwest::Client::new().request(method.clone(), app.url("/playground/explain/0"));
        let response = request.body(r#"{"sql":"select 1"}"#).send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method}");
        assert!(!response.text().await.expect("text").contains("remembered"), "{method}");
    }
    stop.cancel();
}

#[tokio::test]
async fn no_other_router_explains_anything() {
    for options in [
        Options { development: false, explain: Some(explain()), ..Options::default() },
        Options { development: true, explain: None, ..Options::default() },
        Options {
            development: true,
            explain: Some(explain()),
            contract: Some(router::Contract::Public),
            ..Options::default()
        },
    ] {
        let Own { app, stop, runtime: _runtime, .. } = App::own(Transport::InProcess, options);
        let response = app.get_page("/playground/explain/0").send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(!response.text().await.expect("text").contains("remembered"));
        stop.cancel();
    }
}

#[tokio::test]
async fn machines_learn_that_the_router_is_ready() {
    for path in ["/health", "/readiness", "/ready"] {
        assert_eq!(page(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn plans_are_not_shown_to_just_anyone() {
    let request = App::get().post().header("hive-expose-query-plan", "dry-run");
    let response = request.body(r#"{"query":"{ courses { id } }"}"#).header("content-type", "application/json");

    let text = response.send().await.expect("the router answers").text().await.expect("it is text");

    assert!(text.contains("FORBIDDEN") && !text.contains("queryPlan"), "{text}");
}

/// What code generators and editors read.
#[tokio::test]
async fn the_schema_is_served_and_is_not_sent_again() {
    let first = App::get().get_page("/schema.graphql").send().await.expect("the router answers");
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&first, "cache-control"), "no-cache");
    let tag = header(&first, "etag").to_owned();
    let sdl = first.text().await.expect("it is text");
    assert!(sdl.contains("type Course {") && sdl.contains("type Subscription {"), "{sdl}");
    assert!(!sdl.contains("join__") && !sdl.contains("type __Schema"), "{sdl}");

    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = App::get().get_page("/schema.graphql").header("if-none-match", &known).send().await;
        assert_eq!(again.expect("the router answers").status(), StatusCode::NOT_MODIFIED, "{known}");
    }
    let other = App::get().get_page("/schema.graphql").header("if-none-match", "\"other\"").send().await;
    assert_eq!(other.expect("the router answers").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_router_without_introspection_publishes_no_schema() {
    for (before, setting) in [
        ("\nintrospection: true", "\nintrospection: false"),
        ("\nintrospection: true", "\nintrospection: { expression: 'true' }"),
        // Then introspection needs a token.
        ("\n  require_authentication: false", "\n  require_authentication: true"),
    ] {
        let config = Some(changed_config(before, setting));
        let Own { app, .. } = &App::own(Transport::InProcess, Options { config, ..Options::default() });

        let response = app.get_page("/schema.graphql").send().await.expect("the router answers");

        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{setting}");
        let text = response.text().await.expect("it is text");
        assert!(text.contains("introspection") && !text.contains("type "), "{text}");
    }
}

//! The playground's page, and the endpoints for machines.

use reqwest::{Response, StatusCode};
use router::Mailbox;
use serde_json::{Value, json};

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
    for setting in ["\nintrospection: false", "\nintrospection: { expression: 'true' }"] {
        let config = Some(changed_config("\nintrospection: true", setting));
        let Own { app, .. } = &App::own(Transport::InProcess, Options { config, ..Options::default() });

        let response = app.get_page("/schema.graphql").send().await.expect("the router answers");

        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{setting}");
        let text = response.text().await.expect("it is text");
        assert!(text.contains("introspection") && !text.contains("type "), "{text}");
    }
}

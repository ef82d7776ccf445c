//! The headers of all responses.

use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn answers_that_depend_on_who_asks_are_kept_by_nobody() {
    let query = json!({ "query": "{ me { id } }" });
    let wrong = json!({ "query": "{ nothing }" });
    let event_stream = App::get().post().header("accept", "text/event-stream");
    let requests = [
        App::get().post().json(&query),
        App::get().post().json(&wrong),
        App::get().post().bearer_auth("x").json(&query),
        App::get().get_page("/graphql?query=%7Bme%7Bid%7D%7D").header("x-lyceum-csrf", "1"),
        App::get().get_page("/graphql"),
        event_stream.json(&json!({ "query": "subscription { ticks }" })),
        App::get().post().header("accept-encoding", "gzip").json(&query),
    ];

    for request in requests {
        let response = request.send().await.expect("the router answers");
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_ascii_lowercase();

        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let vary = header("vary");
        let vary: Vec<_> = vary.split(',').map(str::trim).collect();
        assert!(["authorization", "accept", "accept-encoding"].iter().all(|name| vary.contains(name)), "{vary:?}");
    }
}

#[tokio::test]
async fn whatever_else_is_answered_says_how_long_it_may_be_kept() {
    for (path, cache) in [
        ("/", "no-cache"),
        ("/assets/index-abc123.js", "public, max-age=31536000, immutable"),
        ("/playground.json", "no-store"),
        ("/health", "no-store"),
        ("/ready", "no-store"),
        ("/nothing", "no-store"),
    ] {
        let response = App::get().get_page(path).header("accept", "text/html").send().await.expect("an answer");

        assert_eq!(response.headers()["cache-control"], cache, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

//! Automatic persisted queries, as Apollo's clients send them.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use router::{CostSettings, DocumentSettings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subgraph_testing::{Reply, redis::RedisServer, token};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    support::{App, Options, Own, Transport, claims, reply},
    websocket::ready,
};

const NOT_FOUND: (Option<&str>, &str) = (Some("PERSISTED_QUERY_NOT_FOUND"), "PersistedQueryNotFound");

fn by(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn hash(document: &str) -> Value {
    by(&hex::encode(Sha256::digest(document)))
}

/// A request by the hash alone.
async fn by_hash(app: &App, document: &str) -> Reply {
    app.send(json!({ "extensions": hash(document) }), None).await
}

async fn with_hash(app: &App, document: &str) -> Reply {
    app.send(json!({ "query": document, "extensions": hash(document) }), None).await
}

fn error(reply: &Reply) -> (Option<&str>, &str) {
    (reply.error(), reply.message())
}

#[tokio::test]
async fn a_document_is_sent_once_and_then_its_hash() {
    let app = App::get();
    // A long one is parsed on another thread.
    for padding in [0, 3_000] {
        let document = format!("query ($value: Filter) {{ echo(value: $value) me {{ id }} }}{}", " ".repeat(padding));
        let request = |text: &str| {
            let variables = json!({ "value": { "text": text } });
            json!({ "extensions": hash(&document), "variables": variables })
        };

        assert_eq!(error(&app.send(request("one"), None).await), NOT_FOUND);
        let mut both = request("two");
        both["query"] = json!(document);
        let stored = app.send(both, None).await;
        let found = app.send(request("three"), None).await;
        let of_alice = app.send(request("four"), Some(&token(&claims()))).await;

        assert!(stored["data"]["echo"].as_str().is_some_and(|echo| echo.contains("two")), "{stored}");
        assert!(found["data"]["echo"].as_str().is_some_and(|echo| echo.contains("three")), "{found}");
        assert!(found["data"]["me"].is_null(), "{found}");
        assert!(of_alice["data"]["me"]["id"].is_string(), "{of_alice}");
    }
}

#[tokio::test]
async fn hashes_are_for_get_and_websockets_too() {
    let app = App::get();
    let document = "{ courses { id } me { id } }";
    let get = |query: &[(&str, String)]| app.get_page("/graphql").query(query).header("x-lyceum-csrf", "1");
    let extensions = ("extensions", hash(document).to_string());

    assert_eq!(error(&reply(get(std::slice::from_ref(&extensions))).await), NOT_FOUND);
    let stored = reply(get(&[("query", document.to_owned()), extensions.clone()])).await;
    assert!(stored["data"]["courses"].is_array(), "{stored}");
    let found = reply(get(&[extensions])).await;
    assert_eq!(found["data"], stored["data"]);
    let mutation = "mutation { rename(title: \"by hash\") { title } }";
    assert_eq!(with_hash(app, mutation).await["data"]["rename"]["title"], "by hash");
    let by_get = reply(get(&[("extensions", hash(mutation).to_string())])).await;
    assert_eq!((by_get.error(), &by_get["data"]), (Some("BAD_USER_INPUT"), &Value::Null), "{by_get}");

    let mut socket = ready(app, json!({})).await;
    let payload = json!({ "query": "", "extensions": hash(document) });
    socket.say(&json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    assert_eq!(socket.hear().await.expect("a message")["payload"]["data"], stored["data"]);
}

#[tokio::test]
async fn clients_find_the_answer_that_they_look_for_whatever_they_accept() {
    let app = App::get();
    for (accept, status) in
        [("application/json", StatusCode::OK), ("application/graphql-response+json", StatusCode::BAD_REQUEST)]
    {
        let request = app.post().header("accept", accept).json(&json!({ "extensions": hash("{ away }") }));

        let answer = reply(request).await;

        assert_eq!((answer.status, error(&answer)), (status, NOT_FOUND), "{accept}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_hash_that_does_not_fit_is_refused_and_nothing_is_executed() {
    let app = App::get();
    let other = json!({ "query": "{ courses { id } }", "extensions": hash("{ courses { title } }") });
    let short = json!({ "query": "{ courses { id } }", "extensions": by("abc") });
    let alone = json!({ "extensions": by("abc") });
    let mut version = json!({ "query": "{ courses { id } }", "extensions": hash("{ courses { id } }") });
    version["extensions"]["persistedQuery"]["version"] = json!(2);

    for (request, named) in [(other, "sha256Hash"), (short, "sha256Hash"), (alone, "sha256Hash"), (version, "version")]
    {
        let answer = app.send(request.clone(), None).await;

        assert_eq!(answer.error(), Some("BAD_USER_INPUT"), "{request}: {answer}");
        assert!(answer.message().contains(&format!("extensions.persistedQuery.{named}")), "{request}: {answer}");
        assert!(answer["data"].is_null(), "{request}: {answer}");
    }
    assert_eq!(error(&by_hash(app, "{ courses { title } }").await), NOT_FOUND);
}

#[tokio::test]
async fn what_is_refused_is_not_stored() {
    let cost = CostSettings { anonymous_cost_limit: 30, ..CostSettings::default() };
    let options = Options { cost, ..Options::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, options);
    let dear = "{ a: costly b: costly }";
    for (refused, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ courses { id }", "GRAPHQL_PARSE_FAILED"),
        (dear, "COST_ESTIMATED_TOO_EXPENSIVE"),
    ] {
        assert_eq!(with_hash(app, refused).await.error(), Some(code), "{refused}");
        assert_eq!(error(&by_hash(app, refused).await), NOT_FOUND, "{refused}");
    }
    let rubbish = app.send(json!({ "query": "{ away }", "extensions": hash("{ away }") }), Some("rubbish")).await;
    assert_eq!(rubbish.error(), Some("UNAUTHENTICATED"));
    assert_eq!(error(&by_hash(app, "{ away }").await), NOT_FOUND);

    // A user may run it, who then stores it; an anonymous client still may not.
    let user = token(&claims());
    let stored = app.send(json!({ "query": dear, "extensions": hash(dear) }), Some(&user)).await;
    assert!(stored["data"]["a"].is_string(), "{stored}");
    assert_eq!(by_hash(app, dear).await.error(), Some("COST_ESTIMATED_TOO_EXPENSIVE"));
    let found = app.send(json!({ "extensions": hash(dear) }), Some(&user)).await;
    assert!(found["data"]["a"].is_string(), "{found}");
}

#[tokio::test]
async fn a_client_that_stores_too_much_is_still_served() {
    let document = DocumentSettings { persisted_query_bytes: 10_000, ..DocumentSettings::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, Options { document, ..Options::default() });

    // An eighth of the store is one document.
    assert!(with_hash(app, "{ a: courses { id } }").await["data"]["a"].is_array());
    assert!(by_hash(app, "{ a: courses { id } }").await["data"]["a"].is_array());
    assert!(with_hash(app, "{ b: courses { id } }").await["data"]["b"].is_array());
    assert_eq!(error(&by_hash(app, "{ b: courses { id } }").await), NOT_FOUND);
    assert!(by_hash(app, "{ a: courses { id } }").await["data"]["a"].is_array());
}

#[tokio::test]
async fn a_router_without_a_store_says_so() {
    let document = DocumentSettings { persisted_query_bytes: 0, ..DocumentSettings::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, Options { document, ..Options::default() });

    let alone = by_hash(app, "{ courses { id } }").await;
    assert_eq!(error(&alone), (Some("PERSISTED_QUERY_NOT_SUPPORTED"), "PersistedQueryNotSupported"));
    assert!(with_hash(app, "{ courses { id } }").await["data"]["courses"].is_array());
    assert_eq!(by_hash(app, "{ courses { id } }").await.error(), Some("PERSISTED_QUERY_NOT_SUPPORTED"));
}

/// The time for a document to reach the server, which its response does not wait for.
const SHARING: Duration = Duration::from_millis(200);

/// A router that shares its documents by this server.
fn sharing(server: &RedisServer) -> Own {
    let document = DocumentSettings { persisted_query_url: Some(server.url().into()), ..DocumentSettings::default() };
    App::own(Transport::InProcess, Options { document, ..Options::default() })
}

/// A document that nobody has sent. A long one is parsed on another thread.
fn new_document(padding: usize) -> String {
    format!("{{ a{}: courses {{ id }} }}{}", Uuid::now_v7().simple(), " ".repeat(padding))
}

/// Sends documents to the first router until the second one knows one of them: a router does without the server while
/// this machine is too busy for it to respond in time.
async fn until_they_share(first: &App, second: &App, padding: usize) -> String {
    let started = Instant::now();
    loop {
        let document = new_document(padding);
        let stored = with_hash(first, &document).await;
        assert!(stored["data"].is_object(), "{stored}");
        sleep(SHARING).await;
        let found = by_hash(second, &document).await;
        if found["data"].is_object() {
            assert_eq!(found["data"], stored["data"]);
            return document;
        }
        assert_eq!(error(&found), NOT_FOUND, "{found}");
        assert!(started.elapsed() < Duration::from_mins(1), "each router has documents of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_share_documents_and_lose_none_with_their_server() {
    let mut redis = RedisServer::start();
    let (one, other) = (sharing(&redis), sharing(&redis));
    let (first, second) = (&one.app, &other.app);
    let shared = [until_they_share(first, second, 0).await, until_they_share(second, first, 3_000).await];

    redis.kill();
    for app in [first, second] {
        for known in &shared {
            let found = by_hash(app, known).await;
            assert!(found["data"].is_object(), "{found}");
        }
        let new = new_document(0);
        assert_eq!(error(&by_hash(app, &new).await), NOT_FOUND);
        assert!(with_hash(app, &new).await["data"].is_object());
        assert!(by_hash(app, &new).await["data"].is_object());
    }

    redis.start_again();
    until_they_share(first, second, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_document_gives_no_right_that_its_text_would_not_give() {
    let mut redis = RedisServer::start();
    let one = sharing(&redis);
    let cost = CostSettings { anonymous_cost_limit: 30, ..CostSettings::default() };
    let document = DocumentSettings { persisted_query_url: Some(redis.url().into()), ..DocumentSettings::default() };
    let other = App::own(Transport::InProcess, Options { cost, document, ..Options::default() });
    until_they_share(&one.app, &other.app, 0).await;

    let started = Instant::now();
    loop {
        let expensive = format!("{{ a: costly b{}: costly }}", Uuid::now_v7().simple());
        assert!(with_hash(&one.app, &expensive).await["data"]["a"].is_string());
        sleep(SHARING).await;
        let refused = by_hash(&other.app, &expensive).await;
        assert!(refused["data"].is_null(), "{refused}");
        if refused.error() == Some("COST_ESTIMATED_TOO_EXPENSIVE") {
            redis.kill();
            // It is not stored where it was rejected.
            assert_eq!(error(&by_hash(&other.app, &expensive).await), NOT_FOUND);
            break;
        }
        assert_eq!(error(&refused), NOT_FOUND);
        assert!(started.elapsed() < Duration::from_mins(1), "the document does not arrive");
    }
}

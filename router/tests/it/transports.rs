//! In-process and HTTP transports give the same responses, to each client its own.

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use subgraph_testing::token;
use uuid::Uuid;

use crate::support::{App, Transport, claims, claims_of, reply};

#[tokio::test]
async fn both_transports_give_the_same_answers() {
    let requests = [
        json!({ "query": "{ courses { id title teacher { id name friends { name } } } }" }),
        json!({ "query": "{ me { id name } }" }),
        json!({ "query": "mutation { rename(title: \"\\\"x\\\" \\n \u{1F980}\") { title } }" }),
        json!({ "query": "query ($f: Filter, $w: DateTime) { echo(value: $f, when: $w) }",
                "variables": { "f": { "text": "a\"\u{0}\u{1F980}", "count": -3 }, "w": "2026-01-01T00:00:00Z" } }),
        json!({ "query": "{ echo(value: { text: \"literal\" }) }" }),
        json!({ "query": "{ forbidden courses { id } }" }),
        json!({ "query": "{ courses { teacher { points name } } }" }),
        json!({ "query": "{ me { points } away fails }" }),
    ];
    let token = token(&claims());

    for request in requests {
        let in_process = App::over(Transport::InProcess).send(request.clone(), Some(&token)).await;
        let http = App::over(Transport::Http).send(request.clone(), Some(&token)).await;

        assert_eq!(in_process.json["data"], http.json["data"], "{request}");
        assert_eq!(sorted_errors(&in_process.json), sorted_errors(&http.json), "{request}");
        assert_ne!(in_process.json["data"], Value::Null, "{request}: {}", in_process.text);
    }
}

#[tokio::test]
async fn a_router_with_another_secret_gets_no_answer_and_tells_nobody_why() {
    let reply = App::stranger().query("{ courses { id } me { id } }").await;

    assert_eq!(reply.json["data"], Value::Null, "{reply:?}");
    assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"), "{reply:?}");
    for inside in ["401", "sign", "secret", "127.0.0.1", "people", "courses {"] {
        assert!(!reply.message().contains(inside), "{reply:?}");
    }
}

#[tokio::test]
async fn entities_are_joined() {
    let reply = App::get().query("{ courses { title teacher { name } } }").await;

    assert_eq!(
        reply.json["data"]["courses"][8],
        json!({ "title": "Course \"8\" \u{1F980}\n", "teacher": { "name": "user 1" } }),
        "{}",
        reply.text,
    );
}

#[tokio::test]
async fn everybody_gets_their_own_answer() {
    for transport in [Transport::InProcess, Transport::Http] {
        let tokens: Vec<_> = (1..=50).map(|number| (number, token(&claims_of(Uuid::from_u128(number))))).collect();
        let asked = stream::iter((0..1_000).map(|turn| {
            let (number, token) = &tokens[turn % tokens.len()];
            async move {
                let reply = App::over(transport).query_as(token, "{ me { id name } }").await;
                (Uuid::from_u128(*number).to_string(), reply)
            }
        }));

        let answers: Vec<_> = asked.buffer_unordered(64).collect().await;

        assert_eq!(answers.len(), 1_000);
        for (user, reply) in answers {
            assert_eq!(reply.json["data"]["me"]["id"], user, "{reply:?}");
        }
    }
}

#[tokio::test]
async fn one_connection_serves_one_person_after_another() {
    for transport in [Transport::InProcess, Transport::Http] {
        let app = App::over(transport);
        let client = reqwest::Client::builder().pool_max_idle_per_host(1).build().expect("the settings are valid");
        for turn in 0..100_u128 {
            let user = Uuid::from_u128(turn % 3 + 1);
            let request = client.post(app.url("/graphql")).json(&json!({ "query": "{ me { id name } }" }));

            let reply = reply(request.bearer_auth(token(&claims_of(user)))).await;

            assert_eq!(reply.json["data"]["me"]["id"], user.to_string(), "{reply:?}");
        }
    }
}

fn sorted_errors(reply: &Value) -> Vec<String> {
    let mut errors: Vec<_> = reply["errors"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    errors.sort();
    errors
}

//! Subscriptions over server-sent events: signed requests to the subgraph, the same rejections as for queries, and no
//! lost events for a slow client.

use std::time::Duration;

use futures::{StreamExt as _, future::join_all};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use subgraph_testing::{Reply, token};
use uuid::Uuid;

use crate::support::{App, Transport, claims, claims_of, reply};

const BOTH: [Transport; 2] = [Transport::InProcess, Transport::Http];

fn subscribe(app: &App, request: &Value) -> RequestBuilder {
    app.post().header("accept", "text/event-stream").bearer_auth(token(&claims())).json(request)
}

/// The events of a completed stream.
fn events(text: &str) -> Vec<Value> {
    assert!(text.ends_with("event: complete\n\n"), "{text}");
    let data = text.split("\n\n").filter_map(|event| event.strip_prefix("event: next\ndata: "));
    data.map(|json| serde_json::from_str(json).expect("JSON")).collect()
}

fn code(event: &Value) -> &str {
    event.pointer("/errors/0/extensions/code").and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn events_come_from_the_subgraph_and_are_joined_with_entities() {
    let document = "subscription { courseAdded(count: 2) { title teacher { id name } } }";
    let me = claims().sub;

    for transport in BOTH {
        let reply = reply(subscribe(App::over(transport), &json!({ "query": document }))).await;

        let event = |number| {
            json!({ "data": { "courseAdded": {
                "title": format!("Course {number}"),
                "teacher": { "id": me, "name": format!("user {me}") },
            } } })
        };
        assert_eq!(events(&reply.text), [event(1), event(2)], "{transport:?}");
    }
}

#[tokio::test]
async fn a_router_with_another_secret_gets_no_events() {
    let reply = reply(subscribe(App::stranger(), &json!({ "query": "subscription { ticks }" }))).await;

    assert!(reply.text.contains("SERVICE_UNAVAILABLE"), "{reply:?}");
    assert!(!reply.text.contains("\"ticks\":1"), "{reply:?}");
}

#[tokio::test]
async fn an_error_of_the_subgraph_arrives_with_its_code() {
    for transport in BOTH {
        let anonymous = App::over(transport).post().header("accept", "text/event-stream");
        let reply = reply(anonymous.json(&json!({ "query": "subscription { courseAdded { id } }" }))).await;

        let event = &events(&reply.text)[0];
        assert_eq!(code(event), "UNAUTHENTICATED", "{transport:?} {reply:?}");
        assert_eq!(event["errors"][0]["message"], "sign in first", "{transport:?} {reply:?}");
    }
}

#[tokio::test]
async fn a_slow_client_loses_nothing() {
    let many = json!({ "query": "subscription { courseAdded(count: 3000) { id title teacher { name } } }" });

    for transport in BOTH {
        let response = subscribe(App::over(transport), &many).send().await.expect("the router answers");
        let mut text = String::new();
        let mut response = Some(response);
        // Long enough to fill all buffers.
        tokio::time::sleep(Duration::from_secs(1)).await;
        while let Some(chunk) = response.as_mut().expect("it is open").chunk().await.expect("a chunk") {
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        drop(response.take());

        let ids: Vec<_> = events(&text).iter().map(|event| event["data"]["courseAdded"]["id"].clone()).collect();
        let expected: Vec<_> = (1..=3000).map(|number| json!(number.to_string())).collect();
        assert_eq!(ids, expected, "{transport:?}");
    }
}

#[tokio::test]
async fn equal_subscriptions_at_once_each_get_all() {
    let request = json!({ "query": "subscription { ticks(count: 200) }" });

    let all = join_all((0..20).map(|_| reply(subscribe(App::get(), &request)))).await;

    for reply in all {
        assert_eq!(events(&reply.text).len(), 200);
    }
}

#[tokio::test]
async fn everybody_gets_their_own_events() {
    for transport in BOTH {
        let ask = |number| async move {
            let user = Uuid::from_u128(number);
            let request = json!({ "query": "subscription { courseAdded(count: 5) { teacher { id name } } }" });
            let request = App::over(transport).post().header("accept", "text/event-stream").json(&request);
            (user, reply(request.bearer_auth(token(&claims_of(user)))).await)
        };
        for (user, reply) in futures::stream::iter((1..=50).map(ask)).buffer_unordered(16).collect::<Vec<_>>().await {
            for event in events(&reply.text) {
                assert_eq!(event["data"]["courseAdded"]["teacher"]["id"], user.to_string());
            }
        }
    }
}

#[tokio::test]
async fn what_is_rejected_of_queries_is_rejected_of_subscriptions() {
    let spreads = |depth: usize| {
        let fragments =
            (0..depth).map(|n| format!("fragment F{n} on Course {{ ...F{next} ...F{next} }}", next = n + 1));
        let fragments: Vec<_> = fragments.collect();
        format!(
            "subscription {{ courseAdded {{ ...F0 }} }} {} fragment F{depth} on Course {{ id }}",
            fragments.join(" ")
        )
    };
    let aliases = (0..31).map(|n| format!("a{n}: id")).collect::<Vec<_>>().join(" ");
    let refused = [
        json!({ "query": spreads(20) }),
        json!({ "query": format!("subscription {{ courseAdded {{ {aliases} }} }}") }),
        json!({ "query": "subscription A { ticks } subscription B { ticks }" }),
        json!({ "query": "subscription { ticks }", "variables": nested(40) }),
        json!({ "query": "subscription { nothing }" }),
    ];

    for request in refused {
        let Reply { text, .. } = reply(subscribe(App::get(), &request)).await;

        assert!(text.contains("errors") && !text.contains("\"data\":{"), "{request}: {text}");
    }
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }))
}

#[tokio::test]
async fn a_client_cannot_choose_the_way_to_a_subgraph() {
    let request = subscribe(App::over(Transport::Http), &json!({ "query": "subscription { ticks }" }))
        .header("x-lyceum-stream", "1")
        .header("x-lyceum-proxy-key", "guess")
        .header("x-lyceum-signature", "1.x");

    assert_eq!(events(&reply(request).await.text).len(), 3);
}

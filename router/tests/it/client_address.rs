//! Subgraphs get the client's address with a mutation or an expensive query, and no client can forge it.

use std::collections::HashSet;

use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{App, Transport, reply};

const RENAME: &str = "mutation ($title: String!) { rename(title: $title) { title } }";

fn rename(app: &App, title: &str) -> RequestBuilder {
    app.post().json(&json!({ "query": RENAME, "variables": { "title": title } }))
}

async fn client(request: RequestBuilder) -> Value {
    reply(request).await.json["data"]["rename"]["title"].clone()
}

#[tokio::test]
async fn a_client_is_who_connects() {
    for transport in [Transport::InProcess, Transport::Http] {
        let app = App::over(transport);

        assert_eq!(client(rename(app, "{client}")).await, "127.0.0.1", "{transport:?}");
    }
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_not_believed() {
    for transport in [Transport::InProcess, Transport::Http] {
        let request = rename(App::over(transport), "{client}")
            .header("x-lyceum-client", "192.0.2.1")
            .header("X-Lyceum-Client", "192.0.2.2")
            .header("x-forwarded-for", "192.0.2.3");

        assert_eq!(client(request).await, "127.0.0.1", "{transport:?}");
    }
}

#[tokio::test]
async fn behind_proxies_a_client_is_whom_the_outermost_one_has_seen() {
    let app = App::behind_proxies();
    let request = |value: &str| rename(app, "{client}").header("x-forwarded-for", value);

    assert_eq!(client(request("10.9.9.9, 192.0.2.1, 198.51.100.1")).await, "192.0.2.1");
    assert_eq!(client(request("::ffff:192.0.2.1").header("x-forwarded-for", "198.51.100.1")).await, "192.0.2.1");
    assert_eq!(client(request("[2001:db8::1]:4711, 198.51.100.1").header("x-lyceum-client", "x")).await, "2001:db8::1");
}

#[tokio::test]
async fn whoever_goes_around_the_proxies_is_who_connects() {
    let app = App::behind_proxies();

    for value in ["192.0.2.1", "somebody, 198.51.100.1"] {
        assert_eq!(client(rename(app, "{client}").header("x-forwarded-for", value)).await, "127.0.0.1", "{value}");
    }
}

#[tokio::test]
async fn a_query_tells_no_address() {
    for transport in [Transport::InProcess, Transport::Http] {
        let request = App::over(transport)
            .post()
            .header("x-lyceum-client", "192.0.2.1")
            .json(&json!({ "query": "{ echo(value: { text: \"{client}\" }) }" }));

        let reply = reply(request).await;

        assert!(reply.text.contains("nobody"), "{reply:?}");
    }
}

/// The database queues its requests per client.
#[tokio::test]
async fn a_query_that_costs_much_tells_its_address() {
    for transport in [Transport::InProcess, Transport::Http] {
        let request =
            App::over(transport).post().header("x-lyceum-client", "192.0.2.1").json(&json!({ "query": "{ costly }" }));

        assert_eq!(reply(request).await.json["data"]["costly"], "127.0.0.1", "{transport:?}");
    }
}

#[tokio::test]
async fn equal_mutations_at_the_same_moment_are_all_done() {
    for transport in [Transport::InProcess, Transport::Http] {
        let app = App::over(transport);

        let numbers = join_all((0..20).map(|_| client(rename(app, "{count}")))).await;

        let different: HashSet<_> = numbers.iter().filter_map(Value::as_str).collect();
        assert_eq!(different.len(), 20, "{transport:?}: {numbers:?}");
    }
}

#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_again() {
    for transport in [Transport::InProcess, Transport::Http] {
        let response = rename(App::over(transport), "too often").send().await.expect("the router answers");

        assert_eq!(response.headers()["retry-after"], "7");
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["retryAfter"], 7, "{answer}");
        assert_eq!(answer["errors"][0]["message"], "too many attempts: try again in 7 s");
        assert_eq!(answer["data"]["rename"], Value::Null);
    }
}

#[tokio::test]
async fn whoever_need_not_wait_is_not_told_to() {
    let response = rename(App::get(), "fine").send().await.expect("the router answers");

    assert_eq!(response.headers().get("retry-after"), None);
}

#[tokio::test]
async fn a_mutation_brings_what_the_client_calls_itself() {
    for transport in [Transport::InProcess, Transport::Http] {
        let request = |agent: &str| rename(App::over(transport), "{client} {agent}").header("user-agent", agent);

        assert_eq!(client(request("Firefox/140.0")).await, "127.0.0.1 Firefox/140.0", "{transport:?}");
        assert_eq!(client(request(&"x".repeat(300))).await, format!("127.0.0.1 {}", "x".repeat(255)), "{transport:?}");
        assert_eq!(client(request(" ")).await, "127.0.0.1 nothing", "{transport:?}");
        assert_eq!(client(rename(App::over(transport), "{agent}")).await, "nothing", "{transport:?}");
        // Only as the router finds it: the client's own header is dropped.
        let forged = request("curl").header("x-lyceum-client", "192.0.2.1").header("x-lyceum-client", "Firefox");
        assert_eq!(client(forged).await, "127.0.0.1 curl", "{transport:?}");
    }
}

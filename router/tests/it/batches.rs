//! Several operations in one body.

use std::collections::BTreeSet;

use reqwest::{RequestBuilder, StatusCode};
use router::{ClientAddressSettings, CostSettings, ResponseSettings};
use serde_json::{Value, json};
use subgraph_testing::token;

use crate::{
    cancellation::until,
    support::{App, Options, Own, Transport, changed_config, changed_supergraph, claims, impatient_config, reply},
};

async fn send(app: &App, batch: &Value) -> Value {
    responses(app.post().json(batch)).await
}

/// The responses to a batch, which is never a failure as a whole.
async fn responses(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("the router answers");
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.expect("the answer is JSON")
}

fn of(documents: &[&str]) -> Value {
    documents.iter().map(|document| json!({ "query": document })).collect()
}

fn code(response: &Value) -> Option<&str> {
    response["errors"][0]["extensions"]["code"].as_str()
}

fn own(options: Options) -> Own {
    App::own(Transport::InProcess, options)
}

#[tokio::test]
async fn each_operation_has_its_own_response_in_its_place() {
    let batch = json!([
        { "query": "{ courses { id } }" },
        { "query": "{ nothing }" },
        { "query": "query A { a: __typename } query B { b: __typename }", "operationName": "B" },
        { "query": "query ($value: Filter) { echo(value: $value) }", "variables": { "value": { "text": "hello" } } },
        { "qeury": "{ courses { id } }" },
        { "query": "{ fails }" },
        { "query": "{ __typename }" },
    ]);
    for app in [App::get(), App::over(Transport::Http)] {
        let alone = app.query("{ courses { id } }").await;

        let answer = send(app, &batch).await;

        assert_eq!(answer.as_array().map(Vec::len), Some(7), "{answer}");
        assert_eq!(answer[0]["data"], alone["data"]);
        assert_eq!(code(&answer[1]), Some("GRAPHQL_VALIDATION_FAILED"));
        assert_eq!(answer[2], json!({ "data": { "b": "Query" } }));
        assert!(answer[3]["data"]["echo"].as_str().is_some_and(|echo| echo.contains("hello")), "{answer}");
        assert_eq!(code(&answer[4]), Some("BAD_USER_INPUT"));
        assert_eq!(code(&answer[5]), Some("INTERNAL_SERVER_ERROR"));
        assert_eq!(answer[6], json!({ "data": { "__typename": "Query" } }));
    }
}

#[tokio::test]
async fn operations_are_those_of_the_client_that_sent_the_batch() {
    let client_address =
        ClientAddressSettings { header: Some("x-test-address".to_owned()), ..ClientAddressSettings::default() };
    let Own { app, .. } = &own(Options { client_address, ..Options::default() });
    let rename = "mutation { rename(title: \"{client} {agent}\") { title } }";
    let request = app.post().header("x-test-address", "192.0.2.7").header("user-agent", "Batcher/1");

    let answer = responses(request.bearer_auth(token(&claims())).json(&of(&["{ me { id } }", rename]))).await;

    assert!(answer[0]["data"]["me"]["id"].is_string(), "{answer}");
    assert_eq!(answer[1]["data"]["rename"]["title"], "192.0.2.7 Batcher/1");
    let forged = app.post().header("x-test-address", "192.0.2.8").header("x-lyceum-client", "198.51.100.1");
    let forged = responses(forged.header("x-lyceum-proxy-key", "guessed").json(&of(&[rename]))).await;
    assert_eq!(forged[0]["data"]["rename"]["title"].as_str().map(|title| title.starts_with("192.0.2.8 ")), Some(true));
    let rejected = app.post().bearer_auth("rubbish").json(&of(&["{ me { id } }", "{ courses { id } }"]));
    let rejected = responses(rejected).await;
    assert_eq!((code(&rejected[0]), code(&rejected[1])), (Some("UNAUTHENTICATED"), Some("UNAUTHENTICATED")));
}

#[tokio::test]
async fn mutations_are_executed_in_their_order() {
    let Own { app, .. } = &own(Options::default());
    let rename = "mutation { rename(title: \"{count}\") { title } }";

    let answer = send(app, &of(&[rename, "{ courses { id } }", rename, rename, rename])).await;

    let titles: Vec<_> = [0, 2, 3, 4].map(|at| answer[at]["data"]["rename"]["title"].as_str()).into();
    assert_eq!(titles, ["1", "2", "3", "4"].map(Some));
    assert!(answer[1]["data"]["courses"].is_array(), "{answer}");
}

#[tokio::test]
async fn a_router_that_is_told_to_stop_executes_all_of_a_batch() {
    let Own { app, stop, ended, runtime } =
        App::own(Transport::InProcess, Options { config: Some(impatient_config()), ..Options::default() });
    let rename = "mutation { rename(title: \"{count}\") { title } }";
    let hangs = "{ echo(value: { text: \"hang while it stops\" }) }";
    let batch = of(&[rename, hangs, rename, rename]);

    let stopping = async {
        until("while it stops", 1).await;
        stop.cancel();
    };
    let (answer, ()) = tokio::join!(send(&app, &batch), stopping);

    assert_eq!(code(&answer[1]), Some("SERVICE_UNAVAILABLE"), "{answer}");
    let titles = [0, 2, 3].map(|at| answer[at]["data"]["rename"]["title"].as_str());
    assert_eq!(titles, ["1", "2", "3"].map(Some), "{answer}");
    let ended = tokio::task::spawn_blocking(|| ended.join()).await.expect("it is joined");
    assert!(ended.expect("no panic").is_ok());
    drop(runtime);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_loses_nothing_that_was_done() {
    let config = Some(changed_config("    request_timeout: 20s\n", "    request_timeout: 8s\n"));
    let Own { app, .. } = &own(Options { config, ..Options::default() });
    let rename = "mutation { rename(title: \"{count}\") { title } }";
    let hangs = "{ echo(value: { text: \"hang too long\" }) }";

    // Each is given up after 5 seconds.
    let answer = send(app, &of(&[rename, hangs, hangs, rename])).await;
    let next = send(app, &of(&[rename])).await;

    assert_eq!(answer[0]["data"]["rename"]["title"], "1", "{answer}");
    let codes = [1, 2, 3].map(|at| code(&answer[at]));
    assert_eq!(codes, [Some("SERVICE_UNAVAILABLE"); 3], "{answer}");
    assert_eq!(next[0]["data"]["rename"]["title"], "2", "the last one has not been begun");
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    let Own { app, .. } = &own(Options::default());
    let rename = "mutation { rename(title: \"{count}\") { title } }";
    for (batch, named) in [
        (of(&[rename; 11]), "at most 10 operations"),
        (json!([]), "empty list"),
        (json!([{ "query": rename }, [{ "query": rename }]]), "Item 2"),
        (json!([{ "query": rename }, null]), "Item 2"),
        (json!([[[[{ "query": rename }]]]]), "Item 1"),
    ] {
        let answer = reply(app.post().json(&batch)).await;

        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT")), "{answer}");
        assert!(answer.message().contains(named), "{answer}");
    }
    let text = app.post().header("content-type", "text/plain").header("x-lyceum-csrf", "1");
    let text = reply(text.body(of(&[rename]).to_string())).await;
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let deep = format!("[{{\"query\":\"{{ a }}\",\"variables\":{}{}}}]", "[".repeat(40), "]".repeat(40));
    let deep = reply(app.post().header("content-type", "application/json").body(deep)).await;
    assert_eq!((deep.status, deep.error()), (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT")));

    let first = send(app, &of(&[rename])).await;
    assert_eq!(first[0]["data"]["rename"]["title"], "1", "nothing was executed before");
}

#[tokio::test]
async fn an_operation_that_is_too_dear_costs_the_others_nothing() {
    let cost = CostSettings { anonymous_cost_limit: 30, ..CostSettings::default() };
    let Own { app, .. } = &own(Options { cost, ..Options::default() });

    let answer = send(app, &of(&["{ a: costly b: costly }", "{ costly }", "{ costly courses { id } }"])).await;

    assert_eq!(code(&answer[0]), Some("COST_ESTIMATED_TOO_EXPENSIVE"), "{answer}");
    assert!(answer[0].get("data").is_none_or(Value::is_null));
    assert!(answer[1]["data"]["costly"].is_string(), "{answer}");
    assert!(answer[2]["data"]["courses"].is_array(), "{answer}");
}

#[tokio::test]
async fn a_batch_takes_as_much_of_the_budget_as_its_operations_alone() {
    let weights = [("type Query", "type Query @cost(weight: 100000)")];
    let cost = CostSettings { cost_budget: 1_000, anonymous_cost_budget: 1_000, ..CostSettings::default() };
    let supergraph = Some(changed_supergraph(&weights));
    let Own { app, .. } = &own(Options { cost, supergraph, ..Options::default() });
    let documents: Vec<_> = (0..10).map(|number| format!("{{ a{number}: echo }}")).collect();
    let batch = of(&documents.iter().map(String::as_str).collect::<Vec<_>>());

    let mut codes = Vec::new();
    for _ in 0..3 {
        let response = app.post().json(&batch).send().await.expect("the router answers");
        let retry_after = response.headers().get("retry-after").cloned();
        let answer: Value = response.json().await.expect("JSON");
        let of_batch: Vec<_> =
            answer.as_array().expect("a list").iter().map(|one| code(one).map(str::to_owned)).collect();
        assert_eq!(retry_after.is_some(), of_batch.iter().any(Option::is_some), "{answer}");
        codes.extend(of_batch);
    }

    // The budget is for ten of the thirty, and is refilled by ten in a minute.
    assert!(codes[0].is_none(), "{codes:?}");
    let refused: Vec<_> = codes.iter().flatten().collect();
    assert!(refused.len() >= 10, "{codes:?}");
    assert_eq!(refused.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([&"RATE_LIMITED".to_owned()]));
}

#[tokio::test]
async fn the_responses_of_a_batch_have_one_limit() {
    let responses = ResponseSettings { max_response_bytes: 10_000 };
    let Own { app, .. } = &own(Options { responses, ..Options::default() });
    let long = |number: i32| {
        let variables = json!({ "value": { "text": format!("repeat {number}"), "count": 400 } });
        json!({ "query": "query ($value: Filter) { echo(value: $value) }", "variables": variables })
    };
    assert!(reply(app.post().json(&long(0))).await["data"]["echo"].is_string(), "one of them fits");

    let answer = send(app, &(0..6).map(long).collect()).await;

    let (fit, dropped): (Vec<_>, Vec<_>) =
        answer.as_array().expect("a list").iter().partition(|one| one["data"]["echo"].is_string());
    assert_eq!(answer.as_array().map(Vec::len), Some(6));
    assert!((1..=3).contains(&fit.len()), "{}", fit.len());
    assert!(dropped.iter().all(|one| code(one) == Some("RESPONSE_TOO_LARGE")), "{dropped:?}");
}

#[tokio::test]
async fn a_subscription_in_a_batch_is_refused() {
    let answer = send(App::get(), &of(&["subscription { ticks }", "{ courses { id } }"])).await;

    assert_eq!(code(&answer[0]), Some("BAD_USER_INPUT"), "{answer}");
    assert!(answer[1]["data"]["courses"].is_array(), "{answer}");
}

#[tokio::test]
async fn an_array_is_answered_in_the_type_that_is_accepted() {
    for (accept, answered) in [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
    ] {
        let request = App::get().post().header("accept", accept).json(&of(&["{ __typename }"]));
        let response = request.send().await.expect("the router answers");

        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], answered);
    }
}

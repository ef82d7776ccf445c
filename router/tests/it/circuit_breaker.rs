//! The circuit breaker: a subgraph that hangs costs its timeout a few times, and then milliseconds, until it recovers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{App, Options, Own, Transport, impatient_config, serve};

const TIMEOUT: Duration = Duration::from_mins(1);
/// More requests than open the circuit.
const ENOUGH: usize = 15;

/// A subgraph that can be made to hang.
#[derive(Clone, Default)]
struct Hanging {
    hangs: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

/// Responds to `{ away }` only.
async fn answer(State(subgraph): State<Hanging>) -> Json<Value> {
    subgraph.asked.fetch_add(1, Ordering::SeqCst);
    if subgraph.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    Json(json!({ "data": { "away": 7 } }))
}

/// The configuration for it, with a short timeout.
fn config(url: &str) -> String {
    format!("override_subgraph_urls:\n  subgraphs:\n    away:\n      url: {url}\n{}", impatient_config())
}

async fn until_answered(app: &App, query: &str) {
    let answered = async {
        while app.query(query).await.error().is_some() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(TIMEOUT, answered).await.expect("it is asked again by itself");
}

#[tokio::test]
async fn a_subgraph_that_hangs_is_not_asked_until_it_is_back() {
    let subgraph = Hanging::default();
    let address = serve(Router::new().route("/graphql", post(answer)).with_state(subgraph.clone())).await;
    let config = Some(config(&format!("http://{address}/graphql")));
    let Own { app, stop, runtime: _runtime, .. } = App::own(Transport::Http, Options { config, ..Options::default() });
    assert_eq!(app.query("{ away }").await.json["data"]["away"], 7);

    subgraph.hangs.store(true, Ordering::SeqCst);
    let away: Vec<_> = (0..ENOUGH).map(|number| format!("{{ a{number}: away }}")).collect();
    let given_up = join_all(away.iter().map(|query| app.query(query))).await;
    assert!(given_up.iter().all(|reply| reply.error() == Some("SERVICE_UNAVAILABLE")), "{given_up:?}");

    let asked = subgraph.asked.load(Ordering::SeqCst);
    for _ in 0..20 {
        let reply = app.query("{ away courses { id } }").await;
        assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"), "{reply:?}");
        assert_eq!(reply.json["data"]["courses"][0]["id"], "0", "others are asked: {reply:?}");
    }
    assert_eq!(subgraph.asked.load(Ordering::SeqCst), asked, "nobody waits for it");

    subgraph.hangs.store(false, Ordering::SeqCst);
    until_answered(&app, "{ away }").await;
    stop.cancel();
}

/// A subgraph of this process cannot hang by itself, and clients could make it slow.
#[tokio::test]
async fn one_of_this_process_is_always_asked() {
    let config = Some(impatient_config());
    let Own { app, stop, runtime: _runtime, .. } =
        App::own(Transport::InProcess, Options { config, ..Options::default() });
    // Different documents, so that they are not deduplicated.
    let slow: Vec<_> = (0..ENOUGH).map(|number| format!("{{ a{number}: slow }}")).collect();

    let given_up = join_all(slow.iter().map(|query| app.query(query))).await;

    assert!(given_up.iter().all(|reply| reply.error() == Some("SERVICE_UNAVAILABLE")), "{given_up:?}");
    assert_eq!(app.query("{ echo }").await.error(), None);
    stop.cancel();
}

#[tokio::test]
async fn what_clients_do_wrong_is_no_failure_of_a_subgraph() {
    for transport in [Transport::InProcess, Transport::Http] {
        let Own { app, stop, runtime: _runtime, .. } = App::own(transport, Options::default());
        for query in [
            "{ forbidden }",
            "{ fails }",
            "{ echo(value: { text: \"a\", count: 1e9 }) }",
            "{ echo(when: \"\\u0000\") }",
            "mutation { rename(title: \"too often\") { id } }",
            "{ away }",
        ] {
            for _ in 0..ENOUGH {
                app.query(query).await;
            }
        }

        assert_eq!(app.query("{ echo courses { id } }").await.error(), None, "{transport:?}");
        stop.cancel();
    }
}

//! Work for a client is cancelled when the client disconnects.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    support::{App, Transport, hanging},
    websocket::ready,
};

const TIMEOUT: Duration = Duration::from_mins(1);

pub async fn until(name: &str, count: usize) {
    let reached = async {
        while hanging(name) != count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TIMEOUT, reached).await.unwrap_or_else(|_| panic!("{name}: {}, not {count}", hanging(name)));
}

fn query(name: &str) -> String {
    format!("{{ echo(value: {{ text: \"hang {name}\" }}) }}")
}

#[tokio::test]
async fn of_a_request() {
    for transport in [Transport::InProcess, Transport::Http] {
        let (app, name) = (App::over(transport), format!("request-{transport:?}"));
        let asked = tokio::spawn(app.post().json(&json!({ "query": query(&name) })).send());
        until(&name, 1).await;

        asked.abort();

        until(&name, 0).await;
    }
}

#[tokio::test]
async fn of_operations_over_a_websocket() {
    for transport in [Transport::InProcess, Transport::Http] {
        let (app, name) = (App::over(transport), format!("socket-{transport:?}"));
        let mut socket = ready(app, json!({})).await;
        for operation in ["a", "b"] {
            // Different documents, so that they are not deduplicated.
            socket.subscribe(operation, &query(&name).replace("echo", &format!("{operation}: echo"))).await;
        }
        until(&name, 2).await;

        socket.say(&json!({ "type": "complete", "id": "a" })).await;
        until(&name, 1).await;

        drop(socket);
        until(&name, 0).await;
    }
}

//! Which clients use what of the graph, as the router counts it (`docs/graph-usage.md`).

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::system::{STUDENT, System, workspace};

const CATALOGUE: &str = "query Catalogue($filter: CourseFilter) { courses(filter: $filter) { nodes { title } } }";
const SECRET: &str = "nobody may read this";

/// The lines of all files, by client and operation.
fn counted(directory: &Path) -> BTreeMap<(String, String), Value> {
    let entries = directory.read_dir().expect("it can be read").map(|entry| entry.expect("an entry").path());
    let mut counted = BTreeMap::new();
    for file in entries {
        let text = fs::read_to_string(&file).expect("it can be read");
        assert!(!text.contains(SECRET), "{text}");
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        assert_eq!(lines.next(), Some(json!({ "format": "graphql-usage", "version": 1 })), "{}", file.display());
        for line in lines {
            let name = |key: &str| line[key].as_str().expect("a text").to_owned();
            counted.insert((name("client"), name("operation")), line);
        }
    }
    counted
}

#[test]
fn what_clients_use_is_counted_by_name() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let usage = directory.path().join("usage");
    let mut system = System::start(&["--temporary", "--usage-directory", usage.to_str().expect("a path")]);
    let web = system.anonymous().with_header("graphql-client-name", "web").with_header("graphql-client-version", "3.2");
    let ios = system.anonymous().with_header("apollographql-client-name", "ios");
    let filter = json!({ "filter": { "search": SECRET, "levels": ["BEGINNER"] } });

    for _ in 0..3 {
        web.data(CATALOGUE, filter.clone());
    }
    ios.data(CATALOGUE, json!({}));
    ios.data("query Mine { me { id } __schema { queryType { name } } }", json!({}));
    web.data(
        "query Order { courses(orderBy: TITLE, first: 1) { nodes { ...F } } } fragment F on Course { level }",
        json!({}),
    );
    // Rejected: nothing of it was executed.
    let wrong = web.send("query Wrong { nothing }", json!({}));
    assert_eq!(wrong.error(), Some("GRAPHQL_VALIDATION_FAILED"));
    let expired = web.with_token("rubbish").send("query Refused { courses { totalCount } }", json!({}));
    assert_eq!(expired.error(), Some("UNAUTHENTICATED"));
    system.sign_in(STUDENT).data("query Home { me { name courses { totalCount } } }", json!({}));
    Runtime::new().expect("a runtime").block_on(ask_by_web_socket(&system, "query Live { me { id } }"));
    assert_eq!(system.stop(), Some(0));

    let counted = counted(&usage);
    let line = |client: &str, operation: &str| &counted[&(client.to_owned(), operation.to_owned())];
    let catalogue = line("web", "Catalogue");
    assert_eq!(catalogue["requests"], 3);
    assert_eq!(catalogue["version"], "3.2");
    assert_eq!(catalogue["id"], hex::encode(Sha256::digest(CATALOGUE)));
    assert_eq!(
        catalogue["uses"],
        json!([
            "Course.title",
            "CourseConnection.nodes",
            "CourseFilter.levels",
            "CourseFilter.search",
            "CourseLevel.BEGINNER",
            "Query.courses",
            "Query.courses(filter:)"
        ])
    );
    assert_eq!(line("ios", "Catalogue")["uses"].as_array().map(Vec::len), Some(4));
    assert_eq!(line("ios", "Mine")["uses"], json!(["Query.me", "User.id"]));
    assert!(line("web", "Order")["uses"].as_array().expect("a list").contains(&json!("CourseOrder.TITLE")));
    assert_eq!(line("", "Home")["requests"], 1);
    assert_eq!(line("tv", "Live")["requests"], 1);
    assert!(!counted.keys().any(|(_, operation)| operation == "Wrong" || operation == "Refused"), "{counted:?}");
    assert_schema_check_reads(&usage);
}

/// As the client `tv`, which names itself where it connects.
async fn ask_by_web_socket(system: &System, query: &str) {
    let url = format!("{}/graphql", system.addresses.router).replacen("http", "ws", 1);
    let mut request = url.into_client_request().expect("a request");
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    headers.insert("apollographql-client-name", HeaderValue::from_static("tv"));
    let (mut socket, _) = connect_async(request).await.expect("a connection");
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": query } });
    for (message, answer) in [(json!({ "type": "connection_init" }), "connection_ack"), (subscribe, "next")] {
        socket.send(Message::text(message.to_string())).await.expect("it is open");
        let text = socket.next().await.expect("a message").expect("it is open").into_text().expect("text");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON")["type"], answer, "{text}");
    }
}

/// The program for which the files are made.
fn assert_schema_check_reads(usage: &Path) {
    let output = Command::new("node")
        .arg(workspace().join("schema-check/bin/lyceum-schema.js"))
        .args(["usage", "--format", "json", "--schema", "api.graphql", "--traffic"])
        .arg(usage)
        .current_dir(workspace())
        .output()
        .expect("node runs");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(!text.contains("\"Course.title\""), "it is used: {text}");
    assert!(text.contains("Course.description"), "nobody has used it: {text}");
}

//! `node` and `nodes`: every kind of object by its id, for every viewer, over every transport.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::blocking;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subgraph_testing::blocking::{Client, wait};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};
use uuid::Uuid;

use crate::{
    statements::{log_statements, statements},
    system::{ADMIN, Addresses, LoneRouter, OTHER_STUDENT, STUDENT, System, TEACHER, free_port},
};

const TYPES: [&str; 5] = ["User", "Course", "Enrollment", "Payment", "Notification"];
const TIMEOUT: Duration = Duration::from_secs(20);
const MINE: &str = "{ me { id
    enrollments(first: 20) { nodes { id course { id } payment { id } } }
    notifications(first: 1) { nodes { id } }
} }";

/// One object of each type, of this student's, in the order of `TYPES`.
fn objects(student: &Client) -> [String; 5] {
    let me = student.data(MINE, json!({}))["me"].clone();
    let enrollments = me["enrollments"]["nodes"].as_array().expect("enrollments");
    let paid = enrollments.iter().find(|enrollment| !enrollment["payment"].is_null()).expect("a paid one");
    let notification = &me["notifications"]["nodes"][0];
    [&me, &paid["course"], paid, &paid["payment"], notification]
        .map(|object| object["id"].as_str().expect("an id").to_owned())
}

fn field(kind: &str) -> String {
    kind.to_lowercase()
}

#[test]
fn every_object_is_found_by_whom_its_own_field_shows_it() {
    let system = System::shared();
    let ids = objects(&system.sign_in(STUDENT));
    let viewers = [
        ("anonymous", system.anonymous(), 2),
        ("student", system.sign_in(STUDENT), 5),
        ("other student", system.sign_in(OTHER_STUDENT), 2),
        ("teacher", system.sign_in(TEACHER), 2),
        ("admin", system.sign_in(ADMIN), 4),
    ];
    for (name, viewer, visible) in viewers {
        let mut seen = 0;
        for (kind, id) in TYPES.iter().zip(&ids) {
            let by_id = field(kind);
            let document = format!(
                "query ($id: ID!) {{
                    {by_id}(id: $id) {{ __typename id }}
                    plain: node(id: $id) {{ __typename id }}
                    typed: node(id: $id) {{ ... on {kind} {{ __typename id }} }}
                    nodes(ids: [$id]) {{ __typename id }}
                }}"
            );
            let data = viewer.data(&document, json!({ "id": id }));

            let expected = &data[by_id.as_str()];
            assert!(expected.is_null() || expected["__typename"] == *kind, "{data}");
            assert_eq!(&data["plain"], expected, "{name}, {kind}");
            assert_eq!(&data["typed"], expected, "{name}, {kind}");
            assert_eq!(data["nodes"], json!([expected]), "{name}, {kind}");
            seen += usize::from(!expected.is_null());
        }
        assert_eq!(seen, visible, "{name}");
    }
}

#[test]
fn what_is_somebody_elses_looks_like_nothing() {
    let system = System::shared();
    let [_, _, enrollment, payment, notification] = objects(&system.sign_in(STUDENT));
    let document = "query ($id: ID!, $ids: [ID!]!) {
        node(id: $id) { __typename id ... on Payment { amount student { email } } ... on Notification { title } }
        nodes(ids: $ids) { ... on Payment { id } ... on Enrollment { id } ... on Notification { id } }
    }";
    for viewer in [system.anonymous(), system.sign_in(OTHER_STUDENT)] {
        let ask = |id: &str| viewer.send(document, json!({ "id": id, "ids": [id] })).text;
        let nothing = ask(&Uuid::now_v7().to_string());

        assert_eq!(nothing, r#"{"data":{"node":null,"nodes":[null]}}"#);
        for id in [&enrollment, &payment, &notification] {
            assert_eq!(ask(id), nothing);
        }
    }
}

#[test]
fn nodes_are_in_the_order_of_their_ids() {
    let system = System::shared();
    let student = system.sign_in(STUDENT);
    let [user, course, enrollment, payment, notification] = objects(&student);
    let unknown = Uuid::now_v7().to_string();
    let ids = [&notification, &course, &unknown, &user, &course, &payment, &enrollment, &course];
    let document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Course { title } ...User } }
        fragment User on User { title: name }";

    let found = student.data(document, json!({ "ids": ids }))["nodes"].as_array().expect("a list").clone();

    let kinds = ["Notification", "Course", "", "User", "Course", "Payment", "Enrollment", "Course"];
    assert_eq!(found.len(), ids.len());
    for ((node, id), kind) in found.iter().zip(ids).zip(kinds) {
        if kind.is_empty() {
            assert!(node.is_null(), "{node}");
            continue;
        }
        assert_eq!((&node["__typename"], &node["id"]), (&json!(kind), &json!(id)));
        assert_eq!(node["title"].is_string(), ["Course", "User"].contains(&kind), "{node}");
    }
    let of_one_type =
        student.data("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Course { id } } }", json!({ "ids": ids }));
    let courses: Vec<_> = of_one_type["nodes"].as_array().expect("a list").iter().map(Value::is_object).collect();
    assert_eq!(courses, [false, true, false, false, true, false, false, true]);
    assert_eq!(student.data("{ nodes(ids: []) { id } }", json!({})), json!({ "nodes": [] }));
    let single = student.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": course }));
    assert_eq!(single, json!({ "nodes": [{ "id": course }] }));
}

#[test]
fn keys_are_where_the_client_has_put_them() {
    let system = System::shared();
    let student = system.sign_in(STUDENT);
    let [user, course, ..] = objects(&student);
    let document = "query Named($user: ID!, $course: ID!, $no: Boolean!) {
        z: __typename
        user: node(id: $course) { title: __typename ... on Course { id: title name: id } }
        ...Root
        skipped: node(id: $user) @include(if: $no) { id }
        node(id: $user) { b: id @skip(if: $no) a: __typename c: id @include(if: $no) }
    }
    fragment Root on Query { me { id } type0_n0_0_0: node(id: $user) { ... on User { id } ... on Course { title } } }";

    let text = student.send(document, json!({ "user": user, "course": course, "no": false })).text;

    let title = student.data("query ($id: ID!) { course(id: $id) { title } }", json!({ "id": course }));
    let title = &title["course"]["title"];
    assert_eq!(
        text,
        format!(
            r#"{{"data":{{"z":"Query","user":{{"title":"Course","id":{title},"name":"{course}"}},"me":{{"id":"{user}"}},"type0_n0_0_0":{{"id":"{user}"}},"node":{{"b":"{user}","a":"User"}}}}}}"#
        )
    );
}

#[test]
fn what_cannot_be_an_id_is_an_error_as_of_the_field_by_id() {
    let system = System::shared();
    let client = system.anonymous();
    for bad in ["", "x", "01940000-0000-7000-8000-00000000000z"] {
        let by_id = client.send("query ($id: ID!) { node: user(id: $id) { id } }", json!({ "id": bad })).json;
        let mut node = client.send("query ($id: ID!) { node(id: $id) { id } }", json!({ "id": bad })).json;

        assert_eq!(node["data"], json!({ "node": null }), "{node}");
        // Which of the five has said so is of no interest.
        node["errors"][0]["extensions"]["service"] = by_id["errors"][0]["extensions"]["service"].clone();
        node["errors"][0]["message"] = by_id["errors"][0]["message"].clone();
        assert_eq!(node["errors"], by_id["errors"]);
        assert_eq!(by_id["errors"].as_array().map(Vec::len), Some(1));
    }
    let nodes = client.send("{ nodes(ids: [\"01940000-0000-7000-8000-000000000000\", \"x\"]) { id } }", json!({})).json;
    assert_eq!(nodes["data"], json!({ "nodes": [null, null] }));
    assert_eq!(nodes["errors"].as_array().map(Vec::len), Some(1), "{nodes}");
    assert_eq!(nodes["errors"][0]["path"], json!(["nodes", 1]));
    assert_eq!(nodes["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn a_hundred_and_one_ids_are_too_many() {
    let client = System::shared().sign_in(STUDENT);
    let ids = |count: usize| vec![Uuid::now_v7().to_string(); count];
    let by_variable = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Course { title } } }";

    let hundred = client.send(by_variable, json!({ "ids": ids(100) })).json;
    assert_eq!(hundred, json!({ "data": { "nodes": vec![Value::Null; 100] } }));
    let literal = format!("{{ nodes(ids: {}) {{ id }} }}", json!(ids(101)));
    for (document, variables) in [(by_variable, json!({ "ids": ids(101) })), (literal.as_str(), json!({}))] {
        let answer = client.send(document, variables).json;

        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains("`ids`")), "{answer}");
    }
}

#[test]
fn an_operation_looks_up_five_hundred_ids_and_no_more() {
    let client = System::shared().sign_in(STUDENT);
    let ids = vec![Uuid::now_v7().to_string(); 100];
    let with = |lists: usize, selection: &str| {
        let fields: Vec<_> = (0..lists).map(|n| format!("a{n}: nodes(ids: $ids) {{ {selection} }}")).collect();
        client.send(&format!("query ($ids: [ID!]!) {{ {} }}", fields.join(" ")), json!({ "ids": ids }))
    };

    let five = with(5, "... on Course { title }").json;
    assert_eq!(five["data"]["a4"], json!(vec![Value::Null; 100]), "{five}");
    // An id that may be of any type counts five times.
    for (lists, selection) in [(6, "... on Course { title }"), (2, "id")] {
        let refused = with(lists, selection).json;

        assert!(refused.get("data").is_none(), "{refused}");
        assert_eq!(refused["errors"].as_array().map(Vec::len), Some(1), "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["code"], "TOKEN_LIMIT_EXCEEDED", "{refused}");
        assert_eq!(
            refused["errors"][0]["message"],
            "`nodes` has too many ids for what is selected of each. Send fewer ids in an operation, or select less."
        );
    }
}

#[test]
fn the_limit_of_aliases_counts_what_the_client_has_written() {
    let client = System::shared().anonymous();
    let with = |count: usize| {
        let fields: Vec<_> = (0..count).map(|n| format!("a{n}: node(id: \"{}\") {{ id }}", Uuid::now_v7())).collect();
        client.send(&format!("{{ {} }}", fields.join(" ")), json!({}))
    };

    assert_eq!(with(30).error(), None);
    assert_eq!(with(31).error(), Some("MAX_ALIASES_EXCEEDED"));
}

#[test]
fn nodes_cost_what_is_asked_and_no_more_statements_than_one() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let ids = objects(&student);
    let logs = log_statements(&system);
    let plain = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let courses = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Course { title } } }";
    let asked = |document: &str, ids: &[String]| {
        let before = statements(&logs).len();
        student.data(document, json!({ "ids": ids }));
        statements(&logs).len() - before
    };
    let many: Vec<_> = ids.iter().cycle().take(50).cloned().collect();

    assert_eq!(asked(courses, &ids[..1]), 1);
    assert_eq!(asked(courses, &many[..3]), 1);
    assert_eq!(asked(courses, &many), 1);
    assert_eq!(asked(plain, &ids[..1]), 5);
    assert_eq!(asked(plain, &many), 5);

    let cost = |document: &str, ids: &[String]| {
        let answer = student.with_header("lyceum-cost", "1").send(document, json!({ "ids": ids })).json;
        answer["extensions"]["cost"]["estimated"].as_f64().expect("a cost")
    };
    assert!(cost(plain, &ids[..1]) > cost(courses, &ids[..1]));
    assert!(cost(courses, &many) > cost(courses, &ids[..1]));
    // Three have the plan of five.
    let [one, two, three] = [1, 2, 3].map(|count| cost(courses, &many[..count]));
    assert!((three - two - (two - one)).abs() < 1e-6, "{one} {two} {three}");
}

#[test]
fn a_subgraph_that_is_away_takes_its_own_nodes_with_it() {
    let system = System::shared();
    let student = system.sign_in(STUDENT);
    let [user, course, _, payment, _] = objects(&student);
    let mut subgraphs = system.addresses.subgraphs.clone();
    subgraphs.insert("payment".to_owned(), format!("http://127.0.0.1:{}/graphql", free_port()));
    let router = LoneRouter::before(&Addresses { subgraphs, ..system.addresses.clone() });
    let student = router.visitor().with_token(student.token().expect("a token"));
    let one = "query ($id: ID!) { node(id: $id) { __typename id } }";

    for (id, kind) in [(&user, "User"), (&course, "Course")] {
        let found = student.send(one, json!({ "id": id })).json;
        assert_eq!(found, json!({ "data": { "node": { "__typename": kind, "id": id } } }));
    }
    // It may be a payment.
    for id in [payment, Uuid::now_v7().to_string()] {
        let lost = student.send(one, json!({ "id": id })).json;
        assert_eq!(lost["data"], json!({ "node": null }), "{lost}");
        assert_eq!(lost["errors"].as_array().map(Vec::len), Some(1), "{lost}");
        assert_eq!(lost["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{lost}");
    }
    let asked = "query ($id: ID!) { node(id: $id) { ... on Course { title } } }";
    assert!(student.data(asked, json!({ "id": course }))["node"]["title"].is_string());
}

#[test]
fn every_transport_has_the_same_answer() {
    let system = System::shared();
    let student = system.sign_in(STUDENT);
    let [user, course, ..] = objects(&student);
    let document = "query ($id: ID!, $ids: [ID!]!) { a: node(id: $id) { __typename ... on User { name } } nodes(ids: $ids) { id } }";
    let variables = json!({ "id": user, "ids": [course, user] });
    let expected = student.send(document, variables.clone()).json;
    assert_eq!(expected["data"]["a"]["__typename"], "User", "{expected}");
    assert_eq!(expected["data"]["nodes"], json!([{ "id": course }, { "id": user }]));

    let endpoint = format!("{}/graphql", system.addresses.router);
    let http = blocking::Client::new();
    let token = format!("Bearer {}", student.token().expect("a token"));
    let query = [("query", document.to_owned()), ("variables", variables.to_string())];
    let get = http.get(&endpoint).query(&query).header("authorization", &token).send().expect("an answer");
    assert_eq!(get.json::<Value>().expect("JSON"), expected);

    assert_eq!(student.first_event(document, variables.clone()).json, expected);
    for accept in ["text/event-stream", "multipart/mixed; subscriptionSpec=1.0"] {
        let request = http.post(&endpoint).header("authorization", &token).header("accept", accept);
        let answer = request.json(&json!({ "query": document, "variables": variables })).send().expect("an answer");
        let text = answer.text().expect("text");
        assert!(
            text.contains(&expected.to_string()[1..]) || text.contains(&expected["data"]["nodes"].to_string()),
            "{text}"
        );
        assert!(!text.contains("type0_"), "{text}");
    }

    let request = json!({ "query": document, "variables": variables });
    assert_eq!(student.send_request(&json!([request, request])).json, json!([expected, expected]));

    let hash = hex::encode(Sha256::digest(document));
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let stored = json!({ "query": document, "variables": variables, "extensions": extensions });
    assert_eq!(student.send_request(&stored).json, expected);
    let by_hash = json!({ "variables": variables, "extensions": extensions });
    assert_eq!(student.send_request(&by_hash).json, expected);
    let fewer = json!({ "variables": { "id": user, "ids": [user] }, "extensions": extensions });
    assert_eq!(student.send_request(&fewer).json["data"]["nodes"], json!([{ "id": user }]));

    assert_eq!(wait(over_websocket(&endpoint, &token, &request)), expected);
}

async fn over_websocket(endpoint: &str, token: &str, request: &Value) -> Value {
    let mut handshake = endpoint.replace("http://", "ws://").into_client_request().expect("a request");
    handshake.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(handshake).await.expect("a connection");
    let init = json!({ "type": "connection_init", "payload": { "authorization": token } });
    socket.send(Message::text(init.to_string())).await.expect("it is sent");
    loop {
        let message = timeout(TIMEOUT, socket.next()).await.expect("in time").expect("a message").expect("a message");
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        if message["type"] == "next" {
            return message["payload"].clone();
        }
        assert_eq!(message["type"], "connection_ack", "{message}");
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": request });
        socket.send(Message::text(subscribe.to_string())).await.expect("it is sent");
    }
}

#[test]
fn introspection_shows_the_interface() {
    let client = System::shared().anonymous();
    let data = client.data(
        "{ __type(name: \"Node\") { kind fields { name } possibleTypes { name } }
           node(id: \"01940000-0000-7000-8000-000000000000\") { ... on User { id } } }",
        json!({}),
    );

    assert_eq!(data["__type"]["kind"], "INTERFACE");
    assert_eq!(data["__type"]["fields"], json!([{ "name": "id" }]));
    let mut types: Vec<_> =
        data["__type"]["possibleTypes"].as_array().expect("types").iter().map(|of| of["name"].clone()).collect();
    types.sort_by_key(Value::to_string);
    let mut expected = TYPES.map(|name| json!(name));
    expected.sort_by_key(Value::to_string);
    assert_eq!(types, expected);
    assert!(data["node"].is_null());
    for document in ["mutation { node(id: 1) { id } }", "subscription { node(id: 1) { id } }"] {
        assert_eq!(client.send(document, json!({})).error(), Some("GRAPHQL_VALIDATION_FAILED"));
    }
}

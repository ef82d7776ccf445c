//! What a contract hides, clients cannot ask for by any entry point, and the router does not tell of. The real graph's
//! contract is tested in `lyceum`.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use reqwest::{RequestBuilder, StatusCode};
use router::Contract;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subgraph_testing::{Reply, token};

use crate::{
    support::{App, Options, Own, Transport, changed_supergraph, claims, reply},
    websocket::ready,
};

/// What `lyceum-schema filter` makes of the tests' supergraph.
const MARKS: [(&str, &str); 7] = [
    (
        "directive @cost(",
        "directive @inaccessible on FIELD_DEFINITION | OBJECT | INPUT_FIELD_DEFINITION\n\ndirective @cost(",
    ),
    ("  costly: String ", "  costly: String @inaccessible "),
    ("when: DateTime)", "when: DateTime @inaccessible)"),
    ("scalar DateTime @join__type(graph: PEOPLE)", "scalar DateTime @join__type(graph: PEOPLE) @inaccessible"),
    ("  friends: [User!]! ", "  friends: [User!]! @inaccessible "),
    ("  ticks(count: Int): Int! ", "  ticks(count: Int): Int! @inaccessible "),
    ("  text: String!\n  count: Int\n", "  text: String!\n  count: Int @inaccessible\n"),
];
const HIDDEN: [&str; 5] = ["costly", "when", "DateTime", "friends", "ticks"];
/// A field of each kind, by each entry point.
const DOCUMENTS: [&str; 18] = [
    "{ costly }",
    "{ me: costly }",
    "{ ... on Query { costly } }",
    "{ ... { courses: costly } }",
    "{ ...F } fragment F on Query { costly }",
    "{ costly @skip(if: true) __typename }",
    "query ($no: Boolean = false) { costly @include(if: $no) }",
    "{ me { friends { id } } }",
    "{ me { name: friends { id } } }",
    "{ courses { teacher { friends { name } } } }",
    "{ courses { teacher { ...F } } } fragment F on User { friends { name } }",
    "{ found { ... on User { friends { id } } } }",
    "mutation { rename(title: \"a\") { teacher { friends { id } } } }",
    "{ echo(value: { text: \"a\", count: 1 }) }",
    "{ echo(when: \"2026-01-31\") }",
    "query ($when: DateTime) { echo(when: $when) }",
    "{ _entities(representations: [{ __typename: \"User\", id: \"1\" }]) { ... on User { friends { id } } } }",
    "{ _service { sdl } }",
];

fn with_contract(transport: Transport) -> Own {
    App::own(transport, Options { supergraph: Some(changed_supergraph(&MARKS)), ..Options::default() })
}

async fn text(request: RequestBuilder) -> String {
    request.send().await.expect("the router answers").text().await.expect("it is text")
}

fn code(answer: &Value) -> &str {
    answer.pointer("/errors/0/extensions/code").and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn each_contract_of_the_list_can_be_served() {
    let listed: BTreeMap<String, Value> =
        serde_yaml_ng::from_str(include_str!("../../../contracts.yaml")).expect("it is valid");
    let names = Contract::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let served: BTreeSet<_> = names.map(|value| value.get_name().to_owned()).collect();

    assert_eq!(served, listed.into_keys().collect());
}

#[tokio::test]
async fn what_is_hidden_cannot_be_asked_for_by_any_entry_point() {
    for transport in [Transport::InProcess, Transport::Http] {
        let Own { app, runtime: _files, .. } = with_contract(transport);
        for document in DOCUMENTS {
            for token in [None, Some(token(&claims()))] {
                let answer = app.send(json!({ "query": document }), token.as_deref()).await;
                assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{transport:?} {document}: {answer}");
                assert!(answer["data"].is_null(), "{transport:?} {document}: {answer}");
            }
        }
        for documents in DOCUMENTS.chunks(5) {
            let batch: Value = documents.iter().map(|document| json!({ "query": document })).collect();
            let answers: Value = app.post().json(&batch).send().await.expect("an answer").json().await.expect("JSON");
            let answers = answers.as_array().expect("an answer to each");
            assert_eq!(answers.len(), documents.len());
            assert!(answers.iter().all(|answer| code(answer) == "GRAPHQL_VALIDATION_FAILED"), "{answers:?}");
        }
    }
}

#[tokio::test]
async fn hidden_fields_are_unknown_by_get_by_hash_in_streams_and_in_values_of_variables() {
    let Own { app, runtime: _files, .. } = with_contract(Transport::InProcess);
    let by_get = app.get_page("/graphql").query(&[("query", "{ costly }")]);
    assert_eq!(reply(by_get).await.error(), Some("GRAPHQL_VALIDATION_FAILED"));

    let hash = hex::encode(Sha256::digest("{ costly }"));
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let stored = app.send(json!({ "query": "{ costly }", "extensions": extensions }), None).await;
    assert_eq!(stored.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{stored}");
    let found = app.send(json!({ "extensions": extensions }), None).await;
    assert_eq!(found.error(), Some("PERSISTED_QUERY_NOT_FOUND"), "{found}");

    for document in ["subscription { ticks }", "subscription { courseAdded(count: 1) { teacher { friends { id } } } }"]
    {
        let request = app.post().header("accept", "text/event-stream").bearer_auth(token(&claims()));
        let answer = text(request.json(&json!({ "query": document }))).await;
        assert!(answer.contains("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
        assert!(!answer.contains("\"data\":{"), "{document}: {answer}");
        let mut socket = ready(&app, json!({})).await;
        socket.subscribe("x", document).await;
        let answer = socket.hear().await.expect("the connection stays open");
        assert_eq!(answer["type"], "error", "{document}: {answer}");
        assert_eq!(answer["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{document}: {answer}");
    }

    let query = "query ($value: Filter) { echo(value: $value) }";
    let send = |value: Value| app.send(json!({ "query": query, "variables": { "value": value } }), None);
    let refused = send(json!({ "text": "a", "count": 1 })).await;
    assert_eq!(refused.error(), Some("BAD_USER_INPUT"), "{refused}");
    assert!(send(json!({ "text": "a" })).await["data"]["echo"].is_string());
}

#[tokio::test]
async fn the_schema_and_errors_do_not_tell_what_is_hidden() {
    let Own { app, runtime: _files, .. } = with_contract(Transport::InProcess);
    let told = [
        app.query("{ __type(name: \"User\") { fields { name } } }").await.text,
        app.query("{ __type(name: \"Filter\") { inputFields { name } } }").await.text,
        app.query("{ __type(name: \"Query\") { fields { name args { name } } } }").await.text,
        app.query("{ __schema { types { name fields { name args { name } } inputFields { name } } } }").await.text,
        text(app.get_page("/schema.graphql")).await,
    ];
    for text in &told {
        assert!(text.contains("name"), "{text}");
        for hidden in HIDDEN {
            let forms = [format!("\"{hidden}\""), format!("{hidden}:"), format!("{hidden}("), format!(" {hidden}\n")];
            assert!(!forms.iter().any(|form| text.contains(form)), "{hidden}: {text}");
        }
    }
    assert!(!told[1].contains("count"), "{}", told[1]);
    let unknown = app.query("{ __type(name: \"DateTime\") { name } }").await;
    assert!(unknown["data"]["__type"].is_null(), "{unknown}");
    assert_eq!(unknown.error(), None, "{unknown}");

    for (document, hidden) in [
        ("{ costl }", "costly"),
        ("{ me { friend { id } } }", "friends"),
        ("{ echo(whe: 1) }", "when"),
        ("{ echo(value: { text: \"a\", coun: 1 }) }", "count"),
        ("query ($a: DateTim) { echo }", "DateTime"),
        ("subscription { tick }", "ticks"),
    ] {
        let answer = app.query(document).await;
        assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{answer}");
        assert!(!answer.text.contains(hidden), "{answer}");
    }
}

#[tokio::test]
async fn the_name_of_a_hidden_type_is_not_told_where_a_subgraph_returns_one() {
    let mut marks = MARKS.to_vec();
    marks.extend([
        ("  courses: [Course!]! ", "  courses: [Course!]! @inaccessible "),
        ("type Mutation @join__type(graph: COURSES) {", "type Mutation @join__type(graph: COURSES) @inaccessible {"),
        ("  mutation: Mutation\n", ""),
        ("  courseAdded(count: Int): Course! ", "  courseAdded(count: Int): Course! @inaccessible "),
        (
            "type Subscription @join__type(graph: COURSES)",
            "type Subscription @inaccessible @join__type(graph: COURSES)",
        ),
        ("  subscription: Subscription\n", ""),
        (
            "type Course @join__type(graph: COURSES, key: \"id\")",
            "type Course @inaccessible @join__type(graph: COURSES, key: \"id\")",
        ),
        (" @join__unionMember(graph: COURSES, member: \"Course\")", ""),
        ("= Course | User", "= User"),
    ]);
    let supergraph = Some(changed_supergraph(&marks));
    let options = Options { supergraph, ..Options::default() };
    let Own { app, runtime: _files, .. } = App::own(Transport::InProcess, options);

    for document in ["{ found { __typename } }", "{ found { kind: __typename ... on User { id } } }"] {
        let answer = app.query(document).await;
        assert_eq!(answer["data"], json!({ "found": null }), "{document}: {answer}");
        assert!(!answer.text.contains("Course"), "{document}: {answer}");
    }
    for document in
        ["{ found { ... on Course { title } } }", "{ courses { id } }", "mutation { rename(title: \"a\") { id } }"]
    {
        assert_eq!(app.query(document).await.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}");
    }
    let roots = app.query("{ __schema { mutationType { name } subscriptionType { name } } }").await;
    assert_eq!(roots["data"]["__schema"], json!({ "mutationType": null, "subscriptionType": null }), "{roots}");
}

#[tokio::test]
async fn what_is_visible_is_as_before_and_a_router_without_the_contract_has_all() {
    let Own { app, runtime: _files, .. } = with_contract(Transport::InProcess);
    for document in ["{ courses { id teacher { id name } } }", "{ echo(value: { text: \"a\" }) }"] {
        let (part, whole) = (app.query(document).await, App::get().query(document).await);
        assert_eq!(part.error(), None, "{part}");
        assert_eq!(part["data"], whole["data"]);
    }
    let is_of_clients = |document: &&&str| !document.contains("_entities") && !document.contains("_service");
    for document in DOCUMENTS.iter().filter(is_of_clients) {
        let answer: Reply = App::get().query(document).await;
        assert_ne!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
    }
}

#[tokio::test]
async fn there_is_no_playground_since_it_shows_the_whole_graph() {
    let options = Options { contract: Some(Contract::Public), ..Options::default() };
    let Own { app, runtime: _files, .. } = App::own(Transport::InProcess, options);

    let page = app.get_page("/").header("accept", "text/html");
    assert!(text(page).await.starts_with("This router has no playground."));
    for path in ["/assets/index-abc123.js", "/playground.json", "/playground/mail.json"] {
        let response = app.get_page(path).send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

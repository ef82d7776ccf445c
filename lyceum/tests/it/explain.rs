//! `EXPLAIN` of the statements that a trace shows: in development only, by id only, and without executing them.

use std::{collections::BTreeMap, fs};

use reqwest::{
    StatusCode,
    blocking::{Client as HttpClient, get},
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, query_scalar};
use subgraph_testing::blocking::Client;

use crate::system::{ADMIN, LoneRouter, PASSWORD, STUDENT, System, TEACHER, documents};

const TRACE: &str = "lyceum-trace";
const CREATE_COURSE: &str = "mutation ($input: CreateCourseInput!) {
    createCourse(input: $input) { course { id title } userErrors { code } }
}";

/// The statements of a trace by id, each with its subgraph and text.
fn explainable(answer: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let fetches = answer["extensions"]["trace"]["fetches"].as_array().expect("a trace");
    let statements = fetches.iter().flat_map(|fetch| {
        let statements = fetch["statements"].as_array().expect("a list");
        statements.iter().map(move |statement| (fetch, statement))
    });
    let with_ids = statements.filter(|(_, statement)| !statement["id"].is_null());
    with_ids.map(|(fetch, it)| (text(&it["id"]), (text(&fetch["subgraph"]), text(&it["sql"])))).collect()
}

fn traced(visitor: &Client, document: &str, variables: Value) -> Value {
    visitor.with_header(TRACE, "1").send(document, variables).json
}

fn explain(router: &str, id: &str) -> (StatusCode, Value) {
    let response = get(format!("{router}/playground/explain/{id}")).expect("the router answers");
    let status = response.status();
    let text = response.text().expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// What changes with any row of the table.
fn rows_of_courses(system: &System) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut db = PgConnection::connect(&system.addresses.databases["course"]).await.expect("the database answers");
        let all = query_scalar("select md5(string_agg(courses::text, ',' order by id)) from courses");
        let all = all.fetch_one(&mut db).await.expect("a text");
        db.close().await.expect("the connection closes");
        all
    })
}

/// All that the queries of `operations/` make the services run, with types that PostgreSQL has to infer.
#[test]
fn every_statement_of_the_stored_queries_is_explained() {
    let system = System::shared();
    let viewers = [STUDENT, TEACHER, ADMIN].map(|email| system.sign_in(email));
    let mut statements = BTreeMap::new();
    for path in documents() {
        let document = fs::read_to_string(&path).expect("an operation");
        if !document.contains("query ") {
            continue;
        }
        let variables = fs::read(path.with_extension("variables.json")).unwrap_or_else(|_| b"{}".to_vec());
        let variables: Value = serde_json::from_slice(&variables).expect("variables");
        for viewer in &viewers {
            let answer = traced(viewer, &document, variables.clone());
            if answer["extensions"]["trace"].is_object() {
                statements.append(&mut explainable(&answer));
            }
        }
    }
    assert!(statements.len() > 10, "{statements:#?}");

    for (id, (subgraph, sql)) in &statements {
        let (status, answer) = explain(&system.addresses.router, id);
        assert_eq!(status, StatusCode::OK, "{subgraph}: {sql}: {answer}");
        assert_eq!((&answer["subgraph"], &answer["sql"]), (&json!(subgraph), &json!(sql)));
        let plan = &answer["plan"];
        assert!(plan["type"].is_string() && plan["cost"].is_number() && plan["rows"].is_number(), "{answer}");
    }
}

#[test]
fn a_mutations_statement_is_explained_and_changes_nothing() {
    let system = System::start(&["--temporary"]);
    let teacher = system.sign_in(TEACHER);
    let title = "A title that no plan contains";
    let answer = traced(&teacher, CREATE_COURSE, json!({ "input": { "title": title } }));
    assert_eq!(answer["data"]["createCourse"]["course"]["title"], title, "{answer}");
    let statements = explainable(&answer);
    let before = rows_of_courses(&system);

    let mut changes = 0;
    for (id, (subgraph, sql)) in &statements {
        let (status, answer) = explain(&system.addresses.router, id);
        assert_eq!(status, StatusCode::OK, "{subgraph}: {sql}: {answer}");
        assert!(!answer.to_string().contains(title) && !answer.to_string().contains(TEACHER), "{answer}");
        changes += usize::from(answer["plan"].to_string().contains(r#""operation":"Insert""#));
    }

    assert!(changes > 0, "{statements:#?}");
    assert_eq!(rows_of_courses(&system), before);
}

#[test]
fn only_what_a_trace_has_shown_is_explained() {
    let system = System::shared();
    let router = &system.addresses.router;
    let answer = traced(&system.anonymous(), "{ courses(first: 3) { nodes { id } } }", json!({}));
    let id = explainable(&answer).into_keys().next().expect("a statement");

    assert_eq!(explain(router, &id).0, StatusCode::OK);
    let upper = id.to_uppercase();
    for unknown in [&id[1..], upper.as_str(), "select%201", "%20", "0"] {
        let (status, answer) = explain(router, unknown);
        assert_eq!(status, StatusCode::NOT_FOUND, "{unknown}");
        assert!(answer["error"].as_str().is_some_and(|error| error.contains("not remembered")), "{answer}");
    }
    let url = format!("{router}/playground/explain/{id}");
    for request in [HttpClient::new().post(&url).body("select 1"), HttpClient::new().get(&url).header("via", "a proxy")]
    {
        let response = request.send().expect("the router answers");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    // Whoever is behind a proxy gets no ids either.
    let forwarded = system.anonymous().with_header("x-forwarded-for", "192.0.2.1");
    let answer = traced(&forwarded, "{ courses(first: 3) { nodes { id } } }", json!({}));
    assert!(answer["extensions"]["trace"].is_object() && explainable(&answer).is_empty(), "{answer}");
}

#[test]
fn in_production_nothing_is_explained_not_even_for_admins() {
    let system = System::shared();
    let process = LoneRouter::start(system);
    let admin = process.visitor().sign_in(ADMIN, PASSWORD);
    let document = "{ courses(first: 3) { nodes { id } } }";
    let known = explainable(&traced(&system.anonymous(), document, json!({}))).into_keys().next().expect("a statement");

    let answer = traced(&admin, document, json!({}));

    assert!(answer["extensions"]["trace"]["fetches"][0]["statements"][0]["sql"].is_string(), "{answer}");
    assert!(explainable(&answer).is_empty(), "{answer}");
    let url = format!("{}/playground/explain/{known}", process.address());
    let token = admin.token().expect("a token");
    let response = HttpClient::new().get(url).bearer_auth(token).send().expect("the router answers");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(!response.text().expect("text").contains("remembered"));
}

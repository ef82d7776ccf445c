//! `lyceum up --safelist`: the router answers the documents that are listed, and nothing else.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::system::{PASSWORD, STUDENT, System, Visitor, code, workspace};

const FREE: &str = "{ courses(first: 1) { nodes { id } } }";

#[test]
fn listed_documents_are_served_by_their_id_and_all_others_are_refused() {
    let manifest = manifest();
    let system = System::start(&["--temporary", "--safelist", manifest.to_str().expect("a path of letters")]);
    let anonymous = system.anonymous();
    assert!(system.output().contains("the playground, and whatever else sends queries of its own, is refused"));

    let catalogue = by_id(&anonymous, &id("Catalogue"), &json!({ "first": 1 }));
    assert!(catalogue["data"]["courses"]["nodes"][0]["id"].is_string(), "{catalogue}");
    let sign_in = by_id(&anonymous, &id("SignIn"), &json!({ "input": { "email": STUDENT, "password": PASSWORD } }));
    let token = sign_in["data"]["login"]["session"]["accessToken"].as_str().expect("a session");
    let profile = by_id(&anonymous.with_token(token), &id("MyProfile"), &json!({}));
    assert_eq!(profile["data"]["me"]["email"], STUDENT, "{profile}");
    let hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id("Catalogue") } } });
    assert!(anonymous.post(hash.to_string())["data"]["courses"].is_object());

    for refused in [
        json!({ "query": FREE }),
        json!({ "query": "{ __schema { queryType { name } } }" }),
        json!({ "query": "{ __typename }" }),
        json!({ "documentId": "0000" }),
        json!({ "documentId": "0000", "query": FREE }),
        json!({ "query": FREE, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "0000" } } }),
    ] {
        let answer = anonymous.post(refused.to_string());
        assert_eq!(code(&answer), "BAD_USER_INPUT", "{refused}: {answer}");
        assert!(answer.get("data").is_none_or(Value::is_null), "{refused}: {answer}");
    }
    // The text beside a known id is not what is run.
    let beside = json!({ "documentId": id("Catalogue"), "query": "{ __schema { queryType { name } } }" });
    let answer = anonymous.post(beside.to_string());
    assert!(answer["data"].get("__schema").is_none(), "{answer}");
}

#[test]
fn a_manifest_that_is_not_there_stops_the_start() {
    let output = crate::system::command(&["--temporary", "--empty", "--safelist", "no/such/manifest.json"])
        .stdin(std::process::Stdio::piped())
        .output()
        .expect("`lyceum` runs");

    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no/such/manifest.json"), "{said}");
}

fn by_id(visitor: &Visitor, id: &str, variables: &Value) -> Value {
    visitor.post(json!({ "documentId": id, "variables": variables }).to_string())
}

/// What `lyceum-schema manifest` has written.
fn manifest() -> PathBuf {
    workspace().join("operations/manifest.json")
}

fn id(name: &str) -> String {
    let text = fs::read_to_string(manifest()).expect("the manifest is there");
    let listed: Value = serde_json::from_str(&text).expect("the manifest is JSON");
    let mut operations = listed["operations"].as_array().expect("a list").iter();
    let entry = operations.find(|operation| operation["name"] == name).expect(name);
    entry["id"].as_str().expect("an id").to_owned()
}

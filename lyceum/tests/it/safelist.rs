//! `lyceum up --safelist`: the router answers the documents that are listed, and nothing else.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subgraph_testing::{Reply, blocking::Client};

use crate::live::{Follower, TRANSPORTS, Writer};
use crate::system::{PASSWORD, STUDENT, System, workspace};

const FREE: &str = "{ courses(first: 1) { nodes { id } } }";
const LIVE: &str = "subscription ($after: ID) { notificationAdded(after: $after) { title } }";

#[test]
fn listed_documents_are_served_by_their_id_and_all_others_are_refused() {
    let manifest = manifest();
    let system = System::start(&["--temporary", "--safelist", manifest.to_str().expect("a path of letters")]);
    let anonymous = system.anonymous();
    assert!(system.output().contains("the playground, and any client that sends its own queries, is rejected"));
    // It sends documents of its own, too.
    let store = reqwest::blocking::get(format!("{}/store", system.addresses.router)).expect("the router answers");
    assert_eq!(store.status(), 404);
    assert!(!system.output().contains("Storefront"));

    let catalogue = by_id(&anonymous, &id("Catalogue"), &json!({ "first": 1 }));
    assert!(catalogue["data"]["courses"]["nodes"][0]["id"].is_string(), "{catalogue}");
    let student = sign_in(&anonymous);
    let profile = by_id(&student, &id("MyProfile"), &json!({}));
    assert_eq!(profile["data"]["me"]["email"], STUDENT, "{profile}");
    let hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id("Catalogue") } } });
    assert!(anonymous.send_request(&hash)["data"]["courses"].is_object());

    for refused in [strangers(FREE), vec![json!({ "documentId": "0000" })]].concat() {
        let answer = anonymous.send_request(&refused);
        assert_eq!(answer.error(), Some("BAD_USER_INPUT"), "{refused}: {answer}");
        assert!(answer["data"].is_null(), "{refused}: {answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains("`documentId`"), "{refused}: {answer}");
    }
    let batch = json!([{ "documentId": id("Catalogue"), "variables": { "first": 1 } }, { "query": FREE }]);
    let batch = anonymous.send_request(&batch).json;
    assert!(batch[0]["data"]["courses"].is_object(), "{batch}");
    assert_eq!(batch[1]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{batch}");
    assert!(batch[1]["data"].is_null(), "{batch}");
    // The text beside a known id is not what is run.
    let beside = json!({ "documentId": id("Catalogue"), "query": "{ __schema { queryType { name } } }" });
    let answer = anonymous.send_request(&beside);
    assert!(answer["data"].get("__schema").is_none(), "{answer}");

    a_bad_token_costs_what_needs_a_viewer_by_its_id_too(&anonymous.with_token("rubbish"));
    a_session_is_renewed_and_ended_with_its_old_token_attached(&anonymous);
    let system = (&system, &student);
    an_unknown_subscription_is_refused_at_every_door(system);
    a_known_subscription_is_served_by_its_id_at_every_door(system);
}

type Signed<'a> = (&'a System, &'a Client);

fn a_bad_token_costs_what_needs_a_viewer_by_its_id_too(visitor: &Client) {
    assert!(sign_in(visitor).token().is_some_and(|token| token != "rubbish"));
    let login = format!(
        "mutation {{ login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }}) {{ user {{ email }} }} }}"
    );
    for own in [
        json!({ "documentId": id("MyProfile") }),
        json!({ "documentId": id("MyProfile"), "query": login }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id("MyProfile") } }, "query": login }),
    ] {
        let answer = visitor.send_request(&own);
        assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{own}: {answer}");
        assert!(answer["data"].is_null(), "{own}: {answer}");
    }
}

/// As clients do that send their token with every request.
fn a_session_is_renewed_and_ended_with_its_old_token_attached(visitor: &Client) {
    let sign_in = json!({ "input": { "email": STUDENT, "password": PASSWORD } });
    let mut token = by_id(visitor, &id("SignIn"), &sign_in)["data"]["login"]["session"]["refreshToken"].clone();
    for old in ["rubbish", "also.rub.bish"] {
        let variables = json!({ "input": { "refreshToken": token } });
        let renewed = by_id(&visitor.with_token(old), &id("RefreshSession"), &variables);
        let session = &renewed["data"]["refreshSession"]["session"];
        let fresh = visitor.with_token(session["accessToken"].as_str().unwrap_or_else(|| panic!("{renewed}")));
        assert_eq!(by_id(&fresh, &id("MyProfile"), &json!({}))["data"]["me"]["email"], STUDENT);
        token = session["refreshToken"].clone();
    }

    let variables = json!({ "input": { "refreshToken": token } });
    let ended = by_id(&visitor.with_token("rubbish"), &id("SignOut"), &variables);
    assert_eq!(ended["data"]["logout"]["userErrors"], json!([]), "{ended}");
    let late = by_id(visitor, &id("RefreshSession"), &variables);
    assert!(late["data"]["refreshSession"]["session"].is_null(), "{late}");
}

fn an_unknown_subscription_is_refused_at_every_door((system, student): Signed<'_>) {
    for transport in TRANSPORTS {
        for document in [FREE, LIVE] {
            for refused in strangers(document) {
                let mut follower = Follower::send(&system.addresses.router, transport, student.token(), &refused);

                let told = follower.next();

                // Over a WebSocket what is no answer is a message of its own.
                let errors = if transport == "ws" { &told["error"] } else { &told["next"]["errors"] };
                assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT", "{transport}: {refused}: {told}");
                assert!(told["next"].get("data").is_none_or(Value::is_null), "{transport}: {refused}: {told}");
            }
        }
    }
}

fn a_known_subscription_is_served_by_its_id_at_every_door((system, student): Signed<'_>) {
    let profile = by_id(student, &id("MyProfile"), &json!({}));
    let me = profile["data"]["me"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let mut writer = Writer::of(system);
    let start = writer.tell(me, "start");
    writer.tell(me, "by its id");
    let added = id("NotificationAdded");
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": &added } });

    for transport in TRANSPORTS {
        // The last has a text beside its id, which is not what is run: it asks for less.
        for mut known in [
            json!({ "query": "", "documentId": &added }),
            json!({ "query": "", "extensions": &hash }),
            json!({ "query": LIVE, "documentId": &added }),
        ] {
            known["variables"] = json!({ "after": start });
            let mut follower = Follower::send(&system.addresses.router, transport, student.token(), &known);

            let told = follower.next();

            let notification = &told["next"]["data"]["notificationAdded"];
            assert_eq!(notification["title"], "by its id", "{transport}: {known}: {told}");
            assert_eq!(notification["isRead"], false, "{transport}: {known}: {told}");
        }
    }
}

/// Requests with that document which no safelist has.
fn strangers(document: &str) -> Vec<Value> {
    let persisted = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let (hash, own) = (persisted("0000"), persisted(&hex::encode(Sha256::digest(document))));
    vec![
        json!({ "query": document }),
        json!({ "query": "{ __schema { queryType { name } } }" }),
        json!({ "query": "{ __typename }" }),
        json!({ "query": "", "documentId": "0000" }),
        json!({ "query": document, "documentId": "0000" }),
        json!({ "query": "", "extensions": hash }),
        json!({ "query": document, "extensions": hash }),
        // An automatic persisted query: the document with its hash, and then the hash alone.
        json!({ "query": document, "extensions": own }),
        json!({ "query": "", "extensions": own }),
        json!({ "query": document, "documentId": "" }),
    ]
}

fn sign_in(anonymous: &Client) -> Client {
    let input = json!({ "input": { "email": STUDENT, "password": PASSWORD } });
    let answer = by_id(anonymous, &id("SignIn"), &input);
    anonymous.with_token(answer["data"]["login"]["session"]["accessToken"].as_str().expect("a session"))
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

fn by_id(visitor: &Client, id: &str, variables: &Value) -> Reply {
    visitor.send_request(&json!({ "documentId": id, "variables": variables }))
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

//! The graph that the router really serves, against the contract that clients are written for.

use std::{fs, process::Command};

use serde_json::json;

use crate::system::{System, workspace};

const INTROSPECTION: &str = include_str!("introspection.graphql");

#[test]
fn the_router_serves_the_contract() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let schema = directory.path().join("introspection.json");
    let answer = System::shared().anonymous().data(INTROSPECTION, json!({}));
    fs::write(&schema, json!({ "data": answer }).to_string()).expect("the schema is written");

    let check = workspace().join("schema-check");
    let output = Command::new("npx")
        .args(["lyceum-schema", "contract", "--contract", "contract/api.graphql"])
        .args(["--missing-allowed", "contract/not-yet.txt", "--schema"])
        .arg(&schema)
        .current_dir(check)
        .output()
        .expect("npx runs");

    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
}

//! What tools read of the graph by introspection: generators of all languages build their types on it.

use std::process::Command;

use serde_json::{Value, json};

use crate::system::{System, workspace};

#[test]
fn tools_read_the_graph_that_is_documented() {
    let system = System::shared();
    let output = Command::new("node")
        .arg(workspace().join("clients/protocols/introspect.mjs"))
        .arg(format!("{}/graphql", system.addresses.router))
        .arg(workspace().join("api.graphql"))
        .output()
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert_eq!(
        directives(&found),
        [
            ("deprecated", "ARGUMENT_DEFINITION ENUM_VALUE FIELD_DEFINITION INPUT_FIELD_DEFINITION".to_owned()),
            ("include", "FIELD FRAGMENT_SPREAD INLINE_FRAGMENT".to_owned()),
            ("oneOf", "INPUT_OBJECT".to_owned()),
            ("skip", "FIELD FRAGMENT_SPREAD INLINE_FRAGMENT".to_owned()),
            ("specifiedBy", "SCALAR".to_owned()),
        ]
    );
}

/// All of them, each as often as it is there, with the places where it may stand.
fn directives(found: &Value) -> Vec<(&str, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let directives = found["directives"].as_array().expect("a list").iter();
    let mut directives: Vec<_> = directives
        .map(|directive| {
            let mut locations: Vec<_> = directive["locations"].as_array().expect("a list").iter().map(text).collect();
            locations.sort();
            (directive["name"].as_str().expect("a name"), locations.join(" "))
        })
        .collect();
    directives.sort();
    directives
}

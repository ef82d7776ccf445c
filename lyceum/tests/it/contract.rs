//! The graph that the router really serves, against the contract that clients are written for.

use std::{fs, process::Command};

use serde_json::{Value, json};

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

/// async-graphql lets an error of an argument pass by the nullable field to its parent (its pull request 1820 mends the
/// same for guards). So arguments below the roots are such that each value of them that is valid is also accepted; the
/// test `the_library_still_lets_the_error_of_an_argument_pass_by_its_field` says when this rule can go.
#[test]
fn no_argument_below_the_roots_can_fail_by_itself() {
    let schema = System::shared().anonymous().data(INTROSPECTION, json!({}));
    let types = schema["__schema"]["types"].as_array().expect("types");
    let is_below_the_roots = |kind: &&Value| {
        let name = kind["name"].as_str().unwrap_or_default();
        !name.starts_with("__") && !["Query", "Mutation", "Subscription"].contains(&name)
    };

    let mut checked = 0;
    for kind in types.iter().filter(is_below_the_roots) {
        for field in kind["fields"].as_array().into_iter().flatten() {
            for argument in field["args"].as_array().expect("arguments") {
                checked += 1;
                let place = format!("{}.{}({}:)", kind["name"], field["name"], argument["name"]);
                let is_required = argument["type"]["kind"] == "NON_NULL";
                assert!(!is_required || argument["defaultValue"].is_null(), "{place} fails where a variable is null");
                assert!(is_checked_by_the_router(argument), "{place} may have a value that only its subgraph refuses");
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

/// Of a type that the specification defines, or of an enum.
fn is_checked_by_the_router(argument: &Value) -> bool {
    let mut named = &argument["type"];
    while !named["ofType"].is_null() {
        named = &named["ofType"];
    }
    let is_specified =
        ["Boolean", "Float", "ID", "Int", "String"].contains(&named["name"].as_str().unwrap_or_default());
    is_specified || named["kind"] == "ENUM"
}

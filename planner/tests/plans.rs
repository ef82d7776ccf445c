//! What the program prints, and that it is what the router's own planner says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn supergraph() -> PathBuf {
    workspace().join("supergraph.graphql")
}

fn run(supergraph: &Path, files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum-planner"));
    command.args(["plan", "--supergraph"]).arg(supergraph).args(files).output().expect("it runs")
}

fn plans(files: &[PathBuf]) -> Vec<Value> {
    let output = run(&supergraph(), files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Files of these texts, which go with the folder.
fn written<const N: usize>(texts: [&str; N]) -> (TempDir, [PathBuf; N]) {
    let folder = TempDir::new().expect("a temporary directory");
    let mut index = 0;
    let files = texts.map(|text| {
        index += 1;
        let file = folder.path().join(format!("{index}.graphql"));
        fs::write(&file, text).expect("it can be written");
        file
    });
    (folder, files)
}

/// What the router's planner, which is newer, plans with a request less.
const DEARER: [&str; 1] = ["TeacherSales"];

#[test]
fn every_stored_operation_costs_what_the_router_says() {
    let folder = fs::read_dir(workspace().join("operations")).expect("a folder");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "graphql"));
    let text = fs::read_to_string(supergraph()).expect("a file");
    let router = router::Planner::new(&text).expect("the supergraph is valid");

    let plans = plans(&files);

    assert!(files.len() > 50, "{}", files.len());
    assert_eq!(plans.len(), files.len());
    for (file, plan) in files.iter().zip(plans) {
        let cost = router.cost(&fs::read_to_string(file).expect("a file")).expect("it can be planned");
        let more = usize::from(DEARER.iter().any(|name| file.ends_with(format!("{name}.graphql"))));
        assert_eq!(plan, json!({ "fetches": cost.fetches + more, "steps": cost.steps + more }), "{}", file.display());
    }
}

#[test]
fn sequences_take_steps_and_whatever_is_parallel_does_not() {
    let (_folder, files) = written([
        "{ courses { nodes { id } } }",
        "{ courses { nodes { teacher { name } } } }",
        "query ($id: ID!) { course(id: $id) { title } payment(id: $id) { amount } notification(id: $id) { title } }",
        "query ($yes: Boolean!) { courses { nodes { teacher @include(if: $yes) { name } } } }",
        "query A { courses { totalCount } } query B { courses { nodes { teacher { name } } } }",
        "{ __schema { queryType { name } } }",
        "subscription { notificationAdded { id } }",
    ]);

    let costs: Vec<_> =
        plans(&files).into_iter().map(|plan| [plan["fetches"].as_u64(), plan["steps"].as_u64()]).collect();

    assert_eq!(costs, [[1_u64, 1], [2, 2], [3, 1], [2, 2], [3, 2], [0, 0], [1, 1]].map(|cost| cost.map(Some)));
}

#[test]
fn what_cannot_be_planned_says_so_and_the_rest_is_planned_anyway() {
    let (folder, files) = written(["{ weather }", "{", "{ courses { totalCount } }"]);

    let planned = plans(&files);

    assert!(planned[0]["error"].as_str().is_some_and(|error| error.contains("weather")), "{planned:?}");
    assert!(planned[1]["error"].is_string(), "{planned:?}");
    assert_eq!(planned[2], json!({ "fetches": 1, "steps": 1 }));
    for (graph, operation, said) in [
        (supergraph(), folder.path().join("none"), "none"),
        (folder.path().join("no-graph"), files[2].clone(), "no-graph"),
        (files[1].clone(), files[2].clone(), "cannot parse the supergraph"),
    ] {
        let output = run(&graph, &[operation]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

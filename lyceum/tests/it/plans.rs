//! `lyceum plan`, and the schema check that asks it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::system::{documents, workspace};

/// What the check reads of a repository, beside the documents and the schemas.
const GRAPH: [&str; 3] = ["supergraph.yaml", "docs/permissions.json", "schema-check/rules.yaml"];

#[test]
fn every_stored_operation_can_be_planned() {
    let files = documents();

    let plans = plans(&files);

    assert_eq!(plans.len(), files.len());
    for (file, plan) in files.iter().zip(plans) {
        let (fetches, steps) = (plan["fetches"].as_u64().unwrap_or(0), plan["steps"].as_u64().unwrap_or(0));
        assert!(fetches >= steps && steps >= 1, "{}: {plan}", file.display());
    }
}

#[test]
fn what_cannot_be_planned_says_so_and_the_rest_is_planned_anyway() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("it can be written");
        path
    };
    let files = [file("a", "{ weather }"), file("b", "{"), file("c", "{ courses { totalCount } }")];

    let plans = plans(&files);

    assert!(plans[0]["error"].is_string() && plans[1]["error"].is_string(), "{plans:?}");
    assert_eq!(asked_of_subgraphs(&plans[2]), [1, 1]);
    assert!(plans[2]["micros"].as_u64().is_some_and(|micros| micros > 0), "{plans:?}");
    let missing = lyceum_plan(&[directory.path().join("none")]);
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("none"));
}

/// A mutation that course alone has answered must ask enrollment then, and wait for course before.
#[test]
fn a_field_that_moves_to_another_subgraph_makes_plans_grow_and_the_check_says_which() {
    let repository = Repository::new();
    let moved = "  durationMinutes: Int! @override(from: \"course\")\n  enrollmentCount: Int";
    repository.replace("subgraphs/enrollment/schema.graphql", "  enrollmentCount: Int", moved);

    let report = repository.check();

    let grown: Vec<_> = findings(&report, "PLAN_COST_INCREASED").collect();
    assert_eq!(grown, ["CreateCourse", "UpdateCourse"], "{report}");
    let plan =
        report["plans"].as_array().expect("plans").iter().find(|plan| plan["operation"]["name"] == "CreateCourse");
    let plan = plan.expect("a plan of it");
    assert_eq!(asked_of_subgraphs(&plan["before"]), [1, 1]);
    assert_eq!(asked_of_subgraphs(&plan["after"]), [2, 2]);
}

/// Fetches and steps.
fn asked_of_subgraphs(plan: &Value) -> [u64; 2] {
    ["fetches", "steps"].map(|name| plan[name].as_u64().unwrap_or_else(|| panic!("no {name}: {plan}")))
}

#[test]
fn a_graph_that_has_not_changed_keeps_its_plans() {
    let report = Repository::new().check();

    assert_eq!(report["findings"], json!([]), "{report}");
    for plan in report["plans"].as_array().expect("plans") {
        assert_eq!(plan["before"], plan["after"], "{plan}");
    }
}

fn findings<'a>(report: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let findings = report["findings"].as_array().expect("a list").iter();
    findings.filter(move |finding| finding["kind"] == kind).map(|finding| finding["path"].as_str().expect("a path"))
}

fn plans(files: &[PathBuf]) -> Vec<Value> {
    let output = lyceum_plan(files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn lyceum_plan(files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum"));
    command.args(["plan", "--supergraph"]).arg(workspace().join("supergraph.graphql")).args(files);
    command.output().expect("`lyceum` runs")
}

/// The schema of each subgraph.
fn schemas() -> impl Iterator<Item = PathBuf> {
    let subgraphs = fs::read_dir(workspace().join("subgraphs")).expect("a folder of subgraphs");
    let schemas = subgraphs.map(|entry| entry.expect("an entry").path().join("schema.graphql"));
    schemas.filter(|schema| schema.is_file())
}

/// A copy of the graph under version control, to be changed.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(TempDir::new().expect("a temporary directory"));
        let graph = GRAPH.map(|name| workspace().join(name));
        for from in documents().into_iter().chain(schemas()).chain(graph) {
            let to = repository.path().join(from.strip_prefix(workspace()).expect("it lies in the workspace"));
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
            fs::copy(from, to).expect("the file is there");
        }
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["add", "."]);
        repository.git(&[
            "-c",
            "user.name=Alice",
            "-c",
            "user.email=alice@example.com",
            "commit",
            "--quiet",
            "-m",
            "The graph",
        ]);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git").args(arguments).current_dir(self.path()).status().expect("git runs");
        assert!(status.success(), "git {arguments:?}");
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).expect("it can be written");
    }

    /// The report of the check against the commit.
    fn check(&self) -> Value {
        let mut command = Command::new("node");
        command.arg(workspace().join("schema-check/bin/lyceum-schema.js")).current_dir(self.path());
        command.args(["check", "--against", "HEAD", "--format", "json", "--lyceum", env!("CARGO_BIN_EXE_lyceum")]);
        let output = command.output().expect("node runs");
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {said}"))
    }
}

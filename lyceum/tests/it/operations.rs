//! Every document that clients send, run on seeded data: by function call and over HTTP, with
//! equal answers.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::system::{ADMIN, LoneRouter, PASSWORD, STUDENT, System, TEACHER, Visitor, documents};

/// A document, who sends it, and its example variables.
pub struct Operation {
    pub name: String,
    pub viewers: Vec<String>,
    document: String,
    variables: String,
}

impl Operation {
    pub fn is_mutation(&self) -> bool {
        self.document.contains("\nmutation ")
    }
}

#[test]
fn every_operation_has_an_answer_and_the_same_one_by_call_and_over_http() {
    let system = System::shared();
    let over_http = LoneRouter::start(system);
    let routers = [system.anonymous(), over_http.visitor()];

    for operation in operations() {
        for viewer in &operation.viewers {
            let [by_call, over_http] = routers.each_ref().map(|router| run(&operation, viewer, router));
            if operation.is_mutation() {
                assert_eq!(shape(&by_call), shape(&over_http), "{} of {viewer}", operation.name);
            } else {
                assert_eq!(by_call, over_http, "{} of {viewer}", operation.name);
            }
        }
    }
}

/// What the operation costs, as the router tells it.
pub fn cost(operation: &Operation, viewer: &str, router: &Visitor) -> Value {
    let (viewer, variables) = sender(operation, viewer, router);
    let (_, text) = viewer.ask_with("lyceum-cost", "1", &operation.document, variables);
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    answer["extensions"]["cost"].clone()
}

pub fn run(operation: &Operation, viewer: &str, router: &Visitor) -> Value {
    let (viewer, variables) = sender(operation, viewer, router);
    let data = viewer.data(&operation.document, variables);
    for (field, value) in data.as_object().expect("data") {
        assert!(!value.is_null(), "{}: {field} is null", operation.name);
        assert!(value.get("userErrors").is_none_or(|errors| errors == &json!([])), "{}: {value}", operation.name);
    }
    data
}

/// Who sends it, and with which variables.
fn sender(operation: &Operation, viewer: &str, router: &Visitor) -> (Visitor, Value) {
    let viewer = match viewer {
        "anonymous" => router.clone(),
        "student" => router.sign_in(STUDENT),
        "teacher" => router.sign_in(TEACHER),
        "admin" => router.sign_in(ADMIN),
        other => panic!("{}: an unknown viewer {other}", operation.name),
    };
    let mut variables = operation.variables.clone();
    for (placeholder, value) in placeholders(router) {
        variables = variables.replace(&format!("{{{{{placeholder}}}}}"), &value);
    }
    (viewer, serde_json::from_str(&variables).expect("the variables are JSON"))
}

fn placeholders(router: &Visitor) -> BTreeMap<&'static str, String> {
    static UNIQUE: AtomicU32 = AtomicU32::new(0);
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let course =
        router.data("{ courses(first: 1) { nodes { id teacher { id } } } }", json!({}))["courses"]["nodes"][0].clone();
    let own = router.sign_in(TEACHER).data("{ me { courses(first: 1) { nodes { id } } } }", json!({}));
    let paid = "{ courses(first: 100, filter: { isFree: false }) { nodes { id viewerEnrollment { id } } } }";
    let paid = router.sign_in(STUDENT).data(paid, json!({}))["courses"]["nodes"].clone();
    let unbought = paid.as_array().expect("courses").iter().find(|course| course["viewerEnrollment"].is_null());
    let completed = "{ payments(last: 1, status: COMPLETED) { nodes { id } } }";
    let completed = router.sign_in(ADMIN).data(completed, json!({}));
    let waiting = router.sign_in(ADMIN).data("{ unverifiedTeachers(last: 1) { nodes { id } } }", json!({}));
    let free = "{ courses(filter: { isFree: true }, first: 100) { nodes { id viewerEnrollment { id } } } }";
    let free = router.sign_in(STUDENT).data(free, json!({}));
    let free = free["courses"]["nodes"].as_array().and_then(|courses| {
        courses.iter().find(|course| course["viewerEnrollment"].is_null()).map(|course| text(&course["id"]))
    });
    BTreeMap::from([
        ("freeCourseId", free.expect("a free course on which the student is not")),
        ("firstCourseId", text(&course["id"])),
        ("firstTeacherId", text(&course["teacher"]["id"])),
        ("ownCourseId", text(&own["me"]["courses"]["nodes"][0]["id"])),
        ("unboughtCourseId", text(&unbought.expect("a course to buy")["id"])),
        ("completedPaymentId", text(&completed["payments"]["nodes"][0]["id"])),
        ("unverifiedTeacherId", text(&waiting["unverifiedTeachers"]["nodes"][0]["id"])),
        ("studentEmail", STUDENT.to_owned()),
        ("studentPassword", PASSWORD.to_owned()),
        ("unique", format!("n{}", UNIQUE.fetch_add(1, Ordering::Relaxed))),
    ])
}

/// What kinds of values are where: two runs of a mutation make different ids.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
    }
}

pub fn operations() -> Vec<Operation> {
    // What is followed has no answer of its own: `live.rs`.
    let operations = documents().into_iter().map(|path| operation(&path));
    let mut operations: Vec<_> = operations.filter(|one| !one.document.contains("\nsubscription ")).collect();
    // A mutation can go on to have effects after its answer, between two runs of a query.
    operations.sort_by_key(Operation::is_mutation);
    operations
}

fn operation(path: &Path) -> Operation {
    let document = fs::read_to_string(path).expect("a readable document");
    let viewers = document.lines().find_map(|line| line.strip_prefix("# Viewer:")).expect("a line `# Viewer:`");
    Operation {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        viewers: viewers.split(',').map(|viewer| viewer.trim().to_owned()).collect(),
        variables: fs::read_to_string(path.with_extension("variables.json")).expect("example variables"),
        document,
    }
}

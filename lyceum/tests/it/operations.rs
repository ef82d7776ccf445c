//! Every document that clients send, run on seeded data: by function call and over HTTP, with
//! equal answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use apollo_compiler::{
    Schema,
    ast::{Definition, Document, OperationType, Selection},
};
use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

use crate::system::{ADMIN, LoneRouter, PASSWORD, STUDENT, System, TEACHER, documents, workspace};

/// A document, who sends it, and its example variables.
#[derive(Clone)]
pub struct Operation {
    pub name: String,
    pub viewers: Vec<String>,
    pub document: String,
    variables: String,
}

impl Operation {
    pub fn is_mutation(&self) -> bool {
        self.document.contains("\nmutation ")
    }
}

#[test]
fn every_operation_has_an_answer_and_the_same_one_by_call_and_over_http() {
    // Its own: other tests change what queries answer, between the one and the other.
    let system = System::start(&["--temporary"]);
    let over_http = LoneRouter::start(&system);
    let routers = [system.anonymous(), over_http.visitor()];

    for operation in operations() {
        for viewer in &operation.viewers {
            if operation.is_mutation() {
                let [by_call, over_http] = routers.each_ref().map(|router| shape(&run(&operation, viewer, router)));
                assert_eq!(by_call, over_http, "{} of {viewer}", operation.name);
                continue;
            }
            // Within the same session, which some of the answers show.
            let (sender, variables) = sender(&operation, viewer, &routers[0]);
            let [by_call, over_http] = routers.each_ref().map(|router| {
                let viewer = sender.token().map_or_else(|| router.clone(), |token| router.with_token(token));
                answer(&operation, &viewer, variables.clone())
            });
            assert_eq!(by_call, over_http, "{} of {viewer}", operation.name);
        }
    }
}

/// A client of a router with `--safelist` has no other documents.
#[test]
fn each_mutation_has_a_document() {
    let sdl = fs::read_to_string(workspace().join("api.graphql")).expect("it is there");
    let schema = Schema::parse_and_validate(sdl, "api.graphql").expect("it is valid");
    let mutations: BTreeSet<_> =
        schema.get_object("Mutation").expect("a type").fields.keys().map(ToString::to_string).collect();

    let stored: BTreeSet<_> = documents().iter().flat_map(|path| mutations_of(path)).collect();

    assert_eq!(stored, mutations);
}

fn mutations_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a readable document");
    let document = Document::parse(text, path).expect("it is valid");
    let operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
    let mutations = operations.filter(|operation| operation.operation_type == OperationType::Mutation);
    let fields = mutations.flat_map(|operation| &operation.selection_set).filter_map(Selection::as_field);
    fields.map(|field| field.name.to_string()).collect()
}

/// What the operation costs, as the router tells it.
pub fn cost(operation: &Operation, viewer: &str, router: &Client) -> Value {
    let (viewer, variables) = sender(operation, viewer, router);
    let answer = viewer.with_header("lyceum-cost", "1").send(&operation.document, variables);
    answer["extensions"]["cost"].clone()
}

pub fn run(operation: &Operation, viewer: &str, router: &Client) -> Value {
    let (viewer, variables) = sender(operation, viewer, router);
    answer(operation, &viewer, variables)
}

fn answer(operation: &Operation, viewer: &Client, variables: Value) -> Value {
    let data = viewer.data(&operation.document, variables);
    for (field, value) in data.as_object().expect("data") {
        assert!(!value.is_null(), "{}: {field} is null", operation.name);
        assert!(value.get("userErrors").is_none_or(|errors| errors == &json!([])), "{}: {value}", operation.name);
    }
    data
}

/// Who sends it, and with which variables.
fn sender(operation: &Operation, viewer: &str, router: &Client) -> (Client, Value) {
    let samples = Samples::look_up(router);
    (samples.viewer(viewer).clone(), samples.variables(operation, 0))
}

/// The sample users, signed in, and what they may do something with.
pub struct Samples {
    viewers: BTreeMap<&'static str, Client>,
    /// By placeholder: the same one again and again for what is only looked at, and otherwise all that there are.
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Samples {
    pub fn look_up(router: &Client) -> Self {
        let [student, teacher, admin] = [STUDENT, TEACHER, ADMIN].map(|email| router.sign_in(email, PASSWORD));
        let own_course =
            |page| ids(&teacher, &format!("{{ me {{ courses({page}) {{ nodes {{ id }} }} }} }}"), "/me/courses/nodes");
        let withdrawn = own_course("last: 1");
        let values = BTreeMap::from([
            ("freeCourseId", courses_to_join(&student, true, &withdrawn)),
            ("firstCourseId", ids(router, "{ courses(first: 1) { nodes { id } } }", "/courses/nodes")),
            ("firstTeacherId", vec![first_teacher(router)]),
            ("unboughtCourseId", courses_to_join(&student, false, &withdrawn)),
            ("ownCourseId", own_course("first: 1, state: PUBLISHED")),
            ("ownDraftId", own_course("first: 100, state: DRAFT")),
            ("lastOwnCourseId", withdrawn),
            ("completedPaymentId", completed_payments(&admin)),
            ("unverifiedTeacherId", unverified_teachers(&admin)),
            ("otherTeacherId", other_teachers(&teacher)),
            ("newestNotificationId", notifications(&student, "first: 1")),
            ("oldestNotificationId", notifications(&student, "last: 100").into_iter().rev().collect()),
            ("joinedCourseId", joined_courses(&student)),
            ("joinedEnrollmentId", vec![unfinished_enrollment(&student)]),
            (
                "ownCourseEnrollmentId",
                ids(
                    &teacher,
                    "{ me { courses(first: 1, state: PUBLISHED) { nodes { enrollments(first: 100) { nodes { id } } } } } }",
                    "/me/courses/nodes/0/enrollments/nodes",
                ),
            ),
            ("studentEmail", vec![STUDENT.to_owned()]),
            ("studentPassword", vec![PASSWORD.to_owned()]),
        ]);
        let viewers = [("anonymous", router.clone()), ("student", student), ("teacher", teacher), ("admin", admin)];
        Self { viewers: BTreeMap::from(viewers), values }
    }

    pub fn viewer(&self, name: &str) -> &Client {
        self.viewers.get(name).unwrap_or_else(|| panic!("an unknown viewer {name}"))
    }

    /// Those of the operation's example. What can be done once to each thing is done to another one with another `turn`.
    pub fn variables(&self, operation: &Operation, turn: usize) -> Value {
        static UNIQUE: AtomicU32 = AtomicU32::new(0);
        let unique = format!("n{}", UNIQUE.fetch_add(1, Ordering::Relaxed));
        let mut variables = operation.variables.replace("{{unique}}", &unique);
        for (placeholder, values) in &self.values {
            let marked = format!("{{{{{placeholder}}}}}");
            if variables.contains(&marked) {
                let index = if values.len() == 1 { 0 } else { turn };
                let value = values.get(index).unwrap_or_else(|| panic!("{placeholder}: no {turn} of them"));
                variables = variables.replace(&marked, value);
            }
        }
        serde_json::from_str(&variables).expect("the variables are JSON")
    }
}

fn first_teacher(router: &Client) -> String {
    let answer = router.data("{ courses(first: 1) { nodes { teacher { id } } } }", json!({}));
    id(&answer["courses"]["nodes"][0]["teacher"])
}

/// Those on which the student is not, without those that another operation withdraws.
fn courses_to_join(student: &Client, is_free: bool, withdrawn: &[String]) -> Vec<String> {
    let document = "query ($isFree: Boolean) {
        courses(filter: { isFree: $isFree }, first: 100) { nodes { id viewerEnrollment { id } } } }";
    let answer = student.data(document, json!({ "isFree": is_free }));
    let courses = answer["courses"]["nodes"].as_array().expect("courses");
    let open = courses.iter().filter(|course| course["viewerEnrollment"].is_null()).map(id);
    open.filter(|course| !withdrawn.contains(course)).collect()
}

/// The last one first.
fn completed_payments(admin: &Client) -> Vec<String> {
    let mut ids = ids(admin, "{ payments(last: 100, status: COMPLETED) { nodes { id } } }", "/payments/nodes");
    ids.reverse();
    ids
}

/// The last one first.
fn unverified_teachers(admin: &Client) -> Vec<String> {
    let mut ids = ids(admin, "{ unverifiedTeachers(last: 100) { nodes { id } } }", "/unverifiedTeachers/nodes");
    ids.reverse();
    ids
}

/// Those who are not enrolled in the teacher's first course.
fn other_teachers(teacher: &Client) -> Vec<String> {
    let document = "{
        me { id courses(first: 1, state: PUBLISHED) { nodes { enrollments(first: 100) { nodes { student { id } } } } } }
        courses(first: 100) { nodes { teacher { id } } } }";
    let answer = teacher.data(document, json!({}));
    let enrollments = answer.pointer("/me/courses/nodes/0/enrollments/nodes").and_then(Value::as_array);
    let enrolled = enrollments.expect("enrollments").iter().map(|one| id(&one["student"]));
    let mut known: BTreeSet<_> = enrolled.chain([id(&answer["me"])]).collect();
    let courses = answer["courses"]["nodes"].as_array().expect("courses");
    courses.iter().map(|course| id(&course["teacher"])).filter(|teacher| known.insert(teacher.clone())).collect()
}

fn notifications(viewer: &Client, page: &str) -> Vec<String> {
    let document = format!("{{ me {{ notifications({page}) {{ nodes {{ id }} }} }} }}");
    ids(viewer, &document, "/me/notifications/nodes")
}

/// The courses in which the student is enrolled.
fn joined_courses(student: &Client) -> Vec<String> {
    let answer = student.data("{ me { enrollments(first: 100) { nodes { course { id } } } } }", json!({}));
    let enrollments = answer["me"]["enrollments"]["nodes"].as_array().expect("enrollments");
    enrollments.iter().map(|enrollment| id(&enrollment["course"])).collect()
}

/// The last one that is not completed: which one is left above comes from the other end.
fn unfinished_enrollment(student: &Client) -> String {
    let answer = student.data("{ me { enrollments(last: 100) { nodes { id status } } } }", json!({}));
    let enrollments = answer["me"]["enrollments"]["nodes"].as_array().expect("enrollments");
    id(enrollments.iter().rev().find(|one| one["status"] != "COMPLETED").expect("an enrollment that goes on"))
}

fn ids(viewer: &Client, document: &str, nodes: &str) -> Vec<String> {
    let answer = viewer.data(document, json!({}));
    answer.pointer(nodes).and_then(Value::as_array).expect("a list").iter().map(id).collect()
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().expect("an id").to_owned()
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
    // What is followed has no answer of its own: `live.rs`. What needs something that no example has, such as the token
    // of a mail, has tests of its own.
    let operations = documents().into_iter().map(|path| operation(&path));
    let is_run = |one: &Operation| !["\nsubscription ", "\n# Needs:"].iter().any(|part| one.document.contains(part));
    let mut operations: Vec<_> = operations.filter(is_run).collect();
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

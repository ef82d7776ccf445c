//! Valid operations that were once answered wrongly, one or more of each kind, with their right answers. `cargo xtask
//! truth` makes others at random.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

use crate::system::{ADMIN, PASSWORD, STUDENT, System, TEACHER, UNVERIFIED_TEACHER};

const TIMEOUT: Duration = Duration::from_secs(30);
const PURCHASES: usize = 5;

/// The same with one of its keys called otherwise.
fn renamed(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| renamed(item, from, to)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (if name == from { to } else { name.as_str() }, renamed(value, from, to)))
                .collect()
        }
        other => other.clone(),
    }
}

#[test]
fn an_alias_takes_the_place_of_no_other_field() {
    let system = System::shared();
    let [admin, newcomer] = [ADMIN, UNVERIFIED_TEACHER].map(|email| system.sign_in(email));
    let anonymous = system.anonymous();

    for (viewer, document, field, alias) in [
        (&newcomer, "{ me { FIELD unreadNotificationCount } }", "name", "id"),
        (&anonymous, "{ courses(orderBy: OLDEST) { nodes { enrollmentCount FIELD } } }", "level", "id"),
        (
            &admin,
            "{ courses(first: 1, orderBy: OLDEST) { nodes { FIELD enrollments(first: 1) { totalCount } } } }",
            "title",
            "teacher",
        ),
        (
            &admin,
            "{ courses(first: 1, orderBy: OLDEST) { nodes { FIELD enrollments(first: 1) { totalCount } } } }",
            "title",
            "teacherSeal",
        ),
        (&anonymous, "{ courses(first: 1, orderBy: OLDEST) { nodes { teacher { FIELD role } } } }", "name", "id"),
        (&admin, "{ payments(last: 1) { nodes { course { FIELD level } } } }", "isFree", "id"),
    ] {
        let plain = viewer.data(&document.replace("FIELD", field), json!({}));

        let answer = viewer.send(&document.replace("FIELD", &format!("{alias}: {field}")), json!({}));

        assert_eq!(answer.json, json!({ "data": renamed(&plain, field, alias) }), "{document}");
    }
}

#[test]
fn a_title_that_is_another_ones_key_opens_nothing() {
    let teacher = System::shared().sign_in(TEACHER);
    let own = teacher.data("{ me { id } }", json!({}))["me"]["id"].clone();
    let courses = "{ courses(first: 100, orderBy: OLDEST) { nodes { id enrollmentCount teacher { id } } } }";
    let courses = teacher.data(courses, json!({}))["courses"]["nodes"].clone();
    let is_anothers = |course: &&Value| course["teacher"]["id"] != own && course["enrollmentCount"] != 0;
    let other = courses.as_array().and_then(|courses| courses.iter().find(is_anothers)).expect("another one's course");
    let create = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let created = teacher.data(create, json!({ "input": { "title": other["id"] } }));
    let created = &created["createCourse"]["course"]["id"];

    let document = "query ($id: ID!) { course(id: $id) {
        enrollments(first: 3) { totalCount nodes { status student { id name } } } id: title
    } }";
    let answer = teacher.send(document, json!({ "id": created }));

    let nobody = json!({ "totalCount": 0, "nodes": [] });
    assert_eq!(answer.json, json!({ "data": { "course": { "enrollments": nobody, "id": other["id"] } } }));
}

#[test]
fn a_way_that_leads_back_to_a_subgraph_has_a_plan() {
    let student = System::shared().sign_in(STUDENT);
    let course = student.data("{ me { enrollments(last: 1) { nodes { course { id } } } } }", json!({}));
    let course = &course["me"]["enrollments"]["nodes"][0]["course"]["id"];
    let document =
        "query ($id: ID!) { course(id: $id) { viewerEnrollment { course { enrollments(first: 1) { totalCount } } } } }";

    let answer = student.send(document, json!({ "id": course }));

    let enrolled = json!({ "course": { "enrollments": null } });
    assert_eq!(answer["data"], json!({ "course": { "viewerEnrollment": enrolled } }), "{answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(answer.error(), Some("FORBIDDEN"), "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["course", "viewerEnrollment", "course", "enrollments"]));
}

#[test]
fn what_is_left_out_leaves_no_trace() {
    let system = System::shared();
    let [student, admin] = [STUDENT, ADMIN].map(|email| system.sign_in(email));
    let titles = student.data("{ courses(first: 2, orderBy: OLDEST) { nodes { title } } }", json!({}));
    let ids = student.data("{ courses(first: 2, orderBy: OLDEST) { nodes { id } } }", json!({}));
    let payments = admin.data("{ payments(last: 2) { nodes { id } } }", json!({}))["payments"]["nodes"].clone();
    let no = json!({ "a": false });

    for (viewer, document, variables, expected) in [
        (
            &student,
            "query ($a: Boolean!) { me @include(if: $a) { name } courses(first: 2, orderBy: OLDEST) { nodes { title } } }",
            no.clone(),
            titles,
        ),
        (
            &student,
            "query ($a: Boolean!) { courses(first: 2) { nodes { title @include(if: $a) } } }",
            no.clone(),
            json!({ "courses": { "nodes": [{}, {}] } }),
        ),
        (&student, "query ($a: Boolean!) { me { name @include(if: $a) } }", no.clone(), json!({ "me": {} })),
        (
            &admin,
            "query ($a: Boolean!) { payments(last: 2) { pageInfo { hasNextPage @include(if: $a) } nodes { id } } }",
            no.clone(),
            json!({ "payments": { "pageInfo": {}, "nodes": payments } }),
        ),
        (
            &admin,
            "query ($a: Boolean!, $id: ID!) { payment(id: $id) { course { ... on Course @include(if: $a) { title } } } }",
            json!({ "a": false, "id": payments[0]["id"] }),
            json!({ "payment": { "course": {} } }),
        ),
        (&student, "{ courses @skip(if: true) { totalCount } }", json!({}), json!({})),
        (
            &student,
            "mutation { logout(input: { refreshToken: \"x\" }) @skip(if: true) { userErrors { code } } }",
            json!({}),
            json!({}),
        ),
        (&student, "{ r: me @include(if: false) { email } }", json!({}), json!({})),
        (
            &student,
            "query ($a: Boolean!, $b: Boolean!) { courses(first: 2, orderBy: OLDEST) { nodes {
                id ... on Course @include(if: $a) { enrollmentCount viewerEnrollment @include(if: $b) { id } }
            } } }",
            json!({ "a": false, "b": true }),
            ids.clone(),
        ),
        (
            &student,
            "query ($a: Boolean!) { courses(first: 2, orderBy: OLDEST) { nodes { __typename @include(if: $a) id } } }",
            no,
            ids,
        ),
    ] {
        assert_eq!(viewer.send(document, variables).json, json!({ "data": expected }), "{document}");
    }
}

#[test]
fn a_mutation_shows_nothing_of_the_next_ones_effect() {
    let system = System::shared();
    let teacher = system.sign_in(TEACHER);
    let create = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let both = "mutation ($input: PurchaseCourseInput!) {
        purchaseCourse(input: $input) { payment { student { unreadNotificationCount } } }
        markAllNotificationsRead { count }
    }";

    for number in 0..PURCHASES {
        // Somebody new, whose welcome nobody has marked: what tells of a purchase may come before its successor marks all.
        let student = sign_up(&system.anonymous());
        await_unread(&student);
        let course = teacher.data(create, json!({ "input": { "title": "In turn", "isFree": false, "price": "9.90" } }));
        let input = json!({
            "courseId": course["createCourse"]["course"]["id"], "idempotencyKey": format!("in turn {number}"),
        });

        let data = student.data(both, json!({ "input": input }));

        let seen = data["purchaseCourse"]["payment"]["student"]["unreadNotificationCount"].as_i64();
        let marked = data["markAllNotificationsRead"]["count"].as_i64();
        assert!(seen.is_some_and(|seen| seen > 0) && marked >= seen, "{data}");
    }
}

fn sign_up(router: &Client) -> Client {
    let email = format!("in-turn-{}@lyceum.example", rand::random::<u64>());
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    router.data(register, json!({ "input": { "email": email, "password": PASSWORD, "name": "In Turn" } }));
    router.sign_in(&email, PASSWORD)
}

fn await_unread(student: &Client) {
    let begun = Instant::now();
    while student.data("{ me { unreadNotificationCount } }", json!({}))["me"]["unreadNotificationCount"] == 0 {
        assert!(begun.elapsed() < TIMEOUT, "nobody is told of what has happened");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn documents_are_read_as_the_specification_has_them() {
    let anonymous = System::shared().anonymous();

    for right in [
        r#"{ courses(filter: { search: "\uD83D\uDE00" }) { totalCount } }"#,
        r#"{ courses(filter: { search: "\u{1F600}" }) { totalCount } }"#,
        r#""What it is." query Q("How many." $first: Int = 1) { courses(first: $first) { ...F } }
           """What it shows.""" fragment F on CourseConnection { totalCount }"#,
    ] {
        assert!(anonymous.data(right, json!({}))["courses"]["totalCount"].is_u64(), "{right}");
    }
    for wrong in ["{ __typename { a } }", "subscription { notificationAdded { id } b: notificationAdded { id } }"] {
        assert_eq!(anonymous.send(wrong, json!({})).error(), Some("GRAPHQL_VALIDATION_FAILED"), "{wrong}");
    }
}

#[test]
fn null_where_there_is_a_default_hides_nobody() {
    let student = System::shared().sign_in(STUDENT);
    let document = "query ($v: Boolean) {
        me { notifications(first: 2) { nodes { id user { notifications(unreadOnly: $v) { totalCount } } } } }
    }";

    let null = student.send(document, json!({ "v": null }));

    assert_eq!(null.json.get("errors"), None, "{null}");
    assert_eq!(null["data"], student.data(document, json!({})));
    assert!(null["data"]["me"]["notifications"]["nodes"][0]["user"]["notifications"]["totalCount"].is_u64(), "{null}");
}

#[test]
fn a_payload_shows_nothing_of_the_mutations_after_it() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let unread = "{ me { notifications(first: 2, unreadOnly: true) { nodes { id } } unreadNotificationCount } }";
    let me = student.data(unread, json!({}))["me"].clone();
    let count = me["unreadNotificationCount"].as_u64().expect("a count");
    let [a, b] = [0, 1].map(|index| me["notifications"]["nodes"][index]["id"].clone());

    let document = "mutation ($a: ID!, $b: ID!) {
        a: markNotificationRead(input: { notificationId: $a }) {
            notification { user { name unreadNotificationCount enrollments(first: 1) { nodes { student { unreadNotificationCount } } } } }
        }
        b: markNotificationRead(input: { notificationId: $b }) { notification { user { unreadNotificationCount } } }
    }";
    let answer = student.send(document, json!({ "a": a, "b": b }));

    assert_eq!(answer.json.get("errors"), None, "{answer}");
    let [first, second] = ["a", "b"].map(|key| &answer["data"][key]["notification"]["user"]);
    assert_eq!(first["unreadNotificationCount"], json!(count - 1), "{answer}");
    assert_eq!(first["enrollments"]["nodes"][0]["student"]["unreadNotificationCount"], json!(count - 1), "{answer}");
    assert_eq!(second["unreadNotificationCount"], json!(count - 2), "{answer}");
    assert_eq!(answer["data"].as_object().map(serde_json::Map::len), Some(2), "{answer}");
}

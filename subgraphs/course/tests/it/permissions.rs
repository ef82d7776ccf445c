//! Who may do what, as a table.

use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_kit::testing::{Reply, TestApp, TestClient};

use crate::people::*;
use Outcome::{Allowed, Forbidden, Unauthenticated};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Forbidden,
    Unauthenticated,
}

/// A way to what is there.
struct Door {
    /// The field, as `Type.field`.
    field: &'static str,
    document: &'static str,
    /// Where the answer is.
    at: &'static str,
    outcomes: [Outcome; 6],
}

/// All but Teresa, who teaches the course that is asked for, are strangers.
fn viewers(app: &TestApp) -> [(&'static str, TestClient); 6] {
    [
        ("anonymous", app.anonymous()),
        ("a student", app.student(ALICE)),
        ("the course's teacher", app.teacher(TERESA)),
        ("another teacher", app.teacher(TOM)),
        ("an unverified teacher", app.unverified_teacher(ULA)),
        ("an admin", app.admin()),
    ]
}

#[rustfmt::skip]
fn doors() -> Vec<Door> {
    vec![
        //                                               anonymous, student, its teacher, another, unverified, admin
        Door { field: "Query.course", document: "query ($rust: ID!) { course(id: $rust) { id title description level isFree price durationMinutes createdAt teacher { id } } }",
            at: "/course/title", outcomes:               [Allowed; 6] },
        Door { field: "Query.courses", document: "{ courses { totalCount nodes { title } } }",
            at: "/courses/nodes/0/title", outcomes:      [Allowed; 6] },
        Door { field: "Query._entities", document: "query ($rusts: [_Any!]!) { _entities(representations: $rusts) { ... on Course { title } } }",
            at: "/_entities/0/title", outcomes:          [Allowed; 6] },
        Door { field: "User.courses", document: "query ($teresas: [_Any!]!) { _entities(representations: $teresas) { ... on User { courses { nodes { title } } } } }",
            at: "/_entities/0/courses/nodes/0", outcomes:[Allowed; 6] },
        Door { field: "Mutation.createCourse", document: "mutation { createCourse(input: { title: \"New\" }) { course { id } } }",
            at: "/createCourse/course", outcomes:        [Unauthenticated, Forbidden, Allowed, Allowed, Forbidden, Forbidden] },
        Door { field: "Mutation.updateCourse", document: "mutation ($rust: ID!) { updateCourse(input: { courseId: $rust }) { course { id } } }",
            at: "/updateCourse/course", outcomes:        [Unauthenticated, Forbidden, Allowed, Forbidden, Forbidden, Forbidden] },
    ]
}

/// What everyone may see of what the doors above lead to.
const NO_DOORS: [&str; 11] = [
    "Query._service",
    "User.id",
    "Course.id",
    "Course.title",
    "Course.description",
    "Course.level",
    "Course.isFree",
    "Course.price",
    "Course.durationMinutes",
    "Course.createdAt",
    "Course.teacher",
];

fn outcome(reply: &Reply, at: &str) -> Outcome {
    let is_null = reply.0["data"].pointer(at).is_none_or(Value::is_null);
    match (reply.error(), is_null) {
        (None, false) => Allowed,
        (Some("FORBIDDEN"), true) => Forbidden,
        (Some("UNAUTHENTICATED"), true) => Unauthenticated,
        _ => panic!("neither shown nor refused: {}", reply.0),
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn each_viewer_does_what_they_may(db: PgPool) {
    let app = app(db).await;
    let variables = json!({
        "rust": RUST,
        "rusts": [{ "__typename": "Course", "id": RUST }],
        "teresas": [{ "__typename": "User", "id": TERESA }],
    });

    for door in doors() {
        for ((who, client), expected) in viewers(&app).into_iter().zip(door.outcomes) {
            let reply = client.send(door.document, variables.clone()).await;

            assert_eq!(outcome(&reply, door.at), expected, "{} for {who}: {}", door.field, reply.0);
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_bad_token_is_an_error_even_for_what_everyone_may_see(db: PgPool) {
    let app = app(db).await;

    for value in ["Bearer", "Bearer x", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        let reply = app.with_authorization(value).send("{ courses { totalCount } }", json!({})).await;

        assert_eq!(reply.error(), Some("UNAUTHENTICATED"), "{value}");
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn the_table_has_every_field(db: PgPool) {
    let document = "{ __schema { types { name fields { name } } } }";
    let reply = app(db).await.anonymous().send(document, json!({})).await.ok();
    let doors = doors();
    let known: Vec<&str> = doors.iter().map(|door| door.field).chain(NO_DOORS).collect();

    let mut found = Vec::new();
    for of in reply.data("/__schema/types").as_array().expect("a list") {
        let name = of["name"].as_str().expect("a name");
        if ["Query", "Mutation", "Subscription", "User", "Course"].contains(&name) {
            let fields = of["fields"].as_array().into_iter().flatten();
            found.extend(fields.map(|field| format!("{name}.{}", field["name"].as_str().expect("a name"))));
        }
    }
    for field in &found {
        assert!(known.contains(&field.as_str()), "who may see {field}?");
    }
    for field in known {
        assert!(found.iter().any(|found| found == field), "{field} is gone");
    }
}

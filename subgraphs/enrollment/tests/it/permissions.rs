//! Who may do what, as a table.

use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_kit::testing::{Reply, TestApp, TestClient};

use crate::people::*;
use Outcome::{Allowed, Forbidden, Null};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    /// As if it did not exist.
    Null,
    Forbidden,
}

/// A way to what is private.
struct Door {
    /// The field, as `Type.field`.
    field: &'static str,
    ask: Ask,
    /// Where the answer is.
    at: &'static str,
    outcomes: [Outcome; 7],
}

enum Ask {
    Query(&'static str),
    Entity(&'static str, fn() -> Value),
}

/// All but Alice, who owns what is asked for, and Teresa, who teaches the course, are strangers.
fn viewers(app: &TestApp) -> [(&'static str, TestClient); 7] {
    [
        ("anonymous", app.anonymous()),
        ("the student", app.student(ALICE)),
        ("another student", app.student(CAROL)),
        ("the course's teacher", app.teacher(TERESA)),
        ("another teacher", app.teacher(TOM)),
        ("an unverified teacher", app.unverified_teacher(ULA)),
        ("an admin", app.admin()),
    ]
}

#[rustfmt::skip]
fn doors() -> Vec<Door> {
    vec![
        //                                                                    anonymous, student, other, teacher, other, unverified, admin
        Door { field: "Query.enrollment", ask: Ask::Query("{ enrollment(id: \"00000000-0000-0000-0000-0000000e0001\") { id } }"),
            at: "/enrollment", outcomes:                                      [Null, Allowed, Null, Null, Null, Null, Allowed] },
        Door { field: "Query._entities", ask: Ask::Entity("... on Enrollment { id status }", || json!({ "__typename": "Enrollment", "id": ALICES_RUST })),
            at: "/_entities/0", outcomes:                                     [Null, Allowed, Null, Null, Null, Null, Allowed] },
        Door { field: "User.enrollments", ask: Ask::Entity("... on User { enrollments { nodes { id } } }", || json!({ "__typename": "User", "id": ALICE })),
            at: "/_entities/0/enrollments", outcomes:                         [Forbidden, Allowed, Forbidden, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "User.enrollments", ask: Ask::Entity("... on User { enrollments { totalCount } }", || json!({ "__typename": "User", "id": ALICE })),
            at: "/_entities/0/enrollments", outcomes:                         [Forbidden, Allowed, Forbidden, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "Course.enrollments", ask: Ask::Entity("... on Course { enrollments { nodes { id } } }", rust_with_its_teacher),
            at: "/_entities/0/enrollments", outcomes:                         [Forbidden, Forbidden, Forbidden, Allowed, Forbidden, Forbidden, Allowed] },
        Door { field: "Course.viewerEnrollment", ask: Ask::Entity("... on Course { viewerEnrollment { id } }", rust_with_its_teacher),
            at: "/_entities/0/viewerEnrollment", outcomes:                    [Null, Allowed, Null, Null, Null, Null, Null] },
        Door { field: "Payment.enrollment", ask: Ask::Entity("... on Payment { enrollment { id } }", || json!({ "__typename": "Payment", "id": ALICES_PAYMENT })),
            at: "/_entities/0/enrollment", outcomes:                          [Null, Allowed, Null, Null, Null, Null, Allowed] },
    ]
}

/// What everyone may see, or what is part of an enrollment, to which the doors above lead.
const NO_DOORS: [&str; 11] = [
    "Query._service",
    "User.id",
    "Course.id",
    "Course.teacher",
    "Course.enrollmentCount",
    "Payment.id",
    "Enrollment.id",
    "Enrollment.status",
    "Enrollment.enrolledAt",
    "Enrollment.student",
    "Enrollment.course",
];

/// Leads to a payment's key; the payment itself is guarded where it lives.
const KEYS: [&str; 1] = ["Enrollment.payment"];

fn rust_with_its_teacher() -> Value {
    json!({ "__typename": "Course", "id": RUST, "teacher": { "id": TERESA } })
}

fn outcome(reply: &Reply, at: &str) -> Outcome {
    let is_null = reply.0["data"].pointer(at).is_none_or(Value::is_null);
    match (reply.error(), is_null) {
        (None, false) => Allowed,
        (None, true) => Null,
        (Some("FORBIDDEN"), true) => Forbidden,
        _ => panic!("neither shown nor refused: {}", reply.0),
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("places"))]
async fn each_viewer_sees_what_they_may(db: PgPool) {
    let app = app(db).await;

    for door in doors() {
        for ((who, client), expected) in viewers(&app).into_iter().zip(door.outcomes) {
            let reply = match &door.ask {
                Ask::Query(document) => client.send(document, json!({})).await,
                Ask::Entity(selection, representation) => client.entities(selection, json!([representation()])).await,
            };

            assert_eq!(outcome(&reply, door.at), expected, "{} for {who}: {}", door.field, reply.0);
        }
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_table_has_every_field(db: PgPool) {
    let document = "{ __schema { types { kind name fields { name } } } }";
    let reply = app(db).await.anonymous().send(document, json!({})).await.ok();
    let known: Vec<&str> = doors().iter().map(|door| door.field).chain(NO_DOORS).chain(KEYS).collect();

    let types = reply.data("/__schema/types").as_array().expect("a list").iter();
    for of in types.filter(|of| {
        ["Query", "Mutation", "User", "Course", "Payment", "Enrollment"].map(Value::from).contains(&of["name"])
    }) {
        for field in of["fields"].as_array().into_iter().flatten() {
            let field = format!("{}.{}", of["name"].as_str().expect("a name"), field["name"].as_str().expect("a name"));

            assert!(known.contains(&field.as_str()), "who may see {field}?");
        }
    }
}

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
    document: &'static str,
    /// Where the answer is.
    at: &'static str,
    outcomes: [Outcome; 6],
}

/// All but Alice, whose notifications are asked for, are strangers.
fn viewers(app: &TestApp) -> [(&'static str, TestClient); 6] {
    [
        ("anonymous", app.anonymous()),
        ("the user", app.student(ALICE)),
        ("another student", app.student(BOB)),
        ("a teacher", app.teacher(TERESA)),
        ("an unverified teacher", app.unverified_teacher(ULA)),
        ("an admin", app.admin()),
    ]
}

#[rustfmt::skip]
fn doors() -> Vec<Door> {
    vec![
        //                                                                         anonymous, the user, another student, teacher, unverified, admin
        Door { field: "Query.notification", document: "query ($welcome: ID!) { notification(id: $welcome) { id title } }",
            at: "/notification", outcomes:                                         [Null, Allowed, Null, Null, Null, Null] },
        Door { field: "Query._entities", document: "query ($welcomes: [_Any!]!) { _entities(representations: $welcomes) { ... on Notification { id title } } }",
            at: "/_entities/0", outcomes:                                          [Null, Allowed, Null, Null, Null, Null] },
        Door { field: "User.notifications", document: "query ($alices: [_Any!]!) { _entities(representations: $alices) { ... on User { notifications { nodes { title } } } } }",
            at: "/_entities/0/notifications", outcomes:                            [Forbidden, Allowed, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "User.notifications", document: "query ($alices: [_Any!]!) { _entities(representations: $alices) { ... on User { notifications(unreadOnly: true) { totalCount } } } }",
            at: "/_entities/0/notifications", outcomes:                            [Forbidden, Allowed, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "User.unreadNotificationCount", document: "query ($alices: [_Any!]!) { _entities(representations: $alices) { ... on User { unreadNotificationCount } } }",
            at: "/_entities/0/unreadNotificationCount", outcomes:                  [Forbidden, Allowed, Forbidden, Forbidden, Forbidden, Allowed] },
    ]
}

/// What everyone may see, or what is part of a notification, to which the doors above lead.
const NO_DOORS: [&str; 9] = [
    "Query._service",
    "User.id",
    "Notification.id",
    "Notification.type",
    "Notification.title",
    "Notification.body",
    "Notification.isRead",
    "Notification.createdAt",
    "Notification.user",
];

fn outcome(reply: &Reply, at: &str) -> Outcome {
    let is_null = reply.0["data"].pointer(at).is_none_or(Value::is_null);
    match (reply.error(), is_null) {
        (None, false) => Allowed,
        (None, true) => Null,
        (Some("FORBIDDEN"), true) => Forbidden,
        _ => panic!("neither shown nor refused: {}", reply.0),
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notices"))]
async fn each_viewer_sees_what_they_may(db: PgPool) {
    let app = app(db).await;
    let variables = json!({
        "welcome": ALICES_WELCOME,
        "welcomes": [{ "__typename": "Notification", "id": ALICES_WELCOME }],
        "alices": [{ "__typename": "User", "id": ALICE }],
    });

    for door in doors() {
        for ((who, client), expected) in viewers(&app).into_iter().zip(door.outcomes) {
            let reply = client.send(door.document, variables.clone()).await;

            assert_eq!(outcome(&reply, door.at), expected, "{} for {who}: {}", door.field, reply.0);
        }
    }
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn the_table_has_every_field(db: PgPool) {
    let document = "{ __schema { types { name fields { name } } } }";
    let reply = app(db).await.anonymous().send(document, json!({})).await.ok();
    let doors = doors();
    let known: Vec<&str> = doors.iter().map(|door| door.field).chain(NO_DOORS).collect();

    let mut found = Vec::new();
    for of in reply.data("/__schema/types").as_array().expect("a list") {
        let name = of["name"].as_str().expect("a name");
        if ["Query", "Mutation", "Subscription", "User", "Notification"].contains(&name) {
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

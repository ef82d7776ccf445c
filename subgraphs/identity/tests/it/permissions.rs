//! Who may do what, as a table.

use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_kit::testing::{Reply, TestApp, TestClient};

use crate::people::*;
use Outcome::{Allowed, Forbidden, Null, Unauthenticated};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    /// Without an error.
    Null,
    Forbidden,
    Unauthenticated,
}

/// A way to what is not everyone's.
struct Door {
    /// The field, as `Type.field`.
    field: &'static str,
    document: &'static str,
    /// Where the answer is.
    at: &'static str,
    outcomes: [Outcome; 6],
}

fn viewers(app: &TestApp) -> [(&'static str, TestClient); 6] {
    [
        ("anonymous", app.anonymous()),
        ("the user", app.student(BOB)),
        ("another student", app.student(CAROL)),
        ("a teacher", app.teacher(ALICE)),
        ("an unverified teacher", app.unverified_teacher(TOM)),
        ("an admin", app.admin()),
    ]
}

#[rustfmt::skip]
fn doors() -> Vec<Door> {
    vec![
        //                                                    anonymous, the user, another student, teacher, unverified, admin
        Door { field: "Query.me", document: "{ me { id } }",
            at: "/me", outcomes:                              [Null, Allowed, Allowed, Allowed, Allowed, Allowed] },
        Door { field: "Query.user", document: "query ($bob: ID!) { user(id: $bob) { id name role isVerified createdAt } }",
            at: "/user/name", outcomes:                       [Allowed; 6] },
        Door { field: "Query._entities", document: "query ($bobs: [_Any!]!) { _entities(representations: $bobs) { ... on User { id name role isVerified createdAt } } }",
            at: "/_entities/0/name", outcomes:                [Allowed; 6] },
        Door { field: "Query.unverifiedTeachers", document: "{ unverifiedTeachers { nodes { id } } }",
            at: "/unverifiedTeachers/nodes/0/id", outcomes:   [Unauthenticated, Forbidden, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "Query.unverifiedTeachers", document: "{ unverifiedTeachers { totalCount } }",
            at: "/unverifiedTeachers/totalCount", outcomes:   [Unauthenticated, Forbidden, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "User.email", document: "{ unverifiedTeachers { nodes { email } } }",
            at: "/unverifiedTeachers/nodes/0/email", outcomes:[Unauthenticated, Forbidden, Forbidden, Forbidden, Forbidden, Allowed] },
        Door { field: "User.email", document: "query ($bob: ID!) { user(id: $bob) { email } }",
            at: "/user/email", outcomes:                      [Null, Allowed, Null, Null, Null, Allowed] },
        Door { field: "User.email", document: "query ($bobs: [_Any!]!) { _entities(representations: $bobs) { ... on User { email } } }",
            at: "/_entities/0/email", outcomes:               [Null, Allowed, Null, Null, Null, Allowed] },
        Door { field: "Mutation.register", document: "mutation { register(input: { email: \"\", password: \"\", name: \"\" }) { userErrors { code } } }",
            at: "/register", outcomes:                        [Allowed; 6] },
        Door { field: "Mutation.login", document: "mutation { login(input: { email: \"\", password: \"\" }) { userErrors { code } } }",
            at: "/login", outcomes:                           [Allowed; 6] },
        Door { field: "Mutation.refreshSession", document: "mutation { refreshSession(input: { refreshToken: \"\" }) { userErrors { code } } }",
            at: "/refreshSession", outcomes:                  [Allowed; 6] },
        Door { field: "Mutation.logout", document: "mutation { logout(input: { refreshToken: \"\" }) { userErrors { code } } }",
            at: "/logout", outcomes:                          [Allowed; 6] },
    ]
}

/// What everyone may see.
const NO_DOORS: [&str; 6] =
    ["Query._service", "User.id", "User.name", "User.role", "User.isVerified", "User.createdAt"];

fn outcome(reply: &Reply, at: &str) -> Outcome {
    let is_null = reply.0["data"].pointer(at).is_none_or(Value::is_null);
    match (reply.error(), is_null) {
        (None, false) => Allowed,
        (None, true) => Null,
        (Some("FORBIDDEN"), true) => Forbidden,
        (Some("UNAUTHENTICATED"), true) => Unauthenticated,
        _ => panic!("neither shown nor refused: {}", reply.0),
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("people"))]
async fn each_viewer_sees_what_they_may(db: PgPool) {
    let app = app(db).await;
    let variables = json!({ "bob": BOB, "bobs": [{ "__typename": "User", "id": BOB }] });

    for door in doors() {
        for ((who, client), expected) in viewers(&app).into_iter().zip(door.outcomes) {
            let reply = client.send(door.document, variables.clone()).await;

            assert_eq!(outcome(&reply, door.at), expected, "{} for {who}: {}", door.field, reply.0);
        }
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_table_has_every_field(db: PgPool) {
    let document = "{ __schema { types { name fields { name } } } }";
    let reply = app(db).await.anonymous().send(document, json!({})).await.ok();
    let known: Vec<&str> = doors().iter().map(|door| door.field).chain(NO_DOORS).collect();

    let mut checked = 0;
    for of in reply.data("/__schema/types").as_array().expect("a list") {
        let name = of["name"].as_str().expect("a name");
        if !["Query", "Mutation", "User"].contains(&name) {
            continue;
        }
        for field in of["fields"].as_array().expect("fields") {
            let field = format!("{name}.{}", field["name"].as_str().expect("a name"));

            assert!(known.contains(&field.as_str()), "who may see {field}?");
            checked += 1;
        }
    }
    assert!(checked >= known.len() - doors().len(), "the schema has its root types");
}

//! Two people who ask the same at the same moment.

use std::thread;

use serde_json::json;

use crate::system::{OTHER_STUDENT, STUDENT, System};

const ROUNDS: usize = 50;

#[test]
fn everyone_gets_their_own_answer() {
    let system = System::shared();
    let people = [STUDENT, OTHER_STUDENT].map(|email| (email, system.sign_in(email)));

    thread::scope(|scope| {
        for (email, visitor) in &people {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    assert_eq!(visitor.data("{ me { email } }", json!({}))["me"]["email"], *email);
                }
            });
        }
    });
}

#[test]
fn what_is_private_stays_so() {
    let system = System::shared();
    let student = system.sign_in(STUDENT);
    let id = student.data("{ me { id } }", json!({}))["me"]["id"].clone();
    let document = "query ($id: ID!) { user(id: $id) { name email enrollments { totalCount } payments { totalCount } notifications { totalCount } unreadNotificationCount } }";

    for stranger in [system.anonymous(), system.sign_in(OTHER_STUDENT)] {
        let answer = stranger.send(document, json!({ "id": id }));
        let errors = answer["errors"].as_array().expect("four errors");
        assert_eq!(errors.len(), 4, "{answer}");
        for (error, field) in errors.iter().zip(["enrollments", "payments", "notifications", "unreadNotificationCount"])
        {
            assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{answer}");
            assert!(errors.iter().any(|error| error["path"] == json!(["user", field])), "{answer}");
        }
        assert!(answer["data"]["user"]["name"].is_string());
        assert!(answer["data"]["user"]["email"].is_null());
    }
    student.data(document, json!({ "id": id }));
}

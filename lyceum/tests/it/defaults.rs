//! A variable that a client leaves out is as if its argument were not there: the default applies.

use rand::random;
use serde_json::{Value, json};

use crate::system::{STUDENT, System, TEACHER};

#[test]
fn every_default_of_the_graph_applies_where_a_variable_is_left_out() {
    let system = System::shared();
    let (student, teacher) = (system.sign_in(STUDENT), system.sign_in(TEACHER));
    let list = "query ($order: CourseOrder, $first: Int, $filter: CourseFilter, $after: String) {
        courses(first: $first, orderBy: $order, filter: $filter, after: $after) { nodes { id } }
    }";
    let unread = "query ($only: Boolean, $first: Int) { me { notifications(unreadOnly: $only, first: $first) { nodes { id } } } }";
    let register = "mutation ($email: String!, $role: SignUpRole) {
        register(input: { email: $email, password: \"correct horse battery\", name: \"Dora\", role: $role }) {
            user { role } userErrors { code field }
        }
    }";
    let create = "mutation ($description: String, $level: CourseLevel, $free: Boolean, $minutes: Int) {
        createCourse(input: {
            title: \"Defaults\", description: $description, level: $level, isFree: $free, durationMinutes: $minutes
        }) { course { description level isFree durationMinutes } userErrors { code field } }
    }";

    assert_eq!(student.data(list, json!({})), student.data("{ courses { nodes { id } } }", json!({})));
    assert_eq!(student.data(unread, json!({})), student.data("{ me { notifications { nodes { id } } } }", json!({})));
    let email = format!("dora-{}@example.com", random::<u64>());
    let registered = system.anonymous().data(register, json!({ "email": email }));
    assert_eq!(registered["register"], json!({ "user": { "role": "STUDENT" }, "userErrors": [] }));
    let created: Value = teacher.data(create, json!({}));
    assert_eq!(
        created["createCourse"]["course"],
        json!({ "description": "", "level": "BEGINNER", "isFree": true, "durationMinutes": 0 })
    );
}

//! What another subgraph owns may be gone: that costs its own edge and nothing more.

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::system::{STUDENT, System};

const HOME: &str =
    "{ me { enrollments(first: 100) { nodes { id course { title teacher { name } } payment { amount } } } } }";

#[test]
fn deleted_courses_teachers_and_payments_leave_the_rest_of_the_answer_alone() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let before = student.data(HOME, json!({}));
    let enrollments = before["me"]["enrollments"]["nodes"].as_array().expect("enrollments").clone();

    delete(
        &system,
        "course",
        "delete from courses where id in (select id from courses order by id limit (select count(*) / 2 from courses))",
    );
    delete(
        &system,
        "identity",
        "delete from users where id in (select id from users where role = 'teacher' and is_verified order by id limit 30)",
    );
    delete(
        &system,
        "payment",
        "delete from payments where id in (select id from payments order by id limit (select count(*) / 2 from payments))",
    );
    let after = student.data(HOME, json!({}));

    let left = after["me"]["enrollments"]["nodes"].as_array().expect("enrollments");
    assert_eq!(left.len(), enrollments.len());
    let gone = |pointer: &str| {
        let pairs = enrollments.iter().zip(left);
        pairs
            .filter(|(before, after)| {
                before.pointer(pointer).is_some_and(|value| !value.is_null())
                    && after.pointer(pointer).is_none_or(serde_json::Value::is_null)
            })
            .count()
    };
    let kept =
        |pointer: &str| left.iter().filter(|node| node.pointer(pointer).is_some_and(|value| !value.is_null())).count();
    for edge in ["/course", "/course/teacher", "/payment"] {
        assert!(gone(edge) > 0, "{edge}: nothing of the student's was deleted");
        assert!(kept(edge) > 0, "{edge}: nothing of the student's was kept");
    }
}

fn delete(system: &System, database: &str, statement: &'static str) {
    let url = &system.addresses.databases[database];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut db = PgConnection::connect(url).await.expect("the database answers");
        db.execute(statement).await.expect("the rows go");
    });
}

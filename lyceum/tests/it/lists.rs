//! Every list of the graph keeps the contract of lists, through the router, on the seeded data.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, query_scalar};
use subgraph_testing::{
    blocking::{Client, wait},
    list::List,
};
use uuid::Uuid;

use crate::system::{ADMIN, STUDENT, System, TEACHER};

const NEWEST: &str = "created_at desc, id desc";
/// The catalogue: some of the sample teacher's courses are not in it.
const PUBLISHED: &str = "courses where state = 'published'";

/// The databases, where the ids that a list has to have are read.
struct Databases<'a> {
    system: &'a System,
    pools: HashMap<&'static str, PgPool>,
}

impl Databases<'_> {
    async fn ids(&mut self, database: &'static str, from: &str, order: &str) -> Vec<Uuid> {
        let url = &self.system.addresses.databases[database];
        let pool = self.pools.entry(database).or_insert_with(|| PgPool::connect_lazy(url).expect("a database's URL"));
        let sql = AssertSqlSafe(format!("select id from {from} order by {order}"));
        query_scalar(sql).fetch_all(&*pool).await.expect("the ids are read")
    }
}

fn id(client: &Client) -> String {
    let data = client.data("{ me { id } }", Value::Null);
    data["me"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_lists_of_the_whole_graph() {
    let system = System::start(&["--temporary"]);
    let (anonymous, admin) = (system.anonymous(), system.sign_in(ADMIN));
    wait(async {
        let mut databases = Databases { system: &system, pools: HashMap::new() };

        let courses = databases.ids("course", PUBLISHED, NEWEST).await;
        List::root("courses").check(anonymous.inner(), courses).await;
        let oldest = databases.ids("course", PUBLISHED, "created_at, id").await;
        List::root("courses").with("orderBy: OLDEST").check(anonymous.inner(), oldest).await;
        let enrollments = databases.ids("enrollment", "enrollments", "enrolled_at desc, id desc").await;
        List::root("enrollments").check(admin.inner(), enrollments).await;
        let payments = databases.ids("payment", "payments", NEWEST).await;
        List::root("payments").check(admin.inner(), payments).await;
        let waiting = "users where role = 'teacher' and not is_verified";
        let teachers = databases.ids("identity", waiting, "created_at, id").await;
        List::root("unverifiedTeachers").check(admin.inner(), teachers).await;
        let users = databases.ids("identity", "users", NEWEST).await;
        List::root("users").check(admin.inner(), users).await;
    });
}

#[test]
fn the_lists_of_a_user_and_of_a_course() {
    let system = System::start(&["--temporary"]);
    let (student, teacher) = (system.sign_in(STUDENT), system.sign_in(TEACHER));
    let (student_id, teacher_id) = (id(&student), id(&teacher));
    wait(async {
        let mut databases = Databases { system: &system, pools: HashMap::new() };

        let own = format!("enrollments where student_id = '{student_id}'");
        let enrollments = databases.ids("enrollment", &own, "enrolled_at desc, id desc").await;
        List::below(&["me"], "enrollments").check(student.inner(), enrollments).await;
        let payments = databases.ids("payment", &format!("payments where student_id = '{student_id}'"), NEWEST).await;
        List::below(&["me"], "payments").check(student.inner(), payments).await;
        let own = format!("notifications where user_id = '{student_id}'");
        let notifications = databases.ids("notification", &own, NEWEST).await;
        List::below(&["me"], "notifications").check(student.inner(), notifications).await;
        let own = databases.ids("course", &format!("courses where teacher_id = '{teacher_id}'"), NEWEST).await;
        let courses = format!("{PUBLISHED} and teacher_id = '{teacher_id}'");
        let courses = databases.ids("course", &courses, NEWEST).await;
        assert!(courses.len() < own.len(), "strangers do not see all of them");
        List::below(&["me"], "courses").check(teacher.inner(), own).await;
        let user = format!("user(id: \"{teacher_id}\")");
        List::below(&[&user], "courses").check(student.inner(), &courses).await;
        let course = courses.first().expect("the teacher has a course");
        let enrollments = format!("enrollments where course_id = '{course}'");
        let enrollments = databases.ids("enrollment", &enrollments, "enrolled_at desc, id desc").await;
        let course = format!("course(id: \"{course}\")");
        List::below(&[&course], "enrollments").check(teacher.inner(), enrollments).await;
    });
}

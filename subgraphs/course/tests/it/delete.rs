//! The mutation `deleteCourse`, with fakes of the enrollment and the payment subgraph.

use std::sync::{Arc, Mutex};

use async_graphql::{EmptyMutation, EmptySubscription, Object};
use contracts::CourseId;
use serde_json::json;
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, query, query_scalar};
use subgraph_kit::Error;
use subgraph_testing::{Client, Reply, TestApp, verifier};
use uuid::Uuid;

use crate::fixtures::*;

const DELETE: &str = "mutation ($input: DeleteCourseInput!) {
    deleteCourse(input: $input) { courseId userErrors { code message field } }
}";

/// The courses that somebody has bought or enrolled in; unavailable if none.
type Courses = Arc<Mutex<Option<Vec<Uuid>>>>;

struct Enrollments(Courses);

struct Payments(Courses);

#[Object(name = "Query")]
impl Enrollments {
    #[expect(clippy::unused_async, reason = "async-graphql resolvers are asynchronous")]
    async fn course_has_enrollments(&self, course_id: CourseId) -> Result<bool, Error> {
        has(&self.0, course_id)
    }
}

#[Object(name = "Query")]
impl Payments {
    #[expect(clippy::unused_async, reason = "async-graphql resolvers are asynchronous")]
    async fn course_has_payments(&self, course_id: CourseId) -> Result<bool, Error> {
        has(&self.0, course_id)
    }
}

fn has(courses: &Courses, id: CourseId) -> Result<bool, Error> {
    let courses = courses.lock().expect("the courses");
    courses.as_ref().map(|courses| courses.contains(&id.0)).ok_or_else(|| sqlx::Error::PoolTimedOut.into())
}

/// The course subgraph, where Rust has a student, and SQL a payment.
async fn system(db: &PgPool) -> (TestApp, Courses) {
    let context = ServiceContext::new(verifier());
    let [enrolled, paid] = [RUST, SQL].map(|course| Courses::new(Mutex::new(Some(vec![course]))));
    let enrollment = service::build(Enrollments(enrolled), EmptyMutation, EmptySubscription).finish();
    let payment = service::build(Payments(paid.clone()), EmptyMutation, EmptySubscription).finish();
    context.peers.add(Subgraph::new("enrollment", enrollment, (), db.clone(), verifier()));
    context.peers.add(Subgraph::new("payment", payment, (), db.clone(), verifier()));
    (TestApp::new(course::subgraph(db.clone(), &context).await.expect("the subgraph opens")), paid)
}

async fn delete(client: &Client, course: Uuid) -> Reply {
    client.send(DELETE, json!({ "input": { "courseId": course } })).await
}

async fn exists(db: &PgPool, course: Uuid) -> bool {
    let exists = query_scalar("select exists (select from courses where id = $1)").bind(course);
    exists.fetch_one(db).await.expect("the database answers")
}

fn rejection(code: &'static str) -> Vec<(&'static str, String)> {
    vec![(code, "courseId".to_owned())]
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_that_nobody_took_is_deleted_by_its_teacher_or_an_admin(db: PgPool) {
    let (app, _) = system(&db).await;

    let deleted = delete(&app.teacher(TOM), LATIN).await.ok();

    assert_eq!(deleted.data("/deleteCourse"), &json!({ "courseId": LATIN, "userErrors": [] }));
    assert!(!exists(&db, LATIN).await);
    assert_eq!(delete(&app.teacher(TOM), LATIN).await.ok().user_errors(), rejection("NOT_FOUND"));
    query("insert into courses (id, teacher_id, title) values ($1, $2, 'Greek')")
        .bind(LATIN)
        .bind(TOM)
        .execute(&db)
        .await
        .expect("a course");
    assert_eq!(delete(&app.admin(), LATIN).await.ok().user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_with_a_student_or_a_payment_stays(db: PgPool) {
    let (app, _) = system(&db).await;

    for state in ["published", "withdrawn"] {
        query("update courses set state = $1::course_state").bind(state).execute(&db).await.expect("a state");
        for course in [RUST, SQL] {
            for viewer in [app.teacher(TERESA), app.admin()] {
                assert_eq!(delete(&viewer, course).await.ok().user_errors(), rejection("COURSE_HAS_ENROLLMENTS"));
                assert!(exists(&db, course).await);
            }
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_draft_is_deleted_without_asking(db: PgPool) {
    query("update courses set state = 'draft'").execute(&db).await.expect("drafts");
    let app = app(db.clone()).await;

    for stranger in [app.teacher(TOM), app.student(ALICE)] {
        assert_eq!(delete(&stranger, RUST).await.ok().user_errors(), rejection("NOT_FOUND"));
    }
    assert_eq!(delete(&app.teacher(TERESA), RUST).await.ok().user_errors(), []);

    assert!(!exists(&db, RUST).await);
    assert!(exists(&db, SQL).await);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn nobody_else_deletes_a_course(db: PgPool) {
    let (app, _) = system(&db).await;

    assert_eq!(delete(&app.anonymous(), LATIN).await.error(), Some("UNAUTHENTICATED"));
    for stranger in [app.student(ALICE), app.teacher(TERESA)] {
        assert_eq!(delete(&stranger, LATIN).await.error(), Some("FORBIDDEN"));
    }

    assert!(exists(&db, LATIN).await);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn while_a_service_is_unavailable_nothing_is_deleted(db: PgPool) {
    let (app, paid) = system(&db).await;
    *paid.lock().expect("the payments") = None;

    assert_eq!(delete(&app.teacher(TOM), LATIN).await.error(), Some("SERVICE_UNAVAILABLE"));

    assert!(exists(&db, LATIN).await);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn two_deletions_at_once_are_one(db: PgPool) {
    let (app, _) = system(&db).await;
    let tom = app.teacher(TOM);

    let (one, other) = tokio::join!(delete(&tom, LATIN), delete(&tom, LATIN));

    let mut outcomes = [one.ok().user_errors().len(), other.ok().user_errors().len()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [0, 1]);
}

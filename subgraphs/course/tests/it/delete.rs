//! The mutation `deleteCourse`, with fakes of the enrollment and the payment subgraph.

use std::sync::{Arc, Mutex};

use async_graphql::{EmptyMutation, EmptySubscription, Object};
use contracts::CourseId;
use serde_json::json;
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, query, query_as, query_scalar, raw_sql};
use subgraph_kit::Error;
use subgraph_testing::{Client, Reply, TestApp, events::published, verifier};
use uuid::Uuid;

use crate::fixtures::*;

const DELETE: &str = "mutation ($input: DeleteCourseInput!) {
    deleteCourse(input: $input) { courseId userErrors { code message field } }
}";

/// The courses that somebody has bought or enrolled in; unavailable if none.
type Courses = Arc<Mutex<Option<Vec<Uuid>>>>;

struct Enrollments(Courses);

/// The payments, and what happens to the courses the first times that somebody asks for them.
struct Payments(Courses, PgPool, Arc<Mutex<Vec<&'static str>>>);

#[Object(name = "Query")]
impl Enrollments {
    #[expect(clippy::unused_async, reason = "async-graphql resolvers are asynchronous")]
    async fn course_has_enrollments(&self, course_id: CourseId) -> Result<bool, Error> {
        has(&self.0, course_id)
    }
}

#[Object(name = "Query")]
impl Payments {
    async fn course_has_payments(&self, course_id: CourseId) -> Result<bool, Error> {
        let statement = self.2.lock().expect("the statements").pop();
        if let Some(statement) = statement {
            raw_sql(statement).execute(&self.1).await?;
        }
        has(&self.0, course_id)
    }
}

fn has(courses: &Courses, id: CourseId) -> Result<bool, Error> {
    let courses = courses.lock().expect("the courses");
    courses.as_ref().map(|courses| courses.contains(&id.0)).ok_or_else(|| sqlx::Error::PoolTimedOut.into())
}

/// The course subgraph, where Rust has a student, and SQL a payment.
async fn system(db: &PgPool) -> (TestApp, Courses) {
    system_where(db, vec![]).await
}

/// The same system, where these statements run while payment is asked, the last one first.
async fn system_where(db: &PgPool, meanwhile: Vec<&'static str>) -> (TestApp, Courses) {
    let context = ServiceContext::new(verifier());
    let [enrolled, paid] = [RUST, SQL].map(|course| Courses::new(Mutex::new(Some(vec![course]))));
    let enrollment = service::build(Enrollments(enrolled), EmptyMutation, EmptySubscription).finish();
    let payments = Payments(paid.clone(), db.clone(), Arc::new(Mutex::new(meanwhile)));
    let payment = service::build(payments, EmptyMutation, EmptySubscription).finish();
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

/// The state of a course, and whether it is being deleted.
async fn state(db: &PgPool, course: Uuid) -> (String, bool) {
    let state = query_as("select state::text, deletion_began_at is not null from courses where id = $1").bind(course);
    state.fetch_one(db).await.expect("a course")
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
                assert_eq!(self::state(&db, course).await, (state.to_owned(), false));
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

    assert_eq!(state(&db, LATIN).await, ("published".to_owned(), false));
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn nobody_can_buy_a_course_while_the_other_services_are_asked(db: PgPool) {
    let observe = "create table observed as select id, state from courses";
    let (app, _) = system_where(&db, vec![observe]).await;

    assert_eq!(delete(&app.teacher(TOM), LATIN).await.ok().user_errors(), []);

    let observed = query_scalar::<_, Uuid>("select id from observed where state <> 'published'");
    assert_eq!(observed.fetch_all(&db).await.expect("the courses"), [LATIN]);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_that_was_published_meanwhile_is_asked_about_again(db: PgPool) {
    let again = "update courses set state = 'published', deletion_began_at = null;
        update courses set state = 'withdrawn'";
    for before in ["published", "withdrawn", "draft"] {
        query("update courses set state = $1::course_state").bind(before).execute(&db).await.expect("a state");
        let observe = "create table if not exists observed as select id from courses";
        let (app, _) = system_where(&db, vec![observe, again]).await;

        let deleted = delete(&app.teacher(TOM), LATIN).await.ok();

        assert_eq!(deleted.user_errors(), [], "{before}");
        let was_asked_twice =
            query_scalar::<_, bool>("select to_regclass('observed') is not null").fetch_one(&db).await;
        assert_eq!(was_asked_twice.ok(), Some(before != "draft"), "{before}");
        query("drop table if exists observed").execute(&db).await.expect("it is gone");
        query("insert into courses (id, teacher_id, title) values ($1, $2, 'Latin')")
            .bind(LATIN)
            .bind(TOM)
            .execute(&db)
            .await
            .expect("a course");
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_that_is_withdrawn_meanwhile_stays_withdrawn(db: PgPool) {
    const WITHDRAW: &str = "mutation ($input: WithdrawCourseInput!) {
        withdrawCourse(input: $input) { course { state } userErrors { code } }
    }";
    let (app, _) = system(&db).await;
    let teresa = app.teacher(TERESA);
    // As after a crash.
    let interrupt = "update courses set state = 'withdrawn', deletion_began_at = now()";
    query(interrupt).execute(&db).await.expect("an interrupted deletion");

    assert_eq!(delete(&teresa, RUST).await.ok().user_errors(), rejection("COURSE_HAS_ENROLLMENTS"));
    assert_eq!(state(&db, RUST).await, ("published".to_owned(), false));

    for _ in 0..2 {
        let withdrawn = teresa.send(WITHDRAW, json!({ "input": { "courseId": SQL } })).await.ok();
        assert_eq!(withdrawn.data("/withdrawCourse/userErrors"), &json!([]));
    }
    assert_eq!(published(&db).await.len(), 1);
    assert_eq!(delete(&teresa, SQL).await.ok().user_errors(), rejection("COURSE_HAS_ENROLLMENTS"));
    assert_eq!(state(&db, SQL).await, ("withdrawn".to_owned(), false));
    assert_eq!(delete(&app.teacher(TOM), LATIN).await.ok().user_errors(), []);
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

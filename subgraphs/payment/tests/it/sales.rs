//! The sales of a course and of a teacher.

use auth::seal::{SealKeys, SealedValue};
use contracts::{CourseId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::{catalogue::CourseState, fixtures::*, shop::Shop};

const COURSE_SALES: &str = "... on Course { sales { count amount months { month count amount } } }";
const USER_SALES: &str = "... on User { sales { count amount months { month count amount } } }";

fn course_of(teacher: Uuid, id: Uuid) -> Value {
    sealed(id, &json!(teacher_seal(teacher, id)))
}

fn sealed(id: Uuid, seal: &Value) -> Value {
    json!({ "__typename": "Course", "id": id, "teacherSeal": seal })
}

fn user(id: Uuid) -> Value {
    json!({ "__typename": "User", "id": id })
}

async fn pay(db: &PgPool, course: Uuid, teacher: Option<Uuid>, amount: &str, status: &str, time: &str) {
    sqlx::query(
        "insert into payments (student_id, course_id, teacher_id, amount, status, created_at)
         values (gen_random_uuid(), $1, $2, $3::text::numeric, $4::text::payment_status, $5::text::timestamptz)",
    )
    .bind(course)
    .bind(teacher)
    .bind(amount)
    .bind(status)
    .bind(time)
    .execute(db)
    .await
    .expect("a payment");
}

/// Teresa's Rust and SQL, and Latin of somebody else.
async fn sell(db: &PgPool) {
    let teresa = Some(TERESA);
    pay(db, RUST, teresa, "10", "completed", "2026-01-31T23:59:59.999Z").await;
    pay(db, RUST, teresa, "0.05", "completed", "2026-02-01T00:30:00+01:00").await;
    pay(db, RUST, teresa, "20.50", "completed", "2026-02-01T00:00:00Z").await;
    pay(db, SQL, teresa, "9999999999.99", "completed", "2026-02-28T00:00:00Z").await;
    pay(db, SQL, teresa, "9999999999.99", "completed", "2026-02-28T00:00:00Z").await;
    for status in ["pending", "failed", "refunded"] {
        pay(db, RUST, teresa, "1000", status, "2026-01-01T00:00:00Z").await;
    }
    pay(db, LATIN, Some(BOB), "7", "completed", "2026-01-01T00:00:00Z").await;
}

fn month(month: &str, count: i32, amount: &str) -> Value {
    json!({ "month": month, "count": count, "amount": amount })
}

fn none() -> Value {
    json!({ "sales": { "count": 0, "amount": "0.00", "months": [] } })
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_has_sold_what_was_paid_and_not_refunded(db: PgPool) {
    sell(&db).await;
    let app = app(db).await;
    let courses = json!([course_of(TERESA, RUST), course_of(TERESA, SQL), course_of(TERESA, NOBODY)]);

    let reply = app.teacher(TERESA).entities(COURSE_SALES, courses).await.ok();

    let rust = [month("2026-02", 1, "20.50"), month("2026-01", 2, "10.05")];
    let sql = [month("2026-02", 2, "19999999999.98")];
    assert_eq!(
        reply.data("/_entities"),
        &json!([
            { "sales": { "count": 3, "amount": "30.55", "months": rust } },
            { "sales": { "count": 2, "amount": "19999999999.98", "months": sql } },
            none(),
        ])
    );
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_teacher_has_sold_what_all_their_courses_have(db: PgPool) {
    sell(&db).await;
    let admin = app(db).await.admin();

    let reply = admin.entities(USER_SALES, json!([user(TERESA), user(BOB), user(ALICE)])).await.ok();

    let months = [month("2026-02", 3, "20000000020.48"), month("2026-01", 2, "10.05")];
    assert_eq!(
        reply.data("/_entities"),
        &json!([
            { "sales": { "count": 5, "amount": "20000000030.53", "months": months } },
            { "sales": { "count": 1, "amount": "7.00", "months": [month("2026-01", 1, "7.00")] } },
            none(),
        ])
    );
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn only_the_courses_own_teacher_and_admins_see_its_sales(db: PgPool) {
    sell(&db).await;
    let app = app(db).await;
    let seal = teacher_seal(TERESA, RUST);
    let other_secret =
        SealKeys::random().seal(SealedValue::CourseTeacher { course: CourseId(RUST), teacher: UserId(TERESA) });
    let unproved = [
        json!({ "__typename": "Course", "id": RUST }),
        json!({ "__typename": "Course", "id": RUST, "teacher": user(TERESA) }),
        sealed(RUST, &Value::Null),
        sealed(RUST, &json!(1)),
        sealed(RUST, &json!([seal])),
        sealed(RUST, &json!(&seal[1..])),
        sealed(RUST, &json!(teacher_seal(TERESA, SQL))),
        sealed(RUST, &json!(teacher_seal(BOB, RUST))),
        sealed(RUST, &json!(other_secret)),
    ];

    for course in unproved {
        let own = app.teacher(TERESA).entities(COURSE_SALES, json!([course])).await;
        assert_eq!((own.data("/_entities"), own.error()), (&json!([{ "sales": null }]), Some("FORBIDDEN")), "{course}");
        let admin = app.admin().entities(COURSE_SALES, json!([course])).await.ok();
        assert_eq!(admin.data("/_entities/0/sales/count"), 3);
    }
    let no_more_a_teacher = app.student(TERESA);
    for stranger in
        [app.anonymous(), app.student(ALICE), no_more_a_teacher, app.teacher(BOB), app.unverified_teacher(ALICE)]
    {
        let reply = stranger.entities(COURSE_SALES, json!([course_of(TERESA, RUST)])).await;
        assert_eq!((reply.data("/_entities"), reply.error()), (&json!([{ "sales": null }]), Some("FORBIDDEN")));
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn only_the_user_and_admins_see_what_a_teacher_has_sold(db: PgPool) {
    sell(&db).await;
    let app = app(db).await;

    for client in [app.teacher(TERESA), app.admin()] {
        assert_eq!(client.entities(USER_SALES, json!([user(TERESA)])).await.ok().data("/_entities/0/sales/count"), 5);
    }
    for stranger in [app.anonymous(), app.student(ALICE), app.teacher(BOB)] {
        let reply = stranger.entities(USER_SALES, json!([user(TERESA)])).await;
        assert_eq!((reply.data("/_entities"), reply.error()), (&json!([{ "sales": null }]), Some("FORBIDDEN")));
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_number_of_statements_does_not_depend_on_the_number_of_courses(db: PgPool) {
    let admin = app(db).await.admin();

    for size in [1_u128, 20, 100] {
        let courses: Value = (1..=size).map(|id| course_of(TERESA, Uuid::from_u128(id))).collect();
        let users: Value = (1..=size).map(|id| user(Uuid::from_u128(id))).collect();
        for (selection, representations) in [(COURSE_SALES, courses), (USER_SALES, users)] {
            let statements = StatementCount::start();
            _ = admin.entities(selection, representations).await.ok();
            assert_eq!(statements.get(), 1, "for {size}");
        }
    }
}

async fn sold(shop: &Shop, teacher: Uuid) -> Value {
    let reply =
        shop.app.teacher(teacher).entities("... on User { sales { count } }", json!([user(teacher)])).await.ok();
    reply.data("/_entities/0/sales/count").clone()
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_purchase_counts_at_once_until_it_is_refunded(db: PgPool) {
    let shop = Shop::open(db).await;

    let id = shop.bought(ALICE, RUST, "rust").await;
    shop.bought(ALICE, SQL, "sql").await;
    assert_eq!(sold(&shop, TERESA).await, 2);

    shop.given_back(id).await;
    assert_eq!(sold(&shop, TERESA).await, 1);
}

/// Payments of an imported database, or of an older process, do not say who teaches the course.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn who_teaches_the_course_of_an_older_payment_is_found_out(db: PgPool) {
    let shop = Shop::open(db).await;
    for (student, course) in [(ALICE, RUST), (BOB, RUST), (ALICE, SQL), (ALICE, NOBODY)] {
        shop.import(student, course, "completed").await;
    }
    assert_eq!(sold(&shop, TERESA).await, 0);

    shop.work(2, async || sold(&shop, TERESA).await == 3).await;

    assert_eq!(shop.count("payments where teacher_id is null").await, 1, "that of a course that was deleted");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_that_fails_or_is_hidden_holds_up_no_other(db: PgPool) {
    let shop = Shop::open(db).await;
    for course in [RUST, SQL, LATIN] {
        shop.import(ALICE, course, "completed").await;
    }
    shop.catalogue.break_course(RUST);
    shop.catalogue.set_state(SQL, CourseState::Draft);
    shop.catalogue.set_state(LATIN, CourseState::Withdrawn);

    shop.work(1, async || sold(&shop, TERESA).await == 2).await;

    assert_eq!(shop.count("payments where teacher_id is null").await, 1, "that of the course that fails");
}

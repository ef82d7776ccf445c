use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

fn enrollments_of(student: Uuid) -> List {
    List::of(json!({ "__typename": "User", "id": student }), "enrollments")
}

/// Enrolls Alice in courses, five per second, with ids of the legacy system.
async fn enroll_alice(db: &PgPool, count: i32) {
    sqlx::query(
        "insert into enrollments (student_id, course_id, payment_id, enrolled_at)
         select $1, gen_random_uuid(), gen_random_uuid(), timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, $2) as n",
    )
    .bind(ALICE)
    .bind(count)
    .execute(db)
    .await
    .expect("the enrollments are inserted");
}

async fn newest_first(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select id::text from enrollments where student_id = $1 order by enrolled_at desc, id desc")
        .bind(ALICE)
        .fetch_all(db)
        .await
        .expect("the enrollments are read")
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_students_enrollments_are_listed_newest_first(db: PgPool) {
    let (list, alice) = (enrollments_of(ALICE), app(db).await.student(ALICE));

    let page = list.page(&alice, "first: 20").await.ok();

    assert_eq!(list.ids(&page), [ALICES_SQL.to_string(), ALICES_RUST.to_string()]);
    assert_eq!(page.data("/_entities/0/enrollments/totalCount"), 2);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_status_narrows_the_list_and_its_count(db: PgPool) {
    let (list, alice) = (enrollments_of(ALICE), app(db).await.student(ALICE));

    let begun = list.page(&alice, "status: IN_PROGRESS").await.ok();
    let through = list.page(&alice, "status: COMPLETED").await.ok();

    assert_eq!(list.ids(&begun), [ALICES_RUST.to_string()]);
    assert_eq!(begun.data("/_entities/0/enrollments/totalCount"), 1);
    assert!(list.ids(&through).is_empty());
    assert_eq!(through.data("/_entities/0/enrollments/totalCount"), 0);
    assert_eq!(list.info(&through, "startCursor"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn pages_join_without_a_gap_in_both_directions(db: PgPool) {
    enroll_alice(&db, 23).await;
    let alice = app(db.clone()).await.student(ALICE);

    enrollments_of(ALICE).check(&alice, newest_first(&db).await).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn rows_that_come_and_go_between_two_pages_shift_nothing(db: PgPool) {
    enroll_alice(&db, 12).await;
    let alice = app(db.clone()).await.student(ALICE);
    let all = newest_first(&db).await;

    let change = async |gone| {
        sqlx::query("delete from enrollments where id::text = any($1)")
            .bind(gone)
            .execute(&db)
            .await
            .expect("the enrollments are deleted");
        sqlx::query(
            "insert into enrollments (student_id, course_id, enrolled_at)
             values ($1, gen_random_uuid(), '2030-01-01'), ($1, gen_random_uuid(), '2020-01-01')",
        )
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("the enrollments are inserted");
    };
    enrollments_of(ALICE).check_changes(&alice, &all, change).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_dead_key_costs_only_itself(db: PgPool) {
    let app = app(db).await;
    let representations = json!([
        { "__typename": "User", "id": ALICE },
        { "__typename": "User", "id": "no uuid" },
        { "__typename": "User", "id": NOBODY },
    ]);

    let reply = app.admin().entities("... on User { enrollments { totalCount } }", representations).await.ok();

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "enrollments": { "totalCount": 2 } }, null, { "enrollments": { "totalCount": 0 } }])
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_list_that_is_refused_is_null_and_its_user_is_not(db: PgPool) {
    let app = app(db).await;
    let document = "query ($id: ID!) { enrollment(id: $id) { student { enrollments { totalCount } } } }";
    let others = json!([{ "__typename": "User", "id": ALICE }, { "__typename": "User", "id": BOB }]);

    let own = app.student(ALICE).send(document, json!({ "id": ALICES_RUST })).await.ok();
    let reply = app.student(ALICE).entities("... on User { enrollments { totalCount } }", others).await;

    assert_eq!(own.data("/enrollment/student/enrollments/totalCount"), 2);
    assert_eq!(reply.data("/_entities"), &json!([{ "enrollments": { "totalCount": 2 } }, { "enrollments": null }]));
    assert_eq!(reply.error(), Some("FORBIDDEN"));
    assert_eq!(reply.json["errors"][0]["path"], json!(["_entities", 1, "enrollments"]));
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_number_of_statements_does_not_depend_on_the_length_of_the_list(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let selection = "... on User { enrollments(first: 100) { totalCount nodes { id status student { id } \
        payment { enrollment { id } } course { enrollmentCount viewerEnrollment { id } } } } }";
    enroll_alice(&db, 1).await;
    let mut length = 1;

    for more in [0, 19, 80] {
        enroll_alice(&db, more).await;
        length += more;
        let statements = StatementCount::start();
        let reply = alice.entities(selection, json!([{ "__typename": "User", "id": ALICE }])).await.ok();

        assert_eq!(reply.data("/_entities/0/enrollments/totalCount"), length);
        assert_eq!(statements.get(), 5, "page, total, payments, counts and own enrollments, for {length}");
    }
}

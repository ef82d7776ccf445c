//! The list of teachers who wait for verification, page by page.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::ids::new_id_and_time;
use sqlx::{PgPool, query};
use subgraph_testing::{StatementCount, list::List};
use uuid::{Builder, Uuid};

use crate::fixtures::{TOM, app};

fn unverified_teachers() -> List {
    List::root("unverifiedTeachers")
}

async fn insert(db: &PgPool, id: Uuid, created_at: DateTime<Utc>) {
    query("insert into users (id, email, password_hash, name, role, created_at) values ($1, $1 || '@lyceum.example', '!', 'Tom', 'teacher', $2)")
        .bind(id)
        .bind(created_at)
        .execute(db)
        .await
        .expect("a teacher");
}

/// Inserts teachers of a legacy system: unordered ids, and many at the same instant. Returns them oldest first.
async fn insert_earlier_teachers(db: &PgPool, count: i64) -> Vec<Uuid> {
    let start = DateTime::from_timestamp(1_700_000_000, 123_456_000).expect("a time");
    let mut teachers: Vec<_> = (0..count)
        .map(|number| {
            (start + TimeDelta::microseconds(number / 4), Builder::from_random_bytes(rand::random()).into_uuid())
        })
        .collect();
    teachers.sort_unstable();
    for (created_at, id) in &teachers {
        insert(db, *id, *created_at).await;
    }
    teachers.into_iter().map(|(_, id)| id).collect()
}

async fn insert_new_teachers(db: &PgPool, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let (id, created_at) = new_id_and_time();
        insert(db, id, created_at).await;
        ids.push(id);
    }
    ids
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn both_directions_meet_every_teacher_of_a_legacy_system_once(db: PgPool) {
    let teachers = insert_earlier_teachers(&db, 23).await;
    let admin = app(db).await.admin();

    unverified_teachers().check(&admin, teachers).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn both_directions_meet_every_new_teacher_once(db: PgPool) {
    let teachers = insert_new_teachers(&db, 23).await;
    let admin = app(db).await.admin();

    unverified_teachers().check(&admin, teachers).await;
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn only_teachers_who_wait_are_listed_and_counted(db: PgPool) {
    let (list, admin) = (unverified_teachers(), app(db).await.admin());

    let page = list.page(&admin, "first: 1").await.ok();

    assert_eq!(list.ids(&page), [TOM.to_string()]);
    assert_eq!(list.total(&page), 2);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn who_comes_and_goes_between_two_pages_moves_nobody_else(db: PgPool) {
    let teachers: Vec<_> = insert_new_teachers(&db, 12).await.iter().map(Uuid::to_string).collect();
    let admin = app(db.clone()).await.admin();

    let change = async |gone: [String; 2]| {
        query("delete from users where id::text = $1").bind(&gone[0]).execute(&db).await.expect("a deletion");
        let verified = query("update users set is_verified = true where id::text = $1").bind(&gone[1]);
        verified.execute(&db).await.expect("an update");
        insert_new_teachers(&db, 2).await;
    };
    unverified_teachers().check_changes(&admin, &teachers, change).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_page_of_any_size_and_the_total_take_two_statements(db: PgPool) {
    insert_new_teachers(&db, 100).await;
    let admin = app(db).await.admin();

    for size in [1, 20, 100] {
        let statements = StatementCount::start();
        let page = unverified_teachers().page(&admin, &format!("first: {size}")).await.ok();

        assert_eq!(unverified_teachers().ids(&page).len(), size);
        assert_eq!(statements.get(), 2, "{size} teachers");
    }
}

//! Full scans beside other statements.

use serde_json::json;
use sqlx::{Connection as _, PgConnection, PgPool, query, raw_sql};
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::{catalogue::publish_with_new_ids, fixtures::*, pool::*};

/// One request with different searches, each with its count.
fn many_searches(prefix: &str) -> String {
    let search = |number| {
        format!(
            "a{number}: courses(first: 1, filter: {{ search: \"{prefix}{number}\" }}) {{ totalCount nodes {{ id }} }}"
        )
    };
    format!("{{ {} }}", (0..30).map(search).collect::<Vec<_>>().join(" "))
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn searches_leave_connections_for_everything_else(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let holder = hold_the_table(&db).await;

    let attackers: Vec<_> =
        (1..=4).map(|number| ask(app.anonymous().at(&format!("192.0.2.{number}")), many_searches("x"))).collect();
    wait_for(&db, SEARCHES, 2).await;
    let strangers: Vec<_> = (0..3).map(|_| ask(app.anonymous().at("198.51.100.1"), PAGE.to_owned())).collect();
    wait_for(&db, PAGES, 3).await;

    assert_eq!(active(&db, SEARCHES).await, 2);
    holder.close().await.expect("the table is free");
    for stranger in strangers {
        assert_eq!(stranger.await.expect("an answer").ok().data("/courses/nodes/0/id"), &json!(LATIN));
    }
    for attacker in attackers {
        assert_eq!(attacker.await.expect("an answer").ok().data("/a29/totalCount"), 0);
    }
}

/// Blocks a full scan at the oldest course; the newest can be read meanwhile.
async fn hold_the_oldest_course(db: &PgPool) -> PgConnection {
    publish_with_new_ids(db, 3).await;
    raw_sql(
        "alter table courses rename to all_courses;
         create function is_free_to_read(course uuid) returns bool language plpgsql as $$
         begin
             if not exists (select from all_courses where id < course) then
                 perform pg_advisory_xact_lock_shared(1);
             end if;
             return true;
         end $$;
         create view courses as select * from all_courses where is_free_to_read(id);
         do $$ begin execute format('alter database %I set enable_sort = off', current_database()); end $$",
    )
    .execute(db)
    .await
    .expect("a view");
    let mut holder = connection(db).await;
    query("select pg_advisory_lock(1)").execute(&mut holder).await.expect("the lock");
    holder
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn counts_leave_connections_for_everything_else(db: PgPool) {
    let holder = hold_the_oldest_course(&db).await;
    let app = app_with_five_connections(&db).await;

    let counts: Vec<_> = (1..=9)
        .map(|number| {
            ask(app.anonymous().at(&format!("192.0.2.{number}")), "{ courses(first: 1) { totalCount } }".to_owned())
        })
        .collect();
    wait_for(&db, COUNTS, 2).await;
    let page = app.anonymous().at("192.0.2.1").send(PAGE, json!({})).await.ok();

    assert_eq!(page.data("/courses/nodes").as_array().map(Vec::len), Some(1));
    assert_eq!(active(&db, COUNTS).await, 2);
    holder.close().await.expect("all can be read");
    for count in counts {
        count.await.expect("an answer");
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_teachers_list_leaves_connections_for_everything_else(db: PgPool) {
    lists_leave_connections_for_everything_else(&db, &[TERESA], OF_ONE_PARENT).await;
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn lists_of_several_teachers_leave_connections_for_everything_else(db: PgPool) {
    lists_leave_connections_for_everything_else(&db, &[TERESA, TOM], OF_PARENTS).await;
}

/// Without an index, a teacher's courses need a full scan.
async fn lists_leave_connections_for_everything_else(db: &PgPool, teachers: &[Uuid], kind: &str) {
    let app = app_with_five_connections(db).await;
    let holder = hold_the_table(db).await;
    let user = |id: &Uuid| format!("{{ __typename: \"User\", id: \"{id}\" }}");
    let users: String = teachers.iter().map(user).collect();
    let document =
        format!("{{ _entities(representations: [{users}]) {{ ... on User {{ courses {{ nodes {{ id }} }} }} }} }}");

    let attackers: Vec<_> =
        (1..=4).map(|number| ask(app.anonymous().at(&format!("192.0.2.{number}")), document.clone())).collect();
    wait_for(db, kind, 2).await;
    let stranger = ask(app.anonymous().at("198.51.100.1"), PAGE.to_owned());
    wait_for(db, PAGES, 1).await;

    assert_eq!(active(db, kind).await, 2);
    holder.close().await.expect("the table is free");
    assert_eq!(stranger.await.expect("an answer").ok().data("/courses/nodes/0/id"), &json!(LATIN));
    for attacker in attackers {
        assert!(attacker.await.expect("an answer").ok().data("/_entities/0").is_object());
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn one_clients_searches_wait_for_each_other_and_a_strangers_does_not(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let holder = hold_the_table(&db).await;

    let attacks: Vec<_> =
        ["x", "y", "z"].map(|prefix| ask(app.anonymous().at("192.0.2.1"), many_searches(prefix))).into();
    wait_for(&db, SEARCHES, 1).await;
    let beginners = "{ courses(filter: { search: \"rust\", level: BEGINNER }) { totalCount } }".to_owned();
    let stranger = ask(app.anonymous().at("198.51.100.1"), beginners.clone());
    wait_for(&db, "%ilike%level%", 1).await;
    assert_eq!(active(&db, SEARCHES).await, 2);
    let student = ask(app.student(ALICE).at("192.0.2.1"), beginners);

    holder.close().await.expect("the table is free");
    assert_eq!(stranger.await.expect("an answer").ok().data("/courses/totalCount"), 1);
    assert_eq!(student.await.expect("an answer").ok().data("/courses/totalCount"), 1);
    for attack in attacks {
        assert_eq!(attack.await.expect("an answer").ok().data("/a0/totalCount"), 0);
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn equal_searches_at_the_same_moment_are_one(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let aliases =
        (0..29).map(|number| format!("a{number}: courses(filter: {{ search: \"rust\" }}) {{ nodes {{ id }} }}"));
    let document = format!("{{ {} }}", aliases.collect::<Vec<_>>().join(" "));
    let holder = hold_the_table(&db).await;

    let requests = [(); 2].map(|()| ask(app.student(ALICE), document.clone()));
    wait_for(&db, SEARCHES, 1).await;
    let statements = StatementCount::start();
    holder.close().await.expect("the table is free");

    for request in requests {
        let reply = request.await.expect("an answer").ok();
        assert_eq!(reply.data("/a28"), &json!({ "nodes": [{ "id": SQL }, { "id": RUST }] }));
    }
    assert_eq!(statements.get(), 1);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_search_without_a_turn_costs_its_list_and_nothing_more(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let holder = hold_the_table(&db).await;

    let document = "{ __typename courses(filter: { search: \"rust\" }) { totalCount } }";
    let reply = app.anonymous().send(document, json!({})).await;

    assert_eq!(reply.errors(), ["SERVICE_UNAVAILABLE"]);
    assert_eq!(reply.data("/__typename"), "Query");
    assert!(reply.data("/courses").is_null());
    wait_for(&db, SEARCHES, 0).await;
    holder.close().await.expect("the table is free");
}

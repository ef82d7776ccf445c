use chrono::Utc;
use contracts::ids::new_id_and_time;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, query, query_scalar};
use subgraph_kit::cursor::Cursor;
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

fn catalogue() -> List {
    List::root("courses")
}

/// Inserts courses with ids of the legacy system, five per second.
async fn publish_with_old_ids(db: &PgPool, count: i32) {
    query(
        "insert into courses (teacher_id, title, created_at)
         select $1, 'Course ' || n, timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, $2) as n",
    )
    .bind(TERESA)
    .bind(count)
    .execute(db)
    .await
    .expect("the courses are inserted");
}

/// Inserts courses with ids of this system.
pub async fn publish_with_new_ids(db: &PgPool, count: usize) {
    let (ids, times): (Vec<_>, Vec<_>) = (0..count).map(|_| new_id_and_time()).unzip();
    query(
        "insert into courses (id, teacher_id, title, created_at)
         select id, $3, 'Course', created_at from unnest($1::uuid[], $2::timestamptz[]) as new (id, created_at)",
    )
    .bind(ids)
    .bind(times)
    .bind(TERESA)
    .execute(db)
    .await
    .expect("the courses are inserted");
}

async fn publish(db: &PgPool, title: &str, description: &str) -> String {
    query_scalar("insert into courses (teacher_id, title, description) values ($1, $2, $3) returning id::text")
        .bind(TERESA)
        .bind(title)
        .bind(description)
        .fetch_one(db)
        .await
        .expect("the course is inserted")
}

async fn oldest_first(db: &PgPool) -> Vec<String> {
    query_scalar("select id::text from courses order by created_at, id")
        .fetch_all(db)
        .await
        .expect("the courses are read")
}

/// Checks the catalogue in both orders.
async fn check_pages(db: &PgPool) {
    let client = app(db.clone()).await.anonymous();
    let oldest_first = oldest_first(db).await;
    let newest_first: Vec<_> = oldest_first.iter().rev().collect();

    catalogue().check(&client, &newest_first).await;
    catalogue().with("orderBy: NEWEST").check(&client, &newest_first).await;
    catalogue().with("orderBy: OLDEST").check(&client, &oldest_first).await;
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn the_catalogue_lists_the_newest_first(db: PgPool) {
    let (list, client) = (catalogue(), app(db).await.anonymous());

    let newest = list.page(&client, "first: 20").await.ok();
    let oldest = list.page(&client, "orderBy: OLDEST").await.ok();

    assert_eq!(list.ids(&newest), [LATIN, SQL, RUST].map(|id| id.to_string()));
    assert_eq!(list.ids(&oldest), [RUST, SQL, LATIN].map(|id| id.to_string()));
    assert_eq!(list.total(&newest), 3);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn an_empty_catalogue_is_an_empty_page(db: PgPool) {
    let (list, client) = (catalogue(), app(db).await.anonymous());

    for arguments in ["first: 1", "last: 1"] {
        let page = list.page(&client, arguments).await.ok();

        assert_eq!(
            page.data("/courses"),
            &json!({
                "nodes": [],
                "edges": [],
                "totalCount": 0,
                "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
            })
        );
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn pages_join_where_ids_are_old_and_times_are_equal(db: PgPool) {
    publish_with_old_ids(&db, 23).await;

    check_pages(&db).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn pages_join_where_all_ids_are_new(db: PgPool) {
    publish_with_new_ids(&db, 23).await;

    check_pages(&db).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn pages_join_where_new_ids_follow_old_ones(db: PgPool) {
    publish_with_old_ids(&db, 11).await;
    publish_with_new_ids(&db, 12).await;

    check_pages(&db).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn rows_that_come_and_go_between_two_pages_shift_nothing(db: PgPool) {
    publish_with_old_ids(&db, 12).await;
    let client = app(db.clone()).await.anonymous();
    let all: Vec<_> = oldest_first(&db).await.into_iter().rev().collect();

    let change = async |gone| {
        query("delete from courses where id::text = any($1)")
            .bind(gone)
            .execute(&db)
            .await
            .expect("the courses are deleted");
        query("insert into courses (teacher_id, title, created_at) values ($1, 'New', '2030-01-01'), ($1, 'Old', '2020-01-01')")
            .bind(TERESA)
            .execute(&db)
            .await
            .expect("the courses are inserted");
    };
    catalogue().check_changes(&client, &all, change).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn new_ids_are_paged_by_the_primary_key_alone(db: PgPool) {
    publish_with_new_ids(&db, 5_000).await;
    query("analyze courses").execute(&db).await.expect("the statistics are gathered");
    let (list, client) = (catalogue(), app(db.clone()).await.anonymous());
    let page = list.page(&client, "first: 50").await.ok();
    let cursor = list.cursor(&page, "endCursor");
    let id: Uuid =
        query_scalar("select id from courses order by id offset 2500 limit 1").fetch_one(&db).await.expect("an id");
    // The cursor of a row of the legacy system, which this table has never had.
    let made_up = Cursor { time: Utc::now(), id: Uuid::from_u128(id.as_u128() ^ (3 << 76)) }.encode("course");

    for part in [
        "first: 20".to_owned(),
        "last: 20".to_owned(),
        format!("after: \"{cursor}\""),
        format!("last: 3, before: \"{cursor}\""),
        format!("after: \"{made_up}\""),
    ] {
        for order in ["NEWEST", "OLDEST"] {
            let arguments = format!("{part}, orderBy: {order}");
            let page = client.send(&format!("{{ courses({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await.ok();
            let plan = plan_of_the_last_page(&db).await;

            assert!(page.data("/courses/nodes/0/id").is_string());
            assert!(plan.contains("using courses_pkey"), "{arguments}: {plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Seq Scan on courses"), "{arguments}: {plan}");
        }
    }
}

/// The query plan of the statement that read the last page.
async fn plan_of_the_last_page(db: &PgPool) -> String {
    let mut observer = PgConnection::connect_with(&db.connect_options()).await.expect("a connection of our own");
    let statement: String = query_scalar(
        "select query from pg_stat_activity
         where datname = current_database() and query like 'select id, teacher_id%order by%'
         order by query_start desc limit 1",
    )
    .fetch_one(&mut observer)
    .await
    .expect("the statement is still known");
    let explain = AssertSqlSafe(format!("explain (generic_plan, costs off) {statement}"));
    let lines: Vec<String> = sqlx::raw_sql(explain)
        .fetch_all(&mut observer)
        .await
        .expect("a plan")
        .iter()
        .map(|row| sqlx::Row::get(row, 0))
        .collect();
    lines.join("\n")
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_page_costs_one_statement_and_a_total_one_more(db: PgPool) {
    publish_with_old_ids(&db, 100).await;
    let app = app(db).await;

    for size in [1, 20, 100] {
        for (selection, expected) in
            [("nodes { id title teacher { id } }", 1), ("nodes { id } totalCount", 2), ("totalCount", 2)]
        {
            let statements = StatementCount::start();
            let document = format!("{{ courses(first: {size}) {{ {selection} }} }}");
            let reply = app.anonymous().send(&document, json!({})).await.ok();

            assert_eq!(statements.get(), expected, "{size} rows, {selection}");
            assert!(reply.data("/courses").is_object());
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn filters_narrow_the_list_and_its_total_together(db: PgPool) {
    let (list, client) = (catalogue(), app(db).await.anonymous());
    let teresa = format!("teacherId: \"{TERESA}\"");

    for (filter, expected) in [
        ("", vec![LATIN, SQL, RUST]),
        ("level: ADVANCED", vec![LATIN]),
        ("isFree: true", vec![RUST]),
        ("isFree: false", vec![LATIN, SQL]),
        (&teresa, vec![SQL, RUST]),
        (&format!("{teresa}, isFree: false"), vec![SQL]),
        (&format!("{teresa}, isFree: false, level: INTERMEDIATE, search: \"join\""), vec![SQL]),
        (&format!("{teresa}, level: ADVANCED"), vec![]),
        (&format!("teacherId: \"{NOBODY}\""), vec![]),
        ("search: null, level: null, isFree: null, teacherId: null", vec![LATIN, SQL, RUST]),
    ] {
        let page = list.page(&client, &format!("filter: {{ {filter} }}")).await.ok();

        assert_eq!(list.ids(&page), expected.iter().map(Uuid::to_string).collect::<Vec<_>>(), "{filter}");
        assert_eq!(list.total(&page), expected.len(), "{filter}");
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_filtered_list_is_paged(db: PgPool) {
    let client = app(db).await.anonymous();

    catalogue().with("filter: { search: \"RUST\" }").check(&client, [SQL, RUST]).await;
}

const SEARCH: &str = "query ($search: String!) { courses(filter: { search: $search }) { nodes { id } totalCount } }";

async fn found(db: &PgPool, search: &str) -> Value {
    let reply = app(db.clone()).await.anonymous().send(SEARCH, json!({ "search": search })).await.ok();
    let ids: Vec<_> =
        reply.data("/courses/nodes").as_array().expect("a list").iter().map(|node| node["id"].clone()).collect();
    assert_eq!(reply.data("/courses/totalCount"), ids.len());
    json!(ids)
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_search_means_what_it_says(db: PgPool) {
    let long = "0123456789".repeat(20);
    let percent = publish(&db, "100% Rust", "").await;
    let underscore = publish(&db, "snake_case", "").await;
    let backslash = publish(&db, r"C:\new", "").await;
    let quotes = publish(&db, r#"The "best" of Tom's"#, "").await;
    let emoji = publish(&db, "Plain", "for 🦀 and 👩‍🏫").await;
    let much = publish(&db, "Much", &format!("so {long} much")).await;

    for (search, expected) in [
        ("%", &percent),
        ("0% r", &percent),
        ("_", &underscore),
        ("KE_CA", &underscore),
        (r"\", &backslash),
        (r":\N", &backslash),
        ("\"", &quotes),
        ("Tom's", &quotes),
        ("🦀", &emoji),
        ("👩‍🏫", &emoji),
        (&long, &much),
    ] {
        assert_eq!(found(&db, search).await, json!([expected]), "{search}");
    }
    for nothing in ["%%", "__", r"\\", "' or true --", "100_ Rust", "🦞"] {
        assert_eq!(found(&db, nothing).await, json!([]), "{nothing}");
    }
    assert_eq!(found(&db, "").await.as_array().map(Vec::len), Some(6));
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_search_for_too_much_or_the_nul_character_is_a_bad_input(db: PgPool) {
    let anonymous = app(db).await.anonymous();

    for search in ["Ru\0st", &"🦀".repeat(201)] {
        let statements = StatementCount::start();
        let reply = anonymous.send(SEARCH, json!({ "search": search })).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"));
        assert!(
            reply.json["errors"][0]["message"].as_str().is_some_and(|message| message.starts_with("filter.search"))
        );
        assert_eq!(statements.get(), 0);
    }
    let found = anonymous.send(SEARCH, json!({ "search": "🦀".repeat(200) })).await.ok();
    assert_eq!(found.data("/courses/totalCount"), 0);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_search_is_trimmed_and_finds_both_unicode_forms(db: PgPool) {
    let composed = publish(&db, "Café", "").await;
    let decomposed = publish(&db, "Le cafe\u{301}", "").await;
    let russian = publish(&db, "Ёлка", "").await;

    for search in ["café", "cafe\u{301}", "  CAFÉ\n"] {
        let hits = found(&db, search).await;
        for id in [&composed, &decomposed] {
            assert!(hits.as_array().is_some_and(|hits| hits.contains(&json!(id))), "{search:?}: {hits}");
        }
    }
    assert_eq!(found(&db, "\u{415}\u{308}лка").await, json!([russian]));
    let lines = publish(&db, "Lines", "One\nat a time").await;
    let imported = publish(&db, "Lines", "One\r\nat a time").await;
    let both = found(&db, "one\r\nat").await;
    assert!(both == json!([lines, imported]) || both == json!([imported, lines]), "{both}");
    assert_eq!(found(&db, " ").await.as_array().map(Vec::len), Some(5));
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn every_word_has_to_occur_in_any_order(db: PgPool) {
    publish(&db, "Data science with Python", "From the beginning.").await;
    publish(&db, "Python", "How to clean DATA.").await;
    publish(&db, "Cooking", "100% data.").await;
    let (list, client) = (catalogue(), app(db).await.anonymous());

    for (words, hits) in [
        ("python data", 2),
        ("  DATA\\n\\tpython ", 2),
        ("data python clean", 1),
        ("dat", 3),
        ("data DATA dat da at a", 3),
        ("0% data", 1),
        ("python cooking", 0),
        ("", 3),
        (" ", 3),
    ] {
        let page = list.page(&client, &format!("filter: {{ words: \"{words}\" }}")).await.ok();
        assert_eq!(list.total(&page), hits, "{words}");
        assert_eq!(list.ids(&page).len(), hits, "{words}");
    }
    let both = list.page(&client, "filter: { words: \"data python\", search: \"science with\" }").await.ok();
    assert_eq!(list.total(&both), 1);
    for words in ["a b c d e f g", &"x".repeat(201), "a\\u0000"] {
        let reply = list.page(&client, &format!("filter: {{ words: \"{words}\" }}")).await;
        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{words}");
        assert!(reply.message().starts_with("filter.words"), "{}", reply.message());
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn prices_have_a_range_and_levels_may_be_several(db: PgPool) {
    query("update courses set is_free = true, price = 7 where id = $1")
        .bind(RUST)
        .execute(&db)
        .await
        .expect("an odd row");
    let (list, client) = (catalogue(), app(db).await.anonymous());

    for (filter, expected) in [
        ("minPrice: \"0\"", vec![LATIN, SQL, RUST]),
        ("minPrice: \"0.01\"", vec![LATIN, SQL]),
        ("maxPrice: \"0\"", vec![RUST]),
        ("maxPrice: \"5.00\"", vec![LATIN, RUST]),
        ("minPrice: 5, maxPrice: \"49.98\"", vec![LATIN]),
        ("minPrice: \"49.99\"", vec![SQL]),
        ("minPrice: \"50\"", vec![]),
        ("minPrice: \"10\", maxPrice: \"5\"", vec![]),
        ("levels: [BEGINNER, ADVANCED]", vec![LATIN, RUST]),
        ("levels: [ADVANCED, ADVANCED]", vec![LATIN]),
        ("levels: [], minPrice: null, maxPrice: null, words: null", vec![LATIN, SQL, RUST]),
        ("levels: [BEGINNER, ADVANCED], level: ADVANCED", vec![LATIN]),
        ("levels: [BEGINNER], level: ADVANCED", vec![]),
    ] {
        let page = list.page(&client, &format!("filter: {{ {filter} }}")).await.ok();

        assert_eq!(list.ids(&page), expected.iter().map(Uuid::to_string).collect::<Vec<_>>(), "{filter}");
        assert_eq!(list.total(&page), expected.len(), "{filter}");
    }
    for price in ["\"-0.01\"", "\"-10000000000\"", "\"1.001\"", "\"10,50\"", "\"\"", "\"10000000000\""] {
        for field in ["minPrice", "maxPrice"] {
            let reply = list.page(&client, &format!("filter: {{ {field}: {price} }}")).await;
            assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{price}");
            assert!(reply.message().starts_with(&format!("filter.{field}")), "{}", reply.message());
            assert!(!reply.message().contains("more than 0"), "0 is allowed: {}", reply.message());
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn courses_are_listed_by_title_and_by_price(db: PgPool) {
    query(
        "insert into courses (teacher_id, title, is_free, price)
         select $1, (array['Rust', 'rust', 'Ärger', 'zebra', 'Abc', '', 'a', '🦀'])[1 + n % 8], n % 3 = 0, (n % 5) * 10.05
         from generate_series(1, 40) as n
         union all values ($1, 'No price', false, null), ($1, 'Negative', false, -5), ($1, 'Free with a price', true, 99)",
    )
    .bind(TERESA)
    .execute(&db)
    .await
    .expect("the courses are inserted");
    query("update courses set state = 'draft' where title = 'Abc' and price > 20").execute(&db).await.expect("drafts");
    let order = async |order: &str| -> Vec<Uuid> {
        let sql = format!("select id from courses where state = 'published' order by {order}, id");
        query_scalar(AssertSqlSafe(sql)).fetch_all(&db).await.expect("the ids")
    };
    let by_title = order("lower(title) collate \"C\"").await;
    let by_price = order("case when is_free then 0 else greatest(coalesce(price, 0), 0) end").await;

    for profile in ["baseline", "tuned"] {
        let client = app(db.clone()).await.anonymous();
        catalogue().with("orderBy: TITLE").check(&client, &by_title).await;
        catalogue().with("orderBy: PRICE").check(&client, &by_price).await;
        if profile == "baseline" {
            crate::search::tune(&db).await;
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn an_order_by_value_is_read_from_its_index(db: PgPool) {
    publish_with_new_ids(&db, 5_000).await;
    query("update courses set title = md5(id::text), is_free = false, price = (random() * 100)::numeric(12, 2)")
        .execute(&db)
        .await
        .expect("titles and prices");
    crate::search::tune(&db).await;
    query("analyze courses").execute(&db).await.expect("the statistics are gathered");
    let client = app(db.clone()).await.anonymous();

    for (order, index) in [("TITLE", "courses_by_title"), ("PRICE", "courses_by_price")] {
        let list = catalogue().with(&format!("orderBy: {order}"));
        let first = list.page(&client, "first: 5").await.ok();
        let cursor = list.cursor(&first, "endCursor");
        for part in ["first: 20".to_owned(), format!("after: \"{cursor}\""), format!("last: 3, before: \"{cursor}\"")] {
            let document = format!("{{ courses({part}, orderBy: {order}) {{ nodes {{ id }} }} }}");
            let page = client.send(&document, json!({})).await.ok();
            assert!(page.data("/courses/nodes/0/id").is_string());
            let plan = plan_of_the_last_page(&db).await;

            assert!(plan.contains(index) && !plan.contains("Sort"), "{part}: {plan}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn rows_that_come_and_go_shift_nothing_in_an_order_by_value(db: PgPool) {
    publish_with_old_ids(&db, 12).await;
    let client = app(db.clone()).await.anonymous();
    let all: Vec<String> = query_scalar("select id::text from courses order by lower(title) collate \"C\", id")
        .fetch_all(&db)
        .await
        .expect("the courses are read");

    let change = async |gone| {
        query("delete from courses where id::text = any($1)").bind(gone).execute(&db).await.expect("they are deleted");
        query("insert into courses (teacher_id, title) values ($1, 'A'), ($1, 'Z')")
            .bind(TERESA)
            .execute(&db)
            .await
            .expect("the courses are inserted");
    };
    catalogue().with("orderBy: TITLE").check_changes(&client, &all, change).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_row_inserted_by_hand_is_at_its_place_in_every_list_at_once(db: PgPool) {
    publish_with_new_ids(&db, 5).await;
    let app = app(db.clone()).await;
    let (client, teacher) = (app.anonymous(), List::of(json!({ "__typename": "User", "id": TERESA }), "courses"));
    let cursors = catalogue().page(&client, "first: 2").await.ok();
    let cursor = catalogue().cursor(&cursors, "endCursor").to_owned();

    for (id, age) in
        [(Uuid::from_u128(u128::MAX >> 1), "1 hour"), (Uuid::now_v7(), "2 hours"), (Uuid::nil(), "0 hours")]
    {
        query(
            "insert into courses (id, teacher_id, title, created_at) values ($1, $2, 'By hand', now() - $3::interval)",
        )
        .bind(id)
        .bind(TERESA)
        .bind(age)
        .execute(&db)
        .await
        .expect("a course");
        let newest: Vec<_> = oldest_first(&db).await.into_iter().rev().collect();

        let page = catalogue().page(&client, "first: 100").await.ok();
        assert_eq!(catalogue().ids(&page), newest, "{id}");
        let page = teacher.page(&client, "first: 100").await.ok();
        assert_eq!(teacher.ids(&page), newest, "{id}");
        let next = catalogue().page(&client, &format!("after: \"{cursor}\"")).await.ok();
        let place = newest.iter().position(|id| *id == catalogue().ids(&cursors)[1]).expect("its place");
        assert_eq!(catalogue().ids(&next), newest[place + 1..], "{id}");
    }
    check_pages(&db).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_description_is_read_whichever_way_it_is_selected(db: PgPool) {
    publish(&db, "Course", "All of it.").await;
    let client = app(db).await.anonymous();

    for (selection, place) in [
        ("nodes { description }", "/courses/nodes/0/description"),
        ("nodes { text: description }", "/courses/nodes/0/text"),
        ("edges { node { id } } nodes { id ... on Course { description } }", "/courses/nodes/0/description"),
        ("items: edges { item: node { ...Text } }", "/courses/items/0/item/description"),
        ("nodes { id } nodes { description }", "/courses/nodes/0/description"),
        ("nodes { id } ... @include(if: true) { nodes { description } }", "/courses/nodes/0/description"),
    ] {
        let document = format!("{{ courses(first: 1) {{ {selection} }} }}");
        let fragment = if selection.contains("...Text") { "fragment Text on Course { description }" } else { "" };
        let reply = client.send(&format!("{document} {fragment}"), json!({})).await.ok();

        assert_eq!(reply.data(place), "All of it.", "{selection}");
    }
}

//! Property test: the pages of any list, of any sizes, add up to the whole list.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_kit::cursor::Cursor;
use subgraph_testing::{
    Client,
    list::{self, Contract, List, Page},
};
use tokio::{runtime::Handle, task::spawn_blocking};
use uuid::Uuid;

use crate::fixtures::*;

const CASES: u32 = 60;
const TITLES: [&str; 4] = ["Rust", "rust", "Ärger", "a"];
const LEVELS: [&str; 3] = ["beginner", "intermediate", "advanced"];

/// The columns of a course that decide its position in a list.
#[derive(Clone, Debug)]
struct Row {
    /// Small numbers, so that many are equal.
    milliseconds: i64,
    microseconds: i64,
    random: u128,
    level: usize,
    is_teresas: bool,
}

/// The ids of the rows.
#[derive(Clone, Copy, Debug)]
enum Ids {
    /// Ids that contain their time.
    New,
    /// Random ids.
    Old,
    Both,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Newest,
    Oldest,
    OneLevel,
    OfTeacher,
    /// Batched with another teacher's.
    OfTeachers,
    Title,
    Price,
}

#[derive(Clone, Debug)]
struct Case {
    rows: Vec<Row>,
    ids: Ids,
    kind: Kind,
    /// Whether a teacher's courses have an index.
    is_indexed: bool,
    /// Pages whose positions are taken modulo the list's length.
    pages: Vec<Page>,
    /// The page sizes of a walk from one end to the other, in turn.
    sizes: Vec<usize>,
}

fn case() -> impl Strategy<Value = Case> {
    let row = (0..6_i64, 0..3_i64, any::<u128>(), 0..LEVELS.len(), any::<bool>()).prop_map(
        |(milliseconds, microseconds, random, level, is_teresas)| Row {
            milliseconds,
            microseconds,
            random,
            level,
            is_teresas,
        },
    );
    let page = (any::<bool>(), 1..=8_usize, option::of(0..40_usize), option::of(0..40_usize))
        .prop_map(|(forward, size, after, before)| Page { forward, size, after, before });
    let ids = prop_oneof![Just(Ids::New), Just(Ids::Old), Just(Ids::Both)];
    let kind = prop_oneof![
        Just(Kind::Newest),
        Just(Kind::Oldest),
        Just(Kind::OneLevel),
        Just(Kind::OfTeacher),
        Just(Kind::OfTeachers),
        Just(Kind::Title),
        Just(Kind::Price),
    ];
    (vec(row, 0..30), ids, kind, any::<bool>(), vec(page, 0..6), vec(1..=7_usize, 1..5))
        .prop_map(|(rows, ids, kind, is_indexed, pages, sizes)| Case { rows, ids, kind, is_indexed, pages, sizes })
}

impl Row {
    fn position(&self, ids: Ids, number: usize) -> Cursor {
        let millisecond =
            DateTime::<Utc>::from_timestamp_millis(1_700_000_000_000 + self.milliseconds).expect("a time");
        let is_new = match ids {
            Ids::New => true,
            Ids::Old => false,
            Ids::Both => number.is_multiple_of(2),
        };
        if is_new {
            let random = self.random.to_be_bytes();
            let millis = u64::try_from(millisecond.timestamp_millis()).expect("it is later than 1970");
            let random = random[..10].try_into().expect("ten bytes");
            return Cursor {
                time: millisecond,
                id: uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid(),
            };
        }
        let time = millisecond + TimeDelta::microseconds(self.microseconds);
        Cursor { time, id: uuid::Builder::from_random_bytes(self.random.to_be_bytes()).into_uuid() }
    }
}

impl Case {
    async fn insert(&self, db: &PgPool) {
        query("truncate courses, tables_with_other_ids").execute(db).await.expect("the courses are gone");
        let index = if self.is_indexed {
            "create index if not exists by_teacher on courses (teacher_id)"
        } else {
            "drop index if exists by_teacher"
        };
        query(index).execute(db).await.expect("the index is there, or gone");
        for (number, row) in self.rows.iter().enumerate() {
            let Cursor { time, id } = row.position(self.ids, number);
            query(
                "insert into courses (id, teacher_id, title, level, created_at, is_free, price)
                 values ($1, $2, $5, $3::course_level, $4, $6 % 3 = 0, nullif($6, 0))
                 on conflict do nothing",
            )
            .bind(id)
            .bind(if row.is_teresas { TERESA } else { TOM })
            .bind(LEVELS[row.level])
            .bind(time)
            .bind(TITLES[row.level + usize::from(row.is_teresas)])
            .bind(row.milliseconds)
            .execute(db)
            .await
            .expect("the course is inserted");
        }
    }

    /// The whole list, in its order.
    async fn all(&self, db: &PgPool) -> Vec<Cursor> {
        let (condition, order) = match self.kind {
            Kind::Title | Kind::Price => return Vec::new(),
            Kind::Newest => ("true", "desc"),
            Kind::Oldest => ("true", "asc"),
            Kind::OneLevel => ("level = 'beginner'", "desc"),
            Kind::OfTeacher | Kind::OfTeachers => ("teacher_id = $1", "desc"),
        };
        let sql = format!(
            "select created_at, id from courses where {condition} and $1::uuid is not null
             order by created_at {order}, id {order}"
        );
        let rows: Vec<(DateTime<Utc>, Uuid)> =
            query_as(sqlx::AssertSqlSafe(sql)).bind(TERESA).fetch_all(db).await.expect("the courses are read");
        rows.into_iter().map(|(time, id)| Cursor { time, id }).collect()
    }

    fn list(&self) -> List {
        let teacher = |id: Uuid| json!({ "__typename": "User", "id": id });
        match self.kind {
            Kind::Newest => List::root("courses"),
            Kind::Oldest => List::root("courses").with("orderBy: OLDEST"),
            Kind::Title => List::root("courses").with("orderBy: TITLE"),
            Kind::Price => List::root("courses").with("orderBy: PRICE"),
            Kind::OneLevel => List::root("courses").with("filter: { level: BEGINNER }"),
            Kind::OfTeacher => List::of(teacher(TERESA), "courses"),
            Kind::OfTeachers => List::of(teacher(TERESA), "courses").beside(teacher(TOM)),
        }
    }

    /// The cursors of these orders are the list's own: they are read, and lead on.
    async fn check_order_by_value(&self, db: &PgPool, client: &Client, list: &List) {
        let order = if let Kind::Title = self.kind { "lower(title) collate \"C\"" } else { "price_to_pay" };
        let sql = format!(
            "select id from (select *, case when is_free then 0 else coalesce(price, 0) end as price_to_pay from courses)
             order by {order}, id"
        );
        let ids: Vec<Uuid> = query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.expect("the courses are read");
        list.check(client, ids).await;
    }

    async fn check(&self, db: &PgPool) {
        self.insert(db).await;
        let (client, list) = (app(db.clone()).await.anonymous(), self.list());
        let row = |row: Cursor| list::Row { id: row.id.to_string(), cursor: row.encode("course") };
        if let Kind::Title | Kind::Price = self.kind {
            return self.check_order_by_value(db, &client, &list).await;
        }
        let rows: Vec<_> = self.all(db).await.into_iter().map(row).collect();
        let length = rows.len();
        let contract = Contract::new(&list, &client, rows);
        for page in &self.pages {
            let row = |position: Option<usize>| position?.checked_rem(length);
            contract.check_page(Page { after: row(page.after), before: row(page.before), ..*page }).await;
        }
        for forward in [true, false] {
            contract.check_walk(forward, &self.sizes).await;
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn any_pages_of_any_rows_are_the_whole_list_cut_up(db: PgPool) {
    let runtime = Handle::current();
    let run = move || {
        let config = Config { cases: CASES, ..Config::with_source_file(file!()) };
        TestRunner::new(config).run(&case(), |case| {
            runtime.block_on(case.check(&db));
            Ok(())
        })
    };

    spawn_blocking(run).await.expect("it ends").unwrap_or_else(|error| panic!("{error}"));
}

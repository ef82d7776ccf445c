//! Searches with the indexes of the profiles `baseline` and `tuned`.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row as _, query, query_scalar, raw_sql};
use subgraph_testing::Client;

use crate::{fixtures::*, pool::connection};

const SEARCH: &str =
    "query ($text: String!) { courses(first: 100, filter: { search: $text }) { totalCount nodes { title } } }";
const TUNED: [&str; 5] = [
    include_str!("../../../../migrations/course/tuned/001_courses_search.sql"),
    include_str!("../../../../migrations/course/tuned/002_courses_lists.sql"),
    include_str!("../../../../migrations/course/tuned/003_courses_search_text.sql"),
    include_str!("../../../../migrations/course/tuned/004_courses_search_text_index.sql"),
    include_str!("../../../../migrations/course/tuned/005_courses_published.sql"),
];
const COURSES: [(&str, &str); 9] = [
    ("Rust", "Ownership and borrowing."),
    ("ÄPFEL und Birnen", "Über Obst."),
    ("50% off_line", r"A back\slash."),
    ("Two\nlines", "And\nmore of\nthem."),
    ("Ends here", "Begins there."),
    ("ИСТОРИЯ", "Века и годы."),
    ("İstanbul", "ΣΊΣΥΦΟΣ rolls a stone."),
    ("", "Nothing but this."),
    ("Nothing but that", ""),
];
const WORDS: &str =
    "query ($text: String!) { courses(first: 100, filter: { words: $text }) { totalCount nodes { title } } }";
const TEXTS: [&str; 24] = [
    "rust",
    "RUST",
    "rust\nownership",
    "äpfel",
    "über",
    "%",
    "_",
    "\\",
    "50%",
    "off_",
    "offxline",
    "two\nlines",
    "and\nmore",
    "here\nbegins",
    "here",
    "история",
    "ВЕКА",
    "i̇stanbul",
    "İ",
    "σίσυφος",
    "",
    "\n",
    "nothing but",
    "no such course",
];

async fn found(client: &Client, text: &str) -> Value {
    client.send(SEARCH, json!({ "text": text })).await.ok().data("/courses").clone()
}

async fn found_by_words(client: &Client, words: &str) -> Value {
    client.send(WORDS, json!({ "text": words })).await.ok().data("/courses").clone()
}

pub async fn tune(db: &PgPool) {
    for migration in TUNED {
        raw_sql(migration).execute(db).await.expect("it can be tuned");
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn both_profiles_find_the_same(db: PgPool) {
    for (title, description) in COURSES {
        let insert = "insert into courses (teacher_id, title, description) values ($1, $2, $3)";
        query(insert).bind(TERESA).bind(title).bind(description).execute(&db).await.expect("a course");
    }
    let baseline = app(db.clone()).await.anonymous();
    tune(&db).await;
    let tuned = app(db).await.anonymous();

    let mut hits = 0;
    for text in TEXTS {
        let expected = found(&baseline, text).await;
        assert_eq!(found(&tuned, text).await, expected, "{text:?}");
        hits += usize::from(expected["totalCount"] != 0);
        let by_words = found_by_words(&baseline, text).await;
        assert_eq!(found_by_words(&tuned, text).await, by_words, "{text:?}");
        if !text.contains(char::is_whitespace) {
            assert_eq!(by_words, expected, "{text:?}");
        }
    }
    for (words, count) in [("here BEGINS", 1), ("birnen Äpfel", 1), ("a\u{308}pfel über obst", 1), ("here missing", 0)]
    {
        for client in [&baseline, &tuned] {
            assert_eq!(found_by_words(client, words).await["totalCount"], count, "{words:?}");
        }
    }

    // A match may not span title and description.
    assert_eq!(found(&tuned, "here\nbegins").await["totalCount"], 0);
    assert!(hits >= 18, "only {hits} of them find anything");
}

/// The query plan of the last search, with this pattern.
async fn plan(db: &PgPool, pattern: &str) -> String {
    let last = "select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and query like 'select %' and query like '%search_text%' order by query_start desc limit 1";
    let statement: String = query_scalar(last).fetch_one(db).await.expect("a search");
    let arguments = if statement.contains("$2") { format!("'{pattern}', 21") } else { format!("'{pattern}'") };
    let mut connection = connection(db).await;
    let prepare = AssertSqlSafe(format!("prepare search as {statement}"));
    raw_sql(prepare).execute(&mut connection).await.expect("it is prepared");
    let explain = AssertSqlSafe(format!("explain execute search({arguments})"));
    let plan: Vec<String> = raw_sql(explain)
        .fetch_all(&mut connection)
        .await
        .expect("a plan")
        .iter()
        .map(|line| line.get::<String, _>(0))
        .collect();
    format!("{statement}\n{}", plan.join("\n"))
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_tuned_search_for_few_courses_reads_no_others(db: PgPool) {
    let insert = "insert into courses (teacher_id, title, description)
        select $1, 'Course number ' || n, repeat(md5(n::text) || ' ', 10) from generate_series(1, 20000) as n";
    query(insert).bind(TERESA).execute(&db).await.expect("the courses");
    tune(&db).await;
    let client = app(db.clone()).await.anonymous();

    for (text, hits) in [("Number 12345", 1), ("no such course", 0)] {
        let filter = format!("filter: {{ search: \"{text}\" }}");
        for document in [
            format!("{{ courses(first: 20, {filter}) {{ nodes {{ id }} }} }}"),
            format!("{{ courses({filter}) {{ totalCount }} }}"),
        ] {
            let answer = client.send(&document, json!({})).await.ok();
            let plan = plan(&db, &format!("%{text}%")).await;

            let courses = answer.data("/courses");
            let found = courses["nodes"].as_array().map_or(courses["totalCount"].clone(), |nodes| json!(nodes.len()));
            assert_eq!(found, hits, "{document}");
            assert!(plan.contains("Bitmap Index Scan on courses_search_text"), "{plan}");
        }
    }
}

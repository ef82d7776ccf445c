//! What a search takes by itself, at sixteen connections: of words that many, few and no courses have.

use anyhow::{Context as _, Result};
use bench::{
    client::Students,
    load::{Load, Measured, Request},
    pages::Page,
    system::System,
};
use serde::Serialize;
use serde_json::json;

const CONNECTIONS: u32 = 16;
/// From what nearly half of the courses have to what none has; the last one is too short for an index of trigrams.
pub const WORDS: [&str; 6] = ["course", "Rust", "Watercolour", "Rust for", "no such course", "42"];
const TOTAL: &str = "query Total($text: String!) { courses(first: 1, filter: { search: $text }) { totalCount } }";

/// What was measured of one search.
#[derive(Clone, Debug, Serialize)]
pub struct SearchMeasurement {
    /// What was searched for.
    pub word: String,
    /// How many courses have it.
    pub courses: u64,
    /// Whether the operation asks for that.
    pub with_total: bool,
    /// Answers in a second.
    pub per_second: f64,
    /// Milliseconds that half of the answers took at the most.
    pub p50: f64,
    /// Milliseconds, of 99 in 100.
    pub p99: f64,
}

/// Searches for one word as fast as it is answered, for so many seconds.
///
/// # Errors
/// When an answer is not as expected.
pub async fn search(
    system: &System,
    students: &Students,
    word: &str,
    with_total: bool,
    seconds: u32,
) -> Result<SearchMeasurement> {
    let page = Page::named(if with_total { "search with its total" } else { "search" });
    let page = page.context("the page that is searched on")?;
    let body = json!({ "query": page.document, "variables": { "text": word } }).to_string();
    let request = |token: &str| Request::Graph { token: token.to_owned(), body: body.clone() };
    let requests: Vec<_> = students.tokens().map(request).collect();
    let load = Load::new(system.addresses().router.clone(), &requests)?;
    // What comes first is slower than what comes often.
    load.run(CONNECTIONS, 1).await?;
    let Measured { per_second, p50, p99, .. } = load.run(CONNECTIONS, seconds).await?;
    Ok(SearchMeasurement {
        word: word.to_owned(),
        courses: courses(students, word).await?,
        with_total,
        per_second,
        p50,
        p99,
    })
}

async fn courses(students: &Students, word: &str) -> Result<u64> {
    let answer = students.anonymous().try_data(TOTAL, &json!({ "text": word })).await?;
    answer["courses"]["totalCount"].as_u64().with_context(|| answer.to_string())
}

//! The throughput of searches without other load, at 16 connections: words of many, few and no courses.

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
/// From nearly half of the courses to none; the last one is too short for a trigram index.
pub const WORDS: [&str; 6] = ["course", "Rust", "Watercolour", "Rust for", "no such course", "42"];
const TOTAL: &str = "query Total($text: String!) { courses(first: 1, filter: { search: $text }) { totalCount } }";

/// The measurement of one search.
#[derive(Clone, Debug, Serialize)]
pub struct SearchMeasurement {
    /// The search text.
    pub word: String,
    /// The number of matching courses.
    pub courses: u64,
    /// Whether the operation selects `totalCount`.
    pub with_total: bool,
    /// Responses per second.
    pub per_second: f64,
    /// Median response time in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
}

/// Measures the throughput of one search for this many seconds.
///
/// # Errors
/// When a response is not as expected.
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
    // Warm-up.
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

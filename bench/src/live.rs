//! The cost of subscriptions: memory for each, and latency from commit to client.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bench::{client::Students, system::System};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream::FuturesUnordered};
use serde::Serialize;
use serde_json::{Value, json};
use subgraph_testing::{Client, Events};
use tokio::time::{sleep, timeout};

const SUBSCRIPTION: &str = "subscription { notificationAdded { id createdAt } }";
const ENROLL: &str = "mutation Enroll($input: EnrollInput!) { enroll(input: $input) { userErrors { code } } }";
const FREE: &str = "query Free { courses(first: 100, filter: { isFree: true }) { nodes { id } } }";
const EVENT_TIMEOUT: Duration = Duration::from_mins(1);
/// The time for the allocator to release memory, and for a client's last connection to close.
const SETTLE: Duration = Duration::from_secs(2);
/// The number of connections that are opened concurrently.
const AT_ONCE: usize = 64;

/// The measurement at one number of subscriptions.
#[derive(Serialize)]
pub struct Followed {
    pub subscriptions: usize,
    /// Kilobytes of the process per subscription.
    pub kilobytes_each: f64,
    /// Median milliseconds from the commit of a notification to its subscribers.
    pub p50: f64,
    /// 99th percentile of the same, in milliseconds.
    pub p99: f64,
    pub events: usize,
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscriptions, kilobytes_each, p50, p99, .. } = self;
        write!(f, "{subscriptions} subscriptions: {kilobytes_each:.1} kB each; p50 {p50:.1} ms, p99 {p99:.1} ms")
    }
}

/// Opens that many subscriptions, spread over the students, enrolls each student in a course, and calls `report`.
///
/// # Errors
/// When a subscription is rejected, an event does not arrive within a minute, or `report` fails.
pub async fn measure(system: &System, numbers: &[usize], mut report: impl FnMut(Followed) -> Result<()>) -> Result<()> {
    let students = Students::sign_in(&system.addresses().router).await?;
    let mut streams = Vec::new();
    let answer = students.anonymous().try_data(FREE, &json!({})).await?;
    let nodes = answer["courses"]["nodes"].as_array().with_context(|| answer.to_string())?;
    let free: Vec<_> = nodes.iter().map(|node| node["id"].clone()).collect();
    let before = system.resident_bytes()?;
    for number in numbers {
        let followers = students.all().iter().cycle().skip(streams.len()).take(number - streams.len());
        let opening = followers.map(async |student| student.try_subscribe(SUBSCRIPTION, &json!({})).await);
        let opening = futures::stream::iter(opening).buffered(AT_ONCE);
        let opened: Vec<_> = opening.collect().await;
        streams.extend(opened.into_iter().collect::<Result<Vec<_>>>()?);
        sleep(SETTLE).await;
        #[expect(clippy::cast_precision_loss, reason = "of bytes, to be divided")]
        let kilobytes_each = system.resident_bytes()?.saturating_sub(before) as f64 / 1_024.0 / *number as f64;

        let waiting: FuturesUnordered<_> = streams.drain(..).map(next).collect();
        for student in students.all() {
            enroll(student, &free).await?;
        }
        let heard: Vec<_> = waiting.collect().await;
        let mut delays = Vec::with_capacity(*number);
        for stream in heard {
            let (stream, delay) = stream?;
            delays.push(delay);
            streams.push(stream);
        }
        delays.sort_by(f64::total_cmp);
        let at = |share: usize| delays[(delays.len() * share / 100).min(delays.len() - 1)];
        report(Followed { subscriptions: *number, kilobytes_each, p50: at(50), p99: at(99), events: delays.len() })?;
    }
    Ok(())
}

/// Enrolls the student in the first of these courses that is new to them.
async fn enroll(student: &Client, courses: &[Value]) -> Result<()> {
    for course in courses {
        let answer = student.try_send(ENROLL, &json!({ "input": { "courseId": course } })).await?;
        let errors = answer["data"]["enroll"]["userErrors"].as_array().with_context(|| answer.to_string())?;
        if errors.is_empty() {
            return Ok(());
        }
    }
    anyhow::bail!("the student is enrolled in all {} free courses", courses.len())
}

/// The stream, and the milliseconds from a notification's commit to its arrival.
async fn next(mut stream: Events) -> Result<(Events, f64)> {
    let event = timeout(EVENT_TIMEOUT, stream.next()).await.context("no event in time")?;
    let event = event.context("the stream has ended")??;
    let created = event["data"]["notificationAdded"]["createdAt"].as_str().with_context(|| event.to_string())?;
    let delay = Utc::now() - DateTime::parse_from_rfc3339(created)?.to_utc();
    ensure!(delay >= chrono::TimeDelta::zero(), "the clock went backwards");
    #[expect(clippy::cast_precision_loss, reason = "it is not long")]
    Ok((stream, delay.num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0))
}

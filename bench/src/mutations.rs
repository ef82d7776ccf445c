//! The cost of a purchase, compared with one written by hand, and the throughput of sign-ins.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    client::Students,
    pages::PURCHASE,
    system::{Cpu, System, cpu_of},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgPool, query_as, query_scalar};
use subgraph_testing::Client;
use tokio::time::sleep;
use uuid::Uuid;

use crate::report::median;

const CONCURRENCY: usize = 16;
/// Purchases of each kind per round.
const PURCHASES: usize = 320;
/// Sequential purchases of each kind per round.
const PURCHASES_ALONE: usize = 40;
const SIGN_INS: usize = 320;
const TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(1);
const GOAL: f64 = 0.7;

/// A purchase that has not been made yet.
#[derive(Clone)]
struct Order {
    student: Client,
    course: Uuid,
}

/// The samples of both kinds, by round.
#[derive(Serialize)]
pub struct Purchases {
    pub graph: Vec<Round>,
    pub by_hand: Vec<Round>,
}

#[derive(Clone, Copy, Serialize)]
pub struct Round {
    /// Responses per second, at 16 concurrent purchases.
    pub answered_per_second: f64,
    /// Enrollments per second, of the same purchases.
    pub enrolled_per_second: f64,
    /// CPU milliseconds of the process per purchase.
    pub cpu: f64,
    /// CPU milliseconds of the databases per purchase.
    pub databases_cpu: f64,
    /// Median milliseconds to the response, of sequential purchases.
    pub answered_alone: f64,
    /// Median milliseconds to the enrollment, of sequential purchases.
    pub enrolled_alone: f64,
}

/// Sign-ins, 16 at a time.
#[derive(Serialize)]
pub struct SignIns {
    pub per_second: f64,
    /// Median in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
    /// CPU milliseconds of the process per sign-in.
    pub cpu: f64,
}

#[derive(Serialize)]
pub struct Mutations {
    pub purchases: Purchases,
    pub sign_ins: SignIns,
}

/// One of the two kinds of purchases.
struct Seller<'a> {
    students: &'a Students,
    system: &'a System,
    enrollments: &'a PgPool,
    /// The handler's URL and process ID; `None` for the graph.
    by_hand: Option<(&'a str, u32)>,
}

/// Measures both kinds in turn, for that many rounds.
///
/// # Errors
/// When a purchase fails, or its enrollment does not follow.
pub async fn measure(system: &System, by_hand: (&str, u32), rounds: usize) -> Result<Mutations> {
    let students = Students::sign_in(&system.addresses().router).await?;
    let mut orders = orders(system, &students).await?.into_iter();
    let enrollments = connect(system, "enrollment").await?;
    let seller = |by_hand| Seller { students: &students, system, enrollments: &enrollments, by_hand };
    let mut purchases = Purchases { graph: Vec::new(), by_hand: Vec::new() };
    for _ in 0..rounds {
        let mut next = || -> Vec<_> { orders.by_ref().take(PURCHASES + PURCHASES_ALONE).collect() };
        purchases.graph.push(seller(None).round(next()).await?);
        purchases.by_hand.push(seller(Some(by_hand)).round(next()).await?);
    }
    let sign_ins = sign_in(system, &students).await?;
    Ok(Mutations { purchases, sign_ins })
}

impl Seller<'_> {
    async fn round(&self, orders: Vec<Order>) -> Result<Round> {
        ensure!(orders.len() == PURCHASES + PURCHASES_ALONE, "too few courses to buy: increase --seed-scale");
        let (together, alone) = orders.split_at(PURCHASES);
        let (before, started) = (self.cpu()?, Instant::now());
        let buying = stream::iter(together.iter().map(|order| self.buy(order))).buffer_unordered(CONCURRENCY);
        let payments: Vec<_> = buying.try_collect().await?;
        let answered = started.elapsed();
        self.wait_until_enrolled(&payments).await?;
        let enrolled = started.elapsed();
        let cpu = self.cpu()?.since(before);
        let (mut answered_alone, mut enrolled_alone) = (Vec::new(), Vec::new());
        for order in alone {
            let started = Instant::now();
            let payment = self.buy(order).await?;
            answered_alone.push(millis(started.elapsed()));
            self.wait_until_enrolled(&[payment]).await?;
            enrolled_alone.push(millis(started.elapsed()));
        }
        let number = count(PURCHASES);
        Ok(Round {
            answered_per_second: number / answered.as_secs_f64(),
            enrolled_per_second: number / enrolled.as_secs_f64(),
            cpu: cpu.system * 1_000.0 / number,
            databases_cpu: cpu.databases * 1_000.0 / number,
            answered_alone: median(answered_alone.into_iter()),
            enrolled_alone: median(enrolled_alone.into_iter()),
        })
    }

    fn cpu(&self) -> Result<Cpu> {
        let cpu = self.system.cpu()?;
        let system = self.by_hand.map_or(Ok(cpu.system), |(_, process)| cpu_of(process))?;
        Ok(Cpu { system, ..cpu })
    }

    /// Buys a course; returns the payment's ID.
    async fn buy(&self, order: &Order) -> Result<Uuid> {
        let input = json!({ "courseId": order.course, "idempotencyKey": Uuid::now_v7() });
        let answer: Value = match self.by_hand {
            Some((url, _)) => {
                let request = self.students.post(&format!("{url}/purchase"), &order.student).json(&input);
                request.send().await?.error_for_status()?.json().await?
            }
            None => order.student.try_send(PURCHASE, &json!({ "input": input })).await?.json,
        };
        let payment = &answer["data"]["purchaseCourse"]["payment"];
        ensure!(payment["status"] == "COMPLETED", "not sold: {answer}");
        Ok(payment["id"].as_str().context("the payment has no id")?.parse()?)
    }

    /// Queries the redemptions, which have an index by payment.
    async fn wait_until_enrolled(&self, payments: &[Uuid]) -> Result<()> {
        let started = Instant::now();
        loop {
            let enrolled: i64 = query_scalar("select count(*) from payment_redemptions where payment_id = any($1)")
                .bind(payments)
                .fetch_one(self.enrollments)
                .await?;
            if usize::try_from(enrolled)? == payments.len() {
                return Ok(());
            }
            ensure!(started.elapsed() < TIMEOUT, "{enrolled} of {} are enrolled", payments.len());
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Courses that a student has neither paid for nor enrolled in, round-robin by student.
async fn orders(system: &System, students: &Students) -> Result<Vec<Order>> {
    let (courses, payments) = (connect(system, "course").await?, connect(system, "payment").await?);
    let enrollments = connect(system, "enrollment").await?;
    let for_sale: Vec<(Uuid,)> =
        query_as("select id from courses where not is_free order by created_at desc limit 500")
            .fetch_all(&courses)
            .await?;
    let mut of_students = Vec::new();
    for client in students.all() {
        let answer = client.try_data("{ me { id } }", &json!({})).await?;
        let student: Uuid = answer["me"]["id"].as_str().with_context(|| answer.to_string())?.parse()?;
        let mut taken: Vec<(Uuid,)> =
            query_as("select course_id from payments where student_id = $1").bind(student).fetch_all(&payments).await?;
        taken.extend(
            query_as::<_, (Uuid,)>("select course_id from enrollments where student_id = $1")
                .bind(student)
                .fetch_all(&enrollments)
                .await?,
        );
        let orders = for_sale.iter().filter(|course| !taken.contains(course));
        of_students.push(orders.map(|&(course,)| Order { student: client.clone(), course }).collect::<Vec<_>>());
    }
    // Round-robin, so that no student buys many at a time.
    let max = of_students.iter().map(Vec::len).max().unwrap_or_default();
    Ok((0..max).flat_map(|turn| of_students.iter().filter_map(move |orders| orders.get(turn)).cloned()).collect())
}

async fn connect(system: &System, subgraph: &str) -> Result<PgPool> {
    let url = system.addresses().databases.get(subgraph).with_context(|| format!("no database of {subgraph}"))?;
    Ok(PgPool::connect(url).await?)
}

async fn sign_in(system: &System, students: &Students) -> Result<SignIns> {
    let (before, started) = (system.cpu()?, Instant::now());
    let signing_in = stream::iter((1..=SIGN_INS).map(async |number| {
        let started = Instant::now();
        students.sign_in_as(number).await?;
        anyhow::Ok(millis(started.elapsed()))
    }));
    let mut times: Vec<_> = signing_in.buffer_unordered(CONCURRENCY).try_collect().await?;
    let per_second = count(SIGN_INS) / started.elapsed().as_secs_f64();
    let cpu = system.cpu()?.since(before).system * 1_000.0 / count(SIGN_INS);
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[times.len() * share / 100];
    Ok(SignIns { per_second, p50: at(50), p99: at(99), cpu })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many")]
fn count(number: usize) -> f64 {
    number as f64
}

impl fmt::Display for Mutations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purchases: Purchases { graph, by_hand }, sign_ins } = self;
        let mut line = |what: &str, unit: &str, of: fn(&Round) -> f64| {
            let ratio = median(graph.iter().zip(by_hand).map(|(graph, hand)| of(graph) / of(hand)));
            let (graph, hand) = (median(graph.iter().map(of)), median(by_hand.iter().map(of)));
            writeln!(f, "  {what:28} {graph:8.2} : {hand:8.2} {unit:3} = {ratio:.2}")
        };
        line("purchases answered", "/s", |round| round.answered_per_second)?;
        line("purchases enrolled", "/s", |round| round.enrolled_per_second)?;
        line("alone, until answered", "ms", |round| round.answered_alone)?;
        line("alone, until enrolled", "ms", |round| round.enrolled_alone)?;
        line("CPU of the process", "ms", |round| round.cpu)?;
        line("CPU of the databases", "ms", |round| round.databases_cpu)?;
        writeln!(f, "  (goal: {GOAL} of by hand, answered and enrolled)")?;
        let SignIns { per_second, p50, p99, cpu } = sign_ins;
        write!(
            f,
            "  sign-ins, {CONCURRENCY} at a time: {per_second:.1}/s, p50 {p50:.0} ms, p99 {p99:.0} ms, CPU {cpu:.1} ms"
        )
    }
}

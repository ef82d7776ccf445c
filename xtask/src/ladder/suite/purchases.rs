//! Students who buy courses while the system is changed, and what the system knows of it afterwards.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};
use subgraph_testing::Client;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{pages::list_all, tally::Tally, visitors::Visitors};

pub const STUDENTS: usize = 10;
/// More than anybody can buy meanwhile.
const COURSES: usize = 600;
/// A client that gets no answer sends the same again for as long as this.
const RETRY_TIMEOUT: Duration = Duration::from_mins(2);
const RETRY_DELAY: Duration = Duration::from_millis(300);
/// How long all may take to be accounted for.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const PURCHASE_INTERVAL: Duration = Duration::from_millis(400);

const COURSE_PAGES: &str = "query ($after: String) {
    list: courses(filter: { isFree: false }, first: 100, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } } }";
const COURSE: &str = "query ($course: ID!) { course(id: $course) { title teacher { name } enrollmentCount } }";
const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id } userErrors { code } } }";
const PAYMENT_PAGES: &str = "query ($after: String) { me { list: payments(first: 100, after: $after) {
    nodes { id status course { id } enrollment { id } } pageInfo { hasNextPage endCursor } } } }";
const ENROLLMENT_PAGES: &str = "query ($after: String) { me { list: enrollments(first: 100, after: $after) {
    nodes { id course { id } } pageInfo { hasNextPage endCursor } } } }";

#[derive(Clone)]
pub struct Student {
    pub client: Client,
    number: usize,
}

/// A purchase that was acknowledged.
struct Purchase {
    course: String,
    payment: String,
}

/// Purchases that go on until they are told to stop.
pub struct Buying {
    tasks: JoinSet<Result<(Student, Vec<Purchase>)>>,
    stop: CancellationToken,
}

/// What all that students bought came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    pub purchases: usize,
    /// Acknowledged, and without a completed payment or a place after a minute.
    pub lost: usize,
    /// More than one payment, or more than one place, for one course of one student.
    pub doubled: usize,
}

/// New ones, so that all that they have is what they buy.
pub async fn register(visitors: &Visitors) -> Result<Vec<Student>> {
    let unique = Uuid::now_v7();
    let mut students = Vec::new();
    // One after the other: hashing that many passwords at once takes longer than a router waits.
    for number in 0..STUDENTS {
        let client = visitors.register(&format!("ladder-{number}-{unique}@lyceum.example")).await?;
        students.push(Student { client, number });
    }
    Ok(students)
}

impl Buying {
    pub async fn start(students: &[Student], tally: &Arc<Tally>) -> Result<Self> {
        let first = students.first().context("there are students")?;
        let nodes = list_all(&first.client, COURSE_PAGES, "/list", COURSES).await?;
        let courses: Vec<_> = nodes.iter().filter_map(|node| node["id"].as_str().map(str::to_owned)).collect();
        ensure!(!courses.is_empty(), "there are no courses to buy");
        let (courses, stop) = (Arc::new(courses), CancellationToken::new());
        let mut tasks = JoinSet::new();
        for student in students {
            tasks.spawn(buy(student.clone(), Arc::clone(&courses), Arc::clone(tally), stop.clone()));
        }
        Ok(Self { tasks, stop })
    }

    /// Lets everybody finish what they have begun, and waits until all is accounted for, or for a minute.
    pub async fn finish(mut self) -> Result<Account> {
        self.stop.cancel();
        let mut bought = Vec::new();
        while let Some(done) = self.tasks.join_next().await {
            bought.push(done??);
        }
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let accounts = try_join_all(bought.iter().map(|(student, purchases)| account(student, purchases))).await;
            match accounts.map(|accounts| accounts.into_iter().fold(Account::default(), Account::merge)) {
                Ok(account) if account.is_settled() || Instant::now() > deadline => return Ok(account),
                Err(error) if Instant::now() > deadline => return Err(error),
                _ => sleep(RETRY_DELAY).await,
            }
        }
    }
}

/// Everybody begins elsewhere.
async fn buy(
    student: Student,
    courses: Arc<Vec<String>>,
    tally: Arc<Tally>,
    stop: CancellationToken,
) -> Result<(Student, Vec<Purchase>)> {
    let start = student.number * courses.len() / STUDENTS;
    let mut purchases = Vec::new();
    for course in courses.iter().cycle().skip(start).take(courses.len()) {
        if stop.run_until_cancelled(sleep(PURCHASE_INTERVAL)).await.is_none() {
            break;
        }
        let _ = tally.count(student.client.try_data(COURSE, &json!({ "course": course })).await);
        // Some press the button twice.
        let presses = if purchases.len() % 3 == 0 { 2 } else { 1 };
        let payment = purchase(&student.client, course, presses, &tally).await?;
        purchases.push(Purchase { course: course.clone(), payment });
    }
    Ok((student, purchases))
}

/// The payment, which is the same however often the button was pressed.
async fn purchase(client: &Client, course: &str, presses: usize, tally: &Tally) -> Result<String> {
    let input = json!({ "input": { "courseId": course, "idempotencyKey": Uuid::now_v7() } });
    let answers = join_all((0..presses).map(|_| persist(client, &input, tally))).await;
    let payments = answers.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(payments.iter().all(|payment| *payment == payments[0]), "one key has several payments: {payments:?}");
    Ok(payments[0].clone())
}

/// Sends the same until there is an answer without errors.
async fn persist(client: &Client, input: &Value, tally: &Tally) -> Result<String> {
    let deadline = Instant::now() + RETRY_TIMEOUT;
    loop {
        match tally.count(client.try_data(PURCHASE, input).await) {
            Ok(data) => {
                let payment = data.pointer("/purchaseCourse/payment/id").and_then(Value::as_str);
                return Ok(payment.with_context(|| format!("no payment: {data}"))?.to_owned());
            }
            Err(error) if Instant::now() > deadline => bail!("a purchase gets no answer: {error:#}"),
            Err(_) => sleep(RETRY_DELAY).await,
        }
    }
}

async fn account(student: &Student, purchases: &[Purchase]) -> Result<Account> {
    let payments = list_all(&student.client, PAYMENT_PAGES, "/me/list", usize::MAX).await?;
    let enrollments = list_all(&student.client, ENROLLMENT_PAGES, "/me/list", usize::MAX).await?;
    let places = count_by_course(&enrollments);
    let is_complete = |purchase: &&Purchase| {
        let payment = payments.iter().find(|payment| payment["id"] == *purchase.payment);
        payment.is_some_and(|payment| payment["status"] == "COMPLETED" && payment["enrollment"].is_object())
            && places.contains_key(&*purchase.course)
    };
    let more_than_one = |counts: &BTreeMap<&str, usize>| counts.values().filter(|count| **count > 1).count();
    Ok(Account {
        purchases: purchases.len(),
        lost: purchases.len() - purchases.iter().filter(is_complete).count(),
        doubled: more_than_one(&places) + more_than_one(&count_by_course(&payments)),
    })
}

fn count_by_course(nodes: &[Value]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for course in nodes.iter().filter_map(|node| node["course"]["id"].as_str()) {
        *counts.entry(course).or_default() += 1;
    }
    counts
}

impl Account {
    pub fn is_settled(&self) -> bool {
        self.lost == 0 && self.doubled == 0
    }

    fn merge(self, other: Self) -> Self {
        Self {
            purchases: self.purchases + other.purchases,
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
        }
    }
}

//! One database after the other is killed, hangs, or cannot be reached: it costs the fields of its subgraph, and nothing
//! else, and comes back by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};
use subgraph_testing::Client;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    cluster::{Cluster, PASSWORD, subgraph_names},
    network::Weather,
    processes::Order,
};

/// What the router waits for a subgraph, and what a busy machine needs on top.
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// How soon all is well again.
const RECOVER_WITHIN: Duration = Duration::from_secs(20);

/// More than a pool has connections.
const AT_ONCE: usize = 12;

const READ: &str = "query ($user: ID!, $course: ID!, $enrollment: ID!, $payment: ID!, $notification: ID!) {
    identity: user(id: $user) { name } course(id: $course) { title } enrollment(id: $enrollment) { status }
    payment(id: $payment) { status } notification(id: $notification) { title } }";
const REGISTER: &str =
    "mutation ($input: RegisterInput!) { register(input: $input) { user { id } userErrors { code } } }";
const UPDATE: &str = "mutation ($input: UpdateCourseInput!) { updateCourse(input: $input) { userErrors { code } } }";
const ENROLL: &str =
    "mutation ($input: EnrollInput!) { enroll(input: $input) { enrollment { id } userErrors { code } } }";
const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id } userErrors { code } } }";
const READ_ALL: &str = "mutation { markAllNotificationsRead { userErrors { code } } }";
const CREATE: &str = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";

/// What befalls a database.
#[derive(Clone, Copy, Debug)]
pub enum Outage {
    /// It is not there.
    Down,
    /// It takes connections, and says nothing.
    Hanging,
    /// Nothing gets there, and nothing is refused.
    Stalled,
    /// The connections that there are have died without a word; new ones can be made.
    Forgotten,
}

pub const FEW: [Outage; 2] = [Outage::Down, Outage::Hanging];
pub const ALL: [Outage; 4] = [Outage::Down, Outage::Hanging, Outage::Stalled, Outage::Forgotten];

/// Somebody who has something in each database.
struct Guest {
    student: Client,
    teacher: Client,
    ids: Value,
    free: String,
}

pub async fn run(outages: &[Outage]) -> Result<()> {
    crate::say(format!("outages: {outages:?} of each database"));
    let cluster = Cluster::start("local", 1).await?;
    let guest = Guest::arrive(&cluster).await?;
    let progress = crate::progress(outages.len() * subgraph_names().count(), "outages");
    for outage in outages {
        for name in subgraph_names() {
            let case = || format!("{name}'s database, {outage:?}");
            progress.set_message(case());
            let report = suffer(&cluster, &guest, name, *outage).await.with_context(case)?;
            progress.suspend(|| crate::say(format!("  {}: {report}", case())));
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    cluster.stop().await
}

/// Looks at the graph before, meanwhile and afterwards.
async fn suffer(cluster: &Cluster, guest: &Guest, name: &'static str, outage: Outage) -> Result<String> {
    guest.expect_all_well().await?;
    // Some have begun when it comes.
    let comes = async {
        sleep(Duration::from_millis(30)).await;
        begin(cluster, name, outage).await;
        anyhow::Ok(())
    };
    tokio::try_join!(guest.ask_often(None), comes)?;
    let slowest = if matches!(outage, Outage::Forgotten) {
        // Whoever is served by a connection that is left, or by a new one, notices nothing.
        guest.ask_often(None).await?
    } else {
        let slowest = guest.ask_often(Some(name)).await?;
        ensure!(cluster.readiness(name).await? == 503, "it says that it is ready");
        slowest
    };
    for other in subgraph_names().filter(|other| *other != name) {
        ensure!(cluster.readiness(other).await? == 200, "{other} says that it is not ready");
    }
    end(cluster, name, outage).await;
    let ended = Instant::now();
    guest.recover().await?;
    while cluster.readiness(name).await? != 200 {
        ensure!(ended.elapsed() < RECOVER_WITHIN, "it is not ready again");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(format!("the slowest answer took {slowest:.1?}, all was well {:.1?} after the end", ended.elapsed()))
}

async fn begin(cluster: &Cluster, name: &str, outage: Outage) {
    match outage {
        Outage::Down => _ = cluster.database(name).order(Order::Down).await,
        Outage::Hanging => _ = cluster.database(name).order(Order::Hang).await,
        Outage::Stalled => cluster.way_to_database(name).set(Weather::Stalled),
        Outage::Forgotten => cluster.way_to_database(name).set(Weather::Dead),
    }
}

async fn end(cluster: &Cluster, name: &str, outage: Outage) {
    match outage {
        Outage::Down => _ = cluster.database(name).order(Order::Up).await,
        Outage::Hanging => _ = cluster.database(name).order(Order::GoOn).await,
        Outage::Stalled | Outage::Forgotten => cluster.way_to_database(name).set(Weather::Fair),
    }
}

impl Guest {
    async fn arrive(cluster: &Cluster) -> Result<Self> {
        let teacher = cluster.teacher().await?;
        let (student, user) = cluster.register("outages@lyceum.example", "STUDENT").await?;
        let create = async |input: Value| {
            let data = teacher.try_data(CREATE, &json!({ "input": input })).await?;
            let id = data["createCourse"]["course"]["id"].as_str().map(str::to_owned);
            id.with_context(|| data.to_string())
        };
        let course = create(json!({ "title": "Paid", "isFree": false, "price": "19.90" })).await?;
        let free = create(json!({ "title": "Free" })).await?;
        let input = json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() });
        let payment =
            student.try_data(PURCHASE, &json!({ "input": input })).await?["purchaseCourse"]["payment"]["id"].clone();
        let enrolled = student.try_data(ENROLL, &json!({ "input": { "courseId": free } })).await?;
        let enrollment = enrolled["enroll"]["enrollment"]["id"].clone();
        let notification = notification(&student).await?;
        let ids = json!({
            "user": user, "course": course, "enrollment": enrollment, "payment": payment, "notification": notification,
        });
        Ok(Self { student, teacher, ids, free })
    }

    /// Every subgraph's field, in one request: which of them have nothing, because their service is not available.
    async fn read(&self) -> Result<Vec<&'static str>> {
        let answer = self.student.try_send(READ, &self.ids);
        let answer = timeout(ANSWER_WITHIN, answer).await.context("no answer in time")??;
        let missing: Vec<_> = subgraph_names().filter(|name| !answer["data"][name].is_object()).collect();
        let codes = answer["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]);
        let codes: Vec<_> = codes.collect();
        ensure!(codes.iter().all(|code| *code == "SERVICE_UNAVAILABLE"), "{answer}");
        ensure!(missing.is_empty() == codes.is_empty(), "{answer}");
        Ok(missing)
    }

    /// A mutation of a subgraph: the code of its error.
    async fn change(&self, name: &str) -> Result<Option<String>> {
        let course = &self.ids["course"];
        let (client, document, input) = match name {
            "identity" => {
                let email = format!("{}@outages.example", Uuid::now_v7());
                (&self.student, REGISTER, json!({ "email": email, "password": PASSWORD, "name": "Guest" }))
            }
            "course" => (&self.teacher, UPDATE, json!({ "courseId": course, "title": "Paid" })),
            "enrollment" => (&self.student, ENROLL, json!({ "courseId": self.free })),
            "payment" => (&self.student, PURCHASE, json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() })),
            "notification" => (&self.student, READ_ALL, Value::Null),
            other => bail!("no mutation of {other} to try"),
        };
        let variables = if input.is_null() { json!({}) } else { json!({ "input": input }) };
        let answer =
            timeout(ANSWER_WITHIN, client.try_send(document, &variables)).await.context("no answer in time")??;
        Ok(answer.error().map(str::to_owned))
    }

    async fn expect_all_well(&self) -> Result<()> {
        let missing = self.read().await?;
        ensure!(missing.is_empty(), "not all was well before: {missing:?}");
        Ok(())
    }

    /// Asks more at once than a pool has connections, twice: of those that the outage concerns, nobody gets anything but
    /// `SERVICE_UNAVAILABLE`; all others notice nothing. How long the slowest answer took.
    async fn ask_often(&self, away: Option<&str>) -> Result<Duration> {
        let mut slowest = Duration::ZERO;
        for _ in 0..2 {
            let started = Instant::now();
            let reads = join_all((0..AT_ONCE).map(|_| self.read()));
            let changes = subgraph_names().flat_map(|name| (0..2).map(move |_| name));
            let changes = try_join_all(changes.map(async |name| anyhow::Ok((name, self.change(name).await?))));
            let (reads, changes) = tokio::join!(reads, changes);
            slowest = slowest.max(started.elapsed());
            for missing in reads {
                let missing = missing?;
                ensure!(away.is_none_or(|name| missing == [name]), "{missing:?}");
            }
            for (name, code) in changes? {
                let is_concerned = match away {
                    // Both ask for the course.
                    Some("course") => ["course", "enrollment", "payment"].contains(&name),
                    away => away == Some(name),
                };
                let expected = is_concerned.then_some("SERVICE_UNAVAILABLE");
                let is_right =
                    code.as_deref() == expected || (away.is_none() && code.as_deref() == Some("SERVICE_UNAVAILABLE"));
                ensure!(is_right, "a mutation of {name}: {code:?}");
            }
        }
        Ok(slowest)
    }

    /// Asks until all has been well for a whole pool, and once for each mutation.
    async fn recover(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let reads = try_join_all((0..AT_ONCE).map(|_| self.read())).await?;
            let changes = try_join_all(subgraph_names().map(|name| self.change(name))).await?;
            if reads.iter().all(Vec::is_empty) && changes.iter().all(Option::is_none) {
                return Ok(());
            }
            for code in changes.iter().flatten() {
                ensure!(code == "SERVICE_UNAVAILABLE", "{code}");
            }
            ensure!(started.elapsed() < RECOVER_WITHIN, "not well again: {reads:?}, {changes:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The welcome, which comes by an event.
async fn notification(student: &Client) -> Result<Value> {
    let started = Instant::now();
    loop {
        let data = student.try_data("{ me { notifications(first: 1) { nodes { id } } } }", &json!({})).await?;
        if let Some(id) = data.pointer("/me/notifications/nodes/0/id") {
            return Ok(id.clone());
        }
        ensure!(started.elapsed() < RECOVER_WITHIN, "nobody is welcomed");
        sleep(Duration::from_millis(50)).await;
    }
}

//! Every process is replaced, one after the other, while people go on: nobody notices.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use subgraph_testing::Client;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{cluster::Cluster, processes::Order};

const STUDENTS: usize = 20;
const COURSES: usize = 100;

/// How long the events of the last purchases may take.
const SETTLE_WITHIN: Duration = Duration::from_mins(1);

const COURSE: &str = "query ($course: ID!) { course(id: $course) { title teacher { name } enrollmentCount } }";
const HOME: &str = "{ me { name enrollments(first: 5) { nodes { status course { title } payment { amount } } }
    notifications(first: 5) { nodes { title } } unreadNotificationCount } }";
const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id } userErrors { code } } }";
const READ: &str = "mutation { markAllNotificationsRead { userErrors { code } } }";
const CREATE: &str = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";

/// Everybody who asks.
struct Crowd {
    students: Vec<Client>,
    courses: Vec<String>,
}

/// What they were told.
#[derive(Default)]
struct Tally {
    answered: usize,
    changes: usize,
    slowest: Duration,
    payments: BTreeSet<Uuid>,
    failed: Vec<String>,
}

/// Replaces every process so many times, at so many requests a second.
pub async fn run(rate: u32, rounds: usize) -> Result<()> {
    crate::say(format!("restarts: every process {rounds} times, at {rate} requests/s"));
    let cluster = Cluster::start("local", 2).await?;
    cluster.wait_for_all().await?;
    let crowd = Arc::new(Crowd::gather(&cluster).await?);

    let (tally, stop) = (Arc::<Mutex<Tally>>::default(), CancellationToken::new());
    let asking = ask(crowd, rate, Arc::clone(&tally), stop.clone());
    let progress = crate::progress(rounds * cluster.programs().count(), "processes");
    replace_all(&cluster, rounds, &tally, &progress).await?;
    stop.cancel();
    asking.await?;
    progress.finish_and_clear();

    let payments = lock(&tally).report()?;
    wait_for_places(&cluster, &payments).await?;
    cluster.stop().await
}

async fn replace_all(cluster: &Cluster, rounds: usize, tally: &Mutex<Tally>, progress: &ProgressBar) -> Result<()> {
    for _ in 0..rounds {
        for victim in cluster.programs() {
            ensure!(victim.order(Order::Restart).await, "{} did not end in order", victim.name);
            cluster.wait_for_all().await?;
            progress.inc(1);
            let tally = lock(tally);
            progress.set_message(format!("{} answers, {} failed", tally.answered, tally.failed.len()));
        }
    }
    Ok(())
}

impl Crowd {
    async fn gather(cluster: &Cluster) -> Result<Self> {
        let teacher = cluster.teacher().await?;
        // One after the other: where others need the processor too, so many hashes of passwords at once take longer
        // than the router waits.
        let mut registered = Vec::new();
        for number in 0..STUDENTS {
            registered.push(cluster.register(&format!("restarts-{number}@lyceum.example"), "STUDENT").await?.0);
        }
        // Whoever keeps a silent connection longer than a process gives notice can lose a request with it.
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(30)).pool_idle_timeout(Duration::from_secs(1));
        let http = http.build()?;
        let again = |student: &Client| cluster.client(http.clone()).with_token(student.token().unwrap_or_default());
        let students = registered.iter().map(again).collect();
        let courses = (0..COURSES).map(async |number| {
            let input = json!({ "title": format!("Course {number}"), "price": "19.90", "isFree": false });
            let data = teacher.try_data(CREATE, &json!({ "input": input })).await?;
            let id = data["createCourse"]["course"]["id"].as_str().with_context(|| data.to_string())?;
            anyhow::Ok(id.to_owned())
        });
        Ok(Self { students, courses: try_join_all(courses).await? })
    }

    /// What is asked, and by whom: of ten requests two are changes.
    async fn request(&self, number: usize) -> Result<Value> {
        let student = &self.students[number % self.students.len()];
        let course = &self.courses[number / self.students.len() % self.courses.len()];
        match number / 7 % 10 {
            0..6 => student.try_data(COURSE, &json!({ "course": course })).await,
            6 | 7 => student.try_data(HOME, &json!({})).await,
            8 => student.try_data(READ, &json!({})).await,
            _ => {
                let input = json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() });
                student.try_data(PURCHASE, &json!({ "input": input })).await
            }
        }
    }
}

/// Asks at a steady rate, however long answers take.
fn ask(crowd: Arc<Crowd>, rate: u32, tally: Arc<Mutex<Tally>>, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let (mut ticks, mut asked) = (interval(Duration::from_secs(1) / rate), JoinSet::new());
        for number in 0.. {
            if stop.run_until_cancelled(ticks.tick()).await.is_none() {
                break;
            }
            let (crowd, tally) = (Arc::clone(&crowd), Arc::clone(&tally));
            asked.spawn(async move {
                let started = Instant::now();
                let answer = crowd.request(number).await;
                lock(&tally).add(answer, started.elapsed());
            });
            while asked.try_join_next().is_some() {}
        }
        asked.join_all().await;
    })
}

impl Tally {
    /// What was paid, if nothing failed.
    fn report(&self) -> Result<BTreeSet<Uuid>> {
        let slowest = self.slowest.as_millis().try_into()?;
        for (what, number) in [
            ("answers", self.answered),
            ("of these to mutations", self.changes),
            ("purchases", self.payments.len()),
            ("ms the slowest one took", slowest),
            ("requests failed", self.failed.len()),
        ] {
            crate::say(format!("  {number:>6}  {what}"));
        }
        let some = self.failed.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n  ");
        ensure!(self.failed.is_empty(), "requests failed, such as:\n  {some}");
        Ok(self.payments.clone())
    }

    fn add(&mut self, answer: Result<Value>, took: Duration) {
        self.answered += 1;
        self.slowest = self.slowest.max(took);
        match answer {
            Ok(data) => {
                self.changes +=
                    usize::from(data.get("purchaseCourse").or(data.get("markAllNotificationsRead")).is_some());
                let payment = data.pointer("/purchaseCourse/payment/id").and_then(Value::as_str);
                self.payments.extend(payment.and_then(|id| id.parse::<Uuid>().ok()));
            }
            Err(error) => self.failed.push(format!("after {took:.1?}: {error:#}")),
        }
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each payment has become one place, and its student was told once.
async fn wait_for_places(cluster: &Cluster, payments: &BTreeSet<Uuid>) -> Result<()> {
    let started = Instant::now();
    let count = async |database: &str, statement| {
        sqlx::query_scalar::<_, i64>(statement).fetch_one(&cluster.databases[database]).await
    };
    loop {
        let places = count("enrollment", "select count(distinct payment_id) from enrollments").await?;
        let all_places = count("enrollment", "select count(*) from enrollments").await?;
        let told = count("notification", "select count(*) from notifications where type = 'payment'").await?;
        let wanted = i64::try_from(payments.len())?;
        if [places, all_places, told] == [wanted; 3] {
            return Ok(());
        }
        if started.elapsed() > SETTLE_WITHIN {
            bail!("{wanted} payments, {places} of them with a place, {all_places} places, {told} notifications");
        }
        sleep(Duration::from_millis(200)).await;
    }
}

//! Students who buy courses, repeat what was not answered, press the button twice, and an admin who takes
//! some of it back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use futures::future::join_all;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use subgraph_kit::timeouts::SUBGRAPH_REQUEST;
use subgraph_testing::Client;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{
    Plan,
    cluster::{Cluster, PASSWORD},
};

/// A client that gets no answer sends the same again for as long as this.
const PERSISTENCE: Duration = Duration::from_mins(3);

const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id status } userErrors { code } } }";
const ENROLL: &str = "mutation ($input: EnrollInput!) { enroll(input: $input) {
    enrollment { id } userErrors { code } } }";
const REFUND: &str = "mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
    payment { status } userErrors { code } } }";

const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    user { id } userErrors { code } } }";
const CREATE_COURSE: &str = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) {
    course { id } userErrors { message } } }";
const UPDATE_COURSE: &str = "mutation ($input: UpdateCourseInput!) { updateCourse(input: $input) {
    course { price } userErrors { message } } }";

/// Everybody who does something.
pub struct Students {
    people: Vec<Student>,
    admin: Client,
    teacher: Client,
    courses: Vec<String>,
    /// Free ones, on which nobody is yet.
    free: Vec<String>,
    seed: u64,
    tally: Arc<Tally>,
}

#[derive(Clone)]
struct Student {
    client: Client,
    id: Uuid,
}

#[derive(Default)]
struct Tally {
    bought: AtomicUsize,
    repeated: AtomicUsize,
    refunded: AtomicUsize,
    /// Enrolled before the event was there.
    overtook: AtomicUsize,
}

/// A purchase as its client knows it.
#[derive(Clone, Debug)]
pub struct Purchase {
    pub student: Uuid,
    pub course: Uuid,
    pub payment: Uuid,
    pub expected: ExpectedOutcome,
}

/// What is to become of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// A place on the course.
    Enrolled,
    /// The money goes back by itself: the student was on the course.
    Rejected,
    /// The money went back because an admin wanted it.
    Refunded,
}

/// All that clients did.
pub struct Ledger {
    pub purchases: Vec<Purchase>,
    pub students: Vec<Uuid>,
    /// Who took a place on a free course, once for each.
    pub enrolled: Vec<Uuid>,
    /// How many people have registered meanwhile.
    pub newcomers: usize,
    /// How many enrolled with a payment before the event of that payment made the place.
    pub overtook: usize,
    /// Requests that were sent again because nothing came back.
    pub repeated: usize,
}

/// Purchases that go on until they are told to finish.
pub struct Buying {
    tasks: JoinSet<Result<Bought>>,
    stop: Arc<AtomicBool>,
    students: Vec<Uuid>,
    tally: Arc<Tally>,
}

/// What one student did.
#[derive(Default)]
struct Bought {
    purchases: Vec<Purchase>,
    enrolled: Vec<Uuid>,
    newcomers: usize,
}

impl Students {
    pub async fn gather(cluster: &Cluster, plan: &Plan) -> Result<Self> {
        let teacher = cluster.teacher().await?;
        let admin = cluster.admin().await?;
        let numbers: Vec<_> = (0..plan.students).collect();
        let mut people = Vec::new();
        for number in numbers {
            let (client, id) = cluster.register(&format!("chaos-{number}@lyceum.example"), "STUDENT").await?;
            people.push(Student { client, id: id.parse()? });
        }
        let tally = Arc::default();
        let mut courses = Vec::new();
        for number in 0..plan.courses {
            courses.push(create(&teacher, format!("Course {number}"), Some("19.90"), &tally).await?);
        }
        let mut free = Vec::new();
        for number in 0..plan.courses {
            free.push(create(&teacher, format!("Free course {number}"), None, &tally).await?);
        }
        Ok(Self { people, admin, teacher, courses, free, seed: plan.seed, tally })
    }

    /// How far they are.
    pub fn tally(&self) -> String {
        let read = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        let Tally { bought, repeated, refunded, .. } = &*self.tally;
        format!("{} bought, {} refunded, {} requests repeated", read(bought), read(refunded), read(repeated))
    }

    pub fn buy(&self) -> Buying {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for (number, student) in self.people.iter().enumerate() {
            let buyer = Buyer {
                student: student.clone(),
                admin: self.admin.clone(),
                teacher: self.teacher.clone(),
                rng: StdRng::seed_from_u64(self.seed << 8 | number as u64),
                tally: Arc::clone(&self.tally),
                stop: Arc::clone(&stop),
            };
            tasks.spawn(buyer.buy(self.courses.clone(), self.free.clone()));
        }
        let students = self.people.iter().map(|student| student.id).collect();
        Buying { tasks, stop, students, tally: Arc::clone(&self.tally) }
    }
}

impl Buying {
    /// Why a student ends before the end.
    pub async fn interruption(&mut self) -> Error {
        match self.tasks.join_next().await {
            Some(Err(error)) => error.into(),
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(_))) | None => anyhow!("a student has nothing left to buy: there are too few courses"),
        }
    }

    /// Lets everybody finish what they have begun.
    pub async fn finish(mut self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        let (mut purchases, mut enrolled, mut newcomers) = (Vec::new(), Vec::new(), 0);
        while let Some(bought) = self.tasks.join_next().await {
            let bought = bought??;
            purchases.extend(bought.purchases);
            enrolled.extend(bought.enrolled);
            newcomers += bought.newcomers;
        }
        let repeated = self.tally.repeated.load(Ordering::Relaxed);
        let overtook = self.tally.overtook.load(Ordering::Relaxed);
        Ok(Ledger { purchases, students: self.students, enrolled, newcomers, overtook, repeated })
    }
}

struct Buyer {
    student: Student,
    admin: Client,
    teacher: Client,
    rng: StdRng,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
}

impl Buyer {
    async fn buy(mut self, courses: Vec<String>, mut free: Vec<String>) -> Result<Bought> {
        let mut bought = Bought::default();
        for course in courses {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(bought);
            }
            if self.rng.random_bool(0.4)
                && let Some(course) = free.pop()
            {
                self.enroll(&course).await?;
                bought.enrolled.push(self.student.id);
            }
            if self.rng.random_bool(0.05) {
                self.bring_somebody().await?;
                bought.newcomers += 1;
            }
            let purchase = if self.rng.random_bool(0.08) {
                bought.enrolled.push(self.student.id);
                self.buy_in_vain().await?
            } else {
                Some(self.buy_one(&course).await?)
            };
            if let Some(purchase) = purchase {
                self.tally.bought.fetch_add(1, Ordering::Relaxed);
                bought.purchases.push(purchase);
            }
            sleep(Duration::from_millis(self.rng.random_range(50..600))).await;
        }
        Ok(bought)
    }

    async fn buy_one(&mut self, course: &str) -> Result<Purchase> {
        let mut purchase = self.pay(course).await?;
        if self.rng.random_bool(0.15) && self.refund(purchase.payment).await? {
            purchase.expected = ExpectedOutcome::Refunded;
            self.tally.refunded.fetch_add(1, Ordering::Relaxed);
        }
        Ok(purchase)
    }

    /// Pays for a course that was free when the student took a place on it. Nothing is charged, or, if the enrollment
    /// subgraph could not be asked, the money has to go back.
    async fn buy_in_vain(&mut self) -> Result<Option<Purchase>> {
        let course = create(&self.teacher, format!("Trap {}", Uuid::now_v7()), None, &self.tally).await?;
        self.enroll(&course).await?;
        put_a_price_on(&self.teacher, &course, &self.tally).await?;
        let key = Uuid::now_v7().to_string();
        let mut payment = self.purchase(&course, &key).await?;
        if payment.is_none() {
            // A request that was given up may still be at work.
            sleep(SUBGRAPH_REQUEST).await;
            payment = self.purchase(&course, &key).await?;
        }
        let Some(payment) = payment else { return Ok(None) };
        let expected = ExpectedOutcome::Rejected;
        Ok(Some(Purchase { student: self.student.id, course: course.parse()?, payment, expected }))
    }

    /// Buys a course. Some do not wait for the event of their payment, and enroll with it at once.
    async fn pay(&mut self, course: &str) -> Result<Purchase> {
        let payment = self.purchase(course, &Uuid::now_v7().to_string()).await?;
        let payment = payment.context("the student is not enrolled, and buys nothing")?;
        if self.rng.random_bool(0.3) {
            self.enroll_with(course, payment).await?;
        }
        let expected = ExpectedOutcome::Enrolled;
        Ok(Purchase { student: self.student.id, course: course.parse()?, payment, expected })
    }

    /// Whichever comes first makes the place, this or the event; the other one finds it.
    async fn enroll_with(&self, course: &str, payment: Uuid) -> Result<()> {
        let input = json!({ "input": { "courseId": course, "paymentId": payment } });
        let started = Instant::now();
        let mut has_arrived = false;
        loop {
            let answer = persist(&self.student.client, ENROLL, &input, &self.tally).await?;
            let payload = &answer["enroll"];
            if payload["enrollment"]["id"].is_string() {
                self.tally.overtook.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            match payload["userErrors"][0]["code"].as_str() {
                Some("ALREADY_ENROLLED") => return Ok(()),
                // The money has not arrived yet.
                Some("PAYMENT_NOT_VALID") if !has_arrived => has_arrived = self.status(payment).await? != "PENDING",
                _ => bail!("{payment} does not buy its place: {answer}"),
            }
            ensure!(started.elapsed() < PERSISTENCE, "{payment} does not get anywhere: {answer}");
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Somebody registers. Whoever repeats what was not answered may hear that the address is taken.
    async fn bring_somebody(&self) -> Result<()> {
        let email = format!("newcomer-{}@lyceum.example", Uuid::now_v7());
        let input = json!({ "input": { "email": email, "password": PASSWORD, "name": "Newcomer" } });
        let answer = persist(&self.student.client.anonymous(), REGISTER, &input, &self.tally).await?;
        let payload = &answer["register"];
        ensure!(payload["user"]["id"].is_string() || payload["userErrors"][0]["code"] == "EMAIL_TAKEN", "{answer}");
        Ok(())
    }

    /// A place on a free course. Whoever repeats what was not answered may hear that it is theirs already.
    async fn enroll(&self, course: &str) -> Result<()> {
        let input = json!({ "input": { "courseId": course } });
        let answer = persist(&self.student.client, ENROLL, &input, &self.tally).await?;
        let payload = &answer["enroll"];
        let is_theirs =
            payload["enrollment"]["id"].is_string() || payload["userErrors"][0]["code"] == "ALREADY_ENROLLED";
        ensure!(is_theirs, "{answer}");
        Ok(())
    }

    /// The payment, which is the same for everyone who asks with the key; none if the student is enrolled already.
    async fn purchase(&mut self, course: &str, key: &str) -> Result<Option<Uuid>> {
        let input = json!({ "input": { "courseId": course, "idempotencyKey": key, "expectedAmount": "19.90" } });
        // An impatient student presses the button twice, or more often.
        let times = if self.rng.random_bool(0.3) { self.rng.random_range(2..5) } else { 1 };
        let presses = (0..times).map(|_| persist(&self.student.client, PURCHASE, &input, &self.tally));
        let mut payments = Vec::new();
        for answer in join_all(presses).await {
            let answer = answer?;
            let payload = &answer["purchaseCourse"];
            if payload["userErrors"][0]["code"] != "ALREADY_ENROLLED" {
                let id = payload["payment"]["id"].as_str().with_context(|| format!("{answer}"))?;
                payments.push(id.parse::<Uuid>()?);
            }
        }
        ensure!(payments.iter().all(|id| *id == payments[0]), "one key has several payments: {payments:?}");
        Ok(payments.first().copied())
    }

    /// False if there was nothing to take back: the payment is still pending.
    async fn refund(&self, payment: Uuid) -> Result<bool> {
        let input = json!({ "input": { "paymentId": payment } });
        let started = Instant::now();
        loop {
            let answer = persist(&self.admin, REFUND, &input, &self.tally).await?;
            let payload = &answer["refundPayment"];
            if payload["payment"]["status"] == "REFUNDED" {
                return Ok(true);
            }
            // Either it is pending, or an answer was lost and it has gone back already.
            ensure!(payload["userErrors"][0]["code"] == "NOT_REFUNDABLE" || payload["payment"].is_object(), "{answer}");
            if self.status(payment).await? == "REFUNDED" {
                return Ok(true);
            }
            ensure!(started.elapsed() < PERSISTENCE, "{payment} does not get anywhere: {answer}");
            sleep(Duration::from_millis(300)).await;
        }
    }

    async fn status(&self, payment: Uuid) -> Result<String> {
        let document = "query ($id: ID!) { payment(id: $id) { status } }";
        let data = persist(&self.admin, document, &json!({ "id": payment }), &self.tally).await?;
        Ok(data["payment"]["status"].as_str().with_context(|| format!("{data}"))?.to_owned())
    }
}

/// Sends the same until there is an answer without errors.
async fn persist(client: &Client, document: &str, variables: &Value, tally: &Tally) -> Result<Value> {
    let started = Instant::now();
    loop {
        let last = match client.try_send(document, variables).await {
            Ok(answer) if answer.json.get("errors").is_none() && answer["data"].is_object() => {
                return Ok(answer["data"].clone());
            }
            Ok(answer) => {
                let code = answer.error().unwrap_or_default();
                ensure!(!matches!(code, "FORBIDDEN" | "BAD_USER_INPUT" | "INTERNAL_SERVER_ERROR"), "{answer}");
                answer.to_string()
            }
            Err(error) => format!("{error:#}"),
        };
        tally.repeated.fetch_add(1, Ordering::Relaxed);
        if started.elapsed() > PERSISTENCE {
            bail!("no answer for so long: {last}");
        }
        sleep(Duration::from_millis(150)).await;
    }
}

async fn create(teacher: &Client, title: String, price: Option<&str>, tally: &Tally) -> Result<String> {
    let input = json!({ "input": { "title": title, "isFree": price.is_none(), "price": price } });
    let data = persist(teacher, CREATE_COURSE, &input, tally).await?;
    Ok(data["createCourse"]["course"]["id"].as_str().with_context(|| format!("{data}"))?.to_owned())
}

async fn put_a_price_on(teacher: &Client, course: &str, tally: &Tally) -> Result<()> {
    let input = json!({ "input": { "courseId": course, "isFree": false, "price": "19.90" } });
    let data = persist(teacher, UPDATE_COURSE, &input, tally).await?;
    ensure!(data["updateCourse"]["course"]["price"] == "19.90", "{data}");
    Ok(())
}

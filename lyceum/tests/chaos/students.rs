//! Students who buy courses, repeat what was not answered, press the button twice, and an admin who takes
//! some of it back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::{join_all, try_join_all};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{
    Plan,
    world::{Client, World},
};

/// Courses on which every student is already, for free; then they got a price. A payment for one of them
/// cannot become a place and has to go back.
const TRAPS: usize = 3;

/// A client that gets no answer sends the same again for as long as this.
const PERSISTENCE: Duration = Duration::from_mins(3);

const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id status } userErrors { code } } }";
const ENROLL: &str = "mutation ($input: EnrollInput!) { enroll(input: $input) {
    enrollment { id } userErrors { code } } }";
const REFUND: &str = "mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
    payment { status } userErrors { code } } }";

/// Everybody who does something.
pub struct Students {
    people: Vec<Student>,
    admin: Client,
    courses: Vec<String>,
    traps: Vec<String>,
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
}

/// A purchase as its client knows it.
#[derive(Clone, Debug)]
pub struct Purchase {
    pub student: Uuid,
    pub course: Uuid,
    pub payment: Uuid,
    pub fate: Fate,
}

/// What is to become of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
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
    /// Places on free courses that each student took before.
    pub free_places: usize,
    /// Who took a place on a free course meanwhile, once for each.
    pub enrolled: Vec<Uuid>,
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
    /// There was nothing left to buy.
    has_run_out: bool,
}

impl Students {
    pub async fn gather(world: &World, plan: &Plan) -> Result<Self> {
        let teacher = world.teacher().await?;
        let admin = world.admin().await?;
        let numbers: Vec<_> = (0..plan.students).collect();
        let mut people = Vec::new();
        for number in numbers {
            let (client, id) = world.register(&format!("chaos-{number}@lyceum.example"), "STUDENT").await?;
            people.push(Student { client, id: id.parse()? });
        }
        let traps = try_join_all((0..TRAPS).map(|number| create(&teacher, format!("Trap {number}"), None))).await?;
        for course in &traps {
            for student in &people {
                let data = student.client.data(ENROLL, json!({ "input": { "courseId": course } })).await?;
                ensure!(data["enroll"]["enrollment"]["id"].is_string(), "{data}");
            }
            put_a_price_on(&teacher, course).await?;
        }
        let mut courses = Vec::new();
        for number in 0..plan.courses {
            courses.push(create(&teacher, format!("Course {number}"), Some("19.90")).await?);
        }
        let mut free = Vec::new();
        for number in 0..plan.courses {
            free.push(create(&teacher, format!("Free course {number}"), None).await?);
        }
        Ok(Self { people, admin, courses, traps, free, seed: plan.seed, tally: Arc::default() })
    }

    /// How far they are.
    pub fn tally(&self) -> String {
        let read = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        let Tally { bought, repeated, refunded } = &*self.tally;
        format!("{} bought, {} refunded, {} requests repeated", read(bought), read(refunded), read(repeated))
    }

    pub fn buy(&self) -> Buying {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for (number, student) in self.people.iter().enumerate() {
            let mut dice = StdRng::seed_from_u64(self.seed << 8 | number as u64);
            let mut wanted: Vec<_> = self.courses.iter().map(|course| (course.clone(), Fate::Enrolled)).collect();
            // Somewhere in between.
            for trap in &self.traps {
                wanted.insert(dice.random_range(0..wanted.len().min(20)), (trap.clone(), Fate::Rejected));
            }
            let buyer = Buyer {
                student: student.clone(),
                admin: self.admin.clone(),
                dice,
                tally: Arc::clone(&self.tally),
                stop: Arc::clone(&stop),
            };
            tasks.spawn(buyer.buy(wanted, self.free.clone()));
        }
        let students = self.people.iter().map(|student| student.id).collect();
        Buying { tasks, stop, students, tally: Arc::clone(&self.tally) }
    }
}

impl Buying {
    /// Lets everybody finish what they have begun.
    pub async fn finish(mut self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        let (mut purchases, mut enrolled) = (Vec::new(), Vec::new());
        while let Some(bought) = self.tasks.join_next().await {
            let bought = bought??;
            ensure!(
                !bought.has_run_out,
                "a student had nothing left to buy: there are too few courses for so many blows"
            );
            purchases.extend(bought.purchases);
            enrolled.extend(bought.enrolled);
        }
        let repeated = self.tally.repeated.load(Ordering::Relaxed);
        Ok(Ledger { purchases, students: self.students, free_places: TRAPS, enrolled, repeated })
    }
}

struct Buyer {
    student: Student,
    admin: Client,
    dice: StdRng,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
}

impl Buyer {
    async fn buy(mut self, wanted: Vec<(String, Fate)>, mut free: Vec<String>) -> Result<Bought> {
        let mut bought = Bought::default();
        for (course, fate) in wanted {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(bought);
            }
            if self.dice.random_bool(0.4)
                && let Some(course) = free.pop()
            {
                self.enroll(&course).await?;
                bought.enrolled.push(self.student.id);
            }
            let key = Uuid::now_v7().to_string();
            let payment = self.purchase(&course, &key).await?;
            self.tally.bought.fetch_add(1, Ordering::Relaxed);
            let mut purchase = Purchase { student: self.student.id, course: course.parse()?, payment, fate };
            if fate == Fate::Enrolled && self.dice.random_bool(0.15) && self.refund(payment).await? {
                purchase.fate = Fate::Refunded;
                self.tally.refunded.fetch_add(1, Ordering::Relaxed);
            }
            bought.purchases.push(purchase);
            sleep(Duration::from_millis(self.dice.random_range(50..600))).await;
        }
        bought.has_run_out = true;
        Ok(bought)
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

    /// The payment, which is the same for everyone who asks with the key.
    async fn purchase(&mut self, course: &str, key: &str) -> Result<Uuid> {
        let input = json!({ "input": { "courseId": course, "idempotencyKey": key, "expectedAmount": "19.90" } });
        // An impatient student presses the button twice, or more often.
        let times = if self.dice.random_bool(0.3) { self.dice.random_range(2..5) } else { 1 };
        let presses = (0..times).map(|_| persist(&self.student.client, PURCHASE, &input, &self.tally));
        let mut payments = Vec::new();
        for answer in join_all(presses).await {
            let answer = answer?;
            let id = answer["purchaseCourse"]["payment"]["id"].as_str().with_context(|| format!("{answer}"))?;
            payments.push(id.parse::<Uuid>()?);
        }
        ensure!(payments.iter().all(|id| *id == payments[0]), "one key has several payments: {payments:?}");
        Ok(payments[0])
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
        let answer = client.ask(document, variables.clone()).await;
        let last = match answer {
            Ok(answer) if answer.get("errors").is_none() && answer["data"].is_object() => {
                return Ok(answer["data"].clone());
            }
            Ok(answer) => {
                let code = answer.pointer("/errors/0/extensions/code").and_then(Value::as_str).unwrap_or_default();
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

async fn create(teacher: &Client, title: String, price: Option<&str>) -> Result<String> {
    let document = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } userErrors { message } } }";
    let input = json!({ "title": title, "isFree": price.is_none(), "price": price });
    let data = teacher.data(document, json!({ "input": input })).await?;
    Ok(data["createCourse"]["course"]["id"].as_str().with_context(|| format!("{data}"))?.to_owned())
}

async fn put_a_price_on(teacher: &Client, course: &str) -> Result<()> {
    let document = "mutation ($input: UpdateCourseInput!) { updateCourse(input: $input) { course { price } userErrors { message } } }";
    let data =
        teacher.data(document, json!({ "input": { "courseId": course, "isFree": false, "price": "19.90" } })).await?;
    ensure!(data["updateCourse"]["course"]["price"] == "19.90", "{data}");
    Ok(())
}

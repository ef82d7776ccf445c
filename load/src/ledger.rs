//! Records the students' activity, and reconciles it with their accounts.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    operations::{ACCOUNT, MY_PAYMENTS, PURCHASE_COURSE},
    people::Person,
};

/// The time by which all events have been handled.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_DELAY: Duration = Duration::from_millis(500);
const PAGE_SIZE: usize = 100;

/// The activity of all students.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Activity>);

#[derive(Debug, Default)]
struct Activity {
    purchases: Vec<Purchase>,
    /// The number of new enrollments in free courses, by student ID.
    enrolled: HashMap<String, i64>,
}

/// One purchase, which may be sent more than once.
#[derive(Clone, Debug)]
struct Purchase {
    student: Arc<Person>,
    course: String,
    key: String,
    /// `None` without a response so far.
    payment: Option<String>,
}

/// The totals of students.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Payments.
    pub payments: i64,
    /// Enrollments.
    pub enrollments: i64,
}

/// The activity, compared with the accounts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reconciliation {
    /// Purchases, with or without a response.
    pub purchases: i64,
    /// Enrollments in free courses.
    pub enrolled: i64,
    /// The students' totals, minus those before the load.
    pub gained: Account,
    /// The discrepancies.
    pub differences: Vec<String>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Activity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a student is about to send a purchase; returns its index.
    pub fn begin(&self, student: &Arc<Person>, course: &str, key: &str) -> usize {
        let (student, course, key) = (Arc::clone(student), course.to_owned(), key.to_owned());
        let mut activity = self.lock();
        activity.purchases.push(Purchase { student, course, key, payment: None });
        activity.purchases.len() - 1
    }

    /// Records the payment of a purchase.
    pub fn paid(&self, purchase: usize, payment: &str) {
        self.lock().purchases[purchase].payment = Some(payment.to_owned());
    }

    /// Records an enrollment in a free course.
    pub fn enrolled(&self, student: &Person) {
        *self.lock().enrolled.entry(student.id.clone()).or_default() += 1;
    }

    /// Retries purchases without a response, waits until all events are handled, and compares with the totals before.
    ///
    /// # Errors
    /// If the databases cannot be queried.
    pub async fn reconcile(&self, before: &[(Arc<Person>, Account)]) -> Result<Reconciliation> {
        self.repeat_unanswered().await?;
        let started = Instant::now();
        loop {
            let reconciliation = self.compare(before).await?;
            if reconciliation.differences.is_empty() || started.elapsed() > SETTLE_TIMEOUT {
                return Ok(reconciliation);
            }
            sleep(RETRY_DELAY).await;
        }
    }

    /// Idempotent: the same key is the same purchase, however often it is sent.
    async fn repeat_unanswered(&self) -> Result<()> {
        let purchases = self.lock().purchases.clone();
        for (number, purchase) in purchases.iter().enumerate().filter(|(_, purchase)| purchase.payment.is_none()) {
            let input = json!({ "input": { "courseId": purchase.course, "idempotencyKey": purchase.key } });
            let answer = purchase.student.send(PURCHASE_COURSE, input).await?;
            let payment = answer["purchaseCourse"]["payment"]["id"].as_str();
            self.paid(number, payment.with_context(|| format!("the purchase failed: {answer}"))?);
        }
        Ok(())
    }

    async fn compare(&self, before: &[(Arc<Person>, Account)]) -> Result<Reconciliation> {
        let mut reconciliation = Reconciliation::default();
        for (student, had) in before {
            let (bought, enrolled) = self.of(student);
            let has = account(student).await?;
            let (paid, placed) = (has.payments - had.payments, has.enrollments - had.enrollments);
            let purchases = i64::try_from(bought.len())?;
            reconciliation.purchases += purchases;
            reconciliation.enrolled += enrolled;
            reconciliation.gained.payments += paid;
            reconciliation.gained.enrollments += placed;
            if (paid, placed) != (purchases, purchases + enrolled) {
                reconciliation.differences.push(format!(
                    "{}: {purchases} purchases and {enrolled} places for nothing are {paid} payments and {placed} places",
                    student.id
                ));
            }
            reconciliation.differences.extend(unfinished(student, bought).await?);
        }
        Ok(reconciliation)
    }

    /// A student's payments, and their number of free enrollments.
    fn of(&self, student: &Person) -> (BTreeSet<String>, i64) {
        let activity = self.lock();
        let own = activity.purchases.iter().filter(|purchase| purchase.student.id == student.id);
        let payments = own.filter_map(|purchase| purchase.payment.clone()).collect();
        (payments, activity.enrolled.get(&student.id).copied().unwrap_or_default())
    }
}

/// A student's current totals.
///
/// # Errors
/// If the databases cannot be queried.
pub async fn account(student: &Person) -> Result<Account> {
    let answer = student.send(ACCOUNT, json!({})).await?;
    let count = |list: &str| answer["me"][list]["totalCount"].as_i64().with_context(|| answer.to_string());
    Ok(Account { payments: count("payments")?, enrollments: count("enrollments")? })
}

/// The payments that are not completed, or have no enrollment.
async fn unfinished(student: &Person, mut payments: BTreeSet<String>) -> Result<Vec<String>> {
    let mut after = None::<String>;
    while !payments.is_empty() {
        let answer = student.send(MY_PAYMENTS, json!({ "first": PAGE_SIZE, "after": after })).await?;
        let page = &answer["me"]["payments"];
        for payment in page["edges"].as_array().context("no page of payments")? {
            if is_finished(&payment["node"]) {
                payments.remove(payment["node"]["id"].as_str().unwrap_or_default());
            }
        }
        after = page["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    Ok(payments.into_iter().map(|payment| format!("{}: {payment} has bought no place", student.id)).collect())
}

fn is_finished(payment: &Value) -> bool {
    payment["status"] == "COMPLETED" && payment["enrollment"]["id"].is_string()
}

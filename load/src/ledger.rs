//! What students have done, and whether their accounts say the same.

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

/// Events have arrived by then.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_DELAY: Duration = Duration::from_millis(500);
const PAGE_SIZE: usize = 100;

/// All that students did.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Activity>);

#[derive(Debug, Default)]
struct Activity {
    purchases: Vec<Purchase>,
    /// Free courses that students are on now, each by their id.
    enrolled: HashMap<String, i64>,
}

/// One press of the button.
#[derive(Clone, Debug)]
struct Purchase {
    student: Arc<Person>,
    course: String,
    key: String,
    /// None as long as nobody has answered.
    payment: Option<String>,
}

/// What students have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Payments.
    pub payments: i64,
    /// Places on courses.
    pub enrollments: i64,
}

/// What was done, and what came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reconciliation {
    /// Purchases, whether or not they were answered.
    pub purchases: i64,
    /// Places that were taken on free courses.
    pub enrolled: i64,
    /// What all students have together, beyond what they had.
    pub gained: Account,
    /// What does not add up.
    pub differences: Vec<String>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Activity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A student is about to press the button. Says by what number that is known.
    pub fn begin(&self, student: &Arc<Person>, course: &str, key: &str) -> usize {
        let (student, course, key) = (Arc::clone(student), course.to_owned(), key.to_owned());
        let mut activity = self.lock();
        activity.purchases.push(Purchase { student, course, key, payment: None });
        activity.purchases.len() - 1
    }

    /// The purchase of this number is this payment.
    pub fn paid(&self, purchase: usize, payment: &str) {
        self.lock().purchases[purchase].payment = Some(payment.to_owned());
    }

    /// A student has taken a place on a free course.
    pub fn enrolled(&self, student: &Person) {
        *self.lock().enrolled.entry(student.id.clone()).or_default() += 1;
    }

    /// Repeats what was not answered, waits until everything has arrived, and compares with what students had before.
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

    /// The same key is the same purchase, however often it is sent.
    async fn repeat_unanswered(&self) -> Result<()> {
        let purchases = self.lock().purchases.clone();
        for (number, purchase) in purchases.iter().enumerate().filter(|(_, purchase)| purchase.payment.is_none()) {
            let input = json!({ "input": { "courseId": purchase.course, "idempotencyKey": purchase.key } });
            let answer = purchase.student.send(PURCHASE_COURSE, input).await?;
            let payment = answer["purchaseCourse"]["payment"]["id"].as_str();
            self.paid(number, payment.with_context(|| format!("it is not bought: {answer}"))?);
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

    /// The payments of a student, and how many free places they took.
    fn of(&self, student: &Person) -> (BTreeSet<String>, i64) {
        let activity = self.lock();
        let own = activity.purchases.iter().filter(|purchase| purchase.student.id == student.id);
        let payments = own.filter_map(|purchase| purchase.payment.clone()).collect();
        (payments, activity.enrolled.get(&student.id).copied().unwrap_or_default())
    }
}

/// What a student has now.
///
/// # Errors
/// If the databases cannot be queried.
pub async fn account(student: &Person) -> Result<Account> {
    let answer = student.send(ACCOUNT, json!({})).await?;
    let count = |list: &str| answer["me"][list]["totalCount"].as_i64().with_context(|| answer.to_string());
    Ok(Account { payments: count("payments")?, enrollments: count("enrollments")? })
}

/// Which of these payments are not completed, or have not bought their place.
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

//! Whether everything adds up, seen in the databases themselves.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use anyhow::Result;
use sqlx::{PgPool, query_as, query_scalar};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    cluster::Cluster,
    students::{ExpectedOutcome, Ledger},
};

/// How many differences are worth reading.
const MAX_SHOWN: usize = 20;

type Payment = (Uuid, Uuid, Uuid, String);
type Enrollment = (Uuid, Uuid, Option<Uuid>);

/// Waits for the last events, at most until `deadline`. What does not add up then.
pub async fn wait_until_settled(cluster: &Cluster, ledger: &Ledger, deadline: Instant) -> Result<Vec<String>> {
    loop {
        let mut differences = differences(cluster, ledger).await?;
        if differences.is_empty() || Instant::now() > deadline {
            differences.truncate(MAX_SHOWN);
            return Ok(differences);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn differences(cluster: &Cluster, ledger: &Ledger) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    compare_payments(&cluster.databases["payment"], ledger, &mut differences).await?;
    compare_registrations(cluster, ledger, &mut differences).await?;
    compare_enrollments(&cluster.databases["enrollment"], ledger, &mut differences).await?;
    compare_notifications(&cluster.databases["notification"], ledger, &mut differences).await?;
    find_repetitions(&cluster.databases["notification"], &mut differences).await?;
    for (name, db) in &cluster.databases {
        for (name, what, number) in stuck(name, db).await? {
            differences.push(format!("{name}: {number} events {what}"));
        }
    }
    Ok(differences)
}

/// Each purchase is one payment, in the state that it was to come to, and there are no others.
async fn compare_payments(db: &PgPool, ledger: &Ledger, differences: &mut Vec<String>) -> Result<()> {
    let payments: Vec<Payment> =
        query_as("select id, student_id, course_id, status::text from payments").fetch_all(db).await?;
    let known: HashMap<Uuid, _> = payments.iter().map(|payment| (payment.0, payment)).collect();
    for purchase in &ledger.purchases {
        let expected = match purchase.expected {
            ExpectedOutcome::Enrolled => "completed",
            ExpectedOutcome::Rejected | ExpectedOutcome::Refunded => "refunded",
        };
        match known.get(&purchase.payment) {
            Some((_, student, course, status)) => {
                if (*student, *course, status.as_str()) != (purchase.student, purchase.course, expected) {
                    differences.push(format!("payment: {} is {status}, not {expected}", purchase.payment));
                }
            }
            None => differences.push(format!("payment: {} is lost", purchase.payment)),
        }
    }
    let bought: HashSet<Uuid> = ledger.purchases.iter().map(|purchase| purchase.payment).collect();
    let extra = payments.iter().filter(|payment| !bought.contains(&payment.0));
    differences.extend(extra.map(|payment| format!("payment: nobody asked for {payment:?}")));
    Ok(())
}

/// Whoever has registered was welcomed once.
async fn compare_registrations(cluster: &Cluster, ledger: &Ledger, differences: &mut Vec<String>) -> Result<()> {
    let users: i64 = query_scalar("select count(*) from users").fetch_one(&cluster.databases["identity"]).await?;
    let (welcomed, times): (i64, i64) =
        query_as("select count(distinct user_id), count(*) from notifications where type = 'registration'")
            .fetch_one(&cluster.databases["notification"])
            .await?;
    // And the admin, and the teacher.
    let expected = whole(ledger.students.len() + ledger.newcomers + 2);
    if (users, welcomed, times) != (expected, expected, expected) {
        differences.push(format!("{users} people, {welcomed} of them welcomed, {times} times: not {expected} each"));
    }
    Ok(())
}

/// Each payment that stands is one place, each that went back is none, and there are no others.
async fn compare_enrollments(db: &PgPool, ledger: &Ledger, differences: &mut Vec<String>) -> Result<()> {
    let mut enrollments: Vec<Enrollment> =
        query_as("select student_id, course_id, payment_id from enrollments where payment_id is not null")
            .fetch_all(db)
            .await?;
    let standing = ledger.purchases.iter().filter(|purchase| purchase.expected == ExpectedOutcome::Enrolled);
    let mut expected: Vec<Enrollment> =
        standing.map(|purchase| (purchase.student, purchase.course, Some(purchase.payment))).collect();
    enrollments.sort_unstable();
    expected.sort_unstable();
    differences.extend(missing(&expected, &enrollments).map(|place| format!("enrollment: {place:?} is missing")));
    differences.extend(missing(&enrollments, &expected).map(|place| format!("enrollment: {place:?} should not be")));

    let free: i64 = query_scalar("select count(*) from enrollments where payment_id is null").fetch_one(db).await?;
    let expected = whole(ledger.enrolled.len());
    if free != expected {
        differences.push(format!("enrollment: {free} free places, not {expected}"));
    }
    Ok(())
}

fn missing<'a>(some: &'a [Enrollment], others: &[Enrollment]) -> impl Iterator<Item = &'a Enrollment> {
    let others: HashSet<Enrollment> = others.iter().copied().collect();
    some.iter().filter(move |place| !others.contains(*place))
}

/// Exactly one notification for each thing that happened to a student.
async fn compare_notifications(db: &PgPool, ledger: &Ledger, differences: &mut Vec<String>) -> Result<()> {
    let counted: Vec<(Uuid, String, i64)> =
        query_as("select user_id, type::text, count(*) from notifications where user_id = any($1) group by 1, 2")
            .bind(&ledger.students)
            .fetch_all(db)
            .await?;
    let counted: BTreeMap<(Uuid, String), i64> =
        counted.into_iter().map(|(student, kind, number)| ((student, kind), number)).collect();

    let mut expected: BTreeMap<(Uuid, String), i64> = BTreeMap::new();
    let mut expect = |student: Uuid, kind: &str, number: i64| {
        *expected.entry((student, kind.to_owned())).or_default() += number;
    };
    for student in &ledger.students {
        expect(*student, "registration", 1);
    }
    for student in &ledger.enrolled {
        expect(*student, "enrollment", 1);
    }
    for purchase in &ledger.purchases {
        let (payment, enrollment) = match purchase.expected {
            // Paid; enrolled.
            ExpectedOutcome::Enrolled => (1, 1),
            // Paid, and back; nothing.
            ExpectedOutcome::Rejected => (2, 0),
            // Paid, and back; enrolled, and revoked.
            ExpectedOutcome::Refunded => (2, 2),
        };
        expect(purchase.student, "payment", payment);
        expect(purchase.student, "enrollment", enrollment);
    }
    for (key, number) in &expected {
        let found = counted.get(key).copied().unwrap_or_default();
        if found != *number {
            differences.push(format!("notification: {} of {} for {}, not {number}", found, key.1, key.0));
        }
    }
    Ok(())
}

/// Nobody is told the same twice: each title names what happened, and to which course.
async fn find_repetitions(db: &PgPool, differences: &mut Vec<String>) -> Result<()> {
    let repeated: Vec<(Uuid, String, i64)> =
        query_as("select user_id, title, count(*) from notifications group by 1, 2 having count(*) > 1 order by 1, 2")
            .fetch_all(db)
            .await?;
    differences
        .extend(repeated.iter().map(|(user, title, times)| format!("notification: {times} x {title:?} for {user}")));
    Ok(())
}

/// Events that wait, or were set aside.
async fn stuck<'a>(name: &'a str, db: &PgPool) -> Result<Vec<(&'a str, &'static str, i64)>> {
    let mut stuck = Vec::new();
    for (table, what, statement) in [
        ("outbox", "are not delivered", "select count(*) from outbox_events where delivered_at is null"),
        ("inbox", "are not acted on", "select count(*) from inbox_events where processed_at is null"),
    ] {
        let exists: bool = query_scalar("select to_regclass($1) is not null").bind(table).fetch_one(db).await?;
        if exists {
            let number: i64 = query_scalar(statement).fetch_one(db).await?;
            stuck.extend((number > 0).then_some((name, what, number)));
        }
    }
    Ok(stuck)
}

/// What is in the databases in the end.
pub async fn counts(cluster: &Cluster, ledger: &Ledger) -> Result<Vec<(String, i64)>> {
    let with = |expected| whole(ledger.purchases.iter().filter(|purchase| purchase.expected == expected).count());
    let mut counts = vec![
        ("purchases that clients know of".to_owned(), whole(ledger.purchases.len())),
        ("  refunded by an admin".to_owned(), with(ExpectedOutcome::Refunded)),
        ("  refunded because the student was on the course".to_owned(), with(ExpectedOutcome::Rejected)),
        ("enrolled with a payment before its event did".to_owned(), whole(ledger.overtook)),
        ("enrolled on free courses".to_owned(), whole(ledger.enrolled.len())),
        ("people who registered meanwhile".to_owned(), whole(ledger.newcomers)),
        ("requests that were repeated".to_owned(), whole(ledger.repeated)),
    ];
    for (name, what, statement) in [
        ("payment", "completed payments", "select count(*) from payments where status = 'completed'"),
        ("payment", "refunded payments", "select count(*) from payments where status = 'refunded'"),
        ("payment", "other payments", "select count(*) from payments where status not in ('completed', 'refunded')"),
        ("enrollment", "enrollments with a payment", "select count(*) from enrollments where payment_id is not null"),
        ("notification", "notifications", "select count(*) from notifications"),
        ("notification", "events acted on", "select count(*) from inbox_events where processed_at is not null"),
        ("notification", "events tried more than once", "select count(*) from inbox_events where attempts > 0"),
        ("enrollment", "events acted on", "select count(*) from inbox_events where processed_at is not null"),
        ("payment", "events acted on", "select count(*) from inbox_events where processed_at is not null"),
    ] {
        let number: i64 = query_scalar(statement).fetch_one(&cluster.databases[name]).await?;
        counts.push((format!("{name}: {what}"), number));
    }
    Ok(counts)
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).expect("nobody counts so far")
}

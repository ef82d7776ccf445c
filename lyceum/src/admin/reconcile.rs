//! `lyceum admin reconcile`: compares payments with enrollments, which are in two databases, by queries to the graph as
//! an admin.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use console::style;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use identity::{Keys, admin, user::Role};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    data_dir::{IdentityDatabase, KeySettings},
    person::Person,
};
use crate::terminal::line;

/// Age after which a pending payment is unlikely to complete.
const STALE_AFTER: TimeDelta = TimeDelta::hours(1);

/// Delay before differences are rechecked: their events may have been in flight.
const RECHECK_DELAY: Duration = Duration::from_secs(2);

/// Maximum number of checks after a repair, and the interval between them: a second payment of a student for a course
/// waits up to 15 seconds for the refund of the first.
const LOOKS: u32 = 30;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Findings that are looked at, or repaired, at a time.
const CONCURRENCY: usize = 8;

/// Shorter than a token's lifetime.
const TOKEN_AGE: TimeDelta = TimeDelta::minutes(3);

const PAYMENTS: &str = include_str!("../../../operations/services/lyceum/router/PaymentsToReconcile.graphql");
const PAYMENT: &str = include_str!("../../../operations/services/lyceum/router/PaymentToReconcile.graphql");
const ENROLLMENTS: &str = include_str!("../../../operations/services/lyceum/router/EnrollmentsToReconcile.graphql");
const ENROLLMENT: &str = include_str!("../../../operations/services/lyceum/router/EnrollmentToReconcile.graphql");
const REPUBLISH: &str = include_str!("../../../operations/services/lyceum/router/RepublishPayment.graphql");

/// The settings of `lyceum admin reconcile`.
#[derive(Args)]
pub struct Settings {
    /// The e-mail address of the admin on whose behalf the graph is queried; not needed with `LYCEUM_TOKEN`.
    #[arg(required_unless_present = "token")]
    email: Option<String>,

    /// An admin's access token.
    #[arg(long, env = "LYCEUM_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// The URL of the router.
    #[arg(long, value_name = "URL", default_value = "http://localhost:4000")]
    router: String,

    /// Repair what is safe to repair: payment publishes its events again, by which the missing enrollment is created, or
    /// the stale one deleted. The rest needs an operator.
    #[arg(long)]
    fix: bool,

    /// Also refund payments that buy nothing, since their students are enrolled by another payment, or were enrolled
    /// already. Without it, no money is moved.
    #[arg(long, requires = "fix")]
    refund: bool,

    /// The number of seconds within which a completed payment usually gets its enrollment. Newer payments are not
    /// reported.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    usual: u32,

    #[command(flatten)]
    database: IdentityDatabase,

    #[command(flatten)]
    keys: KeySettings,
}

#[derive(Clone, Debug, Deserialize)]
struct Key {
    id: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Pending,
    Completed,
    Failed,
    Refunded,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    id: Uuid,
    status: Status,
    created_at: DateTime<Utc>,
    student: Option<Key>,
    course: Option<Key>,
    /// Also null where it is not requested.
    refund_state: Option<RefundState>,
    /// Also null where it is not requested.
    redemption: Option<Redemption>,
    /// Also null where it is not requested.
    enrollment: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Redemption {
    None,
    Enrolled,
    Left,
    Removed,
    Rejected,
    Refunded,
}

impl Redemption {
    /// Whether the enrollment is missing because somebody has ended it.
    fn is_ended(self) -> bool {
        matches!(self, Self::Left | Self::Removed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RefundState {
    None,
    Underway,
    Refused,
    Done,
}

#[derive(Clone, Debug, Deserialize)]
struct Enrollment {
    id: Uuid,
    student: Option<Key>,
    course: Option<Key>,
    /// The payment ID that the enrollment stores.
    key: Option<Key>,
    /// The payment, if it exists.
    payment: Option<Payment>,
}

/// A difference between a payment and its enrollment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    kind: Kind,
    payment: Uuid,
    /// `None` where the enrollment is missing.
    enrollment: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NotEnrolled,
    /// A completed payment whose student has the enrollment without it.
    Surplus,
    Refunded,
    Failed,
    Missing,
    OtherStudent,
    OtherCourse,
    Pending,
    RefundRefused,
}

impl Kind {
    /// Whether republishing the payment's events can help.
    fn is_repairable(self) -> bool {
        matches!(self, Self::NotEnrolled | Self::Refunded)
    }

    /// Whether republishing the payment's events moves money.
    fn is_refundable(self) -> bool {
        self == Self::Surplus
    }

    /// What an operator can do where republishing cannot help.
    fn advice(self) -> &'static str {
        match self {
            Self::NotEnrolled | Self::Refunded => "`--fix` republishes the payment's events",
            Self::Surplus => {
                "`--fix --refund` would have it refunded: it republishes the payment's events, and enrollment rejects them"
            }
            Self::Pending => {
                "the outcome of the charge is unknown: check with the payment provider, then follow \
                 docs/architecture/events.md"
            }
            Self::RefundRefused => "resolve it with the payment provider, then call `refundPayment` again",
            Self::Missing => {
                "perhaps an older backup of payment's database was restored: ask the payment provider for this id, and keep \
                 the enrollment if it was charged"
            }
            Self::Failed | Self::OtherStudent | Self::OtherCourse => {
                "no payment covers this enrollment: keep it, or delete it from enrollment's database"
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payment = self.payment;
        let enrollment = self.enrollment.unwrap_or_default();
        match self.kind {
            Kind::NotEnrolled => write!(f, "payment {payment} is completed but has no enrollment"),
            Kind::Surplus => {
                write!(f, "payment {payment} is completed but buys nothing: its student is enrolled without it")
            }
            Kind::Refunded => write!(f, "payment {payment} was refunded, but enrollment {enrollment} still exists"),
            Kind::Failed => write!(f, "payment {payment} failed, but enrollment {enrollment} exists"),
            Kind::Missing => write!(f, "enrollment {enrollment} references payment {payment}, which does not exist"),
            Kind::OtherStudent => write!(f, "enrollment {enrollment} references payment {payment} of another student"),
            Kind::OtherCourse => write!(f, "enrollment {enrollment} references payment {payment} for another course"),
            Kind::Pending => write!(f, "payment {payment} has been pending for too long"),
            Kind::RefundRefused => write!(f, "the payment provider rejected the refund of payment {payment}"),
        }
    }
}

/// Checks a payment by itself. Its enrollment is checked by `of_enrollment`.
fn of_payment(payment: &Payment, now: DateTime<Utc>, usual: TimeDelta) -> Option<Finding> {
    let finding = |kind| Some(Finding { kind, payment: payment.id, enrollment: None });
    if payment.refund_state == Some(RefundState::Refused) {
        return finding(Kind::RefundRefused);
    }
    if payment.enrollment.is_some() || payment.redemption.is_some_and(Redemption::is_ended) {
        return None;
    }
    let age = now - payment.created_at;
    match payment.status {
        Status::Completed if age > usual && payment.redemption == Some(Redemption::Rejected) => finding(Kind::Surplus),
        Status::Completed if age > usual => finding(Kind::NotEnrolled),
        Status::Pending if age > STALE_AFTER => finding(Kind::Pending),
        Status::Completed | Status::Pending | Status::Failed | Status::Refunded => None,
    }
}

/// Checks an enrollment. One without a payment is valid also on a paid course, which may have been free then.
fn of_enrollment(enrollment: &Enrollment, now: DateTime<Utc>) -> Option<Finding> {
    let named = enrollment.key.as_ref()?.id;
    let finding = |kind| Some(Finding { kind, payment: named, enrollment: Some(enrollment.id) });
    let Some(payment) = &enrollment.payment else { return finding(Kind::Missing) };
    let differ =
        |one: &Option<Key>, other: &Option<Key>| one.as_ref().map(|key| key.id) != other.as_ref().map(|key| key.id);
    if differ(&payment.student, &enrollment.student) {
        return finding(Kind::OtherStudent);
    }
    if differ(&payment.course, &enrollment.course) {
        return finding(Kind::OtherCourse);
    }
    match payment.status {
        Status::Refunded => finding(Kind::Refunded),
        Status::Failed => finding(Kind::Failed),
        Status::Pending if now - payment.created_at > STALE_AFTER => finding(Kind::Pending),
        Status::Pending | Status::Completed => None,
    }
}

/// Compares, prints the differences, and repairs them on request.
pub async fn run(settings: &Settings) -> Result<()> {
    let graph = Graph::open(settings).await?;
    let usual = graph.usual;
    let mut unredeemed = Unredeemed::default();
    let of_payment = |payment: &Payment, now| {
        let finding = of_payment(payment, now, usual);
        unredeemed.add(payment, finding.as_ref());
        finding
    };
    let mut suspects = graph.sweep("payments", PAYMENTS, of_payment).await?;
    let of_enrollment = |enrollment: &Enrollment, now| {
        unredeemed.take(enrollment);
        of_enrollment(enrollment, now)
    };
    suspects.extend(graph.sweep("enrollments", ENROLLMENTS, of_enrollment).await?);
    unredeemed.mark_surplus(&mut suspects);
    let findings = graph.still_there(suspects).await?;
    if findings.is_empty() {
        line(format_args!("{} payments and enrollments agree.", style("✓").green()));
        return Ok(());
    }
    let mut left = 0;
    let outcomes = stream::iter(&findings).map(|finding| graph.resolve(finding, settings)).buffered(CONCURRENCY);
    let mut outcomes = pin!(outcomes.zip(stream::iter(&findings)));
    while let Some((outcome, finding)) = outcomes.next().await {
        line(format_args!("{} {finding}", style("✗").red()));
        match outcome? {
            Outcome::Repaired => line(format_args!("    {}", style("repaired").green())),
            Outcome::Left(why) => {
                left += 1;
                line(format_args!("    {}", style(why).yellow()));
            }
        }
    }
    let found = findings.len();
    match (left, settings.fix) {
        (0, _) => Ok(()),
        (_, true) => bail!("{left} of {found} need an operator"),
        (_, false) if findings.iter().any(|finding| finding.kind.is_repairable()) => {
            bail!("{found} do not agree: `--fix` repairs those that are safe to repair")
        }
        (_, false) => bail!("{found} do not agree and need an operator"),
    }
}

/// Completed payments without an enrollment, by student and course: one of each can get it.
#[derive(Default)]
struct Unredeemed {
    payments: HashMap<(Uuid, Uuid), Vec<Uuid>>,
    surplus: HashSet<Uuid>,
}

impl Unredeemed {
    fn add(&mut self, payment: &Payment, finding: Option<&Finding>) {
        let is_unredeemed = finding.is_some_and(|finding| finding.kind == Kind::NotEnrolled);
        if let (true, Some(student), Some(course)) = (is_unredeemed, &payment.student, &payment.course) {
            self.payments.entry((student.id, course.id)).or_default().push(payment.id);
        }
    }

    /// The student has this enrollment, so none of the payments can get it.
    fn take(&mut self, enrollment: &Enrollment) {
        if let (Some(student), Some(course)) = (&enrollment.student, &enrollment.course)
            && let Some(payments) = self.payments.remove(&(student.id, course.id))
        {
            self.surplus.extend(payments);
        }
    }

    fn mark_surplus(self, findings: &mut [Finding]) {
        let seconds = self.payments.into_values().flat_map(|payments| payments.into_iter().skip(1));
        let surplus: HashSet<_> = self.surplus.into_iter().chain(seconds).collect();
        for finding in findings.iter_mut().filter(|it| it.kind == Kind::NotEnrolled && surplus.contains(&it.payment)) {
            finding.kind = Kind::Surplus;
        }
    }
}

enum Outcome {
    Repaired,
    /// Not repaired, with advice.
    Left(String),
}

/// A GraphQL client on behalf of an admin.
struct Graph {
    http: reqwest::Client,
    url: String,
    login: Login,
    token: Mutex<Token>,
    usual: TimeDelta,
}

struct Token {
    text: String,
    made_at: DateTime<Utc>,
}

enum Login {
    Given,
    Made { keys: Box<Keys>, user: Box<identity::user::User> },
}

#[derive(Deserialize)]
struct GraphqlResponse {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    nodes: Vec<T>,
    #[serde(rename = "pageInfo")]
    info: PageInfo,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl Graph {
    async fn open(settings: &Settings) -> Result<Self> {
        let (login, token) = match (&settings.token, &settings.email) {
            (Some(token), _) if !token.is_empty() => (Login::Given, token.clone()),
            (_, Some(email)) => {
                let keys =
                    Keys::load(&settings.keys.directory(&settings.database.access.data_dir)?, &settings.keys.tokens)?;
                let person = Person { email: email.clone(), database: settings.database.clone() };
                let (_, user) = person.find().await?;
                ensure!(user.role == Role::Admin, "{email} is not an admin");
                let token = admin::access_token(&keys, &user)?;
                (Login::Made { keys: Box::new(keys), user: Box::new(user) }, token)
            }
            _ => bail!("give an admin's e-mail address, or set LYCEUM_TOKEN to an access token"),
        };
        let url = format!("{}/graphql", settings.router.trim_end_matches('/').trim_end_matches("/graphql"));
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build()?;
        let usual = TimeDelta::seconds(settings.usual.into());
        let token = Mutex::new(Token { text: token, made_at: Utc::now() });
        Ok(Self { http, url, login, token, usual })
    }

    /// The access token, renewed before it expires.
    fn token(&self) -> Result<String> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Login::Made { keys, user } = &self.login
            && Utc::now() - token.made_at > TOKEN_AGE
        {
            *token = Token { text: admin::access_token(keys, user)?, made_at: Utc::now() };
        }
        Ok(token.text.clone())
    }

    async fn ask<T: DeserializeOwned>(&self, document: &str, variables: Value) -> Result<T> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let request = self.http.post(&self.url).bearer_auth(self.token()?).header("content-type", "application/json");
        let answer =
            request.body(body).send().await.with_context(|| format!("cannot reach the router at {}", self.url))?;
        let answer = answer.bytes().await.context("the router's response was cut off")?;
        let answer: GraphqlResponse = serde_json::from_slice(&answer).context("the router's response is malformed")?;
        if let Some(failure) = answer.errors.first() {
            bail!("the graph responded with an error: {}", failure.message);
        }
        serde_json::from_value(answer.data.unwrap_or_default()).context("the graph's response is malformed")
    }

    /// Checks all nodes of a connection, page by page.
    async fn sweep<T: DeserializeOwned>(
        &self,
        list: &str,
        document: &str,
        mut look: impl FnMut(&T, DateTime<Utc>) -> Option<Finding>,
    ) -> Result<Vec<Finding>> {
        let bar = bar(list);
        let (mut findings, mut after, mut is_first) = (Vec::new(), None, true);
        loop {
            let data: Value = self.ask(document, json!({ "after": after, "isFirst": is_first })).await?;
            let page: Page<T> =
                serde_json::from_value(data[list].clone()).context("a page of the list is malformed")?;
            if let Some(total) = page.total_count {
                bar.set_length(total);
            }
            bar.inc(page.nodes.len() as u64);
            findings.extend(page.nodes.iter().filter_map(|node| look(node, Utc::now())));
            (after, is_first) = (page.info.end_cursor, false);
            if !page.info.has_next_page {
                bar.finish_and_clear();
                return Ok(findings);
            }
        }
    }

    /// Rechecks findings after a delay; returns those that remain.
    async fn still_there(&self, suspects: Vec<Finding>) -> Result<Vec<Finding>> {
        if !suspects.is_empty() {
            sleep(RECHECK_DELAY).await;
        }
        let looks = stream::iter(&suspects).map(|suspect| self.look(suspect)).buffered(CONCURRENCY);
        looks.try_filter_map(async |found| Ok(found)).try_collect().await
    }

    /// Rechecks a finding.
    async fn look(&self, finding: &Finding) -> Result<Option<Finding>> {
        let (field, document, id) = match finding.enrollment {
            Some(id) => ("enrollment", ENROLLMENT, id),
            None => ("payment", PAYMENT, finding.payment),
        };
        let data: Value = self.ask(document, json!({ "id": id })).await?;
        let found = data[field].clone();
        let found: Option<Finding> = if finding.enrollment.is_some() {
            serde_json::from_value::<Option<_>>(found)?.and_then(|enrollment| of_enrollment(&enrollment, Utc::now()))
        } else {
            serde_json::from_value::<Option<_>>(found)?.and_then(|payment| of_payment(&payment, Utc::now(), self.usual))
        };
        // That a payment is one too many is known of all of them together only.
        Ok(found.map(|found| match (finding.kind, found.kind) {
            (Kind::Surplus, Kind::NotEnrolled) => finding.clone(),
            _ => found,
        }))
    }

    /// Repairs a finding if the settings say so.
    async fn resolve(&self, finding: &Finding, settings: &Settings) -> Result<Outcome> {
        let Finding { kind, .. } = finding;
        if settings.fix && kind.is_repairable() || settings.refund && kind.is_refundable() {
            self.repair(finding).await
        } else {
            Ok(Outcome::Left(kind.advice().to_owned()))
        }
    }

    /// Republishes the payment's events, and waits for their effect.
    async fn repair(&self, finding: &Finding) -> Result<Outcome> {
        let data: Value = self.ask(REPUBLISH, json!({ "id": finding.payment })).await?;
        if let Some(refused) = data.pointer("/republishPayment/userErrors/0/message").and_then(Value::as_str) {
            return Ok(Outcome::Left(format!("this needs an operator: {refused}")));
        }
        for _ in 0..LOOKS {
            sleep(BETWEEN_LOOKS).await;
            if self.look(finding).await?.is_none() {
                return Ok(Outcome::Repaired);
            }
        }
        let why =
            "the events were republished without effect: `lyceum admin events` lists pending and dead-lettered events";
        Ok(Outcome::Left(why.to_owned()))
    }
}

fn bar(list: &str) -> ProgressBar {
    if !console::user_attended_stderr() {
        return ProgressBar::hidden();
    }
    let style = "{prefix:12} {bar:40.cyan} {human_pos} of {human_len}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    ProgressBar::new(0).with_style(style).with_prefix(list.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDENT: u128 = 1;
    const COURSE: u128 = 2;
    const PAYMENT_ID: u128 = 3;
    const ENROLLMENT_ID: u128 = 4;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn key(id: u128) -> Key {
        Key { id: Uuid::from_u128(id) }
    }

    fn payment(status: Status, age: TimeDelta) -> Payment {
        Payment {
            id: Uuid::from_u128(PAYMENT_ID),
            status,
            created_at: now() - age,
            student: Some(key(STUDENT)),
            course: Some(key(COURSE)),
            refund_state: None,
            redemption: None,
            enrollment: None,
        }
    }

    fn enrollment(payment: Option<Payment>) -> Enrollment {
        Enrollment {
            id: Uuid::from_u128(ENROLLMENT_ID),
            student: Some(key(STUDENT)),
            course: Some(key(COURSE)),
            key: Some(key(PAYMENT_ID)),
            payment,
        }
    }

    fn kind_of(enrollment: &Enrollment) -> Option<Kind> {
        let finding = of_enrollment(enrollment, now())?;
        assert_eq!(finding.payment, Uuid::from_u128(PAYMENT_ID));
        assert_eq!(finding.enrollment, Some(Uuid::from_u128(ENROLLMENT_ID)));
        Some(finding.kind)
    }

    #[test]
    fn a_completed_payment_has_its_enrollment_after_a_minute() {
        let old = TimeDelta::seconds(61);
        let kind = |payment: &Payment| of_payment(payment, now(), TimeDelta::minutes(1)).map(|finding| finding.kind);

        assert_eq!(kind(&payment(Status::Completed, old)), Some(Kind::NotEnrolled));
        assert_eq!(kind(&payment(Status::Completed, TimeDelta::seconds(60))), None);
        assert_eq!(kind(&Payment { enrollment: Some(key(ENROLLMENT_ID)), ..payment(Status::Completed, old) }), None);
        for (redemption, expected) in [
            (Redemption::None, Some(Kind::NotEnrolled)),
            (Redemption::Enrolled, Some(Kind::NotEnrolled)),
            (Redemption::Rejected, Some(Kind::Surplus)),
            (Redemption::Refunded, Some(Kind::NotEnrolled)),
            (Redemption::Left, None),
            (Redemption::Removed, None),
        ] {
            let ended = Payment { redemption: Some(redemption), ..payment(Status::Completed, old) };
            assert_eq!(kind(&ended), expected, "{redemption:?}");
        }
        for status in [Status::Pending, Status::Failed, Status::Refunded] {
            assert_eq!(kind(&payment(status, old)), None, "{status:?}");
        }
        assert_eq!(kind(&payment(Status::Pending, TimeDelta::minutes(61))), Some(Kind::Pending));
    }

    #[test]
    fn one_payment_of_a_student_and_course_gets_the_enrollment() {
        let old = TimeDelta::minutes(2);
        let look = |number: u128| {
            let payment = Payment { id: Uuid::from_u128(number), ..payment(Status::Completed, old) };
            let finding = of_payment(&payment, now(), TimeDelta::minutes(1)).expect("it has no enrollment");
            (payment, finding)
        };
        let kinds = |enrollments: &[Enrollment]| {
            let mut unredeemed = Unredeemed::default();
            let (payments, mut findings): (Vec<_>, Vec<_>) = [7, 8].map(look).into_iter().unzip();
            payments.iter().zip(&findings).for_each(|(payment, finding)| unredeemed.add(payment, Some(finding)));
            for enrollment in enrollments {
                unredeemed.take(enrollment);
            }
            unredeemed.mark_surplus(&mut findings);
            findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
        };

        assert_eq!(kinds(&[]), [Kind::NotEnrolled, Kind::Surplus]);
        assert_eq!(kinds(&[enrollment(None)]), [Kind::Surplus, Kind::Surplus]);
        let elsewhere = Enrollment { course: Some(key(9)), ..enrollment(None) };
        assert_eq!(kinds(&[elsewhere]), [Kind::NotEnrolled, Kind::Surplus]);
    }

    #[test]
    fn a_refund_that_was_refused_needs_a_person_whether_there_is_an_enrollment_or_not() {
        for enrollment in [None, Some(key(ENROLLMENT_ID))] {
            let mut payment = Payment { enrollment, ..payment(Status::Completed, TimeDelta::zero()) };
            let mut kind = |state| {
                payment.refund_state = state;
                of_payment(&payment, now(), TimeDelta::minutes(1)).map(|finding| finding.kind)
            };

            assert_eq!(kind(Some(RefundState::Refused)), Some(Kind::RefundRefused));
            for state in [RefundState::None, RefundState::Underway, RefundState::Done] {
                assert_eq!(kind(Some(state)), None);
            }
        }
    }

    #[test]
    fn the_payment_of_an_enrollment_has_completed() {
        let kind = |status, age| kind_of(&enrollment(Some(payment(status, age))));

        assert_eq!(kind(Status::Completed, TimeDelta::zero()), None);
        assert_eq!(kind(Status::Refunded, TimeDelta::zero()), Some(Kind::Refunded));
        assert_eq!(kind(Status::Failed, TimeDelta::zero()), Some(Kind::Failed));
        assert_eq!(kind(Status::Pending, TimeDelta::minutes(59)), None);
        assert_eq!(kind(Status::Pending, TimeDelta::minutes(61)), Some(Kind::Pending));
    }

    #[test]
    fn the_payment_of_an_enrollment_is_the_students_own_for_that_course() {
        let completed = payment(Status::Completed, TimeDelta::zero());

        assert_eq!(kind_of(&enrollment(None)), Some(Kind::Missing));
        assert_eq!(
            kind_of(&enrollment(Some(Payment { student: Some(key(9)), ..completed.clone() }))),
            Some(Kind::OtherStudent)
        );
        assert_eq!(kind_of(&enrollment(Some(Payment { course: Some(key(9)), ..completed }))), Some(Kind::OtherCourse));
    }

    #[test]
    fn an_enrollment_without_a_payment_is_no_finding() {
        let free = Enrollment { key: None, ..enrollment(None) };

        assert_eq!(of_enrollment(&free, now()), None);
    }

    #[test]
    fn an_answer_of_the_graph_can_be_read() {
        let id = Uuid::from_u128(7);
        let payment = json!({
            "id": id, "status": "REFUNDED", "createdAt": "2026-01-01T10:00:00+00:00",
            "student": { "id": id }, "course": null,
        });
        let enrollment: Enrollment = serde_json::from_value(json!({
            "id": id, "student": { "id": id }, "course": null, "key": { "id": id }, "payment": payment,
        }))
        .expect("it can be read");

        assert_eq!(of_enrollment(&enrollment, now()).map(|finding| finding.kind), Some(Kind::Refunded));
    }
}

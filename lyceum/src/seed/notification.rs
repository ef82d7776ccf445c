//! What the platform told its users: one notification per registration, enrollment and payment.

use uuid::Uuid;

use super::copy::{Row, Table};
use super::course::{self, Course, Level};
use super::enrollment::{Enrollment, SAMPLE_STUDENT};
use super::identity::{Role, User};
use super::payment::Payment;
use super::plan::Plan;
use super::rng::SeedRng;
use super::timeline::{self, DAY, END, SECOND};

pub const TABLE: Table = Table {
    database: "notification",
    name: "notifications",
    columns: "id, user_id, type, title, body, is_read, created_at",
};

/// How many of the sample student's newest notifications are unread for certain.
const SAMPLE_UNREAD: usize = 5;

/// What a notification tells; the numbers are indexes into the plan.
#[derive(Clone, Copy)]
enum About {
    Registration { user: usize },
    Enrollment { enrollment: usize },
    Payment { payment: usize },
}

pub struct Notification {
    pub id: Uuid,
    pub created: i64,
    about: About,
    is_read: bool,
}

/// All notifications, oldest first.
pub fn generate(seed: u64, users: &[User], enrollments: &[Enrollment], payments: &[Payment]) -> Vec<Notification> {
    let rng = &mut SeedRng::new(seed, "notifications");
    let registrations = (0..users.len()).map(|user| (About::Registration { user }, users[user].created));
    let enrolled =
        (0..enrollments.len()).map(|enrollment| (About::Enrollment { enrollment }, enrollments[enrollment].enrolled));
    let paid = (0..payments.len()).map(|payment| (About::Payment { payment }, payments[payment].created));

    let mut notifications: Vec<Notification> =
        registrations.chain(enrolled).chain(paid).map(|(about, happened)| notification(rng, about, happened)).collect();
    notifications.sort_unstable_by_key(|notification| notification.id);
    leave_unread(&mut notifications, enrollments, payments);
    notifications
}

fn notification(rng: &mut SeedRng, about: About, happened: i64) -> Notification {
    let created = rng.time_between(happened + 50, happened + 2 * SECOND);
    let percent_read = if END - created < 21 * DAY { 35 } else { 85 };
    Notification { id: rng.id_at(created), created, about, is_read: rng.percent(percent_read) }
}

/// The sample student has something new to see.
fn leave_unread(notifications: &mut [Notification], enrollments: &[Enrollment], payments: &[Payment]) {
    let newest_first = notifications.iter_mut().rev();
    let of_sample = newest_first.filter(|one| user(one.about, enrollments, payments) == SAMPLE_STUDENT);
    for notification in of_sample.take(SAMPLE_UNREAD) {
        notification.is_read = false;
    }
}

fn user(about: About, enrollments: &[Enrollment], payments: &[Payment]) -> usize {
    match about {
        About::Registration { user } => user,
        About::Enrollment { enrollment } => enrollments[enrollment].student,
        About::Payment { payment } => enrollments[payments[payment].enrollment].student,
    }
}

pub fn write(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let notification = &plan.notifications[index];
    let user = user(notification.about, &plan.enrollments, &plan.payments);
    let message = Message::about(plan, notification.about);
    row.put(notification.id);
    row.put(plan.users[user].id);
    row.put(message.kind);
    row.put(message.title.as_str());
    row.put(message.body.as_str());
    row.put(notification.is_read);
    row.put(timeline::moment(notification.created));
}

struct Message {
    kind: &'static str,
    title: String,
    body: String,
}

impl Message {
    fn about(plan: &Plan, about: About) -> Self {
        match about {
            About::Registration { user } => Self::welcome(&plan.users[user]),
            About::Enrollment { enrollment } => {
                let course = &plan.courses[plan.enrollments[enrollment].course];
                Self::enrolled(course, &plan.users[course.teacher])
            }
            About::Payment { payment } => {
                let payment = &plan.payments[payment];
                let course = &plan.courses[plan.enrollments[payment.enrollment].course];
                Self::paid(course, payment.created)
            }
        }
    }

    fn welcome(user: &User) -> Self {
        let body = match (user.role, user.is_verified) {
            (Role::Student, _) => "Your account is ready. Browse the catalogue, pick a course and start learning.",
            (Role::Teacher, true) => "Your account is ready and verified. Publish your first course when you like.",
            (Role::Teacher, false) => "Your account is ready. You can publish courses as soon as we have verified you.",
        };
        Self { kind: "registration", title: format!("Welcome to Lyceum, {}!", user.given_name), body: body.to_owned() }
    }

    fn enrolled(course: &Course, teacher: &User) -> Self {
        let title = course.title();
        let level = match course.level {
            Level::Beginner => "a beginner's course",
            Level::Intermediate => "an intermediate course",
            Level::Advanced => "an advanced course",
        };
        Self {
            kind: "enrollment",
            body: format!(
                "You now have a place on “{title}”, {level} of {} by {}. You can start whenever you like.",
                duration(course.minutes),
                teacher.name(),
            ),
            title: format!("You are enrolled in {title}"),
        }
    }

    fn paid(course: &Course, created: i64) -> Self {
        let title = course.title();
        let cents = course.price.expect("only paid courses are paid for");
        Self {
            kind: "payment",
            body: format!(
                "We received your payment of {} for “{title}” on {}. Your place on the course is yours to keep.",
                course::amount(cents),
                timeline::moment(created).format("%-d %B %Y"),
            ),
            title: format!("Payment received for {title}"),
        }
    }
}

/// “45 minutes”, “3 hours”, “1 h 30 min”.
fn duration(minutes: i32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

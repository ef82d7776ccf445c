//! The notifications: one per registration, enrollment and payment.

use uuid::Uuid;

use super::enrollment::{Enrollment, SAMPLE_STUDENT};
use super::identity::User;
use super::payment::Payment;
use super::rng::SeedRng;
use super::timeline::{DAY, END, SECOND};

/// The number of the sample student's newest notifications that are always unread.
const SAMPLE_UNREAD: usize = 5;

/// The subject of a notification, as an index into the plan.
#[derive(Clone, Copy)]
pub enum About {
    Registration { user: usize },
    Enrollment { enrollment: usize },
    Payment { payment: usize },
}

pub struct Notification {
    pub id: Uuid,
    pub created: i64,
    pub about: About,
    pub is_read: bool,
}

/// Generates all notifications, oldest first.
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

/// Marks the sample student's newest notifications as unread.
fn leave_unread(notifications: &mut [Notification], enrollments: &[Enrollment], payments: &[Payment]) {
    let newest_first = notifications.iter_mut().rev();
    let of_sample = newest_first.filter(|one| recipient(one.about, enrollments, payments) == SAMPLE_STUDENT);
    for notification in of_sample.take(SAMPLE_UNREAD) {
        notification.is_read = false;
    }
}

/// Index of the recipient.
pub fn recipient(about: About, enrollments: &[Enrollment], payments: &[Payment]) -> usize {
    match about {
        About::Registration { user } => user,
        About::Enrollment { enrollment } => enrollments[enrollment].student,
        About::Payment { payment } => enrollments[payments[payment].enrollment].student,
    }
}

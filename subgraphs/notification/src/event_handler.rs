//! Creates notifications from the events of other services: one per event type and subject, whatever the event's id.

use contracts::{
    NotificationId, UserId,
    events::{CourseWithdrawn, EnrollmentPayload, Event, EventPayload, Purchase, Refund, RefundReason, Registration},
};
use messaging::{AfterCommit, Handler};
use sqlx::{PgConnection, query};
use subgraph_kit::Error;
use tracing::info;
use uuid::Uuid;

use crate::notification::{
    Kind,
    store::{self, NewNotification},
};

/// The log target of the line that each notification gets on standard output, as the specification wants.
pub const LOG_TARGET: &str = "notification::sent";

/// The maximum length of a title, in characters.
const MAX_TITLE_LENGTH: usize = 500;

/// The handler of all events that notify a user.
pub struct EventHandler;

impl Handler for EventHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        let (kind, subject) = (event.payload.event_type().name(), occurrence(&event));
        let Some(message) = notification_for(event.payload) else { return Ok(None) };
        if !mark_handled(transaction, kind, subject).await? {
            return Ok(None);
        }
        let (user, kind) = (message.user_id, message.kind);
        let id = store::insert(transaction, message).await?;
        Ok(Some(Box::new(move || log(id, user, kind))))
    }
}

/// What a user is notified of once: usually the event's subject, which it happens to once.
fn occurrence(event: &Event) -> Uuid {
    match &event.payload {
        EventPayload::CourseWithdrawn(withdrawal) => withdrawal.withdrawal_id,
        _ => event.subject,
    }
}

/// Marks an event as handled. False if it was before.
async fn mark_handled(db: &mut PgConnection, kind: &str, subject: Uuid) -> Result<bool, sqlx::Error> {
    let told =
        query!("insert into handled_events (type, subject) values ($1, $2) on conflict do nothing", kind, subject);
    Ok(told.execute(db).await?.rows_affected() == 1)
}

fn log(id: NotificationId, user: UserId, kind: Kind) {
    info!(target: LOG_TARGET, { notification.id = %id, "notification.type" = ?kind, user.id = %user }, "notification sent");
}

fn notification_for(payload: EventPayload) -> Option<NewNotification> {
    Some(match payload {
        EventPayload::UserRegistered(registration) => welcome(&registration),
        EventPayload::PaymentCompleted(purchase) => paid(&purchase),
        EventPayload::PaymentRefunded(refund) => refunded(&refund),
        EventPayload::EnrollmentCreated(enrollment) => enrolled(&enrollment),
        EventPayload::EnrollmentRevoked(enrollment) => revoked(&enrollment),
        EventPayload::CourseWithdrawn(withdrawal) => return withdrawn(&withdrawal),
        // Not delivered to this service: the refund that follows notifies the student.
        EventPayload::EnrollmentRejected(_) => return None,
    })
}

fn welcome(Registration { user_id, name }: &Registration) -> NewNotification {
    NewNotification {
        user_id: *user_id,
        kind: Kind::Registration,
        title: match name.trim() {
            "" => "Welcome to Lyceum!".to_owned(),
            name => titled("Welcome to Lyceum, ", name, "!"),
        },
        body: "Your account is ready. Look around in the catalogue, and take your first course.".to_owned(),
    }
}

fn paid(Purchase { student_id, course_title, amount, .. }: &Purchase) -> NewNotification {
    NewNotification {
        user_id: *student_id,
        kind: Kind::Payment,
        title: about("Payment received", course_title),
        body: format!("We have received your payment of {amount} for {}. Thank you!", course(course_title)),
    }
}

fn refunded(Refund { purchase, reason }: &Refund) -> NewNotification {
    let Purchase { student_id, course_title, amount, .. } = purchase;
    let course = course(course_title);
    NewNotification {
        user_id: *student_id,
        kind: Kind::Payment,
        title: about("Payment refunded", course_title),
        body: match reason {
            RefundReason::Requested => format!("Your payment of {amount} for {course} has gone back to you."),
            RefundReason::NotEnrolled => format!(
                "You paid {amount} for {course}, but you were on the course already, so the money has gone back to you."
            ),
        },
    }
}

fn enrolled(EnrollmentPayload { student_id, course_title, .. }: &EnrollmentPayload) -> NewNotification {
    NewNotification {
        user_id: *student_id,
        kind: Kind::Enrollment,
        title: about("You are enrolled", course_title),
        body: format!("You have a place on {}. Begin whenever you like.", course(course_title)),
    }
}

fn revoked(EnrollmentPayload { student_id, course_title, .. }: &EnrollmentPayload) -> NewNotification {
    NewNotification {
        user_id: *student_id,
        kind: Kind::Enrollment,
        title: about("Enrollment cancelled", course_title),
        body: format!("Your payment has gone back to you, so you are no longer on {}.", course(course_title)),
    }
}

/// Tells a teacher that an admin has withdrawn a course; none if it was the teacher.
fn withdrawn(withdrawal: &CourseWithdrawn) -> Option<NewNotification> {
    let CourseWithdrawn { course_title, teacher_id, withdrawn_by, reason, .. } = withdrawal;
    let course = course(course_title);
    let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" The reason: {reason}"));
    (teacher_id != withdrawn_by).then(|| NewNotification {
        user_id: *teacher_id,
        kind: Kind::Course,
        title: about("Course withdrawn", course_title),
        body: format!(
            "An admin has withdrawn {course} from the catalogue. Students who are enrolled in it keep it.{reason}"
        ),
    })
}

/// Formats a title: what has happened, and the course's title if there is one.
fn about(what: &str, course_title: &str) -> String {
    match course_title.trim() {
        "" => what.to_owned(),
        title => titled(&format!("{what}: "), title, ""),
    }
}

/// Formats the course for a sentence.
fn course(title: &str) -> String {
    match title.trim() {
        "" => "a course".to_owned(),
        title => format!("“{title}”"),
    }
}

/// Formats a title around a name, which is truncated if it does not fit.
fn titled(before: &str, name: &str, after: &str) -> String {
    let room = MAX_TITLE_LENGTH - before.chars().count() - after.chars().count();
    if name.chars().count() <= room {
        return format!("{before}{name}{after}");
    }
    let start: String = name.chars().take(room - 1).collect();
    format!("{before}{}…{after}", start.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrollment(course_title: &str) -> EnrollmentPayload {
        EnrollmentPayload {
            enrollment_id: contracts::EnrollmentId(Uuid::nil()),
            student_id: UserId(Uuid::nil()),
            course_id: contracts::CourseId(Uuid::nil()),
            course_title: course_title.to_owned(),
            payment_id: None,
        }
    }

    #[test]
    fn a_title_of_any_length_fits() {
        for length in [1, 480, 481, 482, 483, 499, 500, 501, 2_000] {
            for letter in ["a", "ß", "課", "🎓"] {
                let title = enrolled(&enrollment(&letter.repeat(length))).title;

                assert!(title.chars().count() <= MAX_TITLE_LENGTH, "{length} {letter}");
                assert!(title.starts_with(&format!("You are enrolled: {letter}")));
                assert_eq!(
                    title.ends_with('…'),
                    length > MAX_TITLE_LENGTH - "You are enrolled: ".len(),
                    "{length} {letter}"
                );
            }
        }
    }

    #[test]
    fn a_course_without_a_title_is_a_course() {
        for title in ["", "  ", "\t\n"] {
            let message = enrolled(&enrollment(title));

            assert_eq!(message.title, "You are enrolled");
            assert_eq!(message.body, "You have a place on a course. Begin whenever you like.");
        }
    }
}

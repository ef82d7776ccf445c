//! Creates notifications from the events of other services: one per event type and subject, whatever the event's id.

use contracts::{
    NotificationId, UserId,
    events::{
        CourseWithdrawn, DataExported, EnrollmentPayload, Event, EventPayload, EventType, NewClientSignIn, Purchase,
        Refund, RefundReason, Registration, Revocation, SecondFactorChange, SecondFactorChanged,
    },
};
use messaging::{AfterCommit, Cause, Handler};
use sqlx::{PgConnection, query, query_scalar};
use subgraph_kit::Error;
use tracing::info;
use uuid::Uuid;

use crate::notification::{
    Kind,
    store::{self, NewNotification},
    subject::Subject,
};

/// The log target of the line that each notification gets on standard output, as the specification wants.
pub const LOG_TARGET: &str = "notification::sent";

/// The maximum length of a title, in characters.
const MAX_TITLE_LENGTH: usize = 500;

/// The maximum length of what a client calls itself, in characters.
const MAX_CLIENT_LENGTH: usize = 120;

/// The handler of all events that notify a user.
pub struct EventHandler;

impl Handler for EventHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        let (event_type, subject) = (event.payload.event_type(), occurrence(&event));
        let is_mandatory = is_removal(&event.payload);
        let Some(message) = notification_for(event.payload) else { return Ok(None) };
        let (user, kind) = (message.user_id, message.kind);
        let is_wanted = mark_handled(transaction, event_type, subject, user, kind).await?;
        if !is_wanted.is_some_and(|is_wanted| is_wanted || is_mandatory) {
            return Ok(None);
        }
        let id = store::insert(transaction, message).await?;
        Ok(Some(Box::new(move || log(id, user, kind))))
    }

    /// The payment before the enrollment that it bought, and the refund before the enrollment that it took back: two
    /// services tell of them.
    async fn missing_cause(&self, transaction: &mut PgConnection, event: &Event) -> Result<Option<Cause>, Error> {
        let Some((event_type, subject)) = event.payload.cause() else { return Ok(None) };
        let is_handled = query_scalar!(
            r#"select exists (select from handled_events where type = $1 and subject = $2) as "exists!""#,
            event_type.name(),
            subject,
        );
        let is_handled = is_handled.fetch_one(transaction).await?;
        Ok((!is_handled).then_some((event_type, subject)))
    }
}

/// Whether a student was removed from a course: the student is told, whatever types are switched off.
fn is_removal(payload: &EventPayload) -> bool {
    matches!(payload, EventPayload::EnrollmentRevoked(Revocation { removal_reason: Some(_), .. }))
}

/// What a user is notified of once: usually the event's subject, which it happens to once.
fn occurrence(event: &Event) -> Uuid {
    match &event.payload {
        EventPayload::CourseWithdrawn(withdrawal) => withdrawal.withdrawal_id,
        EventPayload::SignedInFromNewClient(sign_in) => sign_in.sign_in_id,
        EventPayload::SecondFactorChanged(changed) => changed.change_id,
        _ => event.subject,
    }
}

/// Marks an event as handled, and returns whether the user wants such a notification; none if it was handled before,
/// or the user's account was deleted.
async fn mark_handled(
    db: &mut PgConnection,
    event_type: EventType,
    subject: Uuid,
    user: UserId,
    kind: Kind,
) -> Result<Option<bool>, sqlx::Error> {
    let is_wanted = query!(
        r#"
        with handled as (
            insert into handled_events (type, subject) values ($1, $2) on conflict do nothing returning true
        )
        select not exists (
            select from notification_settings where user_id = $3 and type = $4 and not is_enabled
        ) as "is_wanted!", exists (
            select from erased_users where $3 in (user_id, pseudonym)
        ) as "is_erased!"
        from handled
        "#,
        event_type.name(),
        subject,
        user.0,
        kind as Kind,
    );
    let handled = is_wanted.fetch_optional(db).await?;
    let of_a_user = handled.filter(|handled| !handled.is_erased);
    Ok(of_a_user.map(|handled| handled.is_wanted || !kind.can_be_disabled()))
}

fn log(id: NotificationId, user: UserId, kind: Kind) {
    info!(target: LOG_TARGET, { notification.id = %id, "notification.type" = ?kind, user.id = %user }, "notification sent");
}

fn notification_for(payload: EventPayload) -> Option<NewNotification> {
    Some(match payload {
        EventPayload::UserRegistered(registration) => welcome(&registration),
        EventPayload::SignedInFromNewClient(sign_in) => signed_in(&sign_in),
        EventPayload::PaymentCompleted(purchase) => paid(&purchase),
        EventPayload::PaymentRefunded(refund) => refunded(&refund),
        EventPayload::EnrollmentCreated(enrollment) => enrolled(&enrollment),
        EventPayload::EnrollmentRevoked(revocation) => revoked(&revocation),
        EventPayload::CourseWithdrawn(withdrawal) => return withdrawn(&withdrawal),
        EventPayload::DataExported(exported) => data_ready(&exported),
        EventPayload::SecondFactorChanged(changed) => second_factor_changed(changed),
        // Of no interest to a user: the refund that follows a rejection notifies the student.
        _ => return None,
    })
}

fn welcome(Registration { user_id, name }: &Registration) -> NewNotification {
    NewNotification {
        user_id: *user_id,
        kind: Kind::Registration,
        title: match plain(name).as_str() {
            "" => "Welcome to Lyceum!".to_owned(),
            name => titled("Welcome to Lyceum, ", name, "!"),
        },
        body: "Your account is ready. Browse the catalogue and pick your first course.".to_owned(),
        subject: None,
    }
}

fn data_ready(DataExported { user_id, expires_at, .. }: &DataExported) -> NewNotification {
    NewNotification {
        user_id: *user_id,
        kind: Kind::Security,
        title: "Your data are ready".to_owned(),
        body: format!(
            "You have asked for all of your data. You can download them until {}. If it was not you, change your password.",
            expires_at.format("%Y-%m-%d %H:%M UTC")
        ),
        subject: None,
    }
}

/// What the client calls itself was chosen by whoever has signed in: it must not end the quotation, and go on as a sentence
/// of ours.
fn signed_in(NewClientSignIn { user_id, client, .. }: &NewClientSignIn) -> NewNotification {
    let client = plain(client.as_deref().unwrap_or_default()).replace(['“', '”'], "\"");
    let client: String = client.chars().take(MAX_CLIENT_LENGTH).collect();
    let client = if client.is_empty() { "an unknown program".to_owned() } else { format!("“{client}”") };
    NewNotification {
        user_id: *user_id,
        kind: Kind::Security,
        title: "New sign-in to your account".to_owned(),
        body: format!(
            "Somebody has signed in to your account with {client}, from where you have not signed in before. If it was \
             not you, change your password now: that ends all other sessions."
        ),
        subject: None,
    }
}

fn second_factor_changed(SecondFactorChanged { user_id, change, .. }: SecondFactorChanged) -> NewNotification {
    let (title, body) = match change {
        SecondFactorChange::Enabled => (
            "Second factor enabled",
            "Signing in to your account needs a code of your authenticator app now. All other sessions have ended.".to_owned(),
        ),
        SecondFactorChange::Disabled => (
            "Second factor disabled",
            "Signing in to your account needs only the password again. If it was not you, change your password now."
                .to_owned(),
        ),
        SecondFactorChange::Reset => (
            "Second factor reset",
            "The support has disabled the second factor of your account. If you have not asked for it, change your password \
             now, and contact the support."
                .to_owned(),
        ),
        SecondFactorChange::RecoveryCodeUsed { left } => (
            "Recovery code used",
            format!(
                "A recovery code of your account was used. Unused recovery codes: {left}. If it was not you, change your \
                 password and replace your recovery codes now."
            ),
        ),
        SecondFactorChange::RecoveryCodesReplaced => (
            "Recovery codes replaced",
            "The recovery codes of your account were replaced: the old ones do not work any more. If it was not you, change \
             your password now."
                .to_owned(),
        ),
    };
    NewNotification { user_id, kind: Kind::Security, title: title.to_owned(), body, subject: None }
}

fn paid(Purchase { payment_id, student_id, course_title, amount, .. }: &Purchase) -> NewNotification {
    NewNotification {
        user_id: *student_id,
        kind: Kind::Payment,
        title: about("Payment received", course_title),
        body: format!("We have received your payment of {amount} for {}. Thank you!", course(course_title)),
        subject: Some(Subject::from(*payment_id)),
    }
}

fn refunded(Refund { purchase, reason }: &Refund) -> NewNotification {
    let Purchase { payment_id, student_id, course_title, amount, .. } = purchase;
    let course = course(course_title);
    NewNotification {
        user_id: *student_id,
        kind: Kind::Payment,
        title: about("Payment refunded", course_title),
        body: match reason {
            RefundReason::Requested => format!("Your payment of {amount} for {course} was refunded."),
            RefundReason::NotEnrolled => {
                format!("You paid {amount} for {course}, but you were already enrolled, so your payment was refunded.")
            }
        },
        subject: Some(Subject::from(*payment_id)),
    }
}

fn enrolled(EnrollmentPayload { enrollment_id, student_id, course_title, .. }: &EnrollmentPayload) -> NewNotification {
    NewNotification {
        user_id: *student_id,
        kind: Kind::Enrollment,
        title: about("You are enrolled", course_title),
        body: format!("You are enrolled in {}. You can start at any time.", course(course_title)),
        subject: Some(Subject::from(*enrollment_id)),
    }
}

fn revoked(Revocation { enrollment, removal_reason }: &Revocation) -> NewNotification {
    let EnrollmentPayload { student_id, course_id, course_title, .. } = enrollment;
    let course = course(course_title);
    NewNotification {
        user_id: *student_id,
        kind: Kind::Enrollment,
        title: about("Enrollment cancelled", course_title),
        body: match removal_reason {
            None => format!("Your payment was refunded, so you are no longer enrolled in {course}."),
            Some(reason) => format!("You were removed from {course}. The reason: {}", plain(reason)),
        },
        // The enrollment is no more.
        subject: Some(Subject::from(*course_id)),
    }
}

/// Tells a teacher that an admin has withdrawn a course; none if it was the teacher.
fn withdrawn(withdrawal: &CourseWithdrawn) -> Option<NewNotification> {
    let CourseWithdrawn { course_id, course_title, teacher_id, withdrawn_by, reason, .. } = withdrawal;
    let course = course(course_title);
    let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" The reason: {}", plain(reason)));
    (teacher_id != withdrawn_by).then(|| NewNotification {
        user_id: *teacher_id,
        kind: Kind::Course,
        title: about("Course withdrawn", course_title),
        body: format!(
            "An admin has withdrawn {course} from the catalogue. Students who are enrolled in it keep it.{reason}"
        ),
        subject: Some(Subject::from(*course_id)),
    })
}

/// Formats a title: what has happened, and the course's title if there is one.
fn about(what: &str, course_title: &str) -> String {
    match plain(course_title).as_str() {
        "" => what.to_owned(),
        title => titled(&format!("{what}: "), title, ""),
    }
}

/// Formats the course for a sentence.
fn course(title: &str) -> String {
    match plain(title).as_str() {
        "" => "a course".to_owned(),
        title => format!("“{title}”"),
    }
}

/// Cleans a name or a reason that others chose, for a sentence of ours: controls and line breaks become spaces, and what has no width
/// or changes the direction of the text is left out. Joiners stay: emoji and some scripts need them.
fn plain(name: &str) -> String {
    let visible = name.chars().filter(|character| {
        let is_invisible = matches!(
            character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        );
        !is_invisible
    });
    let spaced: String = visible.map(|character| if character.is_control() { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn a_client_cannot_end_its_quotation() {
        let client = Some("Firefox”. Your account is locked: call us. “Chrome".to_owned());
        let sign_in = NewClientSignIn { sign_in_id: Uuid::nil(), user_id: UserId(Uuid::nil()), client };

        let body = signed_in(&sign_in).body;

        assert!(body.contains("with “Firefox\". Your account is locked: call us. \"Chrome”, from where"), "{body}");
    }

    #[test]
    fn a_course_without_a_title_is_a_course() {
        for title in ["", "  ", "\t\n", "\u{200b}\u{202e}"] {
            let message = enrolled(&enrollment(title));

            assert_eq!(message.title, "You are enrolled");
            assert_eq!(message.body, "You are enrolled in a course. You can start at any time.");
        }
    }

    #[test]
    fn a_name_brings_only_what_can_be_seen() {
        for (title, shown) in [
            ("Rust\nin\r\nanger", "Rust in anger"),
            ("\u{202e}tsuR\u{202c}", "tsuR"),
            ("A\u{7}B\u{1b}[31m", "A B [31m"),
            ("a\u{2028}b\u{feff}\u{200b}", "a b"),
            // A family is one character with joiners in it.
            ("👩\u{200d}👧 کتاب\u{200c}ها", "👩\u{200d}👧 کتاب\u{200c}ها"),
        ] {
            let message = enrolled(&enrollment(title));

            assert_eq!(message.title, format!("You are enrolled: {shown}"));
            assert!(message.body.contains(&format!("“{shown}”")), "{}", message.body);
        }
    }
}

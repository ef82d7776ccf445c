//! The events between services: `CloudEvents` 1.0, in JSON.
//!
//! An event type is a contract: new fields of its data are optional, and any other change is a new type, with a version
//! in its name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CourseId, EnrollmentId, ErasureId, PaymentId, UserId, ids::new_id_and_time, money::Money};

/// An event, as a `CloudEvents` envelope with its payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    specversion: SpecVersion,
    /// The event's id, for deduplication: equal in all its deliveries.
    pub id: Uuid,
    /// The producer: a slash and the service's name.
    pub source: String,
    /// The id of the entity that it is about. Events of one subject arrive in order.
    pub subject: Uuid,
    /// The time of the change.
    pub time: DateTime<Utc>,
    datacontenttype: ContentType,
    /// The producer's span, as a W3C `traceparent`; `None` without tracing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The event's type and data.
    #[serde(flatten)]
    pub payload: EventPayload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ContentType {
    #[serde(rename = "application/json")]
    Json,
}

/// An event's type and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventPayload {
    /// A user has registered.
    #[serde(rename = "lyceum.user.registered")]
    UserRegistered(Registration),
    /// A user has signed in from a client that they have not used before.
    #[serde(rename = "lyceum.user.signed_in_from_new_client")]
    SignedInFromNewClient(NewClientSignIn),
    /// A payment has been completed.
    #[serde(rename = "lyceum.payment.completed")]
    PaymentCompleted(Purchase),
    /// A payment has been refunded.
    #[serde(rename = "lyceum.payment.refunded")]
    PaymentRefunded(Refund),
    /// A student is enrolled in a course.
    #[serde(rename = "lyceum.enrollment.created")]
    EnrollmentCreated(EnrollmentPayload),
    /// A student's enrollment has been revoked.
    #[serde(rename = "lyceum.enrollment.revoked")]
    EnrollmentRevoked(Revocation),
    /// A payment could not become an enrollment, and is to be refunded.
    #[serde(rename = "lyceum.enrollment.rejected")]
    EnrollmentRejected(EnrollmentRejected),
    /// A course has been withdrawn from the catalogue.
    #[serde(rename = "lyceum.course.withdrawn")]
    CourseWithdrawn(CourseWithdrawn),
    /// An account was deleted: every service erases what is the user's.
    #[serde(rename = "lyceum.user.erased")]
    UserErased(UserErased),
    /// The course service has erased a user.
    #[serde(rename = "lyceum.course.user_erased")]
    ErasedInCourse(ErasureReceipt),
    /// The enrollment service has erased a user.
    #[serde(rename = "lyceum.enrollment.user_erased")]
    ErasedInEnrollment(ErasureReceipt),
    /// The payment service has erased a user.
    #[serde(rename = "lyceum.payment.user_erased")]
    ErasedInPayment(ErasureReceipt),
    /// The notification service has erased a user.
    #[serde(rename = "lyceum.notification.user_erased")]
    ErasedInNotification(ErasureReceipt),
    /// The file with all data of a user is ready.
    #[serde(rename = "lyceum.user.data_exported")]
    DataExported(DataExported),
    /// Something has happened to the second factor of a user.
    #[serde(rename = "lyceum.user.second_factor_changed")]
    SecondFactorChanged(SecondFactorChanged),
}

/// A new user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The user's id.
    pub user_id: UserId,
    /// The user's public name.
    pub name: String,
}

/// A sign-in from a client that the user has not used before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClientSignIn {
    /// The id of this sign-in: a user can sign in from several new clients.
    pub sign_in_id: Uuid,
    /// The user's id.
    pub user_id: UserId,
    /// What the client calls itself, its `User-Agent`; `None` if it sent none.
    pub client: Option<String>,
}

/// A completed payment for a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The student who paid.
    pub student_id: UserId,
    /// The course that was paid for.
    pub course_id: CourseId,
    /// The course's title at that time.
    pub course_title: String,
    /// The amount that was charged.
    pub amount: Money,
}

/// A refunded payment, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The payment that was refunded.
    #[serde(flatten)]
    pub purchase: Purchase,
    /// The reason for the refund.
    pub reason: RefundReason,
}

/// The reason for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "refund_reason", rename_all = "snake_case")]
pub enum RefundReason {
    /// An admin requested it.
    Requested,
    /// The payment could not be redeemed for an enrollment.
    NotEnrolled,
}

/// A student's enrollment in a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentPayload {
    /// The enrollment's id.
    pub enrollment_id: EnrollmentId,
    /// The student's id.
    pub student_id: UserId,
    /// The course's id.
    pub course_id: CourseId,
    /// The course's title at that time.
    pub course_title: String,
    /// The payment that bought it; `None` for a free course.
    pub payment_id: Option<PaymentId>,
}

/// A student's enrollment that has ended without their doing: its payment was refunded, or they were removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The enrollment that has ended.
    #[serde(flatten)]
    pub enrollment: EnrollmentPayload,
    /// Why the student was removed; `None` if the payment was refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_reason: Option<String>,
}

/// A payment that could not be redeemed for an enrollment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentRejected {
    /// The payment's id.
    pub payment_id: PaymentId,
}

/// A course that was withdrawn from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseWithdrawn {
    /// The id of this withdrawal: a course can be published again, and withdrawn again.
    pub withdrawal_id: Uuid,
    /// The course's id.
    pub course_id: CourseId,
    /// The course's title at that time.
    pub course_title: String,
    /// The course's teacher.
    pub teacher_id: UserId,
    /// Who withdrew it: the teacher, or an admin.
    pub withdrawn_by: UserId,
    /// The reason, if one was given.
    pub reason: Option<String>,
}

/// A deleted account. It is the one event with both ids, and no service keeps it once it has erased the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErased {
    /// The id of the erasure.
    pub erasure_id: ErasureId,
    /// The id of the user, which no row has afterwards.
    pub user_id: UserId,
    /// The random id that takes its place in the rows that are kept.
    pub pseudonym: UserId,
    /// The time from which on no access token of the user is valid.
    pub tokens_end_at: DateTime<Utc>,
}

/// A service's statement that it has erased a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureReceipt {
    /// The id of the erasure.
    pub erasure_id: ErasureId,
    /// The service.
    pub service: String,
    /// The time at which it had erased everything.
    pub erased_at: DateTime<Utc>,
    /// What it erased, by table.
    pub tables: Vec<ErasedTable>,
    /// The seal of all this, by a key that only the services have.
    pub signature: String,
}

/// What was erased in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedTable {
    /// The name of the table.
    pub table: String,
    /// The number of rows that were deleted.
    pub deleted: u64,
    /// The number of rows that were made anonymous.
    pub anonymized: u64,
}

/// A file with all data of a user, which can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataExported {
    /// The id of the export.
    pub export_id: Uuid,
    /// The user.
    pub user_id: UserId,
    /// The time at which the file is deleted.
    pub expires_at: DateTime<Utc>,
}

/// What has happened to the second factor of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorChanged {
    /// The id of this change: there can be several of a user.
    pub change_id: Uuid,
    /// The user.
    pub user_id: UserId,
    /// What has happened.
    pub change: SecondFactorChange,
}

/// What can happen to a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorChange {
    /// Signing in needs it now.
    Enabled,
    /// Its user has disabled it.
    Disabled,
    /// An operator has disabled it.
    Reset,
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
    },
    /// All recovery codes were replaced.
    RecoveryCodesReplaced,
}

/// The event types, with their producers and consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `EventPayload`")]
pub enum EventType {
    UserRegistered,
    SignedInFromNewClient,
    PaymentCompleted,
    PaymentRefunded,
    EnrollmentCreated,
    EnrollmentRevoked,
    EnrollmentRejected,
    CourseWithdrawn,
    UserErased,
    ErasedInCourse,
    ErasedInEnrollment,
    ErasedInPayment,
    ErasedInNotification,
    DataExported,
    SecondFactorChanged,
}

impl EventType {
    /// All event types.
    pub const ALL: [Self; 15] = [
        Self::UserRegistered,
        Self::SignedInFromNewClient,
        Self::PaymentCompleted,
        Self::PaymentRefunded,
        Self::EnrollmentCreated,
        Self::EnrollmentRevoked,
        Self::EnrollmentRejected,
        Self::CourseWithdrawn,
        Self::UserErased,
        Self::ErasedInCourse,
        Self::ErasedInEnrollment,
        Self::ErasedInPayment,
        Self::ErasedInNotification,
        Self::DataExported,
        Self::SecondFactorChanged,
    ];

    /// The event's `type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserRegistered => "lyceum.user.registered",
            Self::SignedInFromNewClient => "lyceum.user.signed_in_from_new_client",
            Self::PaymentCompleted => "lyceum.payment.completed",
            Self::PaymentRefunded => "lyceum.payment.refunded",
            Self::EnrollmentCreated => "lyceum.enrollment.created",
            Self::EnrollmentRevoked => "lyceum.enrollment.revoked",
            Self::EnrollmentRejected => "lyceum.enrollment.rejected",
            Self::CourseWithdrawn => "lyceum.course.withdrawn",
            Self::UserErased => "lyceum.user.erased",
            Self::ErasedInCourse => "lyceum.course.user_erased",
            Self::ErasedInEnrollment => "lyceum.enrollment.user_erased",
            Self::ErasedInPayment => "lyceum.payment.user_erased",
            Self::ErasedInNotification => "lyceum.notification.user_erased",
            Self::DataExported => "lyceum.user.data_exported",
            Self::SecondFactorChanged => "lyceum.user.second_factor_changed",
        }
    }

    /// The event type with this `type`.
    #[must_use]
    pub fn from_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event_type| event_type.name() == name)
    }

    /// The producer's name.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::UserRegistered
            | Self::SignedInFromNewClient
            | Self::UserErased
            | Self::DataExported
            | Self::SecondFactorChanged => "identity",
            Self::PaymentCompleted | Self::PaymentRefunded | Self::ErasedInPayment => "payment",
            Self::EnrollmentCreated | Self::EnrollmentRevoked | Self::EnrollmentRejected | Self::ErasedInEnrollment => {
                "enrollment"
            }
            Self::CourseWithdrawn | Self::ErasedInCourse => "course",
            Self::ErasedInNotification => "notification",
        }
    }

    /// The consumers' names.
    #[must_use]
    pub fn consumers(self) -> &'static [&'static str] {
        match self {
            Self::UserRegistered
            | Self::SignedInFromNewClient
            | Self::EnrollmentCreated
            | Self::EnrollmentRevoked
            | Self::CourseWithdrawn
            | Self::DataExported
            | Self::SecondFactorChanged => &["notification"],
            Self::PaymentCompleted | Self::PaymentRefunded => &["enrollment", "notification"],
            Self::EnrollmentRejected => &["payment"],
            Self::UserErased => &["course", "enrollment", "payment", "notification"],
            Self::ErasedInCourse | Self::ErasedInEnrollment | Self::ErasedInPayment | Self::ErasedInNotification => {
                &["identity"]
            }
        }
    }
}

impl Event {
    /// Creates an event at the current time, without a trace.
    #[must_use]
    pub fn new(payload: EventPayload) -> Self {
        let (id, time) = new_id_and_time();
        Self {
            specversion: SpecVersion::V1,
            id,
            source: format!("/{}", payload.event_type().source()),
            subject: payload.subject(),
            time,
            datacontenttype: ContentType::Json,
            traceparent: None,
            payload,
        }
    }
}

impl EventPayload {
    /// The payload's event type.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self {
            Self::UserRegistered(_) => EventType::UserRegistered,
            Self::SignedInFromNewClient(_) => EventType::SignedInFromNewClient,
            Self::PaymentCompleted(_) => EventType::PaymentCompleted,
            Self::PaymentRefunded(_) => EventType::PaymentRefunded,
            Self::EnrollmentCreated(_) => EventType::EnrollmentCreated,
            Self::EnrollmentRevoked(_) => EventType::EnrollmentRevoked,
            Self::EnrollmentRejected(_) => EventType::EnrollmentRejected,
            Self::CourseWithdrawn(_) => EventType::CourseWithdrawn,
            Self::UserErased(_) => EventType::UserErased,
            Self::ErasedInCourse(_) => EventType::ErasedInCourse,
            Self::ErasedInEnrollment(_) => EventType::ErasedInEnrollment,
            Self::ErasedInPayment(_) => EventType::ErasedInPayment,
            Self::ErasedInNotification(_) => EventType::ErasedInNotification,
            Self::DataExported(_) => EventType::DataExported,
            Self::SecondFactorChanged(_) => EventType::SecondFactorChanged,
        }
    }

    /// The event of another producer that led to this one, by its type and subject; `None` if it names none. A consumer
    /// of both can receive them in either order.
    #[must_use]
    pub fn cause(&self) -> Option<(EventType, Uuid)> {
        match self {
            Self::EnrollmentCreated(enrollment) => Some((EventType::PaymentCompleted, enrollment.payment_id?.0)),
            Self::EnrollmentRevoked(Revocation { enrollment, removal_reason: None }) => {
                Some((EventType::PaymentRefunded, enrollment.payment_id?.0))
            }
            Self::EnrollmentRejected(rejection) => Some((EventType::PaymentCompleted, rejection.payment_id.0)),
            Self::EnrollmentRevoked(Revocation { removal_reason: Some(_), .. })
            | Self::UserRegistered(_)
            | Self::SignedInFromNewClient(_)
            | Self::PaymentCompleted(_)
            | Self::PaymentRefunded(_)
            | Self::CourseWithdrawn(_)
            | Self::UserErased(_)
            | Self::ErasedInCourse(_)
            | Self::ErasedInEnrollment(_)
            | Self::ErasedInPayment(_)
            | Self::ErasedInNotification(_)
            | Self::DataExported(_)
            | Self::SecondFactorChanged(_) => None,
        }
    }

    fn subject(&self) -> Uuid {
        match self {
            Self::UserRegistered(registration) => registration.user_id.0,
            Self::SignedInFromNewClient(sign_in) => sign_in.user_id.0,
            Self::PaymentCompleted(purchase) => purchase.payment_id.0,
            Self::PaymentRefunded(refund) => refund.purchase.payment_id.0,
            Self::EnrollmentCreated(enrollment) => enrollment.enrollment_id.0,
            Self::EnrollmentRevoked(revocation) => revocation.enrollment.enrollment_id.0,
            Self::EnrollmentRejected(rejection) => rejection.payment_id.0,
            Self::CourseWithdrawn(withdrawal) => withdrawal.course_id.0,
            Self::DataExported(exported) => exported.export_id,
            Self::SecondFactorChanged(changed) => changed.user_id.0,
            // Behind the registration.
            Self::UserErased(erased) => erased.user_id.0,
            Self::ErasedInCourse(receipt)
            | Self::ErasedInEnrollment(receipt)
            | Self::ErasedInPayment(receipt)
            | Self::ErasedInNotification(receipt) => receipt.erasure_id.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    fn event() -> Event {
        Event::new(EventPayload::PaymentRefunded(Refund {
            purchase: Purchase {
                payment_id: PaymentId(Uuid::from_u128(1)),
                student_id: UserId(Uuid::from_u128(2)),
                course_id: CourseId(Uuid::from_u128(3)),
                course_title: "Rust".to_owned(),
                amount: Money::from_cents(49_90),
            },
            reason: RefundReason::NotEnrolled,
        }))
    }

    #[test]
    fn an_event_is_a_cloud_event() {
        let event = event();

        assert_eq!(
            to_value(&event).expect("JSON"),
            json!({
                "specversion": "1.0",
                "id": event.id,
                "source": "/payment",
                "type": "lyceum.payment.refunded",
                "subject": Uuid::from_u128(1),
                "time": event.time,
                "datacontenttype": "application/json",
                "data": {
                    "payment_id": Uuid::from_u128(1),
                    "student_id": Uuid::from_u128(2),
                    "course_id": Uuid::from_u128(3),
                    "course_title": "Rust",
                    "amount": "49.90",
                    "reason": "not_enrolled",
                },
            })
        );
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        let event = event();

        assert_eq!(from_value::<Event>(to_value(&event).expect("JSON")).expect("an event"), event);
    }

    #[test]
    fn what_is_no_event_is_rejected_with_a_reason() {
        let refused = |change: fn(&mut Value)| {
            let mut value = to_value(event()).expect("JSON");
            change(&mut value);
            from_value::<Event>(value).expect_err("it is refused").to_string()
        };

        assert!(refused(|event| event["specversion"] = json!("2.0")).contains("2.0"));
        assert!(refused(|event| event["type"] = json!("lyceum.payment.lost")).contains("lyceum.payment.lost"));
        assert!(refused(|event| _ = event["data"].as_object_mut().expect("data").remove("amount")).contains("amount"));
        assert!(refused(|event| event["subject"] = json!("1")).contains("UUID"));
    }

    #[test]
    fn a_kinds_name_is_the_events_type() {
        let payload = event().payload;
        let EventPayload::PaymentRefunded(Refund { purchase, .. }) = payload.clone() else { unreachable!() };
        let enrollment = EnrollmentPayload {
            enrollment_id: EnrollmentId(Uuid::from_u128(4)),
            student_id: purchase.student_id,
            course_id: purchase.course_id,
            course_title: purchase.course_title.clone(),
            payment_id: None,
        };
        let rejection = EnrollmentRejected { payment_id: purchase.payment_id };
        let withdrawal = CourseWithdrawn {
            withdrawal_id: Uuid::from_u128(5),
            course_id: purchase.course_id,
            course_title: purchase.course_title.clone(),
            teacher_id: UserId(Uuid::from_u128(6)),
            withdrawn_by: UserId(Uuid::from_u128(7)),
            reason: None,
        };
        let registration = Registration { user_id: purchase.student_id, name: "Alice".to_owned() };
        let erased = UserErased {
            erasure_id: ErasureId(Uuid::from_u128(8)),
            user_id: purchase.student_id,
            pseudonym: UserId(Uuid::from_u128(9)),
            tokens_end_at: DateTime::UNIX_EPOCH,
        };
        let exported = DataExported {
            export_id: Uuid::from_u128(10),
            user_id: purchase.student_id,
            expires_at: DateTime::UNIX_EPOCH,
        };
        let receipt = ErasureReceipt {
            erasure_id: erased.erasure_id,
            service: "course".to_owned(),
            erased_at: DateTime::UNIX_EPOCH,
            tables: Vec::new(),
            signature: String::new(),
        };
        let changed = SecondFactorChanged {
            change_id: Uuid::from_u128(12),
            user_id: purchase.student_id,
            change: SecondFactorChange::RecoveryCodeUsed { left: 9 },
        };
        let sign_in = NewClientSignIn { sign_in_id: Uuid::from_u128(11), user_id: purchase.student_id, client: None };
        let payloads = [
            EventPayload::UserRegistered(registration),
            EventPayload::SignedInFromNewClient(sign_in),
            EventPayload::PaymentCompleted(purchase),
            payload,
            EventPayload::EnrollmentCreated(enrollment.clone()),
            EventPayload::EnrollmentRevoked(Revocation { enrollment, removal_reason: None }),
            EventPayload::EnrollmentRejected(rejection),
            EventPayload::CourseWithdrawn(withdrawal),
            EventPayload::UserErased(erased),
            EventPayload::ErasedInCourse(receipt.clone()),
            EventPayload::ErasedInEnrollment(receipt.clone()),
            EventPayload::ErasedInPayment(receipt.clone()),
            EventPayload::ErasedInNotification(receipt),
            EventPayload::DataExported(exported),
            EventPayload::SecondFactorChanged(changed),
        ];

        assert_eq!(payloads.each_ref().map(EventPayload::event_type), EventType::ALL);
        for (payload, event_type) in payloads.into_iter().zip(EventType::ALL) {
            assert_eq!(to_value(payload).expect("JSON")["type"], event_type.name());
        }
    }

    /// An older producer does not know the reason, and an older consumer does not read it.
    #[test]
    fn a_revocation_is_an_enrollment_with_or_without_a_reason() {
        let enrollment = EnrollmentPayload {
            enrollment_id: EnrollmentId(Uuid::from_u128(4)),
            student_id: UserId(Uuid::from_u128(2)),
            course_id: CourseId(Uuid::from_u128(3)),
            course_title: "Rust".to_owned(),
            payment_id: None,
        };
        let refunded = Revocation { enrollment: enrollment.clone(), removal_reason: None };
        let removed = Revocation { removal_reason: Some("spam".to_owned()), ..refunded.clone() };

        assert_eq!(to_value(&refunded).expect("JSON"), to_value(&enrollment).expect("JSON"));
        for revocation in [refunded, removed] {
            let json = to_value(&revocation).expect("JSON");
            assert_eq!(from_value::<EnrollmentPayload>(json.clone()).expect("an enrollment"), enrollment);
            assert_eq!(from_value::<Revocation>(json).expect("a revocation"), revocation);
        }
    }

    #[test]
    fn each_event_type_has_a_producer_and_a_consumer() {
        for event_type in EventType::ALL {
            assert!(!event_type.consumers().contains(&event_type.source()), "{event_type:?}");
            assert!(!event_type.consumers().is_empty(), "{event_type:?}");
        }
    }

    #[test]
    fn a_cause_is_an_event_of_another_producer() {
        let payment = PaymentId(Uuid::from_u128(1));
        let enrollment = |payment_id| EnrollmentPayload {
            enrollment_id: EnrollmentId(Uuid::from_u128(4)),
            student_id: UserId(Uuid::from_u128(2)),
            course_id: CourseId(Uuid::from_u128(3)),
            course_title: "Rust".to_owned(),
            payment_id,
        };
        let revoked = |removal_reason| {
            EventPayload::EnrollmentRevoked(Revocation { enrollment: enrollment(Some(payment)), removal_reason })
        };

        for (payload, cause) in [
            (EventPayload::EnrollmentCreated(enrollment(Some(payment))), EventType::PaymentCompleted),
            (revoked(None), EventType::PaymentRefunded),
            (EventPayload::EnrollmentRejected(EnrollmentRejected { payment_id: payment }), EventType::PaymentCompleted),
        ] {
            assert_eq!(payload.cause(), Some((cause, payment.0)));
            assert_ne!(payload.event_type().source(), cause.source());
        }
        // A free course has no payment to wait for.
        assert_eq!(EventPayload::EnrollmentCreated(enrollment(None)).cause(), None);
        // Nor has a student who was removed a refund.
        assert_eq!(revoked(Some("Spam".to_owned())).cause(), None);
    }
}

//! The workflows of an enrollment: enrolling, redeeming a payment, revoking, recording progress.

use async_graphql::Context;
use contracts::{
    Code, CourseId, EnrollmentId, PaymentId,
    events::{EnrollmentPayload, EnrollmentRejected, EventPayload, Purchase},
    ids::new_id_and_time,
};
use db::{DbPool, fail_point};
use service::{CredentialsExt as _, ServiceContext};
use sqlx::PgConnection;
use subgraph_kit::{
    Error, Rejection, TableExt as _,
    viewer::{SignedIn, Student},
};

use super::{
    Enrollment, Status,
    peers::{self, CourseState},
    store::{self, EnrollmentKey, Inserted, NewEnrollment, PaymentUse},
};

/// Enrolls a student in a course: a free one, or one that the student has paid for.
///
/// The other services are queried first, and one transaction decides: no connection is held meanwhile.
///
/// # Errors
/// `NOT_FOUND` if there is no such course; `ALREADY_ENROLLED`; `COURSE_WITHDRAWN`, unless it was paid for before; `PAYMENT_REQUIRED` if the course is not free;
/// `PAYMENT_NOT_VALID` if the payment cannot buy this enrollment, or has bought another one.
pub async fn enroll(
    ctx: &Context<'_>,
    student: Student,
    course_id: CourseId,
    payment_id: Option<PaymentId>,
) -> Result<Enrollment, Error> {
    let peers = &ctx.data_unchecked::<ServiceContext>().peers;
    let enrollments = ctx.table::<Enrollment>();
    let key = EnrollmentKey { student: student.id(), course: course_id };

    let course = peers::course(peers, ctx.credentials(), course_id).await?;
    let course = course.filter(|course| course.state != CourseState::Draft);
    let course = course.ok_or_else(|| Rejection::not_found("course", "courseId"))?;
    if enrollments.load_one(key).await?.is_some() {
        return Err(already_enrolled());
    }
    match payment_id {
        Some(payment) => {
            let payment = peers::payment(peers, ctx.credentials(), payment).await?;
            if !payment.is_some_and(|payment| payment.pays_for(key)) {
                return Err(payment_not_valid());
            }
        }
        // Sold is sold: whoever paid before the withdrawal is enrolled.
        None if course.state == CourseState::Withdrawn => {
            let message = "this course was withdrawn, and takes no more students";
            return Err(Rejection::new(Code::CourseWithdrawn, message).at("courseId").into());
        }
        None if course.is_free => {}
        None => return Err(Rejection::new(Code::PaymentRequired, "this course is not free: buy it first").into()),
    }

    let mut tx = enrollments.loader().db().begin().await?;
    let new = NewEnrollment { key, course_title: course.title, payment: payment_id };
    let enrollment = match create(&mut tx, new).await? {
        Creation::Created(enrollment) => enrollment,
        Creation::AlreadyEnrolled(_) => return Err(already_enrolled()),
        Creation::AlreadyRedeemed(bought) if bought.key() == key => return Err(already_enrolled()),
        Creation::AlreadyRedeemed(_) | Creation::PaymentRejected | Creation::PaymentRefunded => {
            return Err(payment_not_valid());
        }
    };
    fail_point("enroll.before-commit");
    tx.commit().await?;
    fail_point("enroll.committed");
    Ok(enrollment)
}

/// Redeems a completed payment for an enrollment, unless it was redeemed before. If the student is enrolled without it,
/// it is rejected, and the payment service refunds it.
pub async fn redeem(db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
    let payment = purchase.payment_id;
    let new = NewEnrollment {
        key: EnrollmentKey::of_purchase(&purchase),
        course_title: purchase.course_title,
        payment: Some(payment),
    };
    match create(db, new).await? {
        Creation::Created(_) | Creation::AlreadyRedeemed(_) | Creation::PaymentRefunded => Ok(()),
        // An imported enrollment.
        Creation::AlreadyEnrolled(enrollment) if enrollment.payment_id == Some(payment) => {
            Ok(store::set_enrollment(db, payment, enrollment.id).await?)
        }
        Creation::AlreadyEnrolled(_) => {
            store::reject(db, payment).await?;
            publish_rejection(db, payment).await
        }
        // Published as completed, so not refunded yet: perhaps the rejection was lost.
        Creation::PaymentRejected => publish_rejection(db, payment).await,
    }
}

/// Records a refund, and deletes the enrollment that the payment bought.
pub async fn revoke(db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
    let payment = purchase.payment_id;
    store::refund(db, payment).await?;
    let deleted = store::delete_by_payment(db, EnrollmentKey::of_purchase(&purchase), payment).await?;
    if let Some(enrollment) = deleted {
        let revoked = EventPayload::EnrollmentRevoked(payload(&enrollment, purchase.course_title));
        messaging::publish(db, revoked).await?;
    }
    Ok(())
}

/// Records a student's progress in a course.
///
/// # Errors
/// `NOT_FOUND`, also for another student's enrollment; `INVALID_STATUS_TRANSITION` unless `to` is later than the status.
pub async fn advance(db: &DbPool, student: SignedIn, id: EnrollmentId, to: Status) -> Result<Enrollment, Error> {
    let mut tx = db.begin().await?;
    let enrollment = store::lock(&mut tx, id, student).await?;
    let mut enrollment = enrollment.ok_or_else(|| Rejection::not_found("enrollment", "enrollmentId"))?;
    enrollment.advance(to)?;
    store::set_status(&mut tx, &enrollment).await?;
    tx.commit().await?;
    Ok(enrollment)
}

/// The outcome of [`create`].
enum Creation {
    /// The enrollment is new, and its event is published.
    Created(Enrollment),
    /// The student is enrolled already; the payment is claimed for the enrollment that was not created.
    AlreadyEnrolled(Enrollment),
    /// The payment has bought this enrollment already.
    AlreadyRedeemed(Enrollment),
    /// The payment is to be refunded, since the student was enrolled already.
    PaymentRejected,
    /// The payment was refunded.
    PaymentRefunded,
}

/// Creates an enrollment, claims its payment if there is one, and publishes the event.
async fn create(db: &mut PgConnection, new: NewEnrollment) -> Result<Creation, Error> {
    let id = new_id_and_time();
    if let Some(payment) = new.payment {
        match store::claim(db, payment, EnrollmentId(id.0)).await? {
            PaymentUse::Claimed => {}
            PaymentUse::Redeemed(enrollment) => return Ok(Creation::AlreadyRedeemed(enrollment)),
            PaymentUse::Rejected => return Ok(Creation::PaymentRejected),
            PaymentUse::Refunded => return Ok(Creation::PaymentRefunded),
        }
    }
    match store::insert_or_get(db, id, &new).await? {
        Inserted::New(enrollment) => {
            let created = EventPayload::EnrollmentCreated(payload(&enrollment, new.course_title));
            messaging::publish(db, created).await?;
            Ok(Creation::Created(enrollment))
        }
        Inserted::Existing(enrollment) => Ok(Creation::AlreadyEnrolled(enrollment)),
    }
}

async fn publish_rejection(db: &mut PgConnection, payment_id: PaymentId) -> Result<(), Error> {
    Ok(messaging::publish(db, EventPayload::EnrollmentRejected(EnrollmentRejected { payment_id })).await?)
}

fn payload(enrollment: &Enrollment, course_title: String) -> EnrollmentPayload {
    EnrollmentPayload {
        enrollment_id: enrollment.id,
        student_id: enrollment.student_id,
        course_id: enrollment.course_id,
        course_title,
        payment_id: enrollment.payment_id,
    }
}

fn already_enrolled() -> Error {
    Rejection::new(Code::AlreadyEnrolled, "you are on this course already").into()
}

fn payment_not_valid() -> Error {
    let message = "this is no completed payment of yours for this course that has bought nothing yet";
    Rejection::new(Code::PaymentNotValid, message).at("paymentId").into()
}

//! The workflows of an enrollment: enrolling, granting, redeeming a payment, revoking, leaving, removing, recording
//! progress.

use async_graphql::Context;
use contracts::{
    Code, CourseId, EnrollmentId, PaymentId, UserId,
    events::{EnrollmentPayload, EnrollmentRejected, EventPayload, Purchase, Revocation},
    ids::new_id_and_time,
};
use db::{DbPool, fail_point};
use service::{CredentialsExt as _, OwnTeacherOrAdmin, ServiceContext};
use sqlx::PgConnection;
use subgraph_kit::{
    Error, Rejection, TableExt as _, ViewerExt as _,
    viewer::{Learner, SignedIn},
};

use super::{
    Enrollment, RemovalRequest, Status,
    peers::{self, CourseState},
    store::{self, EnrollmentKey, Inserted, NewEnrollment, Origin, PaymentUse},
};
use crate::history::{
    ChangeKind,
    store::{NewChange, RecentGrants, count_enrollments, count_grants, lock_grants, record},
};

/// The title of a course that no longer exists.
const UNKNOWN_TITLE: &str = "a course";

/// How often a student can enroll in one course, or be enrolled by its teacher. With it, everything that happens to the
/// enrollments of one student in one course has a limit: its history and its events. Purchases do not count as attempts.
const MAX_ENROLLMENTS: i64 = 20;

/// How many students a teacher can enroll within 24 hours: each of them is notified.
const MAX_DAILY_GRANTS: i64 = 500;

/// How often a teacher can enroll the same student within 24 hours, in all courses together.
const MAX_DAILY_GRANTS_TO_STUDENT: i64 = 5;

/// Enrolls a student in a course: a free one, or one that the student has paid for.
///
/// The other services are queried first, and one transaction decides: no connection is held meanwhile.
///
/// # Errors
/// `NOT_FOUND` if there is no such course; `OWN_COURSE`; `ALREADY_ENROLLED`; `COURSE_WITHDRAWN`, unless the student paid
/// for it before; `PAYMENT_REQUIRED` if the course is not free; `PAYMENT_NOT_VALID` if the payment cannot buy this
/// enrollment, or has bought another one; `TOO_MANY_CHANGES` if the student has enrolled too often.
pub async fn enroll(
    ctx: &Context<'_>,
    student: Learner,
    course_id: CourseId,
    payment_id: Option<PaymentId>,
) -> Result<Enrollment, Error> {
    let peers = &ctx.data_unchecked::<ServiceContext>().peers;
    let enrollments = ctx.table::<Enrollment>();
    let key = EnrollmentKey { student: student.id(), course: course_id };

    let course = peers::course(peers, ctx.credentials(), course_id).await?;
    let course = course.filter(|course| course.state != CourseState::Draft);
    let course = course.ok_or_else(|| Rejection::not_found("course", "courseId"))?;
    if course.is_taught_by(student.id()) {
        return Err(Rejection::new(Code::OwnCourse, "you teach this course").at("courseId").into());
    }
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
        None if course.state == CourseState::Withdrawn => return Err(course_withdrawn()),
        None if course.is_free => {}
        None => return Err(Rejection::new(Code::PaymentRequired, "this course is not free: buy it first").into()),
    }

    let mut tx = enrollments.loader().db().begin().await?;
    let new = NewEnrollment { key, course_title: course.title, payment: payment_id, origin: Origin::Student };
    let enrollment = match create(&mut tx, new).await? {
        Creation::Created(enrollment) => enrollment,
        Creation::AlreadyEnrolled(_) => return Err(already_enrolled()),
        Creation::AlreadyRedeemed(bought) if bought.key() == key => return Err(already_enrolled()),
        Creation::AlreadyRedeemed(_)
        | Creation::PaymentRejected
        | Creation::PaymentRefunded
        | Creation::EnrollmentEnded => return Err(payment_not_valid()),
    };
    require_few_enrollments(&mut tx, key, "courseId").await?;
    fail_point("enroll.before-commit");
    tx.commit().await?;
    fail_point("enroll.committed");
    Ok(enrollment)
}

/// Enrolls a student without a payment, on behalf of the course's teacher or an admin.
///
/// # Errors
/// [`Error::Forbidden`] for other teachers; `NOT_FOUND` if there is no such user or published course; `COURSE_WITHDRAWN`;
/// `OWN_COURSE` for the course's teacher; `ALREADY_ENROLLED`; `TOO_MANY_CHANGES` for a teacher who enrolls students too
/// often.
pub async fn grant(
    ctx: &Context<'_>,
    granter: SignedIn,
    course_id: CourseId,
    student: UserId,
) -> Result<Enrollment, Error> {
    let peers = &ctx.data_unchecked::<ServiceContext>().peers;
    let credentials = ctx.credentials();
    let course = peers::course(peers, credentials, course_id).await?;
    let course = course.ok_or_else(|| Rejection::not_found("course", "courseId"))?;
    OwnTeacherOrAdmin::require(ctx, course_id, course.teacher_seal.as_deref())?;
    match course.state {
        CourseState::Draft => return Err(Rejection::not_found("course", "courseId").into()),
        CourseState::Withdrawn => return Err(course_withdrawn()),
        CourseState::Published => {}
    }
    if course.is_taught_by(student) {
        return Err(Rejection::new(Code::OwnCourse, "this user teaches the course").at("studentId").into());
    }
    if !peers::user_exists(peers, credentials, student).await? {
        return Err(Rejection::not_found("user", "studentId").into());
    }

    let mut tx = ctx.table::<Enrollment>().loader().db().begin().await?;
    let key = EnrollmentKey { student, course: course_id };
    let is_limited = !ctx.viewer().is_admin();
    if is_limited {
        lock_grants(&mut tx, granter).await?;
    }
    let origin = Origin::Grant(granter.id());
    let new = NewEnrollment { key, course_title: course.title, payment: None, origin };
    let Creation::Created(enrollment) = create(&mut tx, new).await? else {
        let message = "this user is enrolled in the course already";
        return Err(Rejection::new(Code::AlreadyEnrolled, message).at("studentId").into());
    };
    if is_limited {
        require_few_grants(count_grants(&mut tx, granter, student).await?)?;
        require_few_enrollments(&mut tx, key, "studentId").await?;
    }
    tx.commit().await?;
    Ok(enrollment)
}

/// Requires that a student has not enrolled in a course too often, this time included.
async fn require_few_enrollments(db: &mut PgConnection, key: EnrollmentKey, field: &'static str) -> Result<(), Error> {
    if count_enrollments(db, key).await? <= MAX_ENROLLMENTS {
        return Ok(());
    }
    let message = format!("a student can enroll {MAX_ENROLLMENTS} times in one course: ask an admin for one more time");
    Err(Rejection::new(Code::TooManyChanges, message).at(field).into())
}

/// Requires that a teacher has not granted too much lately, this time included.
fn require_few_grants(grants: RecentGrants) -> Result<(), Rejection> {
    let message = if grants.to_student > MAX_DAILY_GRANTS_TO_STUDENT {
        format!(
            "you have enrolled this student {MAX_DAILY_GRANTS_TO_STUDENT} times within 24 hours: try again tomorrow"
        )
    } else if grants.total > MAX_DAILY_GRANTS {
        format!("you have enrolled {MAX_DAILY_GRANTS} students within 24 hours: try again tomorrow")
    } else {
        return Ok(());
    };
    Err(Rejection::new(Code::TooManyChanges, message).at("studentId"))
}

/// Redeems a completed payment for an enrollment, unless it was redeemed before. If the student is enrolled without it,
/// it is rejected, and the payment service refunds it.
pub async fn redeem(db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
    let payment = purchase.payment_id;
    let new = NewEnrollment {
        key: EnrollmentKey::of_purchase(&purchase),
        course_title: purchase.course_title,
        payment: Some(payment),
        origin: Origin::Payment,
    };
    match create(db, new).await? {
        Creation::Created(_) | Creation::AlreadyRedeemed(_) | Creation::PaymentRefunded | Creation::EnrollmentEnded => {
            Ok(())
        }
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
    let (payment, key) = (purchase.payment_id, EnrollmentKey::of_purchase(&purchase));
    store::lock_key(db, key).await?;
    store::refund(db, payment).await?;
    let deleted = store::delete_by_payment(db, key, payment).await?;
    if let Some(enrollment) = deleted {
        record(db, &enrollment, change(ChangeKind::Refunded, None)).await?;
        publish_revocation(db, &enrollment, purchase.course_title, None).await?;
    }
    Ok(())
}

/// Ends a student's own enrollment in a course. The payment that bought it is not refunded, and the student can enroll with
/// it again.
///
/// # Errors
/// `NOT_FOUND` if the student is not enrolled in the course.
pub async fn leave(db: &DbPool, student: SignedIn, course: CourseId) -> Result<EnrollmentId, Error> {
    let not_enrolled = || Rejection::new(Code::NotFound, "you are not enrolled in this course").at("courseId");
    let mut tx = db.begin().await?;
    let found = store::find_by_key(&mut tx, EnrollmentKey { student: student.id(), course }).await?;
    let found = found.ok_or_else(not_enrolled)?;
    end(&mut tx, &found, change(ChangeKind::Left, Some(student.id()))).await?.ok_or_else(not_enrolled)?;
    tx.commit().await?;
    Ok(found.id)
}

/// Ends a student's enrollment on behalf of the course's teacher or an admin, and notifies the student. The payment that
/// bought it is not refunded, and buys nothing any more.
///
/// # Errors
/// `NOT_FOUND`, also for an enrollment in another teacher's course; `COMPLETION_WOULD_BE_LOST`.
pub async fn remove(ctx: &Context<'_>, remover: SignedIn, request: RemovalRequest) -> Result<EnrollmentId, Error> {
    let RemovalRequest { id, reason, confirms_completion_loss } = request;
    let no_such_enrollment = || Error::from(Rejection::not_found("enrollment", "enrollmentId"));
    let enrollments = ctx.table::<Enrollment>();
    let found = enrollments.load_one(id).await?.ok_or_else(no_such_enrollment)?;
    let peers = &ctx.data_unchecked::<ServiceContext>().peers;
    let course = peers::course(peers, ctx.credentials(), found.course_id).await?;
    let seal = course.as_ref().and_then(|course| course.teacher_seal.as_deref());
    OwnTeacherOrAdmin::require(ctx, found.course_id, seal).map_err(|_| no_such_enrollment())?;

    let mut tx = enrollments.loader().db().begin().await?;
    let removal = NewChange { reason: Some(&reason), ..change(ChangeKind::Removed, Some(remover.id())) };
    let ended = end(&mut tx, &found, removal).await?.ok_or_else(no_such_enrollment)?;
    if ended.status == Status::Completed && !confirms_completion_loss {
        return Err(completion_would_be_lost());
    }
    let title = course.map_or_else(|| UNKNOWN_TITLE.to_owned(), |course| course.title);
    publish_revocation(&mut tx, &ended, title, Some(reason)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Ends an enrollment, unless it has ended meanwhile. As everywhere, the key is locked first, then the payment's redemption.
async fn end(
    db: &mut PgConnection,
    enrollment: &Enrollment,
    change: NewChange<'_>,
) -> Result<Option<Enrollment>, Error> {
    store::lock_key(db, enrollment.key()).await?;
    store::release(db, enrollment, change.kind).await?;
    let ended = store::delete(db, enrollment.id).await?;
    if let Some(ended) = &ended {
        record(db, ended, change).await?;
    }
    Ok(ended)
}

/// A change that happens now, without a reason.
fn change(kind: ChangeKind, changed_by: Option<UserId>) -> NewChange<'static> {
    NewChange { kind, changed_by, reason: None, changed_at: new_id_and_time().1 }
}

/// Records a student's progress in a course.
///
/// # Errors
/// `NOT_FOUND`, also for another student's enrollment; `INVALID_STATUS_TRANSITION` if `to` is earlier than the status.
pub async fn advance(db: &DbPool, student: SignedIn, id: EnrollmentId, to: Status) -> Result<Enrollment, Error> {
    let mut tx = db.begin().await?;
    let enrollment = store::lock(&mut tx, id, student).await?;
    let mut enrollment = enrollment.ok_or_else(|| Rejection::not_found("enrollment", "enrollmentId"))?;
    let change = change(ChangeKind::StatusChanged, Some(student.id()));
    if enrollment.advance(to, change.changed_at)? {
        store::set_status(&mut tx, &enrollment).await?;
        record(&mut tx, &enrollment, change).await?;
    }
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
    /// The payment has bought an enrollment that the student, a teacher or an admin has ended.
    EnrollmentEnded,
}

/// Creates an enrollment, claims its payment if there is one, and publishes the event.
async fn create(db: &mut PgConnection, new: NewEnrollment) -> Result<Creation, Error> {
    let id = new_id_and_time();
    let enrolled_by = new.enrolled_by();
    store::lock_key(db, new.key).await?;
    if let Some(payment) = new.payment {
        match store::claim(db, payment, EnrollmentId(id.0)).await? {
            PaymentUse::Claimed => {}
            PaymentUse::Redeemed(enrollment) => return Ok(Creation::AlreadyRedeemed(enrollment)),
            PaymentUse::Rejected => return Ok(Creation::PaymentRejected),
            PaymentUse::Refunded => return Ok(Creation::PaymentRefunded),
            PaymentUse::Left if new.origin == Origin::Student => {
                store::set_enrollment(db, payment, EnrollmentId(id.0)).await?;
            }
            PaymentUse::Left | PaymentUse::Removed => return Ok(Creation::EnrollmentEnded),
        }
    }
    match store::insert_or_get(db, id, &new).await? {
        Inserted::New(enrollment) => {
            let created = EventPayload::EnrollmentCreated(payload(&enrollment, new.course_title));
            messaging::publish(db, created).await?;
            let kind = if matches!(new.origin, Origin::Grant(_)) { ChangeKind::Granted } else { ChangeKind::Enrolled };
            let change = NewChange { changed_at: enrollment.enrolled_at.0, ..change(kind, enrolled_by) };
            record(db, &enrollment, change).await?;
            Ok(Creation::Created(enrollment))
        }
        Inserted::Existing(enrollment) => Ok(Creation::AlreadyEnrolled(enrollment)),
    }
}

async fn publish_revocation(
    db: &mut PgConnection,
    enrollment: &Enrollment,
    course_title: String,
    removal_reason: Option<String>,
) -> Result<(), Error> {
    let revocation = Revocation { enrollment: payload(enrollment, course_title), removal_reason };
    Ok(messaging::publish(db, EventPayload::EnrollmentRevoked(revocation)).await?)
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

fn course_withdrawn() -> Error {
    let message = "this course was withdrawn, and takes no more students";
    Rejection::new(Code::CourseWithdrawn, message).at("courseId").into()
}

fn completion_would_be_lost() -> Error {
    let message = "the student has completed the course, and a removal takes the completion away";
    Rejection::new(Code::CompletionWouldBeLost, message).at("confirmCompletionLoss").into()
}

fn already_enrolled() -> Error {
    Rejection::new(Code::AlreadyEnrolled, "you are already enrolled in this course").into()
}

fn payment_not_valid() -> Error {
    let message = "must be a completed, unused payment of yours for this course";
    Rejection::new(Code::PaymentNotValid, message).at("paymentId").into()
}

//! Every SQL statement on the tables `enrollments` and `payment_redemptions`.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};
use contracts::{CourseId, EnrollmentId, PaymentId, UserId, events::Purchase};
use db::DbPool;
use service::OwnTeacherOrAdmin;
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_as};
use subgraph_kit::{
    Error, Table,
    children::ChildOf,
    cursor::Cursor,
    list::{Filter, Listable},
    row::Paginated,
    table::FindById,
    viewer::{Admin, Public, SelfOrAdmin, SignedIn},
};
use uuid::Uuid;

use super::{Enrollment, Redemption, Status};
use crate::history::ChangeKind;

/// The filter of a list of enrollments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnrollmentFilter {
    /// The status that the enrollments must have; any if none.
    pub status: Option<Status>,
}

/// The natural key of an enrollment: its student and course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnrollmentKey {
    /// The id of the student.
    pub student: UserId,
    /// The id of the course.
    pub course: CourseId,
}

impl EnrollmentKey {
    /// The key of the enrollment that a purchase is for.
    #[must_use]
    pub fn of_purchase(purchase: &Purchase) -> Self {
        Self { student: purchase.student_id, course: purchase.course_id }
    }
}

impl Enrollment {
    /// The natural key of the enrollment.
    #[must_use]
    pub fn key(&self) -> EnrollmentKey {
        EnrollmentKey { student: self.student_id, course: self.course_id }
    }
}

/// The loader key of the enrollment that a payment bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByPayment(pub PaymentId);

impl Paginated for Enrollment {
    const TYPE_NAME: &'static str = "enrollment";
    const TABLE: &'static str = "enrollments";
    const COLUMNS: &'static str = "id, student_id, course_id, payment_id, status, enrolled_at, completed_at";
    const TIME_COLUMN: &'static str = "enrolled_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.enrolled_at.0, id: self.id.0 }
    }
}

impl FindById for Enrollment {
    type Id = EnrollmentId;

    fn id(&self) -> EnrollmentId {
        self.id
    }

    async fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        query_as!(
            Self,
            r#"
            select id, student_id, course_id, payment_id, status, enrolled_at, completed_at
            from enrollments
            where id = any($1)
            "#,
            ids,
        )
        .fetch_all(db)
        .await
    }
}

impl Listable for Enrollment {
    type Filter = EnrollmentFilter;
    type Proof = Admin;
}

impl ChildOf<UserId> for Enrollment {
    const PARENT_COLUMN: &'static str = "student_id";
    type Proof = SelfOrAdmin;
    type CountProof = SelfOrAdmin;
}

impl ChildOf<CourseId> for Enrollment {
    const PARENT_COLUMN: &'static str = "course_id";
    type Proof = OwnTeacherOrAdmin;
    type CountProof = Public<CourseId>;
}

impl Filter for EnrollmentFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(status) = self.status {
            sql.push(" and status = ").push_bind(status);
        }
    }

    fn may_need_full_scan(&self) -> bool {
        self.status.is_some()
    }
}

/// An enrollment to insert.
#[derive(Clone, Debug)]
pub struct NewEnrollment {
    /// The student and the course.
    pub key: EnrollmentKey,
    /// The course's title, for the event.
    pub course_title: String,
    /// The payment that buys it, if one is needed.
    pub payment: Option<PaymentId>,
    /// Who enrolls the student.
    pub origin: Origin,
}

/// Who enrolls a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The student.
    Student,
    /// The event of a payment.
    Payment,
    /// The course's teacher, or an admin.
    Grant(UserId),
}

impl NewEnrollment {
    /// Who enrolls the student; none for the event of a payment.
    #[must_use]
    pub fn enrolled_by(&self) -> Option<UserId> {
        match self.origin {
            Origin::Student => Some(self.key.student),
            Origin::Payment => None,
            Origin::Grant(user) => Some(user),
        }
    }
}

/// The outcome of claiming a payment. Its redemption stays locked until the transaction ends.
#[derive(Debug)]
pub enum PaymentUse {
    /// The payment is claimed for the new enrollment.
    Claimed,
    /// The payment has bought this enrollment.
    Redeemed(Enrollment),
    /// The payment is to be refunded, since the student was enrolled already.
    Rejected,
    /// The payment was refunded.
    Refunded,
    /// The student has left the course, and may come back with the payment.
    Left,
    /// The student was removed from the course.
    Removed,
}

/// The outcome of an insertion. The row stays locked until the transaction ends.
#[derive(Debug)]
pub enum Inserted {
    /// The enrollment is new.
    New(Enrollment),
    /// The student is enrolled already.
    Existing(Enrollment),
}

/// Serializes what begins or ends a student's enrollment in a course until the transaction ends: before everything else, so
/// that each later statement sees what the one before has done.
pub async fn lock_key(db: &mut PgConnection, key: EnrollmentKey) -> Result<(), sqlx::Error> {
    query!(
        "select pg_advisory_xact_lock(hashtextextended('enrollment ' || $1::text || ' ' || $2::text, 0))",
        key.student.to_string(),
        key.course.to_string(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds a student's own enrollment, and locks it until the transaction ends.
pub async fn lock(
    db: &mut PgConnection,
    id: EnrollmentId,
    student: SignedIn,
) -> Result<Option<Enrollment>, sqlx::Error> {
    query_as!(
        Enrollment,
        r#"
        select id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        from enrollments
        where id = $1 and student_id = $2
        for update
        "#,
        id.0,
        student.id().0,
    )
    .fetch_optional(db)
    .await
}

/// Stores the status of an enrollment, and when it was completed.
pub async fn set_status(db: &mut PgConnection, enrollment: &Enrollment) -> Result<(), sqlx::Error> {
    query!(
        "update enrollments set status = $2, completed_at = $3 where id = $1",
        enrollment.id.0,
        enrollment.status,
        enrollment.completed_at.map(|time| time.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims a payment for the enrollment `id`, unless it has bought one or can buy none.
pub async fn claim(db: &mut PgConnection, payment: PaymentId, id: EnrollmentId) -> Result<PaymentUse, Error> {
    // The no-op update locks an existing row.
    let found = query!(
        "
        insert into payment_redemptions (payment_id, enrollment_id) values ($1, $2)
        on conflict (payment_id) do update set payment_id = excluded.payment_id
        returning enrollment_id, state
        ",
        payment.0,
        id.0,
    )
    .fetch_one(&mut *db)
    .await?;
    match (found.state.as_str(), found.enrollment_id) {
        ("rejected", _) => return Ok(PaymentUse::Rejected),
        ("refunded", _) => return Ok(PaymentUse::Refunded),
        ("left", _) => return Ok(PaymentUse::Left),
        ("removed", _) => return Ok(PaymentUse::Removed),
        (_, Some(owner)) if owner == id.0 => return Ok(PaymentUse::Claimed),
        _ => {}
    }
    if let Some(bought) = bought_with(&mut *db, payment, found.enrollment_id.map(EnrollmentId)).await? {
        return Ok(PaymentUse::Redeemed(bought));
    }
    set_enrollment(db, payment, id).await?;
    Ok(PaymentUse::Claimed)
}

/// Finds the enrollment that the payment bought, if it still exists.
async fn bought_with(
    db: &mut PgConnection,
    payment: PaymentId,
    id: Option<EnrollmentId>,
) -> Result<Option<Enrollment>, sqlx::Error> {
    query_as!(
        Enrollment,
        r#"
        select id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        from enrollments
        where id = $1 and payment_id = $2
        "#,
        id.map(|id| id.0),
        payment.0,
    )
    .fetch_optional(db)
    .await
}

/// Stores which enrollment a payment bought.
pub async fn set_enrollment(db: &mut PgConnection, payment: PaymentId, id: EnrollmentId) -> Result<(), sqlx::Error> {
    query!(
        "update payment_redemptions set state = 'enrolled', enrollment_id = $2 where payment_id = $1",
        payment.0,
        id.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks the payment that bought this enrollment as the payment of a student who has left, or who was removed. An enrollment
/// that the legacy system has inserted has no redemption yet.
pub async fn release(db: &mut PgConnection, enrollment: &Enrollment, kind: ChangeKind) -> Result<(), sqlx::Error> {
    let Some(payment) = enrollment.payment_id else { return Ok(()) };
    let state = if kind == ChangeKind::Left { "left" } else { "removed" };
    query!(
        "
        insert into payment_redemptions (payment_id, state) values ($1, $3)
        on conflict (payment_id) do update set state = excluded.state, enrollment_id = null
        where payment_redemptions.enrollment_id = $2
        ",
        payment.0,
        enrollment.id.0,
        state,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a payment as rejected: it is to be refunded, and buys nothing.
pub async fn reject(db: &mut PgConnection, payment: PaymentId) -> Result<(), sqlx::Error> {
    query!("update payment_redemptions set state = 'rejected', enrollment_id = null where payment_id = $1", payment.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Marks a payment as refunded: it buys nothing.
pub async fn refund(db: &mut PgConnection, payment: PaymentId) -> Result<(), sqlx::Error> {
    query!(
        "
        insert into payment_redemptions (payment_id, state) values ($1, 'refunded')
        on conflict (payment_id) do update set state = 'refunded', enrollment_id = null
        ",
        payment.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether anybody is enrolled in a course, or ever was.
///
/// # Errors
/// [`Error::Unavailable`] if a full scan gets no turn in time.
pub async fn exist_in(table: &Table<Enrollment>, course: CourseId) -> Result<bool, Error> {
    let mut sql = QueryBuilder::new("select 1 from enrollment_history where course_id = ");
    sql.push_bind(course.0).push(" union all select 1 from enrollments where course_id = ").push_bind(course.0);
    sql.push(" limit 1");
    Ok(!table.rows_by("course_id", sql).await?.is_empty())
}

/// Enrolls the student, or returns the existing enrollment. A completion comes back if the student's last enrollment in
/// the course was completed when it ended, unless they were removed.
pub async fn insert_or_get(
    db: &mut PgConnection,
    (id, enrolled_at): (Uuid, DateTime<Utc>),
    NewEnrollment { key, payment, .. }: &NewEnrollment,
) -> Result<Inserted, sqlx::Error> {
    // The no-op update locks and returns an existing row.
    let found = query_as!(
        Enrollment,
        r#"
        insert into enrollments (id, student_id, course_id, payment_id, status, enrolled_at, completed_at)
        select $1::uuid, $2::uuid, $3::uuid, $4::uuid, coalesce(ended.status, 'enrolled'), $5::timestamptz, ended.completed_at
        from (values (1)) as one
        left join lateral (
            select kind, status, completed_at
            from enrollment_history
            where student_id = $2 and course_id = $3 and kind in ('left', 'removed', 'refunded')
            order by position desc
            limit 1
        ) as ended on ended.status = 'completed' and ended.kind <> 'removed'
        on conflict (student_id, course_id) do update set student_id = excluded.student_id
        returning id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        "#,
        id,
        key.student.0,
        key.course.0,
        payment.map(|payment| payment.0),
        enrolled_at,
    )
    .fetch_one(db)
    .await?;
    Ok(if found.id.0 == id { Inserted::New(found) } else { Inserted::Existing(found) })
}

/// Deletes the enrollment that a payment bought, if there is one.
pub async fn delete_by_payment(
    db: &mut PgConnection,
    key: EnrollmentKey,
    payment: PaymentId,
) -> Result<Option<Enrollment>, sqlx::Error> {
    query_as!(
        Enrollment,
        r#"
        delete from enrollments
        where student_id = $1 and course_id = $2 and payment_id = $3
        returning id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        "#,
        key.student.0,
        key.course.0,
        payment.0,
    )
    .fetch_optional(db)
    .await
}

/// Finds the student's enrollment in a course, without a lock.
pub async fn find_by_key(db: &mut PgConnection, key: EnrollmentKey) -> Result<Option<Enrollment>, sqlx::Error> {
    query_as!(
        Enrollment,
        r#"
        select id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        from enrollments
        where student_id = $1 and course_id = $2
        "#,
        key.student.0,
        key.course.0,
    )
    .fetch_optional(db)
    .await
}

/// Deletes an enrollment, and returns its last state. None if it has ended meanwhile.
pub async fn delete(db: &mut PgConnection, id: EnrollmentId) -> Result<Option<Enrollment>, sqlx::Error> {
    query_as!(
        Enrollment,
        r#"
        delete from enrollments
        where id = $1
        returning id, student_id, course_id, payment_id, status, enrolled_at, completed_at
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await
}

impl Loader<EnrollmentKey> for Table<Enrollment> {
    type Value = Enrollment;
    type Error = Error;

    async fn load(&self, keys: &[EnrollmentKey]) -> Result<HashMap<EnrollmentKey, Enrollment>, Error> {
        let students: Vec<_> = keys.iter().map(|key| key.student.0).collect();
        let courses: Vec<_> = keys.iter().map(|key| key.course.0).collect();
        let enrollments = query_as!(
            Enrollment,
            r#"
            select id, student_id, course_id, payment_id, status, enrolled_at, completed_at
            from enrollments
            join unnest($1::uuid[], $2::uuid[]) as wanted (student_id, course_id) using (student_id, course_id)
            "#,
            &students,
            &courses,
        )
        .fetch_all(self.db())
        .await?;
        Ok(enrollments.into_iter().map(|enrollment| (enrollment.key(), enrollment)).collect())
    }
}

/// Loads the enrollment that each payment bought: one, even where several enrollments of an imported database reference
/// the same payment.
impl Loader<ByPayment> for Table<Enrollment> {
    type Value = Enrollment;
    type Error = Error;

    async fn load(&self, payments: &[ByPayment]) -> Result<HashMap<ByPayment, Enrollment>, Error> {
        let payments: Vec<_> = payments.iter().map(|payment| payment.0.0).collect();
        let enrollments = query_as!(
            Enrollment,
            r#"
            select enrollments.id, student_id, course_id, enrollments.payment_id, status, enrolled_at, completed_at
            from payment_redemptions
            join enrollments on enrollments.id = enrollment_id and enrollments.payment_id = payment_redemptions.payment_id
            where payment_redemptions.payment_id = any($1)
            "#,
            &payments,
        )
        .fetch_all(self.db())
        .await?;
        let bought = |enrollment: Enrollment| Some((ByPayment(enrollment.payment_id?), enrollment));
        Ok(enrollments.into_iter().filter_map(bought).collect())
    }
}

/// The loader key of what became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RedemptionOf(pub PaymentId);

impl Loader<RedemptionOf> for Table<Enrollment> {
    type Value = Redemption;
    type Error = Error;

    async fn load(&self, payments: &[RedemptionOf]) -> Result<HashMap<RedemptionOf, Redemption>, Error> {
        let payments: Vec<_> = payments.iter().map(|payment| payment.0.0).collect();
        let found = query!("select payment_id, state from payment_redemptions where payment_id = any($1)", &payments)
            .fetch_all(self.db())
            .await?;
        let redemption = |state: &str| match state {
            "enrolled" => Redemption::Enrolled,
            "left" => Redemption::Left,
            "removed" => Redemption::Removed,
            "rejected" => Redemption::Rejected,
            "refunded" => Redemption::Refunded,
            _ => Redemption::None,
        };
        Ok(found.into_iter().map(|row| (RedemptionOf(row.payment_id), redemption(&row.state))).collect())
    }
}

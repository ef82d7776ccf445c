//! Every SQL statement on the table `payments`.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use contracts::{CourseId, PaymentId, UserId};
use db::DbPool;
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_as, query_scalar, types::Uuid};
use subgraph_kit::{
    Error, Table,
    children::ChildOf,
    cursor::Cursor,
    list::{Filter, Listable},
    row::Paginated,
    table::FindById,
    viewer::{Admin, SelfOrAdmin},
};

use super::{Payment, Status};

/// The filter of a list of payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentFilter {
    /// The status that the payments must have; any if none.
    pub status: Option<Status>,
}

impl Paginated for Payment {
    const TYPE_NAME: &'static str = "payment";
    const TABLE: &'static str = "payments";
    const COLUMNS: &'static str = "id, student_id, course_id, amount, status, created_at";
    const TIME_COLUMN: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at.0, id: self.id.0 }
    }
}

impl FindById for Payment {
    type Id = PaymentId;

    fn id(&self) -> PaymentId {
        self.id
    }

    async fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        query_as!(
            Self,
            r#"
            select id, student_id, course_id, amount, status, created_at
            from payments
            where id = any($1)
            "#,
            ids,
        )
        .fetch_all(db)
        .await
    }
}

impl Listable for Payment {
    type Filter = PaymentFilter;
    type Proof = Admin;
}

impl ChildOf<UserId> for Payment {
    const PARENT_COLUMN: &'static str = "student_id";
    type Proof = SelfOrAdmin;
    type CountProof = SelfOrAdmin;
}

impl Filter for PaymentFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(status) = self.status {
            sql.push(" and status = ").push_bind(status);
        }
    }

    fn may_need_full_scan(&self) -> bool {
        self.status.is_some()
    }
}

/// Finds a payment by its id.
pub async fn find(db: &DbPool, id: PaymentId) -> Result<Option<Payment>, sqlx::Error> {
    query_as!(
        Payment,
        r#"
        select id, student_id, course_id, amount, status, created_at
        from payments
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Whether anybody has paid for a course, or is about to; refunded payments count, failed ones do not.
pub async fn exist_for(db: &DbPool, course: CourseId) -> Result<bool, sqlx::Error> {
    query_scalar!(
        r#"select exists (select from payments where course_id = $1 and status <> 'failed') as "exist!""#,
        course.0
    )
    .fetch_one(db)
    .await
}

/// Finds a payment by its id, and locks it until the transaction ends.
pub async fn lock(transaction: &mut PgConnection, id: PaymentId) -> Result<Option<Payment>, sqlx::Error> {
    query_as!(
        Payment,
        r#"
        select id, student_id, course_id, amount, status, created_at
        from payments
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(transaction)
    .await
}

/// Finds the next course of which a payment does not know the teacher.
pub async fn course_without_teacher(db: &DbPool, after: Option<CourseId>) -> Result<Option<CourseId>, sqlx::Error> {
    query_scalar!(
        "
        select course_id
        from payments
        where teacher_id is null and ($1::uuid is null or course_id > $1)
        order by course_id
        limit 1
        ",
        after.map(|course| course.0),
    )
    .fetch_optional(db)
    .await
}

/// Stores who teaches the course of these payments.
pub async fn set_teacher(db: &DbPool, course: CourseId, teacher: UserId) -> Result<(), sqlx::Error> {
    query!("update payments set teacher_id = $2 where course_id = $1 and teacher_id is null", course.0, teacher.0,)
        .execute(db)
        .await?;
    Ok(())
}

/// The loader key of a student's pending or completed payment for a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActivePaymentOf {
    /// The student.
    pub student: UserId,
    /// The course.
    pub course: CourseId,
}

/// An imported database may hold several for one course: then the newest counts.
impl Loader<ActivePaymentOf> for Table<Payment> {
    type Value = Payment;
    type Error = Error;

    async fn load(&self, keys: &[ActivePaymentOf]) -> Result<HashMap<ActivePaymentOf, Payment>, Error> {
        let students: Vec<_> = keys.iter().map(|key| key.student.0).collect();
        let courses: Vec<_> = keys.iter().map(|key| key.course.0).collect();
        let payments = query_as!(
            Payment,
            r#"
            select distinct on (student_id, course_id) id, student_id, course_id, amount, status, created_at
            from payments
            join unnest($1::uuid[], $2::uuid[]) as wanted (student_id, course_id) using (student_id, course_id)
            where status in ('pending', 'completed')
            order by student_id, course_id, created_at desc, id desc
            "#,
            &students,
            &courses,
        )
        .fetch_all(self.db())
        .await?;
        let key = |payment: &Payment| ActivePaymentOf { student: payment.student_id, course: payment.course_id };
        Ok(payments.into_iter().map(|payment| (key(&payment), payment)).collect())
    }
}

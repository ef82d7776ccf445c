//! Every SQL statement on the table `payments`.

use contracts::{CourseId, PaymentId, UserId};
use db::DbPool;
use sqlx::{PgConnection, Postgres, QueryBuilder, query_as, query_scalar, types::Uuid};
use subgraph_kit::{
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
    const TIME: &'static str = "created_at";

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

    fn may_read_everything(&self) -> bool {
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

//! Every SQL statement on the payments table.

use db::DbPool;
use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use contracts::{PaymentId, UserId};
use sqlx::{PgConnection, Postgres, QueryBuilder, query_as};
use subgraph_kit::{
    Error, PageArgs,
    children::{Children, ParentCount, ParentPage},
    list::{Filter, Order, Page, Paginated, Table},
    page::Cursor,
    scans::Scan,
    viewer::Admin,
};

use super::{Payment, Status};

/// The payments table.
#[derive(Clone)]
pub struct Store {
    db: DbPool,
    table: Table<Payment, PaymentFilter>,
    by_student: Children<Payment>,
}

/// Which payments are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentFilter {
    /// Returns only payments with this status.
    pub status: Option<Status>,
}

impl Paginated for Payment {
    const TYPE_NAME: &'static str = "payment";
    const TABLE: &'static str = "payments";
    const COLUMNS: &'static str = "id, student_id, course_id, amount, status, created_at";
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at, id: self.id.0 }
    }
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

impl Store {
    /// The table in this database; looks how its rows can be ordered and found.
    pub async fn open(db: DbPool) -> Result<Self, sqlx::Error> {
        let table = Table::open(db.clone()).await?;
        let by_student = Children::open(db.clone(), table.lane().clone(), "student_id").await?;
        Ok(Self { db, table, by_student })
    }

    pub(crate) fn db(&self) -> &DbPool {
        &self.db
    }

    /// A page of everybody's payments.
    pub async fn list(
        &self,
        _: Admin,
        scan: Scan,
        filter: &PaymentFilter,
        args: &PageArgs,
    ) -> Result<Page<Payment>, Error> {
        self.table.page(scan, Order::NewestFirst, filter, args).await
    }

    /// How many payments pass the filter.
    pub async fn count(&self, _: Admin, scan: Scan, filter: &PaymentFilter) -> Result<i64, Error> {
        self.table.count(scan, filter).await
    }
}

/// A payment as it stands.
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

/// A payment, which stays as it is until the transaction ends.
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

impl Loader<PaymentId> for Store {
    type Value = Payment;
    type Error = Error;

    async fn load(&self, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Payment>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let payments = query_as!(
            Payment,
            r#"
            select id, student_id, course_id, amount, status, created_at
            from payments
            where id = any($1)
            "#,
            &ids,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(payments.into_iter().map(|payment| (payment.id, payment)).collect())
    }
}

impl Loader<ParentPage<UserId, ()>> for Store {
    type Value = Arc<Page<Payment>>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ParentPage<UserId, ()>],
    ) -> Result<HashMap<ParentPage<UserId, ()>, Self::Value>, Error> {
        self.by_student.pages(keys).await
    }
}

impl Loader<ParentCount<UserId, ()>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ParentCount<UserId, ()>]) -> Result<HashMap<ParentCount<UserId, ()>, i64>, Error> {
        self.by_student.counts(keys).await
    }
}

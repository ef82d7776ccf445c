//! Every SQL statement on the payments table.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use sqlx::{PgPool, query_as};
use subgraph_kit::{
    Error, PaymentId, UserId,
    list::{self, ChildCount, ChildPage, Listed, Page},
    page::Position,
};

use super::Payment;

/// The payments table.
#[derive(Clone)]
pub struct Store {
    db: PgPool,
}

impl Listed for Payment {
    const NOUN: &'static str = "payment";
    const TABLE: &'static str = "payments";
    const COLUMNS: &'static str = "id, student_id, course_id, amount, status, created_at";
    const TIME: &'static str = "created_at";

    fn position(&self) -> Position {
        Position { time: self.created_at, id: self.id.0 }
    }
}

impl Store {
    /// The table in this database.
    #[must_use]
    pub fn new(db: PgPool) -> Self {
        Self { db }
    }
}

impl Loader<PaymentId> for Store {
    type Value = Payment;
    type Error = Error;

    async fn load(&self, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Payment>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let payments = query_as!(
            Payment,
            r#"
            select id as "id: _", student_id as "student_id: _", course_id as "course_id: _", amount,
                   status as "status: _", created_at
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

impl Loader<ChildPage<UserId, ()>> for Store {
    type Value = Arc<Page<Payment>>;
    type Error = Error;

    async fn load(&self, keys: &[ChildPage<UserId, ()>]) -> Result<HashMap<ChildPage<UserId, ()>, Self::Value>, Error> {
        list::child_pages(&self.db, "student_id", keys).await
    }
}

impl Loader<ChildCount<UserId, ()>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ChildCount<UserId, ()>]) -> Result<HashMap<ChildCount<UserId, ()>, i64>, Error> {
        list::child_counts::<Payment, _, _>(&self.db, "student_id", keys).await
    }
}

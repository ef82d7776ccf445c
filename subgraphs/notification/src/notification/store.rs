//! Every SQL statement on the notifications table.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use sqlx::{PgPool, Postgres, QueryBuilder, query, query_as};
use subgraph_kit::{
    Error, NotificationId, Refusal, UserId,
    list::{self, ChildCount, ChildPage, Filter, Listed, Page},
    page::Position,
    viewer::SignedIn,
};

use super::{Kind, Notification};

/// The notifications table.
#[derive(Clone)]
pub struct Store {
    db: PgPool,
}

/// A notification as its own user asks for it. Another user's is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Own {
    /// Who is asking.
    pub user: UserId,
    /// For which one.
    pub id: NotificationId,
}

/// Which notifications of a user are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// All of them.
    All,
    /// Those that the user has not read.
    Unread,
}

impl Listed for Notification {
    const NOUN: &'static str = "notification";
    const TABLE: &'static str = "notifications";
    const COLUMNS: &'static str = "id, user_id, type, title, body, is_read, created_at";
    const TIME: &'static str = "created_at";

    fn position(&self) -> Position {
        Position { time: self.created_at, id: self.id.0 }
    }
}

impl Filter for Which {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if *self == Self::Unread {
            sql.push(" and not is_read");
        }
    }
}

impl Store {
    /// The table in this database.
    #[must_use]
    pub fn new(db: PgPool) -> Self {
        Self { db }
    }

    /// Marks one of the user's own notifications as read, if it is not yet.
    ///
    /// # Errors
    /// `NOT_FOUND`, also for another user's; those of the database.
    pub async fn mark_read(&self, user: SignedIn, id: NotificationId) -> Result<Notification, Error> {
        query_as!(
            Notification,
            r#"
            update notifications
            set is_read = true
            where id = $1 and user_id = $2
            returning id as "id: _", user_id as "user_id: _", type as "kind: Kind", title, body, is_read, created_at
            "#,
            id.0,
            user.id().0,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or_else(|| Refusal::not_found("notification", "notificationId").into())
    }

    /// Marks all of the user's notifications as read, and says how many were not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn mark_all_read(&self, user: SignedIn) -> Result<u64, Error> {
        let marked = query!("update notifications set is_read = true where user_id = $1 and not is_read", user.id().0)
            .execute(&self.db)
            .await?;
        Ok(marked.rows_affected())
    }
}

impl Loader<Own> for Store {
    type Value = Notification;
    type Error = Error;

    async fn load(&self, keys: &[Own]) -> Result<HashMap<Own, Notification>, Error> {
        let (users, ids): (Vec<_>, Vec<_>) = keys.iter().map(|own| (own.user.0, own.id.0)).unzip();
        let notifications = query_as!(
            Notification,
            r#"
            select id as "id: _", user_id as "user_id: _", type as "kind: Kind", title, body, is_read, created_at
            from notifications
            where (user_id, id) in (select * from unnest($1::uuid[], $2::uuid[]))
            "#,
            &users,
            &ids,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(notifications.into_iter().map(|found| (Own { user: found.user_id, id: found.id }, found)).collect())
    }
}

impl Loader<ChildPage<UserId, Which>> for Store {
    type Value = Arc<Page<Notification>>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ChildPage<UserId, Which>],
    ) -> Result<HashMap<ChildPage<UserId, Which>, Self::Value>, Error> {
        list::child_pages(&self.db, "user_id", keys).await
    }
}

impl Loader<ChildCount<UserId, Which>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ChildCount<UserId, Which>]) -> Result<HashMap<ChildCount<UserId, Which>, i64>, Error> {
        list::child_counts::<Notification, _, _>(&self.db, "user_id", keys).await
    }
}

//! Every SQL statement on the table `notifications`.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    NotificationId, UserId,
    ids::{new_id_and_time, new_id_at},
};
use db::DbPool;
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_as, query_scalar};
use subgraph_kit::{
    Error, Rejection, Table,
    children::ChildOf,
    cursor::Cursor,
    list::Filter,
    row::Paginated,
    viewer::{SelfOrAdmin, SignedIn},
};
use uuid::Uuid;

use super::{
    Kind, Notification,
    hub::{self, CHANNEL, NotificationHub},
    subject::Subject,
};

/// The page size of a stream's reads.
pub(super) const PAGE: usize = 100;

/// The notifications table: the reads of streams, and all changes.
#[derive(Clone)]
pub struct Store {
    db: DbPool,
    hub: NotificationHub,
}

/// A notification to insert.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// The recipient of the notification.
    pub user_id: UserId,
    /// The subject of the notification.
    pub kind: Kind,
    /// The title of the notification, at most 500 characters.
    pub title: String,
    /// The text of the notification, as plain text; it may be empty.
    pub body: String,
    /// What the notification is about, if it is an object.
    pub subject: Option<Subject>,
}

/// The loader key of a user's own notification; another user's is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnedKey {
    /// The id of the viewer.
    pub user: UserId,
    /// The id of the notification.
    pub id: NotificationId,
}

/// The filter of a user's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadFilter {
    /// All notifications.
    All,
    /// Only unread notifications.
    Unread,
}

impl Paginated for Notification {
    const TYPE_NAME: &'static str = "notification";
    const TABLE: &'static str = "notifications";
    const COLUMNS: &'static str = "id, user_id, type, title, body, is_read, created_at, subject_type, subject_id";
    const TIME_COLUMN: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at.0, id: self.id.0 }
    }
}

impl ChildOf<UserId> for Notification {
    const PARENT_COLUMN: &'static str = "user_id";
    type Proof = SelfOrAdmin;
    type CountProof = SelfOrAdmin;
}

impl Filter for ReadFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if *self == Self::Unread {
            sql.push(" and not is_read");
        }
    }
}

impl Store {
    /// Creates the store over this database.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { hub: NotificationHub::new(db.clone()), db }
    }

    pub(super) fn db(&self) -> &DbPool {
        &self.db
    }

    /// The hub that wakes subscribers.
    #[must_use]
    pub fn hub(&self) -> &NotificationHub {
        &self.hub
    }

    /// Finds the cursor of one of the user's own notifications, or of one that the user deleted not long ago; none if
    /// there is no such notification.
    pub(super) async fn cursor_of(&self, user: SignedIn, id: NotificationId) -> Result<Option<Cursor>, Error> {
        let cursor = query_as!(
            Cursor,
            r#"
            select created_at as "time!", id as "id!: Uuid" from notifications where id = $1 and user_id = $2
            union all
            select created_at, id from deleted_notifications where id = $1 and user_id = $2
            limit 1
            "#,
            id.0,
            user.id().0
        );
        Ok(cursor.fetch_optional(&self.db).await?)
    }

    /// Finds the cursor of the user's newest notification; none if there are none.
    pub(super) async fn end(&self, user: SignedIn) -> Result<Option<Cursor>, Error> {
        let newest = query_as!(
            Cursor,
            r#"
            select created_at as time, id
            from notifications
            where user_id = $1
            order by created_at desc, id desc
            limit 1
            "#,
            user.id().0,
        );
        Ok(newest.fetch_optional(&self.db).await?)
    }

    /// Reads the next page of the user's notifications after a cursor, oldest first.
    pub(super) async fn newer(&self, user: SignedIn, than: Option<Cursor>) -> Result<Vec<Notification>, Error> {
        // Without a cursor, from the beginning.
        let Cursor { time, id } = than.unwrap_or(Cursor { time: DateTime::UNIX_EPOCH, id: Uuid::nil() });
        let newer = query_as!(
            Notification,
            r#"
            select id, user_id, type as kind, title, body, is_read, created_at, subject_type, subject_id
            from notifications
            where user_id = $1 and (created_at, id) > ($2, $3)
            order by created_at, id
            limit $4
            "#,
            user.id().0,
            time,
            id,
            i64::try_from(PAGE).expect("a hundred"),
        );
        Ok(newer.fetch_all(&self.db).await?)
    }

    /// Marks one of the user's own notifications as read, if it is not yet.
    ///
    /// # Errors
    /// `NOT_FOUND`, also for another user's notification.
    pub async fn mark_read(&self, user: SignedIn, id: NotificationId) -> Result<Notification, Error> {
        query_as!(
            Notification,
            r#"
            update notifications
            set is_read = true
            where id = $1 and user_id = $2
            returning id, user_id, type as kind, title, body, is_read, created_at, subject_type, subject_id
            "#,
            id.0,
            user.id().0,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or_else(|| Rejection::not_found("notification", "notificationId").into())
    }

    /// Marks all of the user's notifications as read, and returns how many were unread.
    pub async fn mark_all_read(&self, user: SignedIn) -> Result<u64, Error> {
        let marked = query!("update notifications set is_read = true where user_id = $1 and not is_read", user.id().0)
            .execute(&self.db)
            .await?;
        Ok(marked.rows_affected())
    }

    /// Marks one of the user's notifications and the older ones as read, and returns how many were unread. The one may
    /// have been deleted not long ago.
    ///
    /// # Errors
    /// `NOT_FOUND` if the user has no such notification.
    pub async fn mark_read_up_to(&self, user: SignedIn, last: NotificationId) -> Result<u64, Error> {
        let marked = query_scalar!(
            r#"
            with last as (
                select created_at, id from notifications where id = $1 and user_id = $2
                union all
                select created_at, id from deleted_notifications where id = $1 and user_id = $2
                limit 1
            ), marked as (
                update notifications set is_read = true
                from last
                where user_id = $2 and not is_read
                  and (notifications.created_at, notifications.id) <= (last.created_at, last.id)
                returning true
            )
            select (select count(*) from marked) as "count!" from last
            "#,
            last.0,
            user.id().0,
        );
        let marked = marked.fetch_optional(&self.db).await?;
        let marked = marked.ok_or_else(|| Rejection::not_found("notification", "upTo"))?;
        Ok(marked.unsigned_abs())
    }

    /// Deletes one of the user's own notifications.
    ///
    /// # Errors
    /// `NOT_FOUND`, also for another user's notification.
    pub async fn delete(&self, user: SignedIn, id: NotificationId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let deleted = query!(
            r#"
            with deleted as (
                delete from notifications where id = $1 and user_id = $2 returning user_id, id, created_at
            )
            insert into deleted_notifications (user_id, id, created_at) select user_id, id, created_at from deleted
            on conflict (user_id, id) do update set deleted_at = excluded.deleted_at
            "#,
            id.0,
            user.id().0,
        );
        let deleted = deleted.execute(&mut *tx).await?.rows_affected();
        if deleted == 0 {
            return Err(Rejection::not_found("notification", "notificationId").into());
        }
        announce_deletion(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes the user's notifications that have been read, and returns how many there were.
    pub async fn delete_read(&self, user: SignedIn) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let deleted = query!(
            r#"
            with deleted as (
                delete from notifications where user_id = $1 and is_read returning user_id, id, created_at
            )
            insert into deleted_notifications (user_id, id, created_at) select user_id, id, created_at from deleted
            on conflict (user_id, id) do update set deleted_at = excluded.deleted_at
            "#,
            user.id().0,
        );
        let deleted = deleted.execute(&mut *tx).await?.rows_affected();
        if deleted > 0 {
            announce_deletion(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Forgets what was deleted more than 30 days ago, a batch at a time. Returns how many there were.
pub(crate) async fn forget_deleted(db: &DbPool) -> Result<u64, sqlx::Error> {
    let forgotten = query!(
        "delete from deleted_notifications where (user_id, id) in (
             select user_id, id from deleted_notifications where deleted_at < now() - interval '30 days'
             limit 10000 for update skip locked
         )"
    );
    Ok(forgotten.execute(db).await?.rows_affected())
}

/// Makes the subscribers of all replicas forget what they have buffered.
async fn announce_deletion(tx: &mut PgConnection, user: SignedIn) -> Result<(), Error> {
    query!("select pg_notify($1, $2)", CHANNEL, hub::deletion(user.id())).execute(tx).await?;
    Ok(())
}

/// Inserts a notification, and wakes the user's subscribers when the transaction is committed.
pub async fn insert(tx: &mut PgConnection, new: NewNotification) -> Result<NotificationId, Error> {
    let user = new.user_id.0;
    // Serialized per user until the commit, and each later than what the user can see: else a row could become visible
    // behind one that a stream has delivered already, and the stream would never read it. So the timestamp is taken
    // under the lock, and exceeds the newest one, deleted ones included, since a stream may resume from those: clocks of
    // replicas differ.
    query!("select pg_advisory_xact_lock(hashtextextended('notifications ' || $1::text, 0))", user.to_string())
        .execute(&mut *tx)
        .await?;
    let newest = query_scalar!(
        "select greatest(
             (select max(created_at) from notifications where user_id = $1),
             (select max(created_at) from deleted_notifications where user_id = $1)
         )",
        user,
    );
    let (id, created_at) = later_than(newest.fetch_one(&mut *tx).await?);
    let (subject_type, subject_id) = new.subject.map(Subject::columns).unzip();
    query!(
        "insert into notifications (id, user_id, type, title, body, created_at, subject_type, subject_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        user,
        new.kind,
        new.title,
        new.body,
        created_at,
        subject_type,
        subject_id,
    )
    .execute(&mut *tx)
    .await?;
    query!("select pg_notify($1, $2)", CHANNEL, user.to_string()).execute(tx).await?;
    Ok(NotificationId(id))
}

fn later_than(newest: Option<DateTime<Utc>>) -> (Uuid, DateTime<Utc>) {
    let (id, now) = new_id_and_time();
    match newest {
        Some(newest) if newest >= now => new_id_at(newest + TimeDelta::milliseconds(1)),
        _ => (id, now),
    }
}

impl Loader<OwnedKey> for Table<Notification> {
    type Value = Notification;
    type Error = Error;

    async fn load(&self, keys: &[OwnedKey]) -> Result<HashMap<OwnedKey, Notification>, Error> {
        let (users, ids): (Vec<_>, Vec<_>) = keys.iter().map(|own| (own.user.0, own.id.0)).unzip();
        let notifications = query_as!(
            Notification,
            r#"
            select id, user_id, type as kind, title, body, is_read, created_at, subject_type, subject_id
            from notifications
            where (user_id, id) in (select * from unnest($1::uuid[], $2::uuid[]))
            "#,
            &users,
            &ids,
        )
        .fetch_all(self.db())
        .await?;
        Ok(notifications.into_iter().map(|found| (OwnedKey { user: found.user_id, id: found.id }, found)).collect())
    }
}

//! Erases a user whose account was deleted.

use contracts::{
    UserId,
    events::{ErasedTable, ErasureReceipt, EventPayload},
};
use service::Eraser;
use sqlx::{PgConnection, query};
use subgraph_kit::Error;

/// Erases a user's notifications.
#[derive(Clone, Copy, Debug)]
pub struct NotificationEraser;

impl Eraser for NotificationEraser {
    const SERVICE: &'static str = "notification";

    /// Nothing is kept of a user but that a welcome was sent once, under the pseudonym.
    async fn erase(&self, db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<Vec<ErasedTable>, Error> {
        let notifications = query!("delete from notifications where user_id = $1", user.0).execute(&mut *db).await?;
        let settings = query!("delete from notification_settings where user_id = $1", user.0).execute(&mut *db).await?;
        let deleted = query!("delete from deleted_notifications where user_id = $1", user.0).execute(&mut *db).await?;
        let handled = query!("update handled_events set subject = $2 where subject = $1", user.0, pseudonym.0);
        let handled = handled.execute(db).await?;
        let table = |table: &str, deleted, anonymized| ErasedTable { table: table.to_owned(), deleted, anonymized };
        Ok(vec![
            table("notifications", notifications.rows_affected(), 0),
            table("notification_settings", settings.rows_affected(), 0),
            table("deleted_notifications", deleted.rows_affected(), 0),
            table("handled_events", 0, handled.rows_affected()),
        ])
    }

    async fn send_receipt(&self, db: &mut PgConnection, receipt: ErasureReceipt) -> Result<(), Error> {
        Ok(messaging::publish(db, EventPayload::ErasedInNotification(receipt)).await?)
    }
}

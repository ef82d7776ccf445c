//! What a service has to tell, written in the transaction of the change.

use sqlx::{PgConnection, query};
use tracing::Instrument as _;

use super::{Event, EventPayload};
use crate::spans;

/// The channel on which the database says that there is something to do in the outbox.
pub const CHANNEL: &str = "outbox";

/// Tells the others, if the transaction is committed: each service that wants to know, by an entry of its own.
///
/// # Panics
/// Never: an event has a JSON form.
pub async fn publish(transaction: &mut PgConnection, payload: EventPayload) -> Result<(), sqlx::Error> {
    let event_type = payload.event_type();
    let span = spans::producer_span(event_type.name());
    let event = span.in_scope(|| Event::new(payload));
    query(
        "with added as (
             insert into outbox_events (event_id, destination, type, subject, event)
             select $1, unnest($2::text[]), $3, $4, $5::jsonb
         )
         select pg_notify($6, '')",
    )
    .bind(event.id)
    .bind(event_type.consumers())
    .bind(event_type.name())
    .bind(event.subject)
    .bind(serde_json::to_string(&event).expect("an event has a JSON form"))
    .bind(CHANNEL)
    .execute(transaction)
    .instrument(span)
    .await?;
    Ok(())
}

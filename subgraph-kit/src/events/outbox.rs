//! What a service has to tell, written in the transaction of the change.

use sqlx::{PgConnection, query};

use super::{Event, Fact, relay::NATS};

/// The channel on which the database says that something was written.
pub const CHANNEL: &str = "outbox";

/// Where events go when they leave the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outbox {
    /// To each service that wants to know, one by one.
    #[default]
    Local,
    /// To NATS, which tells them.
    Nats,
}

impl Outbox {
    /// Tells the others, if the transaction is committed.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Panics
    /// Never: an event has a JSON form.
    pub async fn publish(self, transaction: &mut PgConnection, fact: Fact) -> Result<(), sqlx::Error> {
        let event = Event::new(fact);
        let kind = event.fact.kind();
        let destinations = match self {
            Self::Local => kind.consumers(),
            Self::Nats => &[NATS],
        };
        query(
            "with added as (
                 insert into outbox (event_id, destination, type, subject, event)
                 select $1, unnest($2::text[]), $3, $4, $5::jsonb
             )
             select pg_notify($6, '')",
        )
        .bind(event.id)
        .bind(destinations)
        .bind(kind.name())
        .bind(event.subject)
        .bind(serde_json::to_string(&event).expect("an event has a JSON form"))
        .bind(CHANNEL)
        .execute(transaction)
        .await?;
        Ok(())
    }
}

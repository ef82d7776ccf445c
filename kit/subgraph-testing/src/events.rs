//! Events in the tests of one subgraph: told to it, acted on, and told by it.

use contracts::events::{Event, EventPayload};
use messaging::Progress;
use serde_json::Value;
use service::Subgraph;
use sqlx::{PgExecutor, query_as, query_scalar};

/// Tells a subgraph that this has happened, and lets it act.
///
/// # Panics
/// If it does not take the event.
pub async fn handle(subgraph: &Subgraph, payload: EventPayload) -> Event {
    let event = Event::new(payload);
    receive(subgraph, &event).await;
    process_all(subgraph).await;
    event
}

/// Hands a subgraph an event, which it does not act on yet.
///
/// # Panics
/// If it does not take the event.
pub async fn receive(subgraph: &Subgraph, event: &Event) {
    let event = serde_json::to_vec(event).expect("an event has a JSON form");
    subgraph.receive(&event).await.expect("the event is taken");
}

/// Lets a subgraph act on all that is due in its inbox.
///
/// # Panics
/// If its database does not answer.
pub async fn process_all(subgraph: &Subgraph) {
    let inbox = subgraph.inbox().expect("it acts on events");
    while inbox.process_next(subgraph.db()).await.expect("the database answers") == Progress::Made {}
}

/// What a subgraph has told the others, in order, each event once.
///
/// # Panics
/// If its database does not answer.
pub async fn published(db: impl PgExecutor<'_>) -> Vec<EventPayload> {
    let events =
        query_scalar::<_, Value>("select event from outbox_events group by event_id, event order by min(position)");
    let events = events.fetch_all(db).await.expect("the database answers");
    events.into_iter().map(|event| serde_json::from_value::<Event>(event).expect("an event").payload).collect()
}

/// The types and reasons of the events that a subgraph has set aside.
///
/// # Panics
/// If its database does not answer.
pub async fn dead_lettered(db: impl PgExecutor<'_>) -> Vec<(String, String)> {
    let events = query_as("select type, reason from inbox_events where dead_lettered_at is not null order by position");
    events.fetch_all(db).await.expect("the database answers")
}

//! Events in the tests of one subgraph: told to it, acted on, and told by it.

use serde_json::Value;
use sqlx::{PgExecutor, query_as, query_scalar};

use crate::{
    Subgraph,
    events::{Event, Fact, relay::Round},
};

/// Tells a subgraph that this has happened, and lets it act.
///
/// # Panics
/// If it does not take the event.
pub async fn tell(subgraph: &Subgraph, fact: Fact) -> Event {
    let event = Event::new(fact);
    receive(subgraph, &event).await;
    act_on_all(subgraph).await;
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
pub async fn act_on_all(subgraph: &Subgraph) {
    let inbox = subgraph.inbox().expect("it acts on events");
    while inbox.act(subgraph.db()).await.expect("the database answers") == Round::Moved {}
}

/// What a subgraph has told the others, in order, each event once.
///
/// # Panics
/// If its database does not answer.
pub async fn told(db: impl PgExecutor<'_>) -> Vec<Fact> {
    let events = query_scalar::<_, Value>("select event from outbox group by event_id, event order by min(position)");
    let events = events.fetch_all(db).await.expect("the database answers");
    events.into_iter().map(|event| serde_json::from_value::<Event>(event).expect("an event").fact).collect()
}

/// The types and reasons of the events that a subgraph has set aside.
///
/// # Panics
/// If its database does not answer.
pub async fn set_aside(db: impl PgExecutor<'_>) -> Vec<(String, String)> {
    let events = query_as("select type, reason from inbox where set_aside_at is not null order by position");
    events.fetch_all(db).await.expect("the database answers")
}

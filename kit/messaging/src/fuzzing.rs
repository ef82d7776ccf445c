//! Properties that hold for any input. `fuzz/` checks them with random bytes, the tests below with its corpus.

use contracts::events::Event;

use crate::inbox;

/// Checks a message from the event bus: an event survives serialization, and the inbox accepts it.
pub fn event(data: &[u8]) {
    let parsed = inbox::parse(data);
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    let written = serde_json::to_vec(&event).expect("an event is JSON");
    assert_eq!(serde_json::from_slice::<Event>(&written).expect("it is an event"), event);

    let (envelope, text) = parsed.unwrap_or_else(|_| panic!("the inbox has to accept an event"));
    assert_eq!((envelope.id, envelope.subject), (event.id, event.subject));
    assert_eq!(envelope.r#type, event.payload.event_type().name());
    assert_eq!(serde_json::from_str::<Event>(&text).expect("it is an event"), event);
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn an_event_is_the_same_when_it_is_written_and_read_again() {
        for_each_input("event", super::event);
    }
}

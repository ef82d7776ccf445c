//! The size limits of a response, and of the data that is buffered for it.

use router::ResponseSettings;
use serde_json::json;

use crate::support::{App, Options, Own, Transport};

const MAX_RESPONSE_BYTES: usize = 20_000;

fn limited(transport: Transport, max_response_bytes: usize) -> Own {
    App::own(transport, Options { responses: ResponseSettings { max_response_bytes }, ..Options::default() })
}

/// A field of a subgraph with about this many kilobytes.
fn echo(name: &str, kilobytes: usize) -> String {
    format!("{name}: echo(value: {{ text: \"repeat 3456789 \", count: {} }})", kilobytes * 1_000 / 15)
}

#[tokio::test]
async fn an_answer_is_as_large_as_it_may_be_and_no_larger() {
    for transport in [Transport::InProcess, Transport::Http] {
        let Own { app, stop, runtime: _runtime, .. } = limited(transport, MAX_RESPONSE_BYTES);

        let fits = app.query(&format!("{{ {} }}", echo("a", 15))).await;
        assert_eq!(fits.error(), None, "{}", fits.text);
        assert!(fits.text.len() > 14_000);

        let large = app.query(&format!("{{ {} courses {{ id }} }}", echo("a", 25))).await;
        assert_eq!(large.error(), Some("RESPONSE_TOO_LARGE"), "{}", large.text);
        assert_eq!(
            large.json["data"],
            json!({ "a": null, "courses": large.json["data"]["courses"] }),
            "the rest is good"
        );
        assert!(large.text.len() < MAX_RESPONSE_BYTES);
        stop.cancel();
    }
}

#[tokio::test]
async fn what_is_in_many_places_counts_in_each() {
    let Own { app, stop, runtime: _runtime, .. } = limited(Transport::InProcess, 3_500);
    // 7 teachers, in 20 positions.
    let names: Vec<_> = (0..16).map(|n| format!("a{n}: name")).collect();

    let reply = app.query(&format!("{{ courses {{ teacher {{ {} }} }} }}", names.join(" "))).await;

    assert_eq!(reply.error(), Some("RESPONSE_TOO_LARGE"), "{}", reply.text);
    assert_eq!(reply.json["data"], json!(null));
    let half = app.query(&format!("{{ courses {{ teacher {{ {} }} }} }}", names[..8].join(" "))).await;
    assert_eq!(half.error(), None, "{}", half.text);
    assert!(half.text.len() > 2_000, "{}", half.text.len());
    stop.cancel();
}

//! Live connections: their limits per client and user, how they end, and idle timeouts.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, future::join_all};
use reqwest::{RequestBuilder, Response, StatusCode};
use router::{ClientAddressSettings, LiveSettings, LiveTimeouts};
use serde_json::{Value, json};
use subgraph_testing::token;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use crate::{
    support::{App, Options, Own, Transport, changed_config, claims, claims_of, impatient_config, reply},
    websocket::{Ask, Socket, bearing, open, ready},
};

/// One event, and then none.
const ENDLESS: &str = "subscription { ticks(count: -1) }";
const BOTH: &str = "application/json, text/event-stream";
const TIMEOUT: Duration = Duration::from_secs(20);

fn limited(max_subscriptions_per_client: u32, max_subscriptions_per_user: u32) -> Own {
    let limit = |number| NonZeroU32::new(number).expect("it is not zero");
    let live = LiveSettings {
        max_subscriptions_per_client: limit(max_subscriptions_per_client),
        max_subscriptions_per_user: limit(max_subscriptions_per_user),
        ..LiveSettings::default()
    };
    let client_address = ClientAddressSettings { header: Some("x-forwarded-for".to_owned()), ..Default::default() };
    App::own(Transport::InProcess, Options { client_address, live, ..Options::default() })
}

fn token_of(user: u128) -> String {
    token(&claims_of(Uuid::from_u128(user)))
}

fn subscribe(app: &App, token: &str, accept: &str, document: &str) -> RequestBuilder {
    app.post().header("accept", accept).bearer_auth(token).json(&json!({ "query": document }))
}

/// An open stream.
struct Stream(Response);

impl Stream {
    async fn open(app: &App, token: &str) -> Self {
        let mut stream = Self(subscribe(app, token, "text/event-stream", ENDLESS).send().await.expect("an answer"));
        let first = stream.hear().await;
        assert!(first.contains(r#""ticks":1"#), "{first}");
        stream
    }

    /// The next chunk; empty at the end.
    async fn hear(&mut self) -> String {
        let chunk = timeout(TIMEOUT, self.0.chunk()).await.expect("something comes").ok().flatten();
        String::from_utf8_lossy(&chunk.unwrap_or_default()).into_owned()
    }

    async fn rest(&mut self) -> String {
        let mut text = String::new();
        loop {
            match self.hear().await {
                end if end.is_empty() => return text,
                more => text.push_str(&more),
            }
        }
    }
}

/// A socket with an open subscription.
async fn socket(app: &App, token: &str) -> Socket {
    let mut socket = ready(app, bearing(token)).await;
    socket.subscribe("s", ENDLESS).await;
    assert_eq!(socket.hear().await.expect("it stays open")["payload"]["data"]["ticks"], 1);
    socket
}

async fn is_full(app: &App, token: &str) -> bool {
    let answer = subscribe(app, token, BOTH, ENDLESS).send().await.expect("an answer");
    answer.status() == StatusCode::TOO_MANY_REQUESTS
}

/// Waits until a permit is available.
async fn until_there_is_a_place(app: &App, token: &str) {
    let begun = Instant::now();
    while is_full(app, token).await {
        assert!(begun.elapsed() < TIMEOUT, "no place was given back");
        sleep(Duration::from_millis(20)).await;
    }
    // The probing stream has to release its permit, too.
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_user_has_so_many_subscriptions_over_both_transports_together() {
    let Own { app, .. } = &limited(100, 3);
    let (alice, bob) = (&token_of(1), &token_of(2));
    let _open = (Stream::open(app, alice).await, Stream::open(app, alice).await, socket(app, alice).await);

    let answer = subscribe(app, alice, BOTH, ENDLESS).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "5");
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!(told["errors"][0]["extensions"], json!({ "code": "RATE_LIMITED", "retryAfter": 5 }), "{told}");

    // A client that accepts only streams gets the error in one.
    let told = reply(subscribe(app, alice, "text/event-stream", ENDLESS)).await;
    assert!(told.text.contains("RATE_LIMITED") && told.text.ends_with("event: complete\n\n"), "{told:?}");

    let mut another = ready(app, bearing(alice)).await;
    another.subscribe("s", ENDLESS).await;
    let told = another.hear().await.expect("the socket stays open");
    assert_eq!(told["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{told}");

    // Everything else continues.
    another.subscribe("q", "{ me { id } }").await;
    assert_eq!(another.hear().await.expect("it goes on")["type"], "next");
    assert!(app.query_as(alice, "{ me { id } }").await.json["data"]["me"].is_object());
    drop(Stream::open(app, bob).await);
}

#[tokio::test]
async fn a_place_is_given_back_however_its_stream_ends() {
    let Own { app, .. } = &limited(100, 1);
    let alice = &token_of(1);

    let stream = Stream::open(app, alice).await;
    assert!(is_full(app, alice).await);
    drop(stream);
    until_there_is_a_place(app, alice).await;

    let mut ended = socket(app, alice).await;
    assert!(is_full(app, alice).await);
    ended.say(&json!({ "type": "complete", "id": "s" })).await;
    until_there_is_a_place(app, alice).await;

    let gone = socket(app, alice).await;
    assert!(is_full(app, alice).await);
    drop(gone);
    until_there_is_a_place(app, alice).await;

    let mut soon = claims_of(Uuid::from_u128(1));
    soon.exp = soon.iat + 3;
    let mut short = Stream::open(app, &token(&soon)).await;
    assert!(is_full(app, alice).await);
    let end = short.rest().await;
    assert!(end.contains("UNAUTHENTICATED"), "{end}");
    until_there_is_a_place(app, alice).await;

    let refused = reply(subscribe(app, alice, BOTH, "subscription { courseAdded(count: 1) { id } }")).await;
    assert!(refused.text.contains("event: complete"), "{refused:?}");
    until_there_is_a_place(app, alice).await;
}

#[tokio::test]
async fn a_client_has_so_many_subscriptions_and_sockets_whoever_signs_in_there() {
    let Own { app, .. } = &limited(2, 100);
    let from = |address: &str, user| {
        subscribe(app, &token_of(user), BOTH, ENDLESS).header("x-forwarded-for", address.to_owned())
    };

    let _home = (from("192.0.2.1", 1).send().await.expect("an answer"), from("192.0.2.1", 2).send().await);
    let third = from("192.0.2.1", 3).send().await.expect("an answer");
    let elsewhere = from("192.0.2.2", 3).send().await.expect("an answer");
    let _sockets = [open(app, Ask::default()).await.expect("a socket"), open(app, Ask::default()).await.expect("one")];
    let refused = open(app, Ask::default()).await.err();

    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(third.text().await.expect("text").contains("network address"));
    assert_eq!(elsewhere.status(), StatusCode::OK);
    let Some(Error::Http(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS.as_u16());
    assert!(refused.headers().contains_key("retry-after"));
}

/// The subgraphs here are remote to the router: they do not stop with it, and would stream forever.
#[tokio::test]
async fn a_router_that_is_told_to_stop_ends_all_streams_and_begins_no_more() {
    let own = App::own(Transport::Http, Options::default());
    let (app, token) = (&own.app, &token(&claims()));
    let mut events = Stream::open(app, token).await;
    let multipart = ["multipart/mixed;subscriptionSpec=\"1.0\"", "multipart/mixed"];
    let mut parts = join_all(multipart.map(|of| subscribe(app, token, of, ENDLESS).send())).await;
    let mut live = socket(app, token).await;
    let one_after_the_other = join_all((0..20).map(|_| many_of(app, token)));

    let begun = Instant::now();
    let stopping = async {
        sleep(Duration::from_millis(300)).await;
        own.stop.cancel();
    };
    let ((), _) = tokio::join!(stopping, one_after_the_other);
    let goodbye = events.rest().await;
    for part in &mut parts {
        let part = part.as_mut().expect("a stream");
        let mut text = String::new();
        while let Some(chunk) = timeout(TIMEOUT, part.chunk()).await.expect("it ends").expect("a whole piece") {
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        assert!(text.contains("SERVICE_UNAVAILABLE") && text.trim_end().ends_with("--"), "{text}");
    }
    let closed = live.hear().await;
    let ended = tokio::task::spawn_blocking(|| own.ended.join()).await.expect("it is joined");

    assert!(goodbye.contains("SERVICE_UNAVAILABLE") && goodbye.ends_with("event: complete\n\n"), "{goodbye}");
    assert_eq!(closed, Err(1001));
    assert!(ended.expect("no panic").is_ok());
    // Before the timeout after which connections would be aborted.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Subscribes repeatedly, until the router no longer responds.
async fn many_of(app: &App, token: &str) {
    while let Ok(stream) = subscribe(app, token, "text/event-stream", ENDLESS).send().await {
        timeout(TIMEOUT, stream.bytes()).await.expect("it ends").ok();
    }
}

#[tokio::test]
async fn a_router_that_is_told_to_stop_answers_what_it_was_asked_before() {
    let Own { app, stop, ended, runtime } =
        App::own(Transport::Http, Options { config: Some(impatient_config()), ..Options::default() });

    let asked = app.query("{ slow }");
    let stopping = async {
        sleep(Duration::from_millis(200)).await;
        stop.cancel();
    };
    let (answer, ()) = tokio::join!(asked, stopping);

    assert_eq!(answer.error(), Some("SERVICE_UNAVAILABLE"), "{answer:?}");
    let ended = tokio::task::spawn_blocking(|| ended.join()).await.expect("it is joined");
    assert!(ended.expect("no panic").is_ok());
    drop(runtime);
}

#[tokio::test]
async fn a_router_whose_subscription_proxy_has_died_does_not_go_on() {
    let Own { ended, runtime, .. } = App::own(Transport::Http, Options::default());

    drop(runtime);
    let ended = tokio::task::spawn_blocking(|| ended.join()).await.expect("it is joined").expect("no panic");

    let error = ended.expect_err("it cannot go on").to_string();
    assert!(error.contains("subscription proxy"), "{error}");
}

#[tokio::test]
async fn a_subgraph_that_falls_silent_in_the_middle_ends_the_stream_and_says_so() {
    let live_timeouts = LiveTimeouts { subgraph: Duration::from_secs(1), ..LiveTimeouts::default() };
    let Own { app, .. } = &App::own(Transport::Http, Options { live_timeouts, ..Options::default() });
    let token = &token(&claims());

    let mut stream = Stream::open(app, token).await;
    let mut socket = socket(app, token).await;

    let end = stream.rest().await;
    assert!(end.contains("SERVICE_UNAVAILABLE") && end.ends_with("event: complete\n\n"), "{end}");
    let told = socket.hear().await.expect("the socket stays open");
    assert!(told.to_string().contains("SERVICE_UNAVAILABLE"), "{told}");
}

#[tokio::test]
async fn a_socket_on_which_nobody_says_who_they_are_is_closed() {
    let live_timeouts = LiveTimeouts { initialisation: Duration::from_millis(300), ..LiveTimeouts::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, Options { live_timeouts, ..Options::default() });

    let mut socket = open(app, Ask::default()).await.expect("a socket");

    assert_eq!(socket.hear().await, Err(4408));
}

#[tokio::test]
async fn who_does_not_answer_is_taken_for_gone_and_who_does_is_not() {
    let (silence, ping) = (Duration::from_secs(3), Duration::from_millis(100));
    let live_timeouts = LiveTimeouts { client: silence, ping, ..LiveTimeouts::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, Options { live_timeouts, ..Options::default() });
    let (mut silent, mut there) = (ready(app, json!({})).await, ready(app, json!({})).await);

    // A client that reads also answers pings. This takes longer than the idle timeout.
    let mut pings = 0;
    while pings < 50 {
        let heard = timeout(TIMEOUT, there.0.next()).await.expect("a ping").expect("it is open").expect("it is open");
        pings += i32::from(matches!(heard, Message::Ping(_)));
    }
    there.subscribe("q", "{ __typename }").await;

    // It reads the pings only now; answering on a closed connection may break it before it reads the close code.
    assert!(matches!(silent.hear().await, Err(1001 | 0)));
    assert_eq!(there.hear().await.expect("it is open")["type"], "next");
}

#[tokio::test]
async fn a_page_may_connect_if_it_may_read_answers() {
    let policies = "policies:\n    - origins: [\"https://listed.example\"]\n    - match_origin: ['^https://[a-z]+\\.pages\\.example$']\n";
    let config = changed_config("  enabled: false\n  policies: []\n", &format!("  enabled: true\n  {policies}"));
    let Own { app, .. } = &App::own(Transport::InProcess, Options { config: Some(config), ..Options::default() });

    for (origin, may) in [
        ("https://listed.example", true),
        ("https://some.pages.example", true),
        ("https://some.pages.example.evil.example", false),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let answer = app.post().header("origin", origin).json(&json!({ "query": "{ __typename }" })).send().await;
        let allowed = answer.expect("an answer").headers().get("access-control-allow-origin").cloned();
        let ask = Ask { origin: Some(origin.to_owned()), ..Ask::default() };

        assert_eq!(open(app, ask).await.is_ok(), may, "{origin}");
        assert_eq!(allowed.is_some_and(|allowed| allowed == origin && origin != "null"), may, "{origin}");
    }
}

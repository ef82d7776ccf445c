//! Documents that are broken at any position: the response describes the error, and contains only text of its own and
//! of this client's request, nothing of concurrent clients'.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures::{StreamExt as _, stream};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use subgraph_testing::Reply;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    support::{App, reply},
    websocket::ready,
};

/// All kinds of tokens and of definitions.
const DOCUMENT: &str = r#"query Q($f: Filter = { text: "a \"b\" \u00e9", count: -3 }, $s: Boolean! = true, $w: DateTime) {
  one: echo(value: $f, when: $w) @include(if: $s) # a comment
  two: echo(value: { text: """a "block" of text""", count: 42 }) @skip(if: false)
  ... on Query { courses { ...Title id } }
  me { id friends { name } }
}
fragment Title on Course { title }
"#;
/// The marker in other clients' documents, variables, tokens and headers.
const MARKER: &str = "MARK-of-another-client";
const RANDOM_DOCUMENTS: usize = 12_000;
const CONCURRENCY: usize = 24;
const SEED: u64 = 12;

/// The allowed error codes. Not `INTERNAL_SERVER_ERROR`.
const CODES: [&str; 5] = [
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
    "MAX_DEPTH_EXCEEDED",
    "TOKEN_LIMIT_EXCEEDED",
];

fn assert_is_clean(reply: &Reply, sent: &str) {
    assert!(reply.json.is_object(), "{sent:?}: {reply:?}");
    assert!(!reply.text.contains(MARKER), "{sent:?}: {reply:?}");
    assert!(!reply.status.is_server_error(), "{sent:?}: {reply:?}");
    for error in reply.json["errors"].as_array().into_iter().flatten() {
        assert_error_is_clean(error, sent);
    }
}

fn assert_error_is_clean(error: &Value, sent: &str) {
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    assert!(CODES.contains(&code), "{sent:?}: {error}");
    let message = error["message"].as_str().expect("a message");
    let foreign = message.chars().find(|letter| !letter.is_ascii() && !sent.contains(*letter) && *letter != '…');
    assert_eq!(foreign, None, "{sent:?}: {error}");
    assert!(!message.contains(['\u{0}', '\u{fffd}']) || sent.contains(['\u{0}', '\u{fffd}']), "{sent:?}: {error}");
}

/// Invalid documents only.
fn broken() -> Vec<String> {
    let cut = (0..DOCUMENT.len()).filter(|end| DOCUMENT.is_char_boundary(*end)).map(|end| DOCUMENT[..end].to_owned());
    let put_in = [
        "\u{0}",
        "\u{feff}\u{1}",
        "\u{1F980}",
        "\u{fffd}",
        "! !",
        "\"",
        "\"\"\"",
        "\\u{110000}",
        "\r\u{2028}",
        "$",
        "@",
    ];
    let tokens = [0, 5, 6, 7, 9, 13, 18, 27, 30, 40, 48, 52, 60, 75, 95, 120, 160, 190, 240, 290, 330];
    let with = tokens
        .into_iter()
        .filter(|at| DOCUMENT.is_char_boundary(*at))
        .flat_map(|at| put_in.map(|text| format!("{}{text}{}", &DOCUMENT[..at], &DOCUMENT[at..])));
    cut.chain(with).collect()
}

async fn post(query: &str) -> Reply {
    App::get().send(json!({ "query": query }), None).await
}

async fn get(query: &str) -> Reply {
    reply(App::get().get_page("/graphql").query(&[("query", query)]).header("x-lyceum-csrf", "1")).await
}

#[tokio::test]
async fn a_document_that_is_cut_or_has_a_token_too_many_is_the_clients_mistake() {
    assert_eq!(post(DOCUMENT).await.status, StatusCode::OK, "{:?}", post(DOCUMENT).await);
    let requests = stream::iter(broken()).map(|query| async move {
        assert_is_clean(&post(&query).await, &query);
        assert_is_clean(&get(&query).await, &query);
    });
    requests.buffer_unordered(CONCURRENCY).for_each(|()| async {}).await;
}

#[tokio::test]
async fn so_it_is_over_a_socket() {
    let mut socket = ready(App::get(), json!({})).await;
    for (number, query) in broken().into_iter().enumerate() {
        let id = number.to_string();
        socket.subscribe(&id, &query).await;

        let message = loop {
            let message = socket.hear().await.expect("the connection stays");
            if message["type"] != "complete" {
                break message;
            }
        };

        assert_eq!(message["id"], id, "{query:?}: {message}");
        assert!(!message.to_string().contains(MARKER), "{query:?}: {message}");
        for error in message["payload"].as_array().into_iter().flatten() {
            assert_error_is_clean(error, &query);
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_the_clients_mistake() {
    let body = json!({ "query": DOCUMENT }).to_string().into_bytes();
    for at in (0..body.len()).step_by(7) {
        for wrong in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\0"] {
            let body = [&body[..at], wrong, &body[at..]].concat();
            let request = App::get().post().header("content-type", "application/json").body(body.clone());

            let reply = reply(request).await;

            assert_is_clean(&reply, &String::from_utf8_lossy(&body));
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{at}: {reply:?}");
        }
    }
    for escape in ["\\ud800", "\\udc00\\ud800", "\\u12", "\\x", "\\ud83d\\u0041"] {
        let body = format!(r#"{{"query":"{{ me {escape} {{ id }} }}"}}"#);
        let request = App::get().post().header("content-type", "application/json").body(body.clone());

        let reply = reply(request).await;

        assert_is_clean(&reply, &body);
        assert!(reply.json["errors"].is_array(), "{body}: {reply:?}");
    }
    for wrong in ["%ff", "%c3", "%00", "%ed%a0%80", "%", "%zz"] {
        let address = format!("/graphql?query=%7B%20me%20{wrong}%20%7B%20id%20%7D%7D");

        let reply = reply(App::get().get_page(&address).header("x-lyceum-csrf", "1")).await;

        assert_is_clean(&reply, "\u{fffd}\u{0}");
    }
}

#[tokio::test]
async fn a_message_that_is_no_text_ends_its_socket() {
    for wrong in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80"] {
        let mut socket = ready(App::get(), json!({})).await;
        let message =
            [br#"{"type":"subscribe","id":"1","payload":{"query":"{ me "#, wrong, br#" { id } }"}}"#].concat();
        let frame = Frame::message(message, OpCode::Data(Data::Text), true);

        futures::SinkExt::send(&mut socket.0, Message::Frame(frame)).await.expect("it is sent");

        assert!(socket.hear().await.is_err());
    }
}

/// The library's parser and printer keep pieces of memory: an error must not quote one that is in use by another
/// request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_others_is_in_an_answer_to_a_broken_document() {
    let is_over = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..4).map(|number| tokio::spawn(send_the_marker(number, Arc::clone(&is_over)))).collect();
    let mut random = StdRng::seed_from_u64(SEED);
    let documents: Vec<_> = (0..RANDOM_DOCUMENTS).map(|_| random_document(&mut random)).collect();

    let rejected = AtomicUsize::new(0);
    let asked = stream::iter(&documents).map(|query| async {
        let reply = post(query).await;
        assert_is_clean(&reply, query);
        rejected.fetch_add(usize::from(reply.json["errors"].is_array()), Ordering::Relaxed);
    });
    asked.buffer_unordered(CONCURRENCY).for_each(|()| async {}).await;
    is_over.store(true, Ordering::Relaxed);

    assert!(rejected.into_inner() > RANDOM_DOCUMENTS / 2);
    let mut sent = 0;
    for other in others {
        sent += other.await.expect("the others are answered");
    }
    assert!(sent > 100, "{sent}");
}

async fn send_the_marker(number: usize, is_over: Arc<AtomicBool>) -> usize {
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        let text = format!("{MARKER}-{number}-{sent}").repeat(1 + sent % 40);
        let good = json!({ "query": format!("{{ echo(value: {{ text: {text:?} }}) }}") });
        let wrong = json!({ "query": format!("{{ echo(value: {{ text: {text:?} }} }}"), "variables": { "x": text } });
        let request = App::get().post().header("x-marker", format!("{MARKER}-{number}"));
        reply(request.json(if sent % 2 == 0 { &good } else { &wrong })).await;
        sent += 1;
    }
    sent
}

/// The document with some of its tokens duplicated, removed, moved, or replaced.
fn random_document(random: &mut StdRng) -> String {
    let pieces = [
        "! !",
        "\"",
        "\"\"\"",
        "{",
        "}",
        "$",
        "...",
        "@",
        "é",
        "\u{1F980}",
        "\u{0}",
        "\u{2028}",
        "0x1",
        "-",
        "1e",
        "#",
    ];
    let mut letters: Vec<char> = DOCUMENT.chars().collect();
    for _ in 0..random.random_range(1..6) {
        let start = random.random_range(0..letters.len());
        let end = (start + random.random_range(0..20)).min(letters.len());
        match random.random_range(0..4) {
            0 => drop(letters.drain(start..end)),
            1 => {
                let doubled: Vec<_> = letters[start..end].to_vec();
                letters.splice(start..start, doubled);
            }
            2 => letters.truncate(start.max(1)),
            _ => {
                let piece = pieces[random.random_range(0..pieces.len())];
                letters.splice(start..end, piece.chars());
            }
        }
        if letters.is_empty() {
            letters.push('{');
        }
    }
    letters.into_iter().collect()
}

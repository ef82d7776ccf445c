//! The handlers that the graph is measured beside give the same JSON.

use std::net::Ipv4Addr;

use bench::{
    by_hand::{Databases, routes},
    client::Students,
    pages::{PAGES, PURCHASE},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::system::System;

const COURSES: &str = "{ courses(first: 20, filter: { isFree: false }) { nodes { id } } }";

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_gives_what_a_handler_written_by_hand_gives() {
    let system = System::shared();
    let by_hand = serve(system).await;
    let students = Students::sign_in(&system.addresses.router).await.expect("students");

    for page in PAGES {
        students.compare(&page, &by_hand).await.unwrap_or_else(|difference| panic!("{difference:#}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_sells_what_a_handler_written_by_hand_sells() {
    // Nobody else's accounts are to have what is sold by hand.
    let system = System::start(&["--temporary"]);
    let by_hand = serve(&system).await;
    let students = Students::sign_in(&system.addresses.router).await.expect("students");
    let answer = students.anonymous().data(COURSES, json!({})).await;
    let courses: Vec<_> = answer["courses"]["nodes"].as_array().expect("a list").iter().collect();

    for course in courses {
        let input = |key: &str| json!({ "courseId": course["id"], "idempotencyKey": key });
        let [first, second, ..] = students.all() else { panic!("two students") };
        let graph = first.send(PURCHASE, json!({ "input": input("graph") })).await.json;
        let hand = students.post(&format!("{by_hand}/purchase"), second).json(&input("hand")).send().await;
        let hand: Value = hand.expect("an answer").json().await.expect("JSON");
        if is_sold(&graph) && is_sold(&hand) {
            assert_eq!(but_for_id_and_time(graph), but_for_id_and_time(hand));
            return;
        }
    }
    panic!("two students have all courses");
}

fn is_sold(answer: &Value) -> bool {
    answer["data"]["purchaseCourse"]["payment"]["status"] == "COMPLETED"
}

fn but_for_id_and_time(mut answer: Value) -> Value {
    let payment = &mut answer["data"]["purchaseCourse"]["payment"];
    for field in ["id", "createdAt"] {
        assert!(payment[field].take().is_string(), "{field}: {payment}");
    }
    answer
}

/// The handlers' URL.
async fn serve(system: &System) -> String {
    let keys = reqwest::get(&system.addresses.jwks).await.expect("the keys").json().await.expect("a key set");
    let urls = system.addresses.databases.clone().into_iter().collect();
    let databases = Databases::connect(&urls, &keys).await.expect("the databases");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let by_hand = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, routes(databases)).await });
    by_hand
}

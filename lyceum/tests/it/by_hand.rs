//! The handlers that the graph is measured beside give the same JSON.

use std::net::Ipv4Addr;

use bench::{
    by_hand::{Databases, routes},
    client::Students,
    pages::PAGES,
};
use tokio::net::TcpListener;

use crate::system::System;

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_gives_what_a_handler_written_by_hand_gives() {
    let system = System::shared();
    let keys = reqwest::get(&system.addresses.jwks).await.expect("the keys").json().await.expect("a key set");
    let urls = system.addresses.databases.clone().into_iter().collect();
    let databases = Databases::connect(&urls, &keys).await.expect("the databases");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let by_hand = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, routes(databases)).await });
    let students = Students::sign_in(&system.addresses.router).await.expect("students");

    for page in PAGES {
        students.compare(&page, &by_hand).await.unwrap_or_else(|difference| panic!("{difference:#}"));
    }
}

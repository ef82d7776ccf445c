//! A sign-in from elsewhere is told to the user.

use std::time::{Duration, Instant};

use contracts::events::EventPayload;
use serde_json::json;
use sqlx::{PgPool, query};
use subgraph_testing::{TestApp, events::published};
use tokio::time::sleep;

use crate::{
    fixtures::*,
    mailbox::Running,
    session::{EMAIL, PASSWORD, count},
};

const LOGIN: &str = "mutation ($email: String!, $password: String!) {
    login(input: { email: $email, password: $password }) { user { id } userErrors { code } }
}";
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
const HOME: &str = "192.0.2.1";
const FIREFOX: &str = "Mozilla/5.0 Firefox/151.0";

async fn sign_in(app: &TestApp, ip: &str, agent: &str, password: &str) {
    let _ = app.anonymous().at_with(ip, agent).send(LOGIN, json!({ "email": EMAIL, "password": password })).await.ok();
}

/// What the clients call themselves of which users were told.
async fn told(db: &PgPool) -> Vec<String> {
    let events = published(db).await.into_iter();
    let clients = events.filter_map(|event| match event {
        EventPayload::SignedInFromNewClient(sign_in) => Some(sign_in.client.unwrap_or_default()),
        _ => None,
    });
    clients.collect()
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_user_is_told_once_of_each_new_client(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let input = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora" });
    let _ = app.anonymous().at_with(HOME, FIREFOX).send(REGISTER, json!({ "input": input })).await.ok();

    sign_in(&app, HOME, FIREFOX, PASSWORD).await;
    sign_in(&app, HOME, "Mozilla/5.0 Firefox/152.0", PASSWORD).await;
    assert_eq!(told(&db).await, [""; 0]);
    for _ in 0..2 {
        sign_in(&app, "198.51.100.7", FIREFOX, PASSWORD).await;
        sign_in(&app, HOME, "curl/8.0", PASSWORD).await;
    }

    assert_eq!(told(&db).await, [FIREFOX, "curl/8.0"]);
    // Who does not know the password has not signed in.
    sign_in(&app, "203.0.113.1", "sqlmap", "wrong horse").await;
    assert_eq!(told(&db).await.len(), 2);
    assert_eq!(count(&db, "known_clients").await, 3);
}

/// Users of before this version have no known clients: their next one is no news.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_first_client_is_not_told(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    crate::session::insert(&db, BOB, EMAIL, &identity::password::hash_password(PASSWORD)).await;

    sign_in(&app, HOME, FIREFOX, PASSWORD).await;
    assert_eq!(told(&db).await, [""; 0]);
    sign_in(&app, "198.51.100.7", FIREFOX, PASSWORD).await;
    assert_eq!(told(&db).await, [FIREFOX]);
}

/// Nobody looks after it, so it is worth taking over.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_sign_in_to_an_account_that_was_not_used_for_long_is_told(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let input = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora" });
    let _ = running.app.anonymous().at_with(HOME, FIREFOX).send(REGISTER, json!({ "input": input })).await.ok();
    sign_in(&running.app, HOME, "curl/8.0", PASSWORD).await;
    running.stop().await;
    let age =
        "update known_clients set last_seen = now() - case when last_seen = (select max(last_seen) from known_clients)
               then interval '200 days' else interval '300 days' end";
    query(age).execute(&db).await.expect("an update");

    // Old ones are deleted at the start.
    let running = Running::start(&db, &settings()).await;
    let start = Instant::now();
    while count(&db, "known_clients").await > 1 {
        assert!(start.elapsed() < Duration::from_secs(30), "the older one is still known");
        sleep(Duration::from_millis(20)).await;
    }
    sign_in(&running.app, "203.0.113.1", "Chrome", PASSWORD).await;

    assert_eq!(told(&db).await, ["curl/8.0", "Chrome"]);
    running.stop().await;
}

//! Guessing is slow, and no client can lock another one out for good.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use identity::{
    IdentitySettings,
    throttle::{Clock, Limit, ThrottleSettings},
};
use serde_json::json;
use sqlx::{PgPool, query_scalar};
use subgraph_testing::{Reply, TestApp};

use crate::fixtures::*;

const LOGIN: &str = "mutation ($email: String!, $password: String!) {
    login(input: { email: $email, password: $password }) { session { refreshToken } userErrors { code } }
}";
const REGISTER: &str = "mutation ($input: RegisterInput!) {
    register(input: $input) { session { refreshToken } userErrors { code } }
}";
const REFRESH: &str = "mutation ($token: String!) {
    refreshSession(input: { refreshToken: $token }) { session { refreshToken } userErrors { code } }
}";

const EMAIL: &str = "dora@lyceum.example";
const PASSWORD: &str = "correct horse";
const HOME: &str = "192.0.2.1";
const OFFICE: &str = "198.51.100.1";

/// A manual clock.
#[derive(Clone, Default)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::new(move || Duration::from_secs(seconds.load(Ordering::Relaxed)))
    }
}

async fn throttled(db: PgPool, throttle: ThrottleSettings) -> TestApp {
    real_app(db, &IdentitySettings { throttle, ..settings() }).await
}

async fn login(app: &TestApp, from: &str, email: &str, password: &str) -> Reply {
    app.anonymous().at(from).send(LOGIN, json!({ "email": email, "password": password })).await
}

async fn register(app: &TestApp, from: &str, email: &str) -> Reply {
    let input = json!({ "email": email, "password": PASSWORD, "name": "Dora" });
    app.anonymous().at(from).send(REGISTER, json!({ "input": input })).await
}

async fn refresh(app: &TestApp, from: &str, token: &str) -> Reply {
    app.anonymous().at(from).send(REFRESH, json!({ "token": token })).await
}

/// Registers, and returns the refresh token.
async fn sign_up(app: &TestApp) -> String {
    refresh_token(&register(app, HOME, EMAIL).await, "register")
}

async fn sign_in(app: &TestApp, from: &str) -> String {
    refresh_token(&login(app, from, EMAIL, PASSWORD).await, "login")
}

async fn go_on(app: &TestApp, from: &str, token: &str) -> String {
    refresh_token(&refresh(app, from, token).await, "refreshSession")
}

fn refresh_token(reply: &Reply, mutation: &str) -> String {
    reply.data(&format!("/{mutation}/session/refreshToken")).as_str().expect("a session").to_owned()
}

fn is_limited(reply: &Reply) -> bool {
    reply.error() == Some("RATE_LIMITED")
}

/// Signs in from different clients until the address's limit is reached.
async fn attack(app: &TestApp, email: &str) -> u8 {
    for number in 0..=u8::MAX {
        if is_limited(&login(app, &format!("203.0.113.{number}"), email, "wrong horse").await) {
            return number;
        }
    }
    panic!("nothing stops an attacker");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn guessing_is_stopped_and_told_how_long_to_wait(db: PgPool) {
    let app = throttled(db, ThrottleSettings::default()).await;
    sign_up(&app).await;

    for _ in 0..10 {
        assert_eq!(
            login(&app, OFFICE, EMAIL, "wrong horse").await.user_errors(),
            [("INVALID_CREDENTIALS", String::new())]
        );
    }
    let reply = login(&app, OFFICE, EMAIL, PASSWORD).await;

    assert!(is_limited(&reply), "{reply:?}");
    assert_eq!(reply.json["data"], json!({ "login": null }));
    let wait = reply.json["errors"][0]["extensions"]["retryAfter"].as_u64();
    assert!(wait.is_some_and(|seconds| (1..=30).contains(&seconds)), "{reply:?}");
    assert_eq!(reply.json["errors"][0]["path"], json!(["login"]));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_refusal_does_not_tell_whether_there_is_such_an_account(db: PgPool) {
    let app = throttled(db, ThrottleSettings { clock: Time::default().clock(), ..ThrottleSettings::default() }).await;
    sign_up(&app).await;

    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@lyceum.example", "no address at all\0", &"d".repeat(65_536)] {
        let mut replies = Vec::new();
        for _ in 0..12 {
            replies.push(login(&app, OFFICE, email, "wrong horse").await.json);
        }
        answers.push(replies);
    }

    assert!(answers.iter().all(|replies| *replies == answers[0]));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_throttled_mutation_does_nothing(db: PgPool) {
    let limits =
        ThrottleSettings { registration_limit_client: Limit::per_minutes(2, 5), ..ThrottleSettings::default() };
    let app = throttled(db.clone(), limits).await;

    let mut replies = Vec::new();
    for name in ["dora", "bob", "carol"] {
        replies.push(register(&app, HOME, &format!("{name}@lyceum.example")).await);
    }

    assert_eq!(replies.iter().map(is_limited).collect::<Vec<_>>(), [false, false, true]);
    let users: i64 = query_scalar("select count(*) from users").fetch_one(&db).await.expect("a count");
    let sessions: i64 = query_scalar("select count(*) from sessions").fetch_one(&db).await.expect("a count");
    assert_eq!((users, sessions), (2, 2));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_document_with_many_sign_ins_is_many_sign_ins(db: PgPool) {
    let app = throttled(db, ThrottleSettings::default()).await;
    sign_up(&app).await;
    let sign_in = format!("login(input: {{ email: {EMAIL:?}, password: \"a guess\" }}) {{ userErrors {{ code }} }}");
    let fields: Vec<_> = (0..30).map(|number| format!("a{number}: {sign_in}")).collect();

    let reply = app.anonymous().at(OFFICE).send(&format!("mutation {{ {} }}", fields.join(" ")), json!({})).await;

    assert!(is_limited(&reply), "{reply:?}");
    assert!(is_limited(&login(&app, OFFICE, EMAIL, PASSWORD).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn nobody_is_locked_out_for_good(db: PgPool) {
    let time = Time::default();
    let app = throttled(db, ThrottleSettings { clock: time.clock(), ..ThrottleSettings::default() }).await;
    let token = sign_up(&app).await;

    let attempts = attack(&app, EMAIL).await;
    assert!((10..=50).contains(&attempts), "{attempts}");

    assert!(is_limited(&login(&app, OFFICE, EMAIL, PASSWORD).await), "a client that nobody knows");
    sign_in(&app, HOME).await;
    let token = go_on(&app, HOME, &token).await;

    time.pass(20);
    sign_in(&app, OFFICE).await;
    attack(&app, EMAIL).await;
    sign_in(&app, OFFICE).await;
    go_on(&app, HOME, &token).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_session_makes_the_places_known_where_it_is_refreshed(db: PgPool) {
    let app = throttled(db, ThrottleSettings { clock: Time::default().clock(), ..ThrottleSettings::default() }).await;
    let token = sign_up(&app).await;

    go_on(&app, OFFICE, &token).await;
    attack(&app, EMAIL).await;

    sign_in(&app, OFFICE).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn one_client_alone_keeps_nobody_out(db: PgPool) {
    let time = Time::default();
    let app = throttled(db, ThrottleSettings { clock: time.clock(), ..ThrottleSettings::default() }).await;
    sign_up(&app).await;

    for _ in 0..60 {
        for _ in 0..3 {
            login(&app, "203.0.113.1", EMAIL, "wrong horse").await;
        }
        time.pass(30);
    }

    sign_in(&app, OFFICE).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn sessions_are_refreshed_so_often_and_not_more(db: PgPool) {
    let time = Time::default();
    let app = throttled(db, ThrottleSettings { clock: time.clock(), ..ThrottleSettings::default() }).await;
    let mut token = sign_up(&app).await;

    for _ in 0..10 {
        token = go_on(&app, HOME, &token).await;
    }

    assert!(is_limited(&refresh(&app, HOME, &token).await));
    time.pass(30);
    go_on(&app, HOME, &token).await;
}

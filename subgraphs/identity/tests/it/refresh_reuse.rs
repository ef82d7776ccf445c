//! A refresh token that is used a second time: another tab was faster, the answer was lost, or it was stolen.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use identity::IdentitySettings;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply, TestApp};

use crate::{
    fixtures::*,
    session::{count, has_expired, register_dora, text},
};

const REFRESH: &str = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) {
    session { accessToken refreshToken } userErrors { code message field }
} }";

const HOME: &str = "192.0.2.1";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn refresh(client: &Client, token: &str) -> Reply {
    client.send(REFRESH, json!({ "token": token })).await.ok()
}

fn next(reply: &Reply) -> String {
    text(reply, "/refreshSession/session/refreshToken").to_owned()
}

async fn first_token(app: &TestApp) -> String {
    text(&register_dora(app).await, "/register/session/refreshToken").to_owned()
}

/// As if all this had been so long ago.
async fn let_pass(db: &PgPool, time: &str) {
    let statement = format!("update sessions set last_used_at = last_used_at - interval '{time}'");
    query(AssertSqlSafe(statement)).execute(db).await.expect("an update");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn two_tabs_that_refresh_at_once_get_the_same_successor(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.anonymous().at_with(HOME, FIREFOX);
    let mut token = first_token(&app).await;

    for _ in 0..10 {
        let replies = join_all((0..2).map(|_| refresh(&browser, &token))).await;

        let successors: Vec<_> = replies.iter().map(next).collect();
        assert_eq!(successors[0], successors[1]);
        assert_ne!(successors[0], token);
        token.clone_from(&successors[0]);
    }
    assert_eq!(count(&db, "sessions").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_client_that_lost_the_answer_gets_it_again(db: PgPool) {
    let app = app(db.clone()).await;
    let phone = app.anonymous().at_with(HOME, FIREFOX);
    let token = first_token(&app).await;
    let lost = next(&refresh(&phone, &token).await);

    for _ in 0..3 {
        let_pass(&db, "2 s").await;
        assert_eq!(next(&refresh(&phone, &token).await), lost);
    }
    assert_ne!(next(&refresh(&phone, &lost).await), lost, "the session goes on");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn after_the_window_the_session_ends(db: PgPool) {
    let app = app(db.clone()).await;
    let phone = app.anonymous().at_with(HOME, FIREFOX);
    let token = first_token(&app).await;
    let successor = next(&refresh(&phone, &token).await);
    let_pass(&db, "11 s").await;

    assert!(has_expired(&refresh(&phone, &token).await));
    assert!(has_expired(&refresh(&phone, &successor).await));
    assert_eq!(count(&db, "sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn another_client_ends_the_session(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.anonymous().at_with(HOME, FIREFOX);
    let elsewhere = app.anonymous().at_with("198.51.100.1", FIREFOX);
    let other_program = app.anonymous().at_with(HOME, "curl/8.0");

    for thief in [elsewhere, other_program, app.anonymous().at(HOME), app.anonymous()] {
        let token = first_token(&app).await;
        let successor = next(&refresh(&browser, &token).await);

        assert!(has_expired(&refresh(&thief, &token).await));
        assert!(has_expired(&refresh(&browser, &successor).await), "the family has ended");
        query("delete from users").execute(&db).await.expect("a deletion");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_whose_successor_was_used_ends_the_session(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.anonymous().at_with(HOME, FIREFOX);
    let first = first_token(&app).await;
    let second = next(&refresh(&browser, &first).await);
    let third = next(&refresh(&browser, &second).await);

    assert_eq!(next(&refresh(&browser, &second).await), third);
    assert!(has_expired(&refresh(&browser, &first).await));
    assert_eq!(count(&db, "sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn without_a_window_no_token_works_twice(db: PgPool) {
    let app = real_app(db.clone(), &IdentitySettings { refresh_reuse_seconds: 0, ..settings() }).await;
    let browser = app.anonymous().at_with(HOME, FIREFOX);
    let token = first_token(&app).await;
    refresh(&browser, &token).await;

    assert!(has_expired(&refresh(&browser, &token).await));
    assert_eq!(count(&db, "sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn what_a_process_of_an_earlier_version_has_refreshed_is_not_repeated(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.anonymous().at_with(HOME, FIREFOX);
    let token = first_token(&app).await;
    refresh(&browser, &token).await;
    query("update sessions set refresh_token_hash = sha256('another')").execute(&db).await.expect("an update");

    assert!(has_expired(&refresh(&browser, &token).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_session_ends_however_often_it_is_refreshed(db: PgPool) {
    let settings = IdentitySettings { session_days: 30, session_max_days: 60, ..settings() };
    let app = real_app(db.clone(), &settings).await;
    let token = first_token(&app).await;
    let age = |days: u32| format!("update sessions set created_at = now() - interval '{days} days'");

    query(AssertSqlSafe(age(59))).execute(&db).await.expect("an update");
    let token = next(&refresh(&app.anonymous(), &token).await);
    let end: DateTime<Utc> = query_scalar("select expires_at from sessions").fetch_one(&db).await.expect("a session");
    assert!((Utc::now() + TimeDelta::days(1) - end).abs() < TimeDelta::minutes(1), "{end}");

    query(AssertSqlSafe(age(61))).execute(&db).await.expect("an update");
    assert!(has_expired(&refresh(&app.anonymous(), &token).await));
    assert_eq!(count(&db, "sessions").await, 0);
}

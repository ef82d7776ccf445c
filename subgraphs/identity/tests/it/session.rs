use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    UserId,
    events::{EventPayload, Registration},
};
use futures::future::join_all;
use identity::{IdentitySettings, password::hash_password};
use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Reply, TestApp, events::published};
use uuid::Uuid;

use crate::fixtures::*;

const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    session { accessToken tokenType expiresAt refreshToken }
    user { id name role isVerified email }
    userErrors { code message field }
} }";

const LOGIN: &str =
    "mutation ($email: String!, $password: String!) { login(input: { email: $email, password: $password }) {
    session { accessToken tokenType expiresAt refreshToken }
    user { id name email }
    userErrors { code message field }
} }";

const REFRESH: &str = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) {
    session { accessToken refreshToken } userErrors { code message field }
} }";

const LOGOUT: &str =
    "mutation ($token: String!) { logout(input: { refreshToken: $token }) { userErrors { code message field } } }";

pub const EMAIL: &str = "dora@lyceum.example";
pub const PASSWORD: &str = "correct horse";
/// The end of a password that begins with an umlaut.
const KALE: &str = "nkohl und Pinkel";

pub async fn register(app: &TestApp, input: Value) -> Reply {
    app.anonymous().send(REGISTER, json!({ "input": input })).await.ok()
}

pub async fn register_dora(app: &TestApp) -> Reply {
    register(app, json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora" })).await
}

pub async fn login(app: &TestApp, email: &str, password: &str) -> Reply {
    app.anonymous().send(LOGIN, json!({ "email": email, "password": password })).await.ok()
}

pub async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.anonymous().send(REFRESH, json!({ "token": token })).await.ok()
}

pub async fn log_out(app: &TestApp, token: &str) {
    let reply = app.anonymous().send(LOGOUT, json!({ "token": token })).await.ok();

    assert!(reply.user_errors().is_empty(), "{reply:?}");
}

pub fn has_expired(reply: &Reply) -> bool {
    reply.user_errors() == [("SESSION_EXPIRED", String::new())] && reply.data("/refreshSession/session").is_null()
}

pub async fn insert(db: &PgPool, id: Uuid, email: &str, password_hash: &str) {
    query("insert into users (id, email, password_hash, name) values ($1, $2, $3, 'Somebody')")
        .bind(id)
        .bind(email)
        .bind(password_hash)
        .execute(db)
        .await
        .expect("a user");
}

async fn password_hash(db: &PgPool, id: Uuid) -> String {
    query_scalar("select password_hash from users where id = $1").bind(id).fetch_one(db).await.expect("a hash")
}

pub async fn count(db: &PgPool, table: &str) -> i64 {
    query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(db).await.expect("a count")
}

pub fn text<'a>(reply: &'a Reply, pointer: &str) -> &'a str {
    reply.data(pointer).as_str().expect("a text")
}

pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

fn bcrypt_hash() -> String {
    bcrypt::hash(PASSWORD, 4).expect("a hash")
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn others_are_told_of_a_registration_and_of_nothing_that_failed(db: PgPool) {
    let app = app(db.clone()).await;
    let id = register_dora(&app).await.data("/register/user/id").as_str().and_then(|id| id.parse().ok());
    register_dora(&app).await;

    let registration = Registration { user_id: UserId(id.expect("an id")), name: "Dora".to_owned() };
    assert_eq!(published(&db).await, [EventPayload::UserRegistered(registration)]);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn who_registers_can_sign_in_and_is_me(db: PgPool) {
    let app = real_app(db, &settings()).await;

    let registered = register_dora(&app).await;
    let signed_in = login(&app, EMAIL, PASSWORD).await;

    for token in [text(&registered, "/register/session/accessToken"), text(&signed_in, "/login/session/accessToken")] {
        let me = bearer(&app, token).send("{ me { id name role isVerified email } }", json!({})).await.ok();

        assert_eq!(me.data("/me"), registered.data("/register/user"));
    }
    assert_eq!(*registered.data("/register/user/role"), json!("STUDENT"));
    assert_eq!(*registered.data("/register/user/isVerified"), json!(false));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn who_signs_up_or_in_sees_their_own_address_at_once(db: PgPool) {
    let app = app(db).await;

    assert_eq!(*register_dora(&app).await.data("/register/user/email"), json!(EMAIL));
    assert_eq!(*login(&app, EMAIL, PASSWORD).await.data("/login/user/email"), json!(EMAIL));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_says_who_it_is_for_how_long_and_as_what(db: PgPool) {
    let app = app(db).await;

    let reply =
        register(&app, json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora", "role": "TEACHER" })).await;
    let claims = claims(text(&reply, "/register/session/accessToken"));
    let expires_at: DateTime<Utc> = text(&reply, "/register/session/expiresAt").parse().expect("a time");

    assert_eq!(*reply.data("/register/session/tokenType"), json!("Bearer"));
    assert_eq!(claims["sub"], *reply.data("/register/user/id"));
    assert_eq!(claims["role"], json!("teacher"));
    assert_eq!(claims["is_verified"], json!(false));
    assert_eq!(claims["exp"], json!(expires_at.timestamp()));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
    assert!(!claims.to_string().contains('@'), "{claims}");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn all_faults_of_an_input_are_named_at_once(db: PgPool) {
    let app = app(db.clone()).await;

    let reply = register(&app, json!({ "email": "dora", "password": "1234567", "name": " " })).await;

    assert_eq!(
        reply.user_errors(),
        [
            ("INVALID_INPUT", "email".to_owned()),
            ("INVALID_INPUT", "password".to_owned()),
            ("INVALID_INPUT", "name".to_owned()),
        ],
    );
    assert_eq!(*reply.data("/register/userErrors/0/field"), json!(["input", "email"]));
    assert_eq!(*reply.data("/register/session"), Value::Null);
    assert_eq!(*reply.data("/register/user"), Value::Null);
    assert_eq!(count(&db, "users").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn bad_input_is_refused_and_blamed(db: PgPool) {
    let app = app(db.clone()).await;
    let good = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora" });

    for (field, value) in [
        ("email", "x".repeat(250) + "@lyceum.example"),
        ("email", "dora@lyceum.example\0".to_owned()),
        ("email", "dora@lyceum.example\r\nBcc: bob@lyceum.example".to_owned()),
        ("email", "d".repeat(65_536)),
        ("email", "do\u{3164}ra@lyceum.example".to_owned()),
        ("email", "dora\u{FFA0}@lyceum.example".to_owned()),
        ("email", "\"dora\"@lyceum.example".to_owned()),
        ("password", "1234567".to_owned()),
        ("password", "x".repeat(129)),
        ("password", "x".repeat(100_000)),
        ("password", "12345678".to_owned()),
        ("password", "PassWord".to_owned()),
        ("password", EMAIL.to_uppercase()),
        ("name", String::new()),
        ("name", "x".repeat(256)),
        ("name", "Do\0ra".to_owned()),
    ] {
        let mut input = good.clone();
        input[field] = json!(value);

        let reply = register(&app, input).await;

        assert_eq!(reply.user_errors(), [("INVALID_INPUT", field.to_owned())]);
    }
    assert_eq!(count(&db, "users").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_address_is_taken_in_any_letter_case(db: PgPool) {
    let app = app(db.clone()).await;
    register_dora(&app).await;

    for email in [EMAIL, "Dora@Lyceum.Example", "DORA@LYCEUM.EXAMPLE"] {
        let reply = register(&app, json!({ "email": email, "password": PASSWORD, "name": "Another Dora" })).await;

        assert_eq!(reply.user_errors(), [("EMAIL_TAKEN", "email".to_owned())]);
        assert_eq!(*reply.data("/register/session"), Value::Null);
    }
    assert_eq!(count(&db, "users").await, 1);
    assert_eq!(count(&db, "sessions").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn of_ten_who_take_an_address_at_once_one_wins(db: PgPool) {
    let app = app(db.clone()).await;
    let emails = (0..10).map(|number| if number % 2 == 0 { EMAIL } else { "DORA@lyceum.example" });

    let attempts = emails.map(|email| register(&app, json!({ "email": email, "password": PASSWORD, "name": "Dora" })));
    let replies = join_all(attempts).await;

    let refused = |reply: &&Reply| reply.user_errors() == [("EMAIL_TAKEN", "email".to_owned())];
    assert_eq!(replies.iter().filter(refused).count(), 9);
    assert_eq!(count(&db, "users").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn nobody_signs_up_as_an_admin(db: PgPool) {
    let app = app(db).await;
    let input = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora", "role": "ADMIN" });

    let reply = app.anonymous().send(REGISTER, json!({ "input": input })).await;

    assert!(reply.error().is_some(), "{reply:?}");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_unknown_address_and_a_wrong_password_get_the_same_answer(db: PgPool) {
    let app = app(db).await;
    register_dora(&app).await;

    let wrong_password = login(&app, EMAIL, "wrong horse").await;
    let unknown_address = login(&app, "nobody@lyceum.example", PASSWORD).await;

    assert_eq!(wrong_password.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    assert_eq!(wrong_password.json, unknown_address.json);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn whatever_cannot_be_an_account_gets_that_answer_too(db: PgPool) {
    let app = app(db).await;
    register_dora(&app).await;
    let expected = login(&app, "nobody@lyceum.example", PASSWORD).await;

    for (email, password) in [
        ("", ""),
        ("dora@lyceum.example\0", PASSWORD),
        ("dora\n@lyceum.example", PASSWORD),
        (&"d".repeat(65_536), PASSWORD),
        (EMAIL, ""),
        (EMAIL, "correct horse\0"),
        (EMAIL, &"x".repeat(129)),
        (EMAIL, &"x".repeat(100_000)),
    ] {
        assert_eq!(login(&app, email, password).await.json, expected.json);
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn signing_in_works_in_any_letter_case(db: PgPool) {
    let app = app(db).await;
    register(&app, json!({ "email": "Dora@Lyceum.Example", "password": PASSWORD, "name": "Dora" })).await;

    for email in [EMAIL, "Dora@Lyceum.Example"] {
        assert_eq!(*login(&app, email, PASSWORD).await.data("/login/user/email"), json!(EMAIL));
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn blanks_around_an_address_do_not_matter(db: PgPool) {
    let app = app(db.clone()).await;
    register(&app, json!({ "email": " dora@lyceum.example\n", "password": PASSWORD, "name": "Dora" })).await;

    for email in [" dora@lyceum.example", "dora@lyceum.example ", "\tDora@lyceum.example\r\n"] {
        assert_eq!(*login(&app, email, PASSWORD).await.data("/login/user/email"), json!(EMAIL), "{email:?}");
    }
    let taken = register(&app, json!({ "email": "dora@lyceum.example ", "password": PASSWORD, "name": "Dora" })).await;
    assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())]);
    assert_eq!(count(&db, "users").await, 1);
}

const UNICODE: &str = "bob@bücher.example";
const PUNYCODE: &str = "bob@xn--bcher-kva.example";

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_domain_in_unicode_and_in_ascii_is_one_account(db: PgPool) {
    for first in [UNICODE, PUNYCODE] {
        let app = app(db.clone()).await;
        let registered = register(&app, json!({ "email": first, "password": PASSWORD, "name": "Bob" })).await;
        assert_eq!(*registered.data("/register/user/email"), json!(PUNYCODE));

        for typed in [UNICODE, PUNYCODE, "BOB@BÜCHER.example"] {
            assert_eq!(*login(&app, typed, PASSWORD).await.data("/login/user/email"), json!(PUNYCODE), "{typed}");
            let taken = register(&app, json!({ "email": typed, "password": PASSWORD, "name": "Bob" })).await;
            assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())], "{typed}");
        }
        query("delete from users").execute(&db).await.expect("a deletion");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_account_that_an_earlier_version_stored_in_unicode_is_the_same(db: PgPool) {
    let app = app(db.clone()).await;
    insert(&db, BOB, UNICODE, &bcrypt_hash()).await;

    for typed in [UNICODE, PUNYCODE] {
        assert_eq!(*login(&app, typed, PASSWORD).await.data("/login/user/id"), json!(BOB), "{typed}");
        let taken = register(&app, json!({ "email": typed, "password": PASSWORD, "name": "Bob" })).await;
        assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())], "{typed}");
    }
    assert_eq!(count(&db, "users").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_domain_needs_a_dot_unless_the_settings_say_otherwise(db: PgPool) {
    let input = json!({ "email": "a@b", "password": PASSWORD, "name": "A" });

    let reply = register(&app(db.clone()).await, input.clone()).await;
    assert_eq!(reply.user_errors(), [("INVALID_INPUT", "email".to_owned())]);

    let lenient = real_app(db, &IdentitySettings { email_domain_needs_dot: false, ..settings() }).await;
    assert_eq!(*register(&lenient, input).await.data("/register/user/email"), json!("a@b"));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_password_is_the_same_on_each_keyboard(db: PgPool) {
    let (composed, decomposed) = (&format!("gr\u{fc}{KALE}"), &format!("gru\u{308}{KALE}"));
    for (chosen, typed) in [(composed, decomposed), (decomposed, composed)] {
        let app = app(db.clone()).await;
        register(&app, json!({ "email": EMAIL, "password": chosen, "name": "Dora" })).await;

        assert_eq!(*login(&app, EMAIL, typed).await.data("/login/user/email"), json!(EMAIL));
        query("delete from users").execute(&db).await.expect("a deletion");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_hash_of_a_password_as_it_was_typed_is_good_once_more_and_replaced(db: PgPool) {
    let app = app(db.clone()).await;
    let (composed, decomposed) = (&format!("gr\u{fc}{KALE}"), &format!("gru\u{308}{KALE}"));
    insert(&db, BOB, "bob@lyceum.example", &bcrypt::hash(decomposed, 4).expect("a hash")).await;
    assert_eq!(
        login(&app, "bob@lyceum.example", composed).await.user_errors(),
        [("INVALID_CREDENTIALS", String::new())]
    );

    for typed in [decomposed, composed] {
        assert_eq!(*login(&app, "bob@lyceum.example", typed).await.data("/login/user/id"), json!(BOB));
    }
    assert!(password_hash(&db, BOB).await.starts_with("$argon2id$"));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn accounts_that_differ_in_letter_case_alone_sign_in_as_written(db: PgPool) {
    let app = app(db.clone()).await;
    insert(&db, BOB, "Bob@lyceum.example", &bcrypt_hash()).await;
    insert(&db, CAROL, "bob@lyceum.example", &bcrypt_hash()).await;

    for (email, expected) in [("Bob@lyceum.example", BOB), ("bob@lyceum.example", CAROL), ("BOB@lyceum.example", CAROL)]
    {
        assert_eq!(*login(&app, email, PASSWORD).await.data("/login/user/id"), json!(expected), "{email}");
    }
    let taken = register(&app, json!({ "email": "Bob@lyceum.example", "password": PASSWORD, "name": "Bob" })).await;
    assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn nobody_registers_over_an_account_of_the_legacy_system_in_other_letter_case(db: PgPool) {
    let app = app(db.clone()).await;
    insert(&db, BOB, "Bob@Lyceum.example", &bcrypt_hash()).await;

    for email in ["bob@lyceum.example", "Bob@Lyceum.example", "BOB@LYCEUM.EXAMPLE", " boB@lyceum.example "] {
        let taken = register(&app, json!({ "email": email, "password": PASSWORD, "name": "Mallory" })).await;
        assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())], "{email}");
        assert_eq!(*login(&app, email, PASSWORD).await.data("/login/user/id"), json!(BOB), "{email}");
    }
    assert_eq!(count(&db, "users").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_address_that_may_mean_two_accounts_means_neither(db: PgPool) {
    let app = app(db.clone()).await;
    insert(&db, BOB, "Bob@lyceum.example", &bcrypt_hash()).await;
    insert(&db, CAROL, "BOB@lyceum.example", &bcrypt_hash()).await;

    let neither = login(&app, "bob@lyceum.example", PASSWORD).await;
    assert_eq!(neither.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    for (email, id) in [("Bob@lyceum.example", BOB), ("BOB@lyceum.example", CAROL)] {
        assert_eq!(*login(&app, email, PASSWORD).await.data("/login/user/id"), json!(id), "{email}");
    }
    let taken = register(&app, json!({ "email": "bob@lyceum.example", "password": PASSWORD, "name": "Bob" })).await;
    assert_eq!(taken.user_errors(), [("EMAIL_TAKEN", "email".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_bcrypt_hash_is_replaced_at_the_first_sign_in(db: PgPool) {
    let app = app(db.clone()).await;
    let bcrypt_hash = bcrypt_hash();
    insert(&db, BOB, "bob@lyceum.example", &bcrypt_hash).await;

    login(&app, "bob@lyceum.example", "wrong horse").await;
    assert_eq!(password_hash(&db, BOB).await, bcrypt_hash);

    assert_eq!(*login(&app, "bob@lyceum.example", PASSWORD).await.data("/login/user/id"), json!(BOB));
    let replaced = password_hash(&db, BOB).await;
    assert!(replaced.starts_with("$argon2id$"), "{replaced}");

    assert_eq!(*login(&app, "bob@lyceum.example", PASSWORD).await.data("/login/user/id"), json!(BOB));
    assert_eq!(password_hash(&db, BOB).await, replaced);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn all_who_sign_in_at_once_to_an_imported_account_get_in(db: PgPool) {
    let app = app(db.clone()).await;
    insert(&db, BOB, "bob@lyceum.example", &bcrypt_hash()).await;

    let replies = join_all((0..5).map(|_| login(&app, "bob@lyceum.example", PASSWORD))).await;

    for reply in replies {
        assert_eq!(*reply.data("/login/user/id"), json!(BOB), "{reply:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn other_parameters_are_applied_at_the_next_sign_in(db: PgPool) {
    let app = real_app(
        db.clone(),
        &IdentitySettings { password_memory_kib: 2_048, password_argon2_iterations: 3, ..settings() },
    )
    .await;
    insert(&db, BOB, "bob@lyceum.example", &hash_password(PASSWORD)).await;

    login(&app, "bob@lyceum.example", PASSWORD).await;

    let replaced = password_hash(&db, BOB).await;
    assert!(replaced.starts_with("$argon2id$v=19$m=2048,t=3,p=1$"), "{replaced}");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_session_lasts_as_the_settings_say_and_ends_with_its_user(db: PgPool) {
    let app = real_app(db.clone(), &IdentitySettings { session_days: 7, ..settings() }).await;
    register_dora(&app).await;
    login(&app, EMAIL, PASSWORD).await;

    let ends: Vec<DateTime<Utc>> =
        query_scalar("select expires_at from sessions").fetch_all(&db).await.expect("sessions");
    assert_eq!(ends.len(), 2);
    for end in ends {
        assert!((Utc::now() + TimeDelta::days(7) - end).abs() < TimeDelta::minutes(1));
    }

    query("delete from users").execute(&db).await.expect("a deletion");
    assert_eq!(count(&db, "sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_refresh_token_is_stored_as_a_hash_alone(db: PgPool) {
    let app = app(db.clone()).await;

    let reply = register_dora(&app).await;
    let token = text(&reply, "/register/session/refreshToken");
    let secret = &BASE64_URL_SAFE_NO_PAD.decode(token).expect("base64")[16..];
    let stored: Vec<u8> = query_scalar("select refresh_token_hash from sessions").fetch_one(&db).await.expect("a hash");

    assert_eq!(secret.len(), 32);
    assert_eq!(stored.len(), 32);
    assert_ne!(stored, secret);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_refresh_gives_tokens_that_work(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let mut token = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();

    for _ in 0..3 {
        let reply = refresh(&app, &token).await;
        let access_token = text(&reply, "/refreshSession/session/accessToken");
        let me = bearer(&app, access_token).send("{ me { email } }", json!({})).await.ok();

        assert_eq!(*me.data("/me/email"), json!(EMAIL));
        text(&reply, "/refreshSession/session/refreshToken").clone_into(&mut token);
    }
    assert_eq!(count(&db, "sessions").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_second_use_of_a_refresh_token_ends_the_session(db: PgPool) {
    let app = real_app(db.clone(), &IdentitySettings { refresh_reuse_seconds: 0, ..settings() }).await;
    let old = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();
    let other = text(&login(&app, EMAIL, PASSWORD).await, "/login/session/refreshToken").to_owned();

    let next = text(&refresh(&app, &old).await, "/refreshSession/session/refreshToken").to_owned();

    assert!(has_expired(&refresh(&app, &old).await));
    assert!(has_expired(&refresh(&app, &next).await));
    assert!(!has_expired(&refresh(&app, &other).await), "another session goes on");
    assert_eq!(count(&db, "sessions").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn of_two_who_refresh_at_once_at_most_one_wins_and_the_session_ends(db: PgPool) {
    let app = real_app(db.clone(), &IdentitySettings { refresh_reuse_seconds: 0, ..settings() }).await;
    let token = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();

    let replies = join_all((0..10).map(|_| refresh(&app, &token))).await;

    assert!(replies.iter().filter(|reply| !has_expired(reply)).count() <= 1);
    for reply in replies.iter().filter(|reply| !has_expired(reply)) {
        assert!(has_expired(&refresh(&app, text(reply, "/refreshSession/session/refreshToken")).await));
    }
    assert_eq!(count(&db, "sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn logging_out_ends_the_session_even_by_an_old_token(db: PgPool) {
    let app = app(db).await;
    let old = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();
    let next = text(&refresh(&app, &old).await, "/refreshSession/session/refreshToken").to_owned();

    log_out(&app, &old).await;

    assert!(has_expired(&refresh(&app, &next).await));
    log_out(&app, &next).await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_session_that_is_over_cannot_be_refreshed_and_is_cleared_away(db: PgPool) {
    let app = app(db.clone()).await;
    let token = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();
    login(&app, EMAIL, PASSWORD).await;
    query("update sessions set expires_at = now() - interval '1 second'").execute(&db).await.expect("an update");

    assert!(has_expired(&refresh(&app, &token).await));
    login(&app, EMAIL, PASSWORD).await;
    assert_eq!(count(&db, "sessions").await, 1);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_refresh_says_what_the_user_is_by_now(db: PgPool) {
    let app = app(db.clone()).await;
    let input = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora", "role": "TEACHER" });
    let token = text(&register(&app, input).await, "/register/session/refreshToken").to_owned();
    query("update users set is_verified = true").execute(&db).await.expect("an update");

    let reply = refresh(&app, &token).await;

    assert_eq!(claims(text(&reply, "/refreshSession/session/accessToken"))["is_verified"], json!(true));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_deleted_persons_refresh_fails(db: PgPool) {
    let app = app(db.clone()).await;
    let token = text(&register_dora(&app).await, "/register/session/refreshToken").to_owned();
    query("delete from users").execute(&db).await.expect("a deletion");

    assert!(has_expired(&refresh(&app, &token).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn what_is_no_refresh_token_is_an_ended_session(db: PgPool) {
    let app = app(db).await;
    let reply = register_dora(&app).await;
    let token = text(&reply, "/register/session/refreshToken");

    for text in ["", "\0", "nonsense", &token[1..], &format!("{token}AA"), &"A".repeat(64), &"A".repeat(100_000)] {
        assert!(has_expired(&refresh(&app, text).await), "{}", text.len());
        log_out(&app, text).await;
    }
    assert!(!has_expired(&refresh(&app, token).await));
}

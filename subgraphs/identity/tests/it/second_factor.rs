//! A second factor: an app that shows codes, and recovery codes.

use std::time::Duration;

use auth::{seal::SealSettings, secret::Secret};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::events::{EventPayload, SecondFactorChange};
use futures::future::{join, join_all};
use identity::{
    IdentitySettings, Keys,
    admin::{self, Change},
    throttle::{Clock, ThrottleSettings},
};
use messaging::EventSettings;
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, TestApp, events::published};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use totp_rs::Builder;
use uuid::Uuid;

use crate::{
    fixtures::*,
    mailbox::{Running, mails, sent},
    session::{EMAIL, PASSWORD, count, has_expired, insert, refresh, register_dora, text},
};

const SET_UP: &str = "mutation ($password: String!) { setUpSecondFactor(input: { password: $password }) {
    setup { secret uri expiresAt } userErrors { code message field }
} }";
const ENABLE: &str = "mutation ($code: String!) { enableSecondFactor(input: { secondFactorCode: $code }) {
    user { email secondFactor { isEnabled recoveryCodesLeft } } recoveryCodes userErrors { code message field }
} }";
const DISABLE: &str = "mutation ($password: String!, $code: String!) {
    disableSecondFactor(input: { password: $password, secondFactorCode: $code }) {
        user { secondFactor { isEnabled enabledAt recoveryCodesLeft } } userErrors { code message field }
    }
}";
const REPLACE: &str = "mutation ($password: String!, $code: String!) {
    replaceRecoveryCodes(input: { password: $password, secondFactorCode: $code }) {
        recoveryCodes userErrors { code message field }
    }
}";
const LOGIN: &str = "mutation ($email: String!, $password: String!, $code: String) {
    login(input: { email: $email, password: $password, secondFactorCode: $code }) {
        session { accessToken refreshToken } user { id email } userErrors { code message field }
    }
}";
const STATE: &str = "{ me { secondFactor { isEnabled enabledAt recoveryCodesLeft } } }";

const HOME: &str = "192.0.2.1";
const NEW_PASSWORD: &str = "battery staple";
const RESET: &str = "mutation ($token: String!, $new: String!) {
    resetPassword(input: { token: $token, newPassword: $new }) { userErrors { code } }
}";

/// Dora with a second factor.
struct Dora {
    app: TestApp,
    db: PgPool,
    /// Signed in since before she had it.
    client: Client,
    /// In base32.
    secret: String,
    recovery_codes: Vec<String>,
}

/// What an app shows so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("base32");
    let time = Utc::now().timestamp() + 30 * steps;
    Builder::new().with_secret(secret).build_noncompliant().generate(time.try_into().expect("a time")).to_string()
}

/// A code that is none of those around now.
fn wrong_code(secret: &str) -> String {
    let near: Vec<_> = (-3..=3).map(|steps| code(secret, steps)).collect();
    (0..10).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).expect("most codes are wrong")
}

fn current_step() -> i64 {
    Utc::now().timestamp() / 30
}

async fn set_up(client: &Client) -> String {
    let reply = client.send(SET_UP, json!({ "password": PASSWORD })).await.ok();
    text(&reply, "/setUpSecondFactor/setup/secret").to_owned()
}

async fn enable(client: &Client, code: &str) -> Reply {
    client.send(ENABLE, json!({ "code": code })).await.ok()
}

async fn prove(client: &Client, document: &str, password: &str, code: &str) -> Reply {
    client.send(document, json!({ "password": password, "code": code })).await.ok()
}

async fn login_at(app: &TestApp, ip: &str, email: &str, password: &str, code: Option<&str>) -> Reply {
    app.anonymous().at(ip).send(LOGIN, json!({ "email": email, "password": password, "code": code })).await
}

async fn login(app: &TestApp, code: Option<&str>) -> Reply {
    login_at(app, HOME, EMAIL, PASSWORD, code).await.ok()
}

/// As if the steps had passed in which codes were accepted.
async fn forget_steps(db: &PgPool) {
    query("update second_factors set last_step = 0").execute(db).await.expect("an update");
}

fn recovery_codes(reply: &Reply, mutation: &str) -> Vec<String> {
    let codes = reply.data(&format!("/{mutation}/recoveryCodes")).as_array().expect("codes").iter();
    codes.map(|code| code.as_str().expect("a text").to_owned()).collect()
}

fn required() -> Vec<(&'static str, String)> {
    vec![("SECOND_FACTOR_REQUIRED", "secondFactorCode".to_owned())]
}

fn wrong() -> Vec<(&'static str, String)> {
    vec![("WRONG_SECOND_FACTOR", "secondFactorCode".to_owned())]
}

fn is_signed_in(reply: &Reply) -> bool {
    reply.user_errors().is_empty() && reply.data("/login/session/accessToken").is_string()
}

async fn told(db: &PgPool) -> Vec<SecondFactorChange> {
    let events = published(db).await.into_iter();
    let changes = events.filter_map(|event| match event {
        EventPayload::SecondFactorChanged(changed) => Some(changed.change),
        _ => None,
    });
    changes.collect()
}

async fn mailed(db: &PgPool) -> Vec<String> {
    let of_it = |subject: &String| ["factor", "ecovery"].iter().any(|word| subject.contains(word));
    mails(db).await.into_iter().map(|mail| mail.subject).filter(of_it).collect()
}

impl Dora {
    async fn new(db: &PgPool, settings: &IdentitySettings) -> Self {
        let app = real_app(db.clone(), settings).await;
        Self::with_app(db, app).await
    }

    async fn with_app(db: &PgPool, app: TestApp) -> Self {
        let registered = register_dora(&app).await;
        let client = bearer(&app, text(&registered, "/register/session/accessToken"));
        let secret = set_up(&client).await;
        let reply = enable(&client, &code(&secret, 0)).await;
        let recovery_codes = recovery_codes(&reply, "enableSecondFactor");
        forget_steps(db).await;
        Self { app, db: db.clone(), client, secret, recovery_codes }
    }

    fn code(&self) -> String {
        code(&self.secret, 0)
    }

    async fn state(&self) -> Value {
        self.client.send(STATE, json!({})).await.ok().data("/me/secondFactor").clone()
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn signing_in_needs_both_factors_from_when_it_is_enabled(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let registered = register_dora(&app).await;
    let client = bearer(&app, text(&registered, "/register/session/accessToken"));
    let other = login(&app, Some("a code that nobody needs")).await;
    assert!(is_signed_in(&other));
    let off = json!({ "isEnabled": false, "enabledAt": null, "recoveryCodesLeft": 0 });
    assert_eq!(*client.send(STATE, json!({})).await.ok().data("/me/secondFactor"), off);

    let reply = client.send(SET_UP, json!({ "password": PASSWORD })).await.ok();
    let secret = text(&reply, "/setUpSecondFactor/setup/secret").to_owned();
    assert_eq!(
        text(&reply, "/setUpSecondFactor/setup/uri"),
        format!("otpauth://totp/Lyceum:dora%40lyceum.example?secret={secret}&issuer=Lyceum")
    );
    let expires_at: DateTime<Utc> = text(&reply, "/setUpSecondFactor/setup/expiresAt").parse().expect("a time");
    assert!((TimeDelta::minutes(10)..=TimeDelta::minutes(15)).contains(&(expires_at - Utc::now())));
    assert!(is_signed_in(&login(&app, None).await), "nothing has changed yet");

    let enabled = enable(&client, &code(&secret, 0)).await;
    let seen = json!({ "email": EMAIL, "secondFactor": { "isEnabled": true, "recoveryCodesLeft": 10 } });
    assert_eq!(*enabled.data("/enableSecondFactor/user"), seen);
    assert_eq!(recovery_codes(&enabled, "enableSecondFactor").len(), 10);

    // Sessions that did without it have ended, but the one that has enabled it.
    assert!(has_expired(&refresh(&app, text(&other, "/login/session/refreshToken")).await));
    assert!(!has_expired(&refresh(&app, text(&registered, "/register/session/refreshToken")).await));
    let reply = login(&app, None).await;
    assert_eq!(reply.user_errors(), required());
    assert!(reply.data("/login/session").is_null() && reply.data("/login/user").is_null());
    assert_eq!(login(&app, Some(&wrong_code(&secret))).await.user_errors(), wrong());
    forget_steps(&db).await;
    // A wrong password uses no code up, and says nothing about it.
    let code = code(&secret, 0);
    let reply = login_at(&app, HOME, EMAIL, "wrong horse", Some(&code)).await.ok();
    assert_eq!(reply.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    let typed = format!(" {} {} ", &code[..3], &code[3..]);
    let reply = login(&app, Some(&typed)).await;
    assert!(is_signed_in(&reply), "{:?}", reply.user_errors());
    assert_eq!(*reply.data("/login/user/email"), json!(EMAIL));
    assert_eq!(told(&db).await, [SecondFactorChange::Enabled]);
    assert_eq!(mailed(&db).await, ["Signing in needs a second factor now"]);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_code_works_once_also_at_the_same_moment(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let sessions = count(&db, "sessions").await;

    let code = dora.code();
    let replies = join_all((0..8).map(|_| login(&dora.app, Some(&code)))).await;

    assert_eq!(replies.iter().filter(|reply| is_signed_in(reply)).count(), 1);
    for reply in replies.iter().filter(|reply| !is_signed_in(reply)) {
        assert_eq!(reply.user_errors(), wrong());
    }
    assert_eq!(count(&db, "sessions").await, sessions + 1);
    assert_eq!(login(&dora.app, Some(&code)).await.user_errors(), wrong());
    assert_eq!(prove(&dora.client, REPLACE, PASSWORD, &code).await.user_errors(), wrong());
    // An earlier one is as good as used.
    let earlier = self::code(&dora.secret, -1);
    assert_eq!(login(&dora.app, Some(&earlier)).await.user_errors(), wrong());
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_code_that_has_enabled_it_does_not_sign_in(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let client = bearer(&app, text(&register_dora(&app).await, "/register/session/accessToken"));
    let secret = set_up(&client).await;
    let code = code(&secret, 0);
    enable(&client, &code).await;

    assert_eq!(login(&app, Some(&code)).await.user_errors(), wrong());
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_clock_that_is_wrong_by_one_step_does_not_matter(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;

    for (steps, is_accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        // Another try if a step has passed meanwhile.
        let reply = loop {
            forget_steps(&db).await;
            let step = current_step();
            let reply = login(&dora.app, Some(&code(&dora.secret, steps))).await;
            if current_step() == step {
                break reply;
            }
        };
        assert_eq!(is_signed_in(&reply), is_accepted, "{steps}: {:?}", reply.user_errors());
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_recovery_code_works_once_however_it_is_typed(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let [first, second] = [&dora.recovery_codes[0], &dora.recovery_codes[1]];

    let typed = first.to_lowercase().replace('-', " ");
    assert!(is_signed_in(&login(&dora.app, Some(&typed)).await));
    for again in [first, &typed] {
        assert_eq!(login(&dora.app, Some(again)).await.user_errors(), wrong());
    }
    let replies = join_all((0..8).map(|_| login(&dora.app, Some(second)))).await;
    assert_eq!(replies.iter().filter(|reply| is_signed_in(reply)).count(), 1);

    assert_eq!(dora.state().await["recoveryCodesLeft"], 8);
    let used = |left| SecondFactorChange::RecoveryCodeUsed { left };
    assert_eq!(told(&db).await, [SecondFactorChange::Enabled, used(9), used(8)]);
    assert_eq!(mailed(&db).await[1..], ["A recovery code was used"; 2]);
    // One that is not used up by a failure: the password is wrong.
    let third = &dora.recovery_codes[2];
    let reply = login_at(&dora.app, HOME, EMAIL, "wrong horse", Some(third)).await.ok();
    assert_eq!(reply.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    assert!(is_signed_in(&login(&dora.app, Some(third)).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn new_recovery_codes_replace_the_old_ones(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let password = vec![("INVALID_CREDENTIALS", "password".to_owned())];
    let code = dora.code();

    assert_eq!(prove(&dora.client, REPLACE, "wrong horse", &code).await.user_errors(), password);
    assert_eq!(prove(&dora.client, REPLACE, PASSWORD, "").await.user_errors(), wrong());
    let reply = prove(&dora.client, REPLACE, PASSWORD, &code).await;
    let new = recovery_codes(&reply, "replaceRecoveryCodes");

    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !dora.recovery_codes.contains(code)));
    assert_eq!(login(&dora.app, Some(&dora.recovery_codes[0])).await.user_errors(), wrong());
    assert!(is_signed_in(&login(&dora.app, Some(&new[0])).await));
    assert_eq!(told(&db).await[1], SecondFactorChange::RecoveryCodesReplaced);
    assert_eq!(count(&db, "recovery_codes").await, 9);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn what_is_no_code_is_wrong(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let another = format!("{}-AAAA", &dora.recovery_codes[0][..14]);

    for code in ["", " ", "\0", "-", "12345", "1234567", "+12345", "１２３４５６", "🔑", &"1".repeat(100_000), &another]
    {
        assert_eq!(login(&dora.app, Some(code)).await.user_errors(), wrong(), "{code:.20}");
        assert_eq!(prove(&dora.client, DISABLE, PASSWORD, code).await.user_errors(), wrong(), "{code:.20}");
    }
    assert_eq!(dora.state().await["recoveryCodesLeft"], 10);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn codes_are_guessed_no_faster_than_passwords(db: PgPool) {
    let clock = Clock::new(|| Duration::ZERO);
    let throttle = ThrottleSettings { clock, ..ThrottleSettings::default() };
    let dora = Dora::new(&db, &IdentitySettings { throttle, ..settings() }).await;
    let is_limited = |reply: &Reply| reply.error() == Some("RATE_LIMITED");
    let guess = wrong_code(&dora.secret);

    // The right password does not make up for wrong codes.
    let mut attempts = 0;
    while !is_limited(&login_at(&dora.app, "198.51.100.1", EMAIL, PASSWORD, Some(&guess)).await) {
        attempts += 1;
        assert!(attempts <= 10, "{attempts}");
    }
    assert!(is_limited(&login_at(&dora.app, "198.51.100.1", EMAIL, PASSWORD, Some(&dora.code())).await));

    // Nor do many clients help.
    let mut clients = 0;
    while !is_limited(&login_at(&dora.app, &format!("203.0.113.{clients}"), EMAIL, PASSWORD, Some(&guess)).await) {
        clients += 1;
        assert!(clients <= 30, "{clients}");
    }
    // The other mutations count as well.
    let mut attempts = 0;
    while !is_limited(&dora.client.send(DISABLE, json!({ "password": PASSWORD, "code": guess })).await) {
        attempts += 1;
        assert!(attempts <= 30, "{attempts}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn nobody_learns_without_the_password_whether_it_is_enabled(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    insert(&db, BOB, "bob@lyceum.example", &identity::password::hash_password(PASSWORD)).await;

    for code in [None, Some(dora.code()), Some(dora.recovery_codes[0].clone())] {
        let mut replies = Vec::new();
        for email in [EMAIL, "bob@lyceum.example", "nobody@lyceum.example"] {
            replies.push(login_at(&dora.app, HOME, email, "wrong horse", code.as_deref()).await.ok().json);
        }
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn only_the_user_and_admins_see_it_through_any_door(db: PgPool) {
    let app = app(db.clone()).await;
    let user = "query ($id: ID!) { user(id: $id) { name secondFactor { isEnabled } } }";
    let mut entities = Vec::new();
    for number in 0..50_u128 {
        let id = Uuid::from_u128(BOB.as_u128() + number);
        insert(&db, id, &format!("user{number}@lyceum.example"), "!").await;
        entities.push(json!({ "__typename": "User", "id": id }));
    }

    for stranger in [app.anonymous(), app.student(CAROL), app.teacher(ALICE)] {
        for reply in [
            stranger.send(user, json!({ "id": BOB })).await,
            stranger.entities("... on User { name secondFactor { isEnabled } }", json!(entities[..1])).await,
            stranger.entities("... on User { name: secondFactor { isEnabled } }", json!(entities[..1])).await,
        ] {
            assert_eq!(reply.error(), Some("FORBIDDEN"), "{reply:?}");
        }
    }
    for client in [app.student(BOB), app.admin()] {
        assert_eq!(
            *client.send(user, json!({ "id": BOB })).await.ok().data("/user/secondFactor"),
            json!({ "isEnabled": false })
        );
    }
    let admin = app.admin();
    for size in [1, 50] {
        let statements = StatementCount::start();
        let _ = admin.entities("... on User { secondFactor { isEnabled } }", json!(entities[..size])).await.ok();
        assert_eq!(statements.get(), 2, "users and second factors of {size}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn setting_it_up_needs_the_password_and_a_code_in_time(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let client = bearer(&app, text(&register_dora(&app).await, "/register/session/accessToken"));
    let missing = vec![("NOT_FOUND", String::new())];

    assert_eq!(enable(&client, "123456").await.user_errors(), missing);
    let reply = client.send(SET_UP, json!({ "password": "wrong horse" })).await.ok();
    assert_eq!(reply.user_errors(), [("INVALID_CREDENTIALS", "password".to_owned())]);
    assert_eq!(count(&db, "second_factors").await, 0);
    for document in [DISABLE, REPLACE] {
        let reply = prove(&client, document, PASSWORD, "123456").await;
        assert_eq!(reply.user_errors(), [("SECOND_FACTOR_NOT_ENABLED", String::new())]);
    }

    let first = set_up(&client).await;
    let second = set_up(&client).await;
    assert_ne!(first, second);
    for wrong_one in [code(&first, 0), wrong_code(&second)] {
        assert_eq!(enable(&client, &wrong_one).await.user_errors(), wrong());
    }
    query("update second_factors set created_at = now() - interval '16 minutes'").execute(&db).await.expect("it ages");
    assert_eq!(enable(&client, &code(&second, 0)).await.user_errors(), missing);
    assert!(is_signed_in(&login(&app, None).await));

    let third = set_up(&client).await;
    // Twice at once: the second one finds it enabled.
    let code = code(&third, 0);
    let (one, other) = join(enable(&client, &code), enable(&client, &code)).await;
    let mut errors = [one.user_errors(), other.user_errors()];
    errors.sort();
    assert_eq!(errors, [vec![], vec![("SECOND_FACTOR_ENABLED", String::new())]]);
    let reply = client.send(SET_UP, json!({ "password": PASSWORD })).await.ok();
    assert_eq!(reply.user_errors(), [("SECOND_FACTOR_ENABLED", String::new())]);
    assert!(reply.data("/setUpSecondFactor/setup").is_null());
    assert_eq!(login(&app, None).await.user_errors(), required());

    for document in [SET_UP, ENABLE, DISABLE, REPLACE] {
        let input = json!({ "password": PASSWORD, "code": "123456" });
        assert_eq!(app.anonymous().send(document, input).await.error(), Some("UNAUTHENTICATED"), "{document}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn disabling_it_needs_both_factors_and_leaves_nothing(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let code = dora.code();

    let reply = prove(&dora.client, DISABLE, "wrong horse", &code).await;
    assert_eq!(reply.user_errors(), [("INVALID_CREDENTIALS", "password".to_owned())]);
    assert_eq!(prove(&dora.client, DISABLE, PASSWORD, &wrong_code(&dora.secret)).await.user_errors(), wrong());
    assert_eq!(login(&dora.app, None).await.user_errors(), required());
    let reply = prove(&dora.client, DISABLE, PASSWORD, &dora.recovery_codes[0]).await;

    let off = json!({ "isEnabled": false, "enabledAt": null, "recoveryCodesLeft": 0 });
    assert_eq!(*reply.data("/disableSecondFactor/user/secondFactor"), off);
    assert!(is_signed_in(&login(&dora.app, None).await));
    assert_eq!((count(&db, "second_factors").await, count(&db, "recovery_codes").await), (0, 0));
    let changes = told(&db).await;
    assert_eq!(changes[1..], [SecondFactorChange::RecoveryCodeUsed { left: 9 }, SecondFactorChange::Disabled]);
    assert_eq!(mailed(&db).await[1..], ["A recovery code was used", "Your second factor was disabled"]);
    let again = prove(&dora.client, DISABLE, PASSWORD, &code).await;
    assert_eq!(again.user_errors(), [("SECOND_FACTOR_NOT_ENABLED", String::new())]);
    // And it can be enabled again, with another secret.
    let secret = set_up(&dora.client).await;
    assert_ne!(secret, dora.secret);
    assert!(enable(&dora.client, &self::code(&secret, 0)).await.user_errors().is_empty());
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_suspended_user_signs_in_with_no_code(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let pool = (&db).into();
    let user = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");
    insert(&db, CAROL, "boss@lyceum.example", "!").await;
    admin::suspend(&pool, &user).await.expect("she is suspended");

    for code in [None, Some(dora.code()), Some(dora.recovery_codes[0].clone()), Some(wrong_code(&dora.secret))] {
        let reply = login(&dora.app, code.as_deref()).await;
        assert_eq!(reply.user_errors(), [("ACCOUNT_SUSPENDED", String::new())]);
    }
    for document in [SET_UP, ENABLE, DISABLE, REPLACE] {
        let input = json!({ "password": PASSWORD, "code": dora.code() });
        assert_eq!(dora.client.send(document, input).await.error(), Some("UNAUTHENTICATED"), "{document}");
    }
    admin::unsuspend(&pool, &user).await.expect("she is back");
    assert_eq!(login(&dora.app, None).await.user_errors(), required());
    assert!(is_signed_in(&login(&dora.app, Some(&dora.recovery_codes[0])).await), "nothing was used up");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_password_does_not_replace_the_second_factor(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let client = bearer(&running.app, text(&register_dora(&running.app).await, "/register/session/accessToken"));
    let secret = set_up(&client).await;
    assert!(enable(&client, &code(&secret, 0)).await.user_errors().is_empty());
    forget_steps(&db).await;

    let request =
        "mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { userErrors { code } } }";
    let _ = running.app.anonymous().send(request, json!({ "email": EMAIL })).await.ok();
    let token = sent(&db, "Choose a new password", 1).await[0].token();
    let reply = running.app.anonymous().send(RESET, json!({ "token": token, "new": NEW_PASSWORD })).await.ok();
    assert!(reply.user_errors().is_empty());

    let login = async |code: Option<&str>| login_at(&running.app, HOME, EMAIL, NEW_PASSWORD, code).await.ok();
    assert_eq!(login(None).await.user_errors(), required());
    assert!(is_signed_in(&login(Some(&code(&secret, 0))).await));
    // Nor does one of an operator.
    let pool = (&db).into();
    let user = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");
    let password = admin::reset_password(&pool, &user).await.expect("a password");
    let reply = login_at(&running.app, HOME, EMAIL, &password, None).await.ok();
    assert_eq!(reply.user_errors(), required());
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_operator_resets_it_and_the_user_is_told(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let pool = (&db).into();
    let user = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");
    let (_, left) = admin::second_factor_of(&pool, &user).await.expect("the database answers").expect("it is enabled");
    assert_eq!(left, 10);

    assert!(matches!(admin::reset_second_factor(&pool, &user).await, Ok(Change::Applied(()))));
    assert!(matches!(admin::reset_second_factor(&pool, &user).await, Ok(Change::Unchanged)));

    assert!(is_signed_in(&login(&dora.app, None).await));
    assert_eq!(told(&dora.db).await, [SecondFactorChange::Enabled, SecondFactorChange::Reset]);
    assert_eq!(mailed(&db).await[1], "The support has reset your second factor");
    assert_eq!(admin::second_factor_of(&pool, &user).await.expect("the database answers"), None);
    assert_eq!(count(&db, "second_factors").await, 0);
}

/// Whoever signs in by the password alone at the moment at which it is enabled has no session afterwards.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_sign_in_at_the_same_moment_does_not_stay_without_it(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let client = bearer(&app, text(&register_dora(&app).await, "/register/session/accessToken"));

    for delay in 0..12 {
        let secret = set_up(&client).await;
        let code = code(&secret, 0);
        let enabling = async {
            sleep(Duration::from_millis(delay)).await;
            enable(&client, &code).await
        };
        let (enabled, signed_in) = join(enabling, login(&app, None)).await;
        assert!(enabled.user_errors().is_empty(), "{:?}", enabled.user_errors());
        if is_signed_in(&signed_in) {
            let token = text(&signed_in, "/login/session/refreshToken");
            assert!(has_expired(&refresh(&app, token).await), "after {delay} ms");
        } else {
            assert_eq!(signed_in.user_errors(), required());
        }
        let codes = recovery_codes(&enabled, "enableSecondFactor");
        assert!(prove(&client, DISABLE, PASSWORD, &codes[0]).await.user_errors().is_empty());
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn it_goes_with_the_account_and_no_export_holds_the_secret(db: PgPool) {
    let dora = Dora::new(&db, &settings()).await;
    let pool = (&db).into();
    let user = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");

    let data: Value =
        serde_json::from_str(&identity::export::store::data_of(&pool, user.id).await.expect("data")).expect("JSON");
    assert!(data["users"][0]["second_factor_enabled_at"].is_string(), "{data}");
    let kept: Vec<_> = data["second_factors"][0].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(kept, ["created_at", "recovery_codes_left"]);

    admin::erase(&pool, &user, &settings().tokens).await.expect("she is deleted");

    assert_eq!((count(&db, "second_factors").await, count(&db, "recovery_codes").await), (0, 0));
    let marked: i64 = query_scalar("select count(*) from users where second_factor_enabled_at is not null")
        .fetch_one(&db)
        .await
        .expect("a count");
    assert_eq!(marked, 0);
    let reply = login(&dora.app, Some(&dora.recovery_codes[0])).await;
    assert_eq!(reply.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
}

/// The subgraph with these secrets of the seals.
async fn app_with(db: &PgPool, keys: &Keys, current: &str, previous: Option<&str>) -> (TestApp, ServiceContext) {
    let secret = |letter: &str| Secret::from(letter.repeat(32));
    let seals = SealSettings {
        seal_secret: Some(secret(current)),
        seal_secret_previous: previous.map(secret),
        ..SealSettings::default()
    };
    let seals = seals.keys("127.0.0.1:1".parse().expect("an address"), false).expect("they are long enough");
    let context = ServiceContext { seals, ..ServiceContext::new(keys.verifier()) };
    let subgraph = identity::subgraph(db.clone(), keys, &context, &settings()).await.expect("the subgraph opens");
    if previous.is_some() {
        // Its tasks, until the secrets are encrypted anew.
        let before = stored_secret(db).await;
        let stop = CancellationToken::new();
        let tasks = subgraph.run_background(context.event_bus.clone(), EventSettings::default(), stop.clone());
        let wait = async {
            while stored_secret(db).await == before {
                sleep(Duration::from_millis(10)).await;
            }
            stop.cancel();
        };
        Box::pin(join(tasks, wait)).await;
    }
    (TestApp::new(subgraph), context)
}

async fn stored_secret(db: &PgPool) -> Vec<u8> {
    query_scalar("select secret from second_factors").fetch_one(db).await.expect("a secret")
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_secret_is_encrypted_and_follows_the_rotation_of_the_key(db: PgPool) {
    let keys = keys();
    let (app, _) = app_with(&db, &keys, "a", None).await;
    let dora = Dora::with_app(&db, app).await;
    let bytes = totp_rs::Secret::try_from_base32(&dora.secret).expect("base32");
    let stored = stored_secret(&db).await;
    assert!(!stored.windows(4).any(|part| bytes.windows(4).any(|of_secret| of_secret == part)));
    let works = async |app: &TestApp| {
        forget_steps(&db).await;
        is_signed_in(&login(app, Some(&dora.code())).await)
    };
    assert!(works(&dora.app).await);

    // Without the key nobody reads it, and the user has the recovery codes.
    let (stranger, _) = app_with(&db, &keys, "c", None).await;
    assert!(!works(&stranger).await);
    assert!(is_signed_in(&login(&stranger, Some(&dora.recovery_codes[0])).await));

    let (rotating, _) = app_with(&db, &keys, "b", Some("a")).await;
    assert!(works(&rotating).await);
    let (rotated, _) = app_with(&db, &keys, "b", None).await;
    assert!(works(&rotated).await);
    assert!(!works(&dora.app).await, "the old secret is of no use any more");
    // That of another user is of no use either.
    insert(&db, BOB, "bob@lyceum.example", &identity::password::hash_password(PASSWORD)).await;
    for statement in [
        "insert into second_factors (user_id, secret) select u.id, secret from users u, second_factors where u.email like 'bob@%'",
        "update users set second_factor_enabled_at = now() where email like 'bob@%'",
    ] {
        query(statement).execute(&db).await.expect("a copy");
    }
    let reply = login_at(&rotated, HOME, "bob@lyceum.example", PASSWORD, Some(&dora.code())).await.ok();
    assert_eq!(reply.user_errors(), wrong());
}

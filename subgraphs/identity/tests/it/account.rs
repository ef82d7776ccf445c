//! New passwords and e-mail addresses, by way of mail.

use futures::future::join;
use identity::{
    IdentitySettings,
    throttle::{Limit, ThrottleSettings},
};
use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, TestApp};

use crate::{
    fixtures::*,
    mailbox::{Mail, Running, mails, sent},
    session::{EMAIL, PASSWORD, count, has_expired, insert, login, refresh, register, register_dora, text},
};

const REQUEST: &str = "mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { userErrors { code message field } } }";
const RESET: &str =
    "mutation ($token: String!, $new: String!) { resetPassword(input: { token: $token, newPassword: $new }) {
    user { id name email isEmailVerified } userErrors { code message field }
} }";
const VERIFY: &str = "mutation ($token: String!) { verifyEmail(input: { token: $token }) {
    user { id email isEmailVerified } userErrors { code message field }
} }";
const REQUEST_VERIFICATION: &str =
    "mutation { requestEmailVerification { user { isEmailVerified } userErrors { code message field } } }";
const CHANGE: &str = "mutation ($new: String!, $password: String!) {
    changeEmail(input: { newEmail: $new, password: $password }) {
        user { email isEmailVerified } userErrors { code message field }
    }
}";
const CONFIRM: &str = "mutation ($token: String!) { confirmEmailChange(input: { token: $token }) {
    user { id email } userErrors { code message field }
} }";
const ME: &str = "{ me { email isEmailVerified } }";

const VERIFICATION: &str = "Confirm your e-mail address";
const RESET_MAIL: &str = "Choose a new password";
const REPLACED: &str = "Your password was replaced";
const CHANGE_MAIL: &str = "Confirm your new e-mail address";
const CHANGE_REQUESTED: &str = "Your e-mail address is about to change";
const CHANGED: &str = "Your e-mail address was changed";

const NEW_PASSWORD: &str = "battery staple";
const NEW_EMAIL: &str = "dora.new@lyceum.example";

fn not_valid() -> Vec<(&'static str, String)> {
    vec![("TOKEN_NOT_VALID", "token".to_owned())]
}

async fn request(app: &TestApp, email: &str) -> Reply {
    app.anonymous().send(REQUEST, json!({ "email": email })).await
}

async fn reset(client: &Client, token: &str, new: &str) -> Reply {
    client.send(RESET, json!({ "token": token, "new": new })).await
}

async fn change(client: &Client, new: &str, password: &str) -> Reply {
    client.send(CHANGE, json!({ "new": new, "password": password })).await.ok()
}

/// The access token does not count any more, although it has not expired.
async fn expect_unauthenticated(client: &Client) {
    assert_eq!(client.send(REQUEST_VERIFICATION, json!({})).await.error(), Some("UNAUTHENTICATED"));
    let input = json!({ "new": NEW_EMAIL, "password": PASSWORD });
    assert_eq!(client.send(CHANGE, input).await.error(), Some("UNAUTHENTICATED"));
}

async fn with_token(app: &TestApp, document: &str, token: &str) -> Reply {
    app.anonymous().send(document, json!({ "token": token })).await.ok()
}

/// Signs in, and returns a client with the access token.
async fn signed_in(app: &TestApp, email: &str, password: &str) -> Client {
    bearer(app, text(&login(app, email, password).await, "/login/session/accessToken"))
}

/// The token of the newest of so many mails for a new password.
async fn reset_token(running: &Running, db: &PgPool, email: &str, count: usize) -> String {
    let _ = request(&running.app, email).await.ok();
    sent(db, RESET_MAIL, count).await.last().expect("a mail").token()
}

async fn change_token(db: &PgPool, count: usize) -> String {
    sent(db, CHANGE_MAIL, count).await.last().expect("a mail").token()
}

async fn execute(db: &PgPool, statement: &'static str) {
    query(statement).execute(db).await.expect("a statement");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_forgotten_password_is_replaced_once_and_ends_all_sessions(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    let registered = register_dora(app).await;
    let first = reset_token(&running, &db, " Dora@Lyceum.Example ", 1).await;
    let second = reset_token(&running, &db, EMAIL, 2).await;
    assert_ne!(first, second);

    let reply = reset(&app.anonymous(), &second, NEW_PASSWORD).await.ok();

    assert_eq!(reply.data("/resetPassword/user/id"), registered.data("/register/user/id"));
    // Who has a token of a mail does not see what only the signed-in user sees.
    assert!(
        reply.data("/resetPassword/user/email").is_null()
            && reply.data("/resetPassword/user/isEmailVerified").is_null()
    );
    assert!(has_expired(&refresh(app, text(&registered, "/register/session/refreshToken")).await));
    assert_eq!(login(app, EMAIL, PASSWORD).await.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    let me = signed_in(app, EMAIL, NEW_PASSWORD).await.send(ME, json!({})).await.ok();
    assert_eq!(*me.data("/me"), json!({ "email": EMAIL, "isEmailVerified": true }));
    assert_eq!(sent(&db, REPLACED, 1).await[0].recipient, EMAIL);
    for used in [&second, &first] {
        assert_eq!(reset(&app.anonymous(), used, "correct horse battery").await.ok().user_errors(), not_valid());
    }
    signed_in(app, EMAIL, NEW_PASSWORD).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_unknown_address_gets_the_same_answer_and_no_mail(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;

    let unknown = request(&running.app, "nobody@lyceum.example").await.ok();
    let known = request(&running.app, EMAIL).await.ok();

    assert_eq!(unknown, known);
    assert_eq!(*known.data("/requestPasswordReset"), json!({ "userErrors": [] }));
    // Requests are answered in their order.
    let mails = sent(&db, RESET_MAIL, 1).await;
    assert_eq!(mails.iter().map(|mail| &*mail.recipient).collect::<Vec<_>>(), [EMAIL]);
    assert_eq!(count(&db, "password_reset_requests").await, 0);
    for bad in ["", "dora", "dora\0@lyceum.example", &format!("{}@lyceum.example", "x".repeat(400))] {
        let errors = request(&running.app, bad).await.ok();
        assert_eq!(errors.user_errors(), [("INVALID_INPUT", "email".to_owned())], "{bad:.40}");
    }
    running.stop().await;
}

/// A request costs the same statements, whether there is an account or not: the worker finds out.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_request_does_not_look_for_the_account(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    register_dora(&app).await;

    for email in [EMAIL, "nobody@lyceum.example"] {
        let statements = StatementCount::start();
        let _ = request(&app, email).await.ok();
        assert_eq!(statements.get(), 1, "{email}");
    }
    assert_eq!(count(&db, "password_reset_requests").await, 2);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_is_stored_as_its_hash_alone(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;

    let stored: Vec<String> =
        query_scalar("select email_tokens::text from email_tokens").fetch_all(&db).await.expect("rows");
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|row| !row.contains(&token)));
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_that_is_late_does_not_work(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;
    let lifetimes: Vec<i32> =
        query_scalar("select extract(epoch from expires_at - now())::int from email_tokens order by 1")
            .fetch_all(&db)
            .await
            .expect("rows");
    assert!((3_540..=3_600).contains(&lifetimes[0]), "{lifetimes:?}");
    execute(&db, "update email_tokens set expires_at = now() - interval '1 ms'").await;

    let anonymous = running.app.anonymous();
    assert_eq!(reset(&anonymous, &token, NEW_PASSWORD).await.ok().user_errors(), not_valid());
    let verification = sent(&db, VERIFICATION, 1).await[0].token();
    assert_eq!(with_token(&running.app, VERIFY, &verification).await.user_errors(), not_valid());
    let _ = login(&running.app, EMAIL, PASSWORD).await.data("/login/session/accessToken");
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_works_for_its_own_purpose_alone(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    change(&dora, NEW_EMAIL, PASSWORD).await;
    let verification = sent(&db, VERIFICATION, 1).await[0].token();
    let reset_token = reset_token(&running, &db, EMAIL, 1).await;
    let change = change_token(&db, 1).await;

    for token in [&verification, &change] {
        assert_eq!(reset(&app.anonymous(), token, NEW_PASSWORD).await.ok().user_errors(), not_valid());
    }
    for token in [&reset_token, &change] {
        assert_eq!(with_token(app, VERIFY, token).await.user_errors(), not_valid());
    }
    for token in [&reset_token, &verification] {
        assert_eq!(with_token(app, CONFIRM, token).await.user_errors(), not_valid());
    }
    for document in [VERIFY, CONFIRM] {
        for token in ["", "x", &"A".repeat(64), &"ü".repeat(10_000)] {
            assert_eq!(with_token(app, document, token).await.user_errors(), not_valid());
        }
    }
    running.stop().await;
}

/// A token proves whose mail it came by, not who sends it.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_of_somebody_else_changes_their_account_alone(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    let dora = register_dora(app).await;
    register(app, json!({ "email": "erin@lyceum.example", "password": PASSWORD, "name": "Erin" })).await;
    let erin = signed_in(app, "erin@lyceum.example", PASSWORD).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;

    let reply = reset(&erin, &token, NEW_PASSWORD).await.ok();

    assert_eq!(reply.data("/resetPassword/user/id"), dora.data("/register/user/id"));
    assert!(reply.data("/resetPassword/user/email").is_null());
    signed_in(app, "erin@lyceum.example", PASSWORD).await;
    signed_in(app, EMAIL, NEW_PASSWORD).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn guessing_tokens_is_limited(db: PgPool) {
    let throttle =
        ThrottleSettings { mail_token_limit_client: Limit::per_minutes(3, 10), ..ThrottleSettings::default() };
    let app = real_app(db, &IdentitySettings { throttle, ..settings() }).await;
    let guess = async |from: &str| reset(&app.anonymous().at(from), &"A".repeat(64), NEW_PASSWORD).await;

    for _ in 0..3 {
        assert_eq!(guess("192.0.2.1").await.ok().user_errors(), not_valid());
    }
    assert_eq!(guess("192.0.2.1").await.error(), Some("RATE_LIMITED"));
    assert_eq!(guess("192.0.2.2").await.ok().user_errors(), not_valid());
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn mails_are_limited_by_address_and_client_whether_there_is_an_account_or_not(db: PgPool) {
    let throttle = ThrottleSettings {
        mail_limit_address: Limit::per_minutes(2, 10),
        mail_limit_client: Limit::per_minutes(4, 10),
        ..ThrottleSettings::default()
    };
    let app = real_app(db, &IdentitySettings { throttle, ..settings() }).await;
    insert_dora(&app).await;
    let ask = async |from: &str, email: &str| {
        let reply = app.anonymous().at(from).send(REQUEST, json!({ "email": email })).await;
        reply.error().map(str::to_owned)
    };

    let limited = Some("RATE_LIMITED".to_owned());
    for email in [EMAIL, "nobody@lyceum.example"] {
        assert_eq!(ask("203.0.113.1", email).await, None);
        assert_eq!(ask("203.0.113.2", &email.to_uppercase()).await, None);
        assert_eq!(ask("203.0.113.3", email).await, limited);
    }
    for number in 0..4 {
        assert_eq!(ask("198.51.100.1", &format!("somebody{number}@lyceum.example")).await, None);
    }
    assert_eq!(ask("198.51.100.1", "another@lyceum.example").await, limited);
    // Who has signed in to the account does not share the address's limit.
    assert_eq!(ask("192.0.2.1", EMAIL).await, None);
}

async fn insert_dora(app: &TestApp) {
    let input = json!({ "email": EMAIL, "password": PASSWORD, "name": "Dora" });
    let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let _ = app.anonymous().at("192.0.2.1").send(document, json!({ "input": input })).await.ok();
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_password_that_is_not_acceptable_does_not_use_the_token_up(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;

    for bad in ["short", "password1", EMAIL, &"x".repeat(129)] {
        let reply = reset(&running.app.anonymous(), &token, bad).await.ok();
        assert_eq!(reply.user_errors(), [("INVALID_INPUT", "newPassword".to_owned())], "{bad}");
    }
    let _ = reset(&running.app.anonymous(), &token, NEW_PASSWORD).await.ok().data("/resetPassword/user/id");
    signed_in(&running.app, EMAIL, NEW_PASSWORD).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn of_two_uses_at_once_one_is_the_first(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;

    let anonymous = running.app.anonymous();
    let (one, other) =
        join(reset(&anonymous, &token, NEW_PASSWORD), reset(&anonymous, &token, "correct horse battery")).await;

    let errors = [one.ok(), other.ok()].map(|reply| reply.user_errors().len());
    assert_eq!(errors.iter().sum::<usize>(), 1, "{errors:?}");
    assert_eq!(sent(&db, REPLACED, 1).await.len(), 1);
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_password_by_hand_ends_open_tokens(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;
    let document = "mutation ($current: String!, $new: String!) {
        changePassword(input: { currentPassword: $current, newPassword: $new }) { userErrors { code } }
    }";
    let dora = signed_in(&running.app, EMAIL, PASSWORD).await;
    let reply = dora.send(document, json!({ "current": PASSWORD, "new": NEW_PASSWORD })).await.ok();
    assert!(reply.user_errors().is_empty());

    assert_eq!(reset(&running.app.anonymous(), &token, PASSWORD).await.ok().user_errors(), not_valid());
    running.stop().await;
}

/// As the mail to the old address advises, if it was somebody else who has asked.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_password_stops_a_change_of_address_that_was_requested_with_the_old_one(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    let (dora, mallory) = (signed_in(app, EMAIL, PASSWORD).await, signed_in(app, EMAIL, PASSWORD).await);
    change(&mallory, "mallory@evil.example", PASSWORD).await;
    let stolen = change_token(&db, 1).await;

    let document = "mutation ($current: String!, $new: String!) {
        changePassword(input: { currentPassword: $current, newPassword: $new }) { userErrors { code } }
    }";
    let reply = dora.send(document, json!({ "current": PASSWORD, "new": NEW_PASSWORD })).await.ok();
    assert_eq!(*reply.data("/changePassword/userErrors"), json!([]));

    assert_eq!(with_token(app, CONFIRM, &stolen).await.user_errors(), not_valid());
    signed_in(app, EMAIL, NEW_PASSWORD).await;
    assert_eq!(sent(&db, "Your password was changed", 1).await[0].recipient, EMAIL);
    // That of the registration still proves the address.
    let verification = sent(&db, VERIFICATION, 1).await[0].token();
    assert!(with_token(app, VERIFY, &verification).await.data("/verifyEmail/user")["id"].is_string());
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_suspended_user_gets_no_new_password(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    register(&running.app, json!({ "email": "erin@lyceum.example", "password": PASSWORD, "name": "Erin" })).await;
    let dora = signed_in(&running.app, EMAIL, PASSWORD).await;
    let token = reset_token(&running, &db, EMAIL, 1).await;
    execute(&db, "update users set suspended_at = now() where name = 'Dora'").await;

    assert_eq!(reset(&running.app.anonymous(), &token, NEW_PASSWORD).await.ok().user_errors(), not_valid());
    let _ = request(&running.app, EMAIL).await.ok();
    let _ = request(&running.app, "erin@lyceum.example").await.ok();
    let mails = sent(&db, RESET_MAIL, 2).await;
    assert_eq!(mails.iter().map(|mail| &*mail.recipient).collect::<Vec<_>>(), [EMAIL, "erin@lyceum.example"]);
    // The access token lives on for some minutes.
    expect_unauthenticated(&dora).await;
    execute(&db, "update users set suspended_at = null").await;
    execute(&db, "delete from sessions").await;
    expect_unauthenticated(&dora).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_address_is_verified_by_the_mail_of_the_registration_or_by_another_one(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    assert_eq!(*dora.send(ME, json!({})).await.ok().data("/me/isEmailVerified"), json!(false));
    let reply = dora.send(REQUEST_VERIFICATION, json!({})).await.ok();
    assert_eq!(*reply.data("/requestEmailVerification/user"), json!({ "isEmailVerified": false }));
    let [first, second] = &sent(&db, VERIFICATION, 2).await[..] else { panic!("two mails") };
    assert_eq!([&*first.recipient, &*second.recipient], [EMAIL; 2]);
    assert!(first.token() != second.token() && !second.body.as_deref().unwrap_or_default().contains("Dora"));

    let reply = dora.send(VERIFY, json!({ "token": first.token() })).await.ok();

    assert_eq!(reply.data("/verifyEmail/user")["isEmailVerified"], json!(true));
    for used in [first, second] {
        assert_eq!(with_token(app, VERIFY, &used.token()).await.user_errors(), not_valid());
    }
    // There is nothing left to verify.
    let reply = dora.send(REQUEST_VERIFICATION, json!({})).await.ok();
    assert_eq!(*reply.data("/requestEmailVerification/user"), json!({ "isEmailVerified": true }));
    assert_eq!(mails(&db).await.len(), 2);
    let reply = app.anonymous().send(REQUEST_VERIFICATION, json!({})).await;
    assert_eq!(reply.error(), Some("UNAUTHENTICATED"));
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn whether_an_address_is_verified_is_private(db: PgPool) {
    execute(&db, "update users set email_verified_at = now() where name = 'Bob'").await;
    let app = app(db).await;
    let document = "query ($id: ID!) { user(id: $id) { isEmailVerified } }";
    let entity = "query ($id: ID!) { _entities(representations: [{ __typename: \"User\", id: $id }]) { ... on User { isEmailVerified } } }";
    let seen = async |client: Client| {
        let ids = json!({ "id": BOB });
        let (by_id, by_key) = (client.send(document, ids.clone()).await.ok(), client.send(entity, ids).await.ok());
        assert_eq!(by_id.data("/user/isEmailVerified"), by_key.data("/_entities/0/isEmailVerified"));
        by_id.data("/user/isEmailVerified").clone()
    };

    assert_eq!(seen(app.student(BOB)).await, json!(true));
    assert_eq!(seen(app.admin()).await, json!(true));
    for other in [app.student(CAROL), app.teacher(ALICE), app.anonymous()] {
        assert_eq!(seen(other).await, Value::Null);
    }
    let statements = StatementCount::start();
    let users = app.admin().send("{ users(first: 10) { nodes { name isEmailVerified } } }", json!({})).await.ok();
    assert_eq!(statements.get(), 2);
    let verified = users.data("/users/nodes").as_array().expect("a list").iter();
    let verified: Vec<_> = verified.filter(|user| user["isEmailVerified"] == true).map(|user| &user["name"]).collect();
    assert_eq!(verified, ["Bob"]);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_address_is_confirmed_at_the_new_one_and_told_to_the_old_one(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    let registered = register_dora(app).await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    let old_reset = reset_token(&running, &db, EMAIL, 1).await;

    let reply = change(&dora, " Dora.New@BÜCHER.example ", PASSWORD).await;
    let new = "dora.new@xn--bcher-kva.example";

    assert_eq!(*reply.data("/changeEmail/user/email"), json!(EMAIL));
    assert_eq!(sent(&db, CHANGE_REQUESTED, 1).await[0].recipient, EMAIL);
    let confirmation = sent(&db, CHANGE_MAIL, 1).await[0].clone();
    assert_eq!(confirmation.recipient, new);
    assert_eq!(login(app, new, PASSWORD).await.user_errors(), [("INVALID_CREDENTIALS", String::new())]);

    let reply = with_token(app, CONFIRM, &confirmation.token()).await;

    assert_eq!(reply.data("/confirmEmailChange/user/id"), registered.data("/register/user/id"));
    let notice = sent(&db, CHANGED, 1).await[0].clone();
    assert_eq!(notice.recipient, EMAIL);
    assert!(!notice.body.unwrap_or_default().contains("dora.new"), "the old mailbox may be somebody else's by now");
    assert_eq!(*dora.send(ME, json!({})).await.ok().data("/me"), json!({ "email": new, "isEmailVerified": true }));
    assert_eq!(login(app, EMAIL, PASSWORD).await.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    signed_in(app, "dora.new@bücher.example", PASSWORD).await;
    // Her session goes on, and what the old mailbox has does not work any more.
    let _ = refresh(app, text(&registered, "/register/session/refreshToken"))
        .await
        .data("/refreshSession/session/accessToken");
    assert_eq!(reset(&app.anonymous(), &old_reset, NEW_PASSWORD).await.ok().user_errors(), not_valid());
    let old_verification = sent(&db, VERIFICATION, 1).await[0].token();
    assert_eq!(with_token(app, VERIFY, &old_verification).await.user_errors(), not_valid());
    assert_eq!(with_token(app, CONFIRM, &confirmation.token()).await.user_errors(), not_valid());
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_address_needs_the_password_and_is_one(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    insert(&db, BOB, "Bob@Bücher.example", "!").await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    let written = mails(&db).await.len();

    for (new, password, code, field) in [
        (NEW_EMAIL, "wrong horse", "INVALID_CREDENTIALS", "password"),
        ("", PASSWORD, "INVALID_INPUT", "newEmail"),
        ("nonsense", PASSWORD, "INVALID_INPUT", "newEmail"),
        ("x\r\nBcc: erin@lyceum.example", PASSWORD, "INVALID_INPUT", "newEmail"),
        ("DORA@lyceum.example", PASSWORD, "INVALID_INPUT", "newEmail"),
        // In the form in which a legacy system has stored it.
        ("bob@bücher.example", PASSWORD, "EMAIL_TAKEN", "newEmail"),
        ("bob@xn--bcher-kva.example", PASSWORD, "EMAIL_TAKEN", "newEmail"),
    ] {
        assert_eq!(change(&dora, new, password).await.user_errors(), [(code, field.to_owned())], "{new}");
    }
    assert_eq!(
        app.anonymous().send(CHANGE, json!({ "new": NEW_EMAIL, "password": PASSWORD })).await.error(),
        Some("UNAUTHENTICATED")
    );
    assert_eq!(mails(&db).await.len(), written);
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_address_can_be_taken_between_request_and_confirmation(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    change(&dora, NEW_EMAIL, PASSWORD).await;
    let token = change_token(&db, 1).await;
    let _ = register(app, json!({ "email": NEW_EMAIL, "password": PASSWORD, "name": "Erin" }))
        .await
        .data("/register/user/id");

    let reply = with_token(app, CONFIRM, &token).await;

    assert_eq!(reply.user_errors(), [("EMAIL_TAKEN", String::new())]);
    assert!(reply.data("/confirmEmailChange/user").is_null());
    assert_eq!(*dora.send(ME, json!({})).await.ok().data("/me/email"), json!(EMAIL));
    let subjects: Vec<_> = mails(&db).await.into_iter().map(|mail| mail.subject).collect();
    assert!(!subjects.contains(&CHANGED.to_owned()), "{subjects:?}");
    // Also in a form that a legacy system has stored.
    execute(&db, "update users set email = 'Dora.New@Lyceum.Example' where name = 'Erin'").await;
    assert_eq!(with_token(app, CONFIRM, &token).await.user_errors(), [("EMAIL_TAKEN", String::new())]);
    // It is free again.
    execute(&db, "delete from users where name = 'Erin'").await;
    let _ = with_token(app, CONFIRM, &token).await.data("/confirmEmailChange/user/id");
    running.stop().await;
}

/// Both cannot have it, and neither gets an error that is not theirs.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn two_users_confirm_the_same_new_address_at_once(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    register(app, json!({ "email": "erin@lyceum.example", "password": PASSWORD, "name": "Erin" })).await;
    for email in [EMAIL, "erin@lyceum.example"] {
        change(&signed_in(app, email, PASSWORD).await, NEW_EMAIL, PASSWORD).await;
    }
    let tokens: Vec<_> = sent(&db, CHANGE_MAIL, 2).await.iter().map(Mail::token).collect();

    let (one, other) = join(with_token(app, CONFIRM, &tokens[0]), with_token(app, CONFIRM, &tokens[1])).await;

    let mut errors: Vec<_> = [&one, &other].iter().flat_map(|reply| reply.user_errors()).collect();
    assert_eq!(errors.pop(), Some(("EMAIL_TAKEN", String::new())));
    assert!(errors.is_empty());
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_later_request_for_a_new_address_replaces_an_earlier_one(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    let app = &running.app;
    register_dora(app).await;
    let dora = signed_in(app, EMAIL, PASSWORD).await;
    change(&dora, "mistyped@lyceum.example", PASSWORD).await;
    let mistyped = change_token(&db, 1).await;
    change(&dora, NEW_EMAIL, PASSWORD).await;
    let right = change_token(&db, 2).await;

    assert_eq!(with_token(app, CONFIRM, &mistyped).await.user_errors(), not_valid());
    let _ = with_token(app, CONFIRM, &right).await.data("/confirmEmailChange/user/id");
    running.stop().await;
}

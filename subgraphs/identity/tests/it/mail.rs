//! Mails reach their readers once, whatever happens on the way.

use std::{collections::BTreeSet, path::Path};

use clap::{Args as _, Command, FromArgMatches as _};
use identity::{
    IdentitySettings,
    mail::{MailSettings, store},
};
use serde_json::json;
use sqlx::{PgPool, query, query_scalar};

use crate::{
    fixtures::{keys, settings},
    mailbox::{Running, mails, sent, wait_for},
    session::{EMAIL, PASSWORD, register, register_dora},
    smtp::SmtpServer,
};

const SENDER: &str = "Lyceum <noreply@school.example>";

/// The settings as the command line reads them.
fn by_smtp(url: &str, authority: Option<&Path>) -> IdentitySettings {
    let mut arguments =
        vec!["identity", "--smtp-url", url, "--mail-from", SENDER, "--public-url", "https://school.example"];
    if let Some(authority) = authority {
        arguments.extend(["--smtp-ca", authority.to_str().expect("a path")]);
    }
    let matches = MailSettings::augment_args(Command::new("identity")).try_get_matches_from(arguments);
    let mail = MailSettings::from_arg_matches(&matches.expect("arguments")).expect("settings");
    IdentitySettings { mail, ..settings() }
}

async fn make_due(db: &PgPool) {
    query("update mails set next_attempt_at = now()").execute(db).await.expect("an update");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_goes_to_the_smtp_server_and_its_text_is_deleted(db: PgPool) {
    let server = SmtpServer::start("plain");
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register_dora(&running.app).await;

    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.is_sent)).await.remove(0);

    assert_eq!((mail.body, mail.attempts, mail.reason), (None, 1, None));
    let messages = server.messages();
    let [message] = &messages[..] else { panic!("{messages:?}") };
    let id: uuid::Uuid = query_scalar("select id from mails").fetch_one(&db).await.expect("a mail");
    for line in [
        format!("X-Envelope-To: {EMAIL}"),
        format!("From: {SENDER}"),
        format!("To: {EMAIL}"),
        "Subject: Confirm your e-mail address".to_owned(),
        format!("Message-ID: <{id}@school.example>"),
        "Auto-Submitted: auto-generated".to_owned(),
    ] {
        assert!(message.lines().any(|it| it == line), "no {line} in {message}");
    }
    assert!(message.contains("https://school.example/verify-email#token="), "{message}");
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_is_encrypted_and_the_password_goes_to_the_right_server_alone(db: PgPool) {
    for mode in ["starttls", "tls"] {
        query("delete from users").execute(&db).await.expect("a deletion");
        let (server, other) = (SmtpServer::start(mode), SmtpServer::stopped(mode));
        // Nobody vouches for this server.
        for untrusting in [by_smtp(&server.url(), None), by_smtp(&server.url(), Some(&other.authority()))] {
            let running = Running::start(&db, &untrusting).await;
            query("delete from users").execute(&db).await.expect("a deletion");
            register_dora(&running.app).await;
            let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.reason.is_some())).await.remove(0);
            assert!(mail.reason.as_ref().is_some_and(|reason| reason.contains("certificate")), "{mode}: {mail:?}");
            assert!(!mail.is_sent && !mail.is_failed && mail.body.is_some(), "{mode}: {mail:?}");
            running.stop().await;
        }
        assert_eq!(server.messages().len(), 0, "{mode}");

        let running = Running::start(&db, &by_smtp(&server.url(), Some(&server.authority()))).await;
        make_due(&db).await;
        sent(&db, "Confirm your e-mail address", 1).await;
        assert_eq!(server.messages().len(), 1, "{mode}");
        running.stop().await;
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_wrong_password_gives_no_mail_up(db: PgPool) {
    let server = SmtpServer::start("starttls");
    let wrong = server.url().replace("of%20mail", "of%20letters");
    let running = Running::start(&db, &by_smtp(&wrong, Some(&server.authority()))).await;
    register_dora(&running.app).await;

    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.reason.is_some())).await.remove(0);

    assert_eq!((mail.reason.as_deref(), mail.is_failed), (Some("the server replied 535"), false));
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_waits_for_a_server_that_is_down_or_busy(db: PgPool) {
    let mut server = SmtpServer::stopped("plain");
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register_dora(&running.app).await;
    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.reason.is_some())).await.remove(0);
    assert!(!mail.is_sent && !mail.is_failed, "{mail:?}");

    server.run();
    server.refuse_once();
    make_due(&db).await;
    let mail = wait_for(&db, |mails| mails[0].reason.as_deref() == Some("the server replied 451")).await.remove(0);
    assert!(server.has_refused() && !mail.is_sent && !mail.is_failed, "{mail:?}");

    make_due(&db).await;
    let mail = sent(&db, "Confirm your e-mail address", 1).await.remove(0);
    assert_eq!((mail.attempts >= 3, mail.reason), (true, None));
    assert_eq!(server.messages().len(), 1);
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_retry_comes_later_and_later(db: PgPool) {
    let server = SmtpServer::stopped("plain");
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register_dora(&running.app).await;
    let wait = async |attempts: i32| {
        wait_for(&db, |mails| mails[0].attempts == attempts && mails[0].reason.is_some()).await;
        let delay = "select extract(epoch from next_attempt_at - now())::int from mails";
        query_scalar::<_, i32>(delay).fetch_one(&db).await.expect("a delay")
    };

    assert!((2..=5).contains(&wait(1).await));
    query("update mails set attempts = 6, reason = null, next_attempt_at = now()")
        .execute(&db)
        .await
        .expect("an update");
    assert!((300..=320).contains(&wait(7).await));
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_that_the_server_rejects_is_given_up_and_can_be_resent(db: PgPool) {
    let server = SmtpServer::start("plain");
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register(&running.app, json!({ "email": "refused@lyceum.example", "password": PASSWORD, "name": "Dora" })).await;

    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.is_failed)).await.remove(0);

    // What the server says holds the address, which is neither stored here nor logged.
    assert_eq!((mail.attempts, mail.reason.as_deref()), (1, Some("the server replied 550")));
    let pool = running.db();
    let id = query_scalar("update mails set recipient = 'dora@lyceum.example' returning id")
        .fetch_one(&db)
        .await
        .expect("a mail");
    assert!(store::resend(pool, id).await.expect("the database answers"));
    sent(&db, "Confirm your e-mail address", 1).await;
    assert_eq!(server.messages().len(), 1);
    assert!(!store::resend(pool, id).await.expect("the database answers"), "it was sent");
    running.stop().await;
}

/// It has the mail then: each further attempt would send another copy.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_is_sent_once_to_a_server_that_hangs_after_it(db: PgPool) {
    let server = SmtpServer::start("plain");
    server.omit_goodbye();
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register_dora(&running.app).await;

    let mail = sent(&db, "Confirm your e-mail address", 1).await.remove(0);

    assert_eq!((mail.attempts, mail.reason), (1, None));
    assert_eq!(server.messages().len(), 1);
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_mail_whose_address_the_server_cannot_read_is_given_up(db: PgPool) {
    let server = SmtpServer::start("plain");
    server.accept_ascii_only();
    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;
    register(&running.app, json!({ "email": "jörg@lyceum.example", "password": PASSWORD, "name": "Jörg" })).await;

    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.reason.is_some())).await.remove(0);

    assert!(mail.is_failed && mail.reason.as_ref().is_some_and(|reason| reason.contains("SMTPUTF8")), "{mail:?}");
    register_dora(&running.app).await;
    sent(&db, "Confirm your e-mail address", 1).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_expired_mail_is_not_sent(db: PgPool) {
    let server = SmtpServer::start("plain");
    let app = crate::fixtures::real_app(db.clone(), &settings()).await;
    register_dora(&app).await;
    query("update mails set expires_at = now() - interval '1 s'").execute(&db).await.expect("an update");

    let running = Running::start(&db, &by_smtp(&server.url(), None)).await;

    let mail = wait_for(&db, |mails| mails.iter().any(|mail| mail.is_failed)).await.remove(0);
    assert_eq!(mail.reason.as_deref(), Some("it has expired before it could be sent"));
    assert_eq!(server.messages().len(), 0);
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn several_processes_send_each_mail_once(db: PgPool) {
    let server = SmtpServer::start("plain");
    let app = crate::fixtures::real_app(db.clone(), &settings()).await;
    register_dora(&app).await;
    query(
        "insert into mails (id, user_id, recipient, subject, body, expires_at)
         select gen_random_uuid(), users.id, number || '@lyceum.example', 'Many', 'Text', now() + interval '1 h'
         from users, generate_series(1, 40) as number",
    )
    .execute(&db)
    .await
    .expect("mails");

    let (settings, keys) = (by_smtp(&server.url(), None), keys());
    let running = [
        Running::start_with(&db, &settings, &keys).await,
        Running::start_with(&db, &settings, &keys).await,
        Running::start_with(&db, &settings, &keys).await,
    ];
    wait_for(&db, |mails| mails.iter().all(|mail| mail.is_sent)).await;

    let messages = server.messages();
    let ids: BTreeSet<_> =
        messages.iter().filter_map(|it| it.lines().find(|line| line.starts_with("Message-ID"))).collect();
    assert_eq!((messages.len(), ids.len()), (41, 41));
    for one in running {
        one.stop().await;
    }
}

/// What a crash leaves: a mail that was claimed.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_claimed_mail_is_left_alone_until_its_lease_is_over(db: PgPool) {
    let app = crate::fixtures::real_app(db.clone(), &settings()).await;
    register_dora(&app).await;
    register(&app, json!({ "email": "erin@lyceum.example", "password": PASSWORD, "name": "Erin" })).await;
    query("update mails set attempts = 1, next_attempt_at = now() + interval '1 min' where recipient = $1")
        .bind(EMAIL)
        .execute(&db)
        .await
        .expect("an update");

    let running = Running::start(&db, &settings()).await;
    wait_for(&db, |mails| mails.iter().any(|mail| mail.is_sent)).await;
    let unsent: Vec<_> = mails(&db).await.into_iter().filter(|mail| !mail.is_sent).map(|mail| mail.recipient).collect();
    assert_eq!(unsent, [EMAIL]);

    make_due(&db).await;
    sent(&db, "Confirm your e-mail address", 2).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn without_a_server_the_table_is_the_mailbox(db: PgPool) {
    let running = Running::start(&db, &settings()).await;
    register_dora(&running.app).await;
    let mail = sent(&db, "Confirm your e-mail address", 1).await.remove(0);
    assert!(mail.body.as_deref().is_some_and(|body| body.contains("http://localhost:4000/verify-email#token=")));

    let pool = running.db();
    let found = store::list(pool, Some(EMAIL), 10).await.expect("the database answers");
    assert_eq!(found.len(), 1);
    assert!(store::list(pool, Some("erin@lyceum.example"), 10).await.expect("the database answers").is_empty());
    running.stop().await;

    // Old ones are deleted at the start, and every ten minutes.
    query("update mails set sent_at = now() - interval '8 days'").execute(&db).await.expect("an update");
    let running = Running::start(&db, &settings()).await;
    wait_for(&db, <[_]>::is_empty).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn mails_and_tokens_go_with_their_user(db: PgPool) {
    let app = crate::fixtures::real_app(db.clone(), &settings()).await;
    register_dora(&app).await;

    query("delete from users").execute(&db).await.expect("a deletion");

    for table in ["mails", "email_tokens"] {
        assert_eq!(crate::session::count(&db, table).await, 0, "{table}");
    }
}

#[test]
fn an_smtp_server_needs_a_sender() {
    let matches = MailSettings::augment_args(Command::new("identity")).try_get_matches_from([
        "identity",
        "--smtp-url",
        "smtps://mail.example",
    ]);

    assert!(matches.expect_err("no sender").to_string().contains("--mail-from"));
}

//! `lyceum admin` beside a running system, and what changes for those who are signed in.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use contracts::{
    UserId,
    events::{Event, EventPayload, Registration},
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use subgraph_testing::{Reply, blocking::Client};
use tempfile::TempDir;
use uuid::Uuid;

use crate::system::System;

const PASSWORD: &str = "correct horse";
const WAITING: &str = "{ unverifiedTeachers { totalCount } }";
const CREATE_COURSE: &str =
    "mutation ($title: String!) { createCourse(input: { title: $title }) { course { id } userErrors { code } } }";

/// Somebody who has registered.
struct Person {
    email: String,
    visitor: Client,
    refresh_token: String,
}

/// One that these tests share: nobody else looks at its people.
fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| System::start(&["--temporary", "--empty"]))
}

fn admin(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum"));
    command.arg("admin").args(arguments).arg("--data-dir").arg(data);
    for variable in ["LYCEUM_KEYS_DIR", "LYCEUM_SIGNING_KEY", "LYCEUM_TOKEN"] {
        command.env_remove(variable);
    }
    for name in system().addresses.databases.keys() {
        command.env_remove(format!("{}_DATABASE_URL", name.to_uppercase()));
    }
    command.output().expect("`lyceum` runs")
}

/// The one line that a command says.
fn say(arguments: &[&str]) -> String {
    let output = admin(&system().addresses.data, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim_end().to_owned()
}

/// All that is said of an account.
fn show(email: &str) -> String {
    say_all(&["user", email])
}

fn say_all(arguments: &[&str]) -> String {
    let output = admin(&system().addresses.data, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn fail(data: &Path, arguments: &[&str]) -> String {
    let output = admin(data, arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

impl Person {
    fn register(name: &str, role: &str) -> Self {
        let email = format!("{name}@admin.example");
        let document =
            "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken refreshToken } } }";
        let input = json!({ "email": email, "password": PASSWORD, "name": name, "role": role });
        let visitor = system().anonymous();
        let session = visitor.data(document, json!({ "input": input }))["register"]["session"].clone();
        Self { email, ..Self::of(&session, &visitor).expect("a session") }
    }

    fn of(session: &Value, visitor: &Client) -> Option<Self> {
        Some(Self {
            email: String::new(),
            visitor: visitor.with_token(session["accessToken"].as_str()?),
            refresh_token: session["refreshToken"].as_str()?.to_owned(),
        })
    }

    /// With the next token of the session; None if it has ended.
    fn refresh(&self) -> Option<Self> {
        let document = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) {
            session { accessToken refreshToken } userErrors { code }
        } }";
        let visitor = system().anonymous();
        let payload = visitor.data(document, json!({ "token": self.refresh_token }))["refreshSession"].clone();
        let next = Self::of(&payload["session"], &visitor);
        assert!(next.is_some() || payload["userErrors"][0]["code"] == "SESSION_EXPIRED", "{payload}");
        Some(Self { email: self.email.clone(), ..next? })
    }

    fn create_course(&self) -> Reply {
        self.visitor.send(CREATE_COURSE, json!({ "title": "Rust" }))
    }
}

#[test]
fn the_last_admin_is_not_dismissed() {
    let system = System::start(&["--temporary", "--empty"]);
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
    for name in ["ada", "bob"] {
        let input = json!({ "email": format!("{name}@admin.example"), "password": PASSWORD, "name": name });
        system.anonymous().data(register, json!({ "input": input }));
    }
    let run = |command, name| admin(&system.addresses.data, &[command, &format!("{name}@admin.example")]);
    assert!(run("grant", "ada").status.success());

    let demote = admin(&system.addresses.data, &["set-role", "ada@admin.example", "student"]);
    for output in [run("revoke", "ada"), run("suspend", "ada"), demote] {
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("there would be no admin left who can sign in"), "{said}");
    }
    assert!(run("grant", "bob").status.success());
    assert!(run("revoke", "ada").status.success());
}

#[test]
fn support_reads_the_mails_that_nobody_sends() {
    let mila = Person::register("mila", "STUDENT");
    let wanted = "Confirm your e-mail address";
    let start = Instant::now();
    let listed = loop {
        let listed = say(&["mail", "--to", &mila.email]);
        if listed.contains(" stored ") {
            break listed;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{listed}");
    };
    assert!(listed.contains(&mila.email) && listed.ends_with(wanted) && !listed.contains("token"), "{listed}");
    assert_eq!(say(&["mail", "--to", &format!(" {} ", mila.email.to_uppercase())]), listed);
    assert_eq!(say(&["mail", "--to", "nobody@admin.example"]), "No mails.");
    let id = listed.split_whitespace().next().expect("an id").to_owned();

    let shown = say_all(&["mail", "show", &id]);

    let token = shown.lines().find_map(|line| line.split_once("#token=")).expect("a link").1;
    let verify = "mutation ($token: String!) { verifyEmail(input: { token: $token }) { userErrors { code } } }";
    let data = system().anonymous().data(verify, json!({ "token": token }));
    assert_eq!(data["verifyEmail"]["userErrors"], json!([]));
    assert!(fail(&system().addresses.data, &["mail", "resend", &id]).contains("nothing changed"));
    // A developer sees them in the playground, without a command.
    let url = format!("{}/playground/mail.json", system().addresses.router);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mails: Value = runtime.block_on(async {
        let response = subgraph_testing::reqwest::get(url).await.expect("the router answers");
        response.json().await.expect("JSON")
    });
    assert!(mails.as_array().is_some_and(|mails| mails.iter().any(|mail| mail["id"] == id)), "{mails}");
}

#[test]
fn an_admin_is_appointed_and_dismissed() {
    let deputy = Person::register("deputy", "STUDENT");
    say(&["grant", &deputy.email]);
    let ada = Person::register("ada", "STUDENT");
    assert_eq!(ada.visitor.send(WAITING, json!({})).error(), Some("FORBIDDEN"));

    let said = say(&["grant", "Ada@Admin.Example"]);
    assert!(said.contains("is now an admin"), "{said}");
    let ada = ada.refresh().expect("her session goes on");
    ada.visitor.data(WAITING, json!({}));
    assert!(say(&["grant", &ada.email]).contains("nothing changed"));

    let said = say(&["revoke", &ada.email]);
    assert!(said.contains("student") && said.ends_with("sessions ended: 1."), "{said}");
    assert!(ada.refresh().is_none(), "a dismissed admin's session ends");
    let email = ada.email.clone();
    let token = say(&["token", &email]);
    assert_eq!(system().anonymous().with_token(&token).send(WAITING, json!({})).error(), Some("FORBIDDEN"));
    assert!(say(&["revoke", &email]).contains("nothing changed"));
}

#[test]
fn a_teacher_publishes_courses_once_they_are_verified() {
    let [teresa, tom] = ["teresa", "tom"].map(|name| Person::register(name, "TEACHER"));
    let sam = Person::register("sam", "STUDENT");
    assert_eq!(sam.create_course().error(), Some("FORBIDDEN"));
    let refused = teresa.create_course();
    assert_eq!(refused.error(), Some("FORBIDDEN"));
    assert!(
        refused["errors"][0]["message"].as_str().is_some_and(|message| message.contains("refresh your session")),
        "{refused}"
    );

    assert!(say(&["verify-teacher", &teresa.email]).contains("is now a verified teacher"));
    assert!(say(&["verify-teacher", &teresa.email]).contains("nothing changed"));
    assert_eq!(teresa.create_course().error(), Some("FORBIDDEN"), "the old token does not know");
    let teresa = teresa.refresh().expect("her session goes on");
    let course = teresa.create_course()["data"]["createCourse"]["course"]["id"].clone();
    assert!(course.is_string(), "{course}");

    say(&["verify-teacher", &tom.email]);
    let tom = tom.refresh().expect("his session goes on");
    let update = "mutation ($id: ID!) { updateCourse(input: { courseId: $id, title: \"Mine\" }) { course { id } } }";
    assert_eq!(tom.visitor.send(update, json!({ "id": course })).error(), Some("FORBIDDEN"));
    assert!(fail(&system().addresses.data, &["verify-teacher", &sam.email]).contains("is not a teacher"));
}

#[test]
fn support_suspends_a_person_and_signs_them_out() {
    let sue = Person::register("sue", "TEACHER");
    let login = |password: &str| {
        let document =
            "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";
        let input = json!({ "email": sue.email, "password": password });
        system().anonymous().data(document, json!({ "input": input }))["login"].clone()
    };

    assert!(say(&["suspend", &sue.email]).contains("is suspended now"));
    assert!(say(&["suspend", &sue.email]).contains("nothing changed"));
    assert!(sue.refresh().is_none());
    assert_eq!(login(PASSWORD)["userErrors"][0]["code"], "ACCOUNT_SUSPENDED");
    let shown = show(&sue.email);
    assert!(shown.contains("suspended  20") && !shown.contains("session  "), "{shown}");
    assert!(say(&["unsuspend", &sue.email]).contains("can sign in again"));
    assert!(say(&["unsuspend", &sue.email]).contains("nothing changed"));
    assert!(login(PASSWORD)["session"]["accessToken"].is_string());

    let shown = show(&sue.email);
    let address = format!("address    {} (not verified)", sue.email);
    for part in ["role       teacher", "name       sue", &address, "session    since"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(say(&["end-sessions", &sue.email]).contains(" ended: 1. "));

    assert!(say(&["reset-second-factor", &sue.email]).contains("has no second factor"));
    let said = say(&["reset-password", &sue.email]);
    let password = said.split(' ').skip_while(|word| *word != "is").nth(1).expect("a password");
    assert_eq!(login(PASSWORD)["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    assert!(login(password)["session"]["accessToken"].is_string());
}

#[test]
fn support_finds_a_user_by_a_part_of_their_name_or_address() {
    let [olga, olaf] =
        [("olga.found", "TEACHER"), ("olaf.found", "STUDENT")].map(|(n, role)| Person::register(n, role));
    say(&["suspend", &olga.email]);

    let found = say(&["users", " LGA.fou "]);

    assert!(found.ends_with(&format!("{} olga.found: teacher, suspended", olga.email)), "{found}");
    assert!(say(&["users", ".found", "--role", "student"]).contains(&olaf.email));
    assert!(say(&["users", ".found", "--suspended", "true"]).contains(&olga.email));
    assert_eq!(say(&["users", ".found", "--verified", "true"]), "No users.");
    let newest = say_all(&["users", ".found", "--limit", "1"]);
    assert!(newest.contains(&olaf.email) && !newest.contains(&olga.email), "{newest}");
    assert!(newest.ends_with("There are more than 1: narrow the search, or raise `--limit`.\n"), "{newest}");
    assert!(fail(&system().addresses.data, &["users", &"x".repeat(201)]).contains("at most 200 characters"));
}

#[test]
fn support_sets_a_role() {
    let [rita, vera] = ["rita", "vera"].map(|name| Person::register(name, "STUDENT"));
    say(&["set-role", &vera.email, "admin"]);

    assert!(say(&["set-role", &rita.email, "teacher"]).contains("has the role teacher now"));
    assert!(say(&["set-role", &rita.email, "teacher"]).contains("nothing changed"));
    let rita = rita.refresh().expect("her session goes on");
    assert_eq!(rita.create_course().error(), Some("FORBIDDEN"), "a new teacher is not verified");
    say(&["set-role", &rita.email, "admin"]);
    let rita = rita.refresh().expect("her session goes on");
    rita.visitor.data(WAITING, json!({}));
    say(&["set-role", &rita.email, "student"]);
    assert!(rita.refresh().is_none(), "who was an admin signs in again");
    assert!(show(&rita.email).contains("role       student"));
    assert_eq!(admin(&system().addresses.data, &["set-role", &rita.email, "owner"]).status.code(), Some(2));
}

#[test]
fn support_takes_a_verification_back() {
    let [ulla, stan] = [Person::register("ulla", "TEACHER"), Person::register("stan", "STUDENT")];
    say(&["verify-teacher", &ulla.email]);
    let ulla = ulla.refresh().expect("her session goes on");
    assert!(ulla.create_course()["data"]["createCourse"]["course"]["id"].is_string());

    assert!(say(&["unverify-teacher", &ulla.email]).contains("is no longer a verified teacher"));
    assert!(say(&["unverify-teacher", &ulla.email]).contains("nothing changed"));
    assert_eq!(ulla.refresh().expect("her session goes on").create_course().error(), Some("FORBIDDEN"));
    assert!(fail(&system().addresses.data, &["unverify-teacher", &stan.email]).contains("is not a teacher"));
}

#[test]
fn an_admin_verifies_teachers_through_the_graph() {
    let una = Person::register("una", "TEACHER");
    let boss = Person::register("boss", "STUDENT");
    say(&["grant", &boss.email]);
    let boss = boss.refresh().expect("the session goes on");
    let verify = "mutation ($id: ID!) { verifyTeacher(input: { userId: $id }) { user { isVerified email } userErrors { code } } }";
    let me = una.visitor.data("{ me { id } }", json!({}))["me"]["id"].clone();

    assert_eq!(una.visitor.send(verify, json!({ "id": me })).error(), Some("FORBIDDEN"));
    let payload = boss.visitor.data(verify, json!({ "id": me }))["verifyTeacher"].clone();

    assert_eq!(payload, json!({ "user": { "isVerified": true, "email": una.email }, "userErrors": [] }));
    let una = una.refresh().expect("her session goes on");
    assert!(una.create_course()["errors"].is_null());
}

#[test]
fn a_refresh_token_that_all_tabs_use_at_once_gets_them_the_same_next_one() {
    let eve = Person::register("eve", "STUDENT");

    let winners: Vec<_> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8).map(|_| scope.spawn(|| eve.refresh())).collect();
        attempts.into_iter().filter_map(|attempt| attempt.join().expect("an answer")).collect()
    });

    assert_eq!(winners.len(), 8);
    let next: BTreeSet<_> = winners.iter().map(|winner| winner.refresh_token.as_str()).collect();
    assert_eq!(next.len(), 1);
    assert!(winners[0].refresh().is_some(), "the session goes on");
    assert!(eve.refresh().is_none(), "whose next token was used");
    assert!(winners[0].refresh().is_none(), "and that ends it");
}

#[test]
fn a_token_for_scripts_is_the_persons_own() {
    let kim = Person::register("kim", "STUDENT");

    let token = say(&["token", &kim.email]);

    let me = system().anonymous().with_token(&token).data("{ me { email } }", json!({}));
    assert_eq!(me["me"]["email"], json!(kim.email));
}

#[test]
fn an_unknown_address_is_a_clear_failure() {
    for command in ["grant", "revoke", "verify-teacher", "token"] {
        let said = fail(&system().addresses.data, &[command, "Nobody@admin.example"]);

        assert!(said.contains("no account has the e-mail address or the id Nobody@admin.example"), "{said}");
        assert!(!said.contains("postgres://"), "{said}");
    }
}

#[test]
fn where_nothing_runs_it_says_what_to_do() {
    let home = TempDir::new().expect("a directory");

    let said = fail(home.path(), &["grant", "ada@admin.example"]);
    assert!(said.contains("no `lyceum up` is running on") && said.contains("IDENTITY_DATABASE_URL"), "{said}");
    let said = fail(home.path(), &["rotate-key"]);
    assert!(said.contains("no signing keys in"), "{said}");
}

/// An event that the notification service has given up.
fn dead_letter(runtime: &tokio::runtime::Runtime, db: &mut PgConnection, reason: &str) -> Event {
    let payload =
        EventPayload::UserRegistered(Registration { user_id: UserId(Uuid::now_v7()), name: "Late".to_owned() });
    let event = Event::new(payload);
    let inserted = sqlx::query(
        "insert into inbox_events (event_id, type, subject, event, attempts, dead_lettered_at, reason)
         values ($1, 'lyceum.user.registered', $2, $3::jsonb, 8, now(), $4)",
    )
    .bind(event.id)
    .bind(event.subject)
    .bind(serde_json::to_string(&event).expect("JSON"))
    .bind(reason)
    .execute(db);
    runtime.block_on(inserted).expect("it was dead-lettered");
    event
}

#[test]
fn a_dead_lettered_event_can_be_discarded() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = &system().addresses.databases["notification"];
    let mut db = runtime.block_on(PgConnection::connect(url)).expect("the database");
    let event = dead_letter(&runtime, &mut db, "it makes no sense");
    let (id, data) = (event.id.to_string(), &system().addresses.data);

    for without_reason in [&["events", "discard", &id][..], &["events", "discard", &id, "--reason", ""]] {
        let output = admin(data, without_reason);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("--reason"), "{said}");
    }
    let said = say(&["events", "discard", &id, "--reason", "nobody was to be welcomed"]);
    assert!(said.contains("was discarded"), "{said}");

    let listed: Value = serde_json::from_slice(&admin(data, &["events", "--json"]).stdout).expect("JSON");
    let inbox = listed.as_array().expect("a list").last().expect("a box");
    let is_it = |events: &Value| events.as_array().expect("a list").iter().any(|event| event["id"] == json!(id));
    assert!(!is_it(&inbox["deadLettered"]) && is_it(&inbox["discarded"]), "{inbox}");
    let shown = String::from_utf8(admin(data, &["events"]).stdout).expect("text");
    assert!(shown.contains("discarded: nobody was to be welcomed; it makes no sense"), "{shown}");
    for again in [&["events", "discard", &id, "--reason", "again"][..], &["events", "resend", &id]] {
        assert!(fail(data, again).contains("no dead-lettered event"), "{again:?}");
    }
    let welcomed = sqlx::query_scalar::<_, i64>("select count(*) from notifications where user_id = $1");
    assert_eq!(runtime.block_on(welcomed.bind(event.subject).fetch_one(&mut db)).expect("a count"), 0);
}

#[test]
fn a_dead_lettered_event_is_shown_and_sent_again() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = &system().addresses.databases["notification"];
    let mut db = runtime.block_on(PgConnection::connect(url)).expect("the database");
    let event = dead_letter(&runtime, &mut db, "the disk was full");

    let data = &system().addresses.data;
    let listed = admin(data, &["events", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let boxes: Vec<_> = listed.as_array().expect("a list").iter().map(|row| (&row["service"], &row["box"])).collect();
    let notification = listed.as_array().expect("a list").last().expect("a box");
    let shown = String::from_utf8(admin(data, &["events", "--service", "notification"]).stdout).expect("text");
    let said = say(&["events", "resend", &event.id.to_string()]);
    let again = fail(data, &["events", "resend", &Uuid::now_v7().to_string()]);

    assert_eq!(boxes.len(), 10, "{boxes:?}");
    assert_eq!((&notification["service"], &notification["box"]), (&json!("notification"), &json!("inbox")));
    let dead_lettered = notification["deadLettered"].as_array().expect("a list");
    let listed = dead_lettered.iter().find(|listed| listed["id"] == json!(event.id)).expect("it is listed");
    assert_eq!(listed["reason"], "the disk was full");
    assert!(shown.contains(&event.id.to_string()) && shown.contains("the disk was full"), "{shown}");
    assert!(said.contains("will be resent"), "{said}");
    assert!(again.contains("no dead-lettered event"), "{again}");
    let welcomed = "select count(*) from notifications where user_id = $1";
    for _ in 0..100 {
        let count = sqlx::query_scalar::<_, i64>(welcomed).bind(event.subject).fetch_one(&mut db);
        if runtime.block_on(count).expect("the database answers") == 1 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("nobody was welcomed");
}

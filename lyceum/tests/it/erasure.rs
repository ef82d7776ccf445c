//! Deleted accounts: afterwards no byte of the five databases is left of the person, and everybody else's rows are as before.

#![expect(clippy::print_stdout, reason = "how much was searched is a result, too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_scalar};
use subgraph_testing::blocking::{Client, wait};
use uuid::Uuid;

use crate::system::{PASSWORD, System, command, until};

const TIMEOUT: Duration = Duration::from_mins(2);

/// Long enough to do all that is done before the deletions, and short enough to wait for.
const TOKEN_SECONDS: &str = "25";

/// Files that are of no table: what was written lately, and what is told to those who listen now.
const TRANSIENT: [&str; 2] = ["pg_wal", "pg_notify"];

struct Person {
    name: String,
    email: String,
    id: String,
}

impl Person {
    fn register(system: &System, name: &str, role: &str) -> Self {
        let (name, email) =
            (format!("{name} {}", Uuid::now_v7().simple()), format!("{}@people.example", Uuid::now_v7()));
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
        let input = json!({ "email": email, "password": PASSWORD, "name": name, "role": role });
        let registered = system.anonymous().data(document, json!({ "input": input }));
        let id = registered["register"]["user"]["id"].as_str().expect("an id").to_owned();
        Self { name, email, id }
    }

    fn client(&self, system: &System) -> Client {
        system.sign_in(&self.email)
    }

    fn is_named_in(&self, text: &str) -> bool {
        [&self.name, &self.email, &self.id].iter().any(|trace| text.contains(*trace))
    }

    /// What may be nowhere.
    fn traces(&self) -> [Vec<u8>; 5] {
        let id: Uuid = self.id.parse().expect("a UUID");
        let text = |text: &str| text.as_bytes().to_vec();
        [text(&self.name), text(&self.email), text(&self.id), text(&id.simple().to_string()), id.as_bytes().to_vec()]
    }
}

/// A mutation's payload.
#[expect(clippy::needless_pass_by_value, reason = "callers write the input there")]
fn change(client: &Client, mutation: &str, input: Value, selection: &str) -> Value {
    let type_name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!(
        "mutation ($input: {type_name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field }} }} }}"
    );
    client.data(&document, json!({ "input": input }))[mutation].clone()
}

/// The same, if it succeeds.
fn done(client: &Client, mutation: &str, input: Value, selection: &str) -> Value {
    let payload = change(client, mutation, input, selection);
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
    payload
}

fn rejected(client: &Client, mutation: &str, input: Value) -> Value {
    change(client, mutation, input, "erasure { id }")["userErrors"].clone()
}

fn erasure_of(payload: &Value) -> String {
    assert_eq!(payload["erasure"]["state"], "RUNNING");
    payload["erasure"]["id"].as_str().expect("an id").to_owned()
}

fn create_course(teacher: &Client, title: &str, price: Option<&str>, is_draft: bool) -> String {
    let input = json!({ "title": title, "isFree": price.is_none(), "price": price, "isDraft": is_draft });
    done(teacher, "createCourse", input, "course { id }")["course"]["id"].as_str().expect("an id").to_owned()
}

fn buy(student: &Client, course: &str, key: &str) -> String {
    let input = json!({ "courseId": course, "idempotencyKey": key });
    let payment = done(student, "purchaseCourse", input, "payment { id status }")["payment"].clone();
    assert_eq!(payment["status"], "COMPLETED");
    until("the student is enrolled", TIMEOUT, || {
        let document = "query ($id: ID!) { course(id: $id) { viewerEnrollment { id } } }";
        let data = student.data(document, json!({ "id": course }));
        data["course"]["viewerEnrollment"]["id"].is_string().then_some(())
    });
    payment["id"].as_str().expect("an id").to_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "callers write a closure there")]
fn all<T>(system: &System, look: impl AsyncFn(&str, &mut PgConnection) -> T) -> Vec<T> {
    wait(async {
        let mut found = Vec::new();
        for (name, url) in &system.addresses.databases {
            let mut db = PgConnection::connect(url).await.expect("the database answers");
            found.push(look(name, &mut db).await);
        }
        found
    })
}

async fn tables(db: &mut PgConnection) -> Vec<String> {
    query_scalar("select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")
        .fetch_all(db)
        .await
        .expect("the tables")
}

/// All rows of all databases, as texts after the names of their tables. Without when somebody has last signed in from a
/// client: who stays does so again.
fn rows(system: &System) -> Vec<String> {
    let rows = all(system, async |name, db| {
        let mut rows = Vec::new();
        for table in tables(db).await {
            let sql = format!("select '{name}.{table}: ' || (to_jsonb(t) - 'last_seen')::text from {table} t");
            rows.extend(query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_all(&mut *db).await.expect("the rows"));
        }
        rows
    });
    rows.into_iter().flatten().collect()
}

/// How often each row of somebody else is there.
fn of_others(rows: &[String], gone: &[&Person]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for row in rows.iter().filter(|row| !gone.iter().any(|person| person.is_named_in(row))) {
        *counted.entry(row.clone()).or_default() += 1;
    }
    counted
}

/// Everybody else's rows are as they were, and none has those who are gone.
fn require_unchanged(system: &System, before: &BTreeMap<String, usize>, gone: &[&Person]) {
    let rows = rows(system);
    let after = of_others(&rows, gone);
    let lost: Vec<_> = before.iter().filter(|(row, count)| after.get(*row) < Some(*count)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(before.len() > 100, "there are other people: {}", before.len());
    let left: Vec<_> = rows.iter().filter(|row| gone.iter().any(|person| person.is_named_in(row))).collect();
    assert!(left.is_empty(), "{left:#?}");
    println!("{} rows of others are as before", before.values().sum::<usize>());
}

/// Lets the databases forget what their rows once were. The statistics of columns hold samples of them.
fn vacuum(system: &System) {
    all(system, async |_, db| {
        for statement in ["analyze", "vacuum full"] {
            query(statement).execute(&mut *db).await.expect("the database is cleaned up");
        }
    });
}

/// No byte of the five databases is left of those who are gone.
fn require_no_trace(data: &Path, gone: &[&Person], staying: &[&Person]) {
    let databases = data.join("databases");
    let traces = |people: &[&Person]| people.iter().flat_map(|person| person.traces()).collect::<Vec<_>>();
    let (mut found, mut known) = (BTreeSet::new(), BTreeSet::new());
    let searched = files_with(&databases, &traces(gone), &mut found);
    files_with(&databases, &traces(staying), &mut known);
    println!("{searched} bytes searched for {} people: {} traces found", gone.len(), found.len());
    assert!(found.is_empty(), "{found:#?}");
    assert!(known.len() > 4 * staying.len(), "the search finds those who stay: {known:?}");
}

/// No event is on its way any more.
fn settle(system: &System) {
    until("all events are handled", TIMEOUT, || {
        let pending = all(system, async |_, db| {
            let mut pending = 0;
            for (table, done) in [("outbox_events", "delivered_at"), ("inbox_events", "processed_at")] {
                let sql = format!("select count(*) from {table} where {done} is null");
                pending += query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&mut *db).await.expect("a number");
            }
            pending
        });
        pending.iter().all(|pending| *pending == 0).then_some(())
    });
}

/// The files that have any of the traces.
fn files_with(directory: &Path, traces: &[Vec<u8>], found: &mut BTreeSet<String>) -> usize {
    let mut searched = 0;
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if !TRANSIENT.iter().any(|transient| name == *transient) {
                searched += files_with(&path, traces, found);
            }
            continue;
        }
        // A file of a table can go at any moment.
        let Ok(bytes) = fs::read(&path) else { continue };
        searched += bytes.len();
        for trace in traces_in(&bytes, traces) {
            found.insert(format!("{}: {}", path.display(), String::from_utf8_lossy(trace)));
        }
    }
    searched
}

/// The traces that occur, found in one pass: tests are not optimized.
fn traces_in<'a>(bytes: &[u8], traces: &'a [Vec<u8>]) -> BTreeSet<&'a [u8]> {
    let mut starts = vec![false; 1 << 16];
    for trace in traces {
        starts[usize::from(trace[0]) << 8 | usize::from(trace[1])] = true;
    }
    let mut found = BTreeSet::new();
    for at in 1..bytes.len() {
        if starts[usize::from(bytes[at - 1]) << 8 | usize::from(bytes[at])] {
            found.extend(traces.iter().map(Vec::as_slice).filter(|trace| bytes[at - 1..].starts_with(trace)));
        }
    }
    found
}

fn promote(system: &System, person: &Person) {
    wait(async {
        let mut db = PgConnection::connect(&system.addresses.databases["identity"]).await.expect("the database");
        let id: Uuid = person.id.parse().expect("a UUID");
        let promote = query("update users set role = 'admin' where id = $1").bind(id);
        promote.execute(&mut db).await.expect("an admin");
    });
}

fn verify(system: &System, person: &Person) {
    wait(async {
        let mut db = PgConnection::connect(&system.addresses.databases["identity"]).await.expect("the database");
        let id: Uuid = person.id.parse().expect("a UUID");
        let verify = query("update users set is_verified = true where id = $1").bind(id);
        verify.execute(&mut db).await.expect("a verified teacher");
    });
}

fn admin_erase(system: &System, email: &str) -> (bool, String) {
    let mut lyceum = Command::new(env!("CARGO_BIN_EXE_lyceum"));
    lyceum.args(["admin", "erase", email, "--access-token-seconds", TOKEN_SECONDS]);
    lyceum.arg("--data-dir").arg(&system.addresses.data);
    for name in system.addresses.databases.keys() {
        lyceum.env_remove(format!("{}_DATABASE_URL", name.to_uppercase()));
    }
    let output = lyceum.output().expect("`lyceum` runs");
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).expect("text"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, with one system")]
fn nothing_is_left_of_a_deleted_account() {
    let mut lyceum = command(&["--temporary", "--empty"]);
    lyceum.env("LYCEUM_ACCESS_TOKEN_SECONDS", TOKEN_SECONDS);
    let system = System::launch(lyceum);
    let student = |name| Person::register(&system, name, "STUDENT");
    let teacher = |name| Person::register(&system, name, "TEACHER");

    // The people who stay, and those who go.
    let (ada, tom) = (student("Ada"), teacher("Tom"));
    let stay = [student("Olaf"), student("Petra")];
    let (zora, zeno, zita) = (student("Zora"), student("Zeno"), student("Zita"));
    let (zach, zuse) = (teacher("Zach"), student("Zuse"));
    promote(&system, &ada);
    promote(&system, &zuse);
    verify(&system, &tom);
    verify(&system, &zach);

    // Their courses, places, payments, and what was written about them.
    let author = tom.client(&system);
    let paid = create_course(&author, "Rust", Some("49.90"), false);
    let free = create_course(&author, "SQL", None, false);
    let other_author = zach.client(&system);
    let withdrawn = create_course(&other_author, "Latin", None, false);
    let draft = create_course(&other_author, "Greek", None, true);
    let mut payments = BTreeMap::new();
    for person in stay.iter().chain([&zora, &zeno, &zita]) {
        let client = person.client(&system);
        payments.insert(person.id.clone(), buy(&client, &paid, &format!("key of {}", person.email)));
        for course in [&free, &withdrawn] {
            done(&client, "enroll", json!({ "courseId": course }), "enrollment { id }");
        }
        let document = "{ me { enrollments(first: 1) { nodes { id } } notifications(first: 100) { nodes { id } } } }";
        let mine = until("the notifications arrive", TIMEOUT, || {
            let mine = client.data(document, json!({}))["me"].clone();
            (mine["notifications"]["nodes"].as_array().map_or(0, Vec::len) >= 5).then_some(mine)
        });
        let enrollment = &mine["enrollments"]["nodes"][0]["id"];
        let complete = json!({ "enrollmentId": enrollment, "status": "COMPLETED" });
        done(&client, "setEnrollmentStatus", complete, "enrollment { id }");
        let notification = json!({ "notificationId": mine["notifications"]["nodes"][0]["id"] });
        done(&client, "deleteNotification", notification, "deletedNotificationId");
        let setting = json!({ "type": "ENROLLMENT", "isEnabled": true });
        done(&client, "setNotificationSetting", setting, "notificationSetting { type }");
    }
    let reason = format!("{} has asked for it", zeno.name);
    let refund = json!({ "paymentId": payments[&zeno.id], "reason": reason, "confirmCompletionLoss": true });
    done(&zuse.client(&system), "refundPayment", refund, "payment { id }");
    let places =
        "query ($id: ID!) { course(id: $id) { enrollments(first: 100) { nodes { id student { id name } } } } }";
    let place = |of: &Person| {
        let enrollments = tom.client(&system).data(places, json!({ "id": free }))["course"]["enrollments"].clone();
        let places = enrollments["nodes"].as_array().expect("places").clone();
        places.iter().find(|place| place["student"]["id"] == json!(of.id)).expect("a place")["id"].clone()
    };
    let remove = json!({ "enrollmentId": place(&zita), "reason": format!("{} is too loud", zita.name) });
    done(&tom.client(&system), "removeStudent", remove, "enrollmentId");
    let remove = json!({ "enrollmentId": place(&stay[1]), "reason": "Full" });
    done(&zuse.client(&system), "removeStudent", remove, "enrollmentId");

    // What is refused.
    let admin = ada.client(&system);
    let refusal = json!([{ "code": "TEACHES_COURSES", "field": [] }]);
    assert_eq!(rejected(&zach.client(&system), "deleteMyAccount", json!({ "password": PASSWORD })), refusal);
    let refusal = json!([{ "code": "TEACHES_COURSES", "field": ["input", "userId"] }]);
    assert_eq!(rejected(&admin, "deleteUser", json!({ "userId": zach.id })), refusal);
    let (is_erased, said) = admin_erase(&system, &zach.email);
    assert!(!is_erased && said.contains("nothing changed"), "{said}");
    done(&zach.client(&system), "withdrawCourse", json!({ "courseId": withdrawn }), "course { id }");
    let wrong = json!([{ "code": "INVALID_CREDENTIALS", "field": ["input", "password"] }]);
    assert_eq!(rejected(&zora.client(&system), "deleteMyAccount", json!({ "password": "a wrong one" })), wrong);
    let forbidden = "mutation ($id: ID!) { deleteUser(input: { userId: $id }) { erasure { id } } }";
    let reply = stay[0].client(&system).send(forbidden, json!({ "id": zora.id }));
    assert_eq!(reply.error(), Some("FORBIDDEN"));
    assert_eq!(system.anonymous().send(forbidden, json!({ "id": zora.id })).error(), Some("UNAUTHENTICATED"));

    settle(&system);
    let gone = [&zora, &zeno, &zita, &zach, &zuse];
    let before = of_others(&rows(&system), &gone);

    // Each goes in another way.
    let selection = "erasure { id state }";
    let clients = gone.map(|person| person.client(&system));
    let own = json!({ "password": PASSWORD });
    let mut erasures = vec![erasure_of(&done(&clients[0], "deleteMyAccount", own.clone(), selection))];
    let reason = format!("{} wrote a letter", zeno.name);
    let input = json!({ "userId": zeno.id, "reason": reason });
    erasures.push(erasure_of(&done(&ada.client(&system), "deleteUser", input.clone(), selection)));
    let (is_erased, said) = admin_erase(&system, &zita.email);
    assert!(is_erased, "{said}");
    erasures.push(said.trim_end().rsplit(' ').next().expect("an id").to_owned());
    erasures.push(erasure_of(&done(&clients[3], "deleteMyAccount", own.clone(), selection)));
    erasures.push(erasure_of(&done(&clients[4], "deleteMyAccount", own.clone(), selection)));

    // Their tokens have ended, and nobody signs in.
    for (person, client) in gone.iter().zip(&clients) {
        for field in ["name", "enrollments { totalCount }", "payments { totalCount }", "notifications { totalCount }"] {
            let document = format!("{{ me {{ id {field} }} }}");
            until("the token has ended", TIMEOUT, || {
                (client.send(&document, json!({})).error() == Some("UNAUTHENTICATED")).then_some(())
            });
        }
        let login = json!({ "email": person.email, "password": PASSWORD });
        let failed = change(&system.anonymous(), "login", login, "session { accessToken }");
        assert_eq!(failed["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    }
    let again = "mutation { deleteMyAccount(input: { password: \"x\" }) { erasure { id } } }";
    assert_eq!(clients[0].send(again, json!({})).error(), Some("UNAUTHENTICATED"));
    let admin = ada.client(&system);
    let not_found = json!([{ "code": "NOT_FOUND", "field": ["input", "userId"] }]);
    assert_eq!(rejected(&admin, "deleteUser", json!({ "userId": zora.id })), not_found);
    assert_eq!(rejected(&admin, "deleteMyAccount", own), json!([{ "code": "LAST_ADMIN", "field": [] }]));
    let (is_erased, said) = admin_erase(&system, &ada.email);
    assert!(!is_erased && said.contains("no admin left"), "{said}");

    // An admin sees the reason until everything is erased; the holder of the id sees the rest.
    let follow = "query ($id: ID!) { erasure(id: $id) {
        state requestedAt completedAt reason pendingServices
        receipts { service signature erasedAt tables { table deleted anonymized } }
    } }";
    let seen = |client: &Client, id: &str| client.data(follow, json!({ "id": id }))["erasure"].clone();
    assert_eq!(seen(&system.anonymous(), &erasures[1])["reason"], Value::Null);
    assert_eq!(seen(&admin, &erasures[1])["reason"], json!(reason));
    assert_eq!(seen(&system.anonymous(), &Uuid::now_v7().to_string()), Value::Null);

    let receipts: Vec<Value> = erasures
        .iter()
        .map(|id| {
            until("all services have sent their receipts", TIMEOUT, || {
                let erasure = seen(&system.anonymous(), id);
                (erasure["state"] == "COMPLETED").then_some(erasure)
            })
        })
        .collect();
    for erasure in &receipts {
        let services: BTreeSet<&str> =
            erasure["receipts"].as_array().expect("receipts").iter().filter_map(|it| it["service"].as_str()).collect();
        assert_eq!(services, BTreeSet::from(["course", "enrollment", "identity", "notification", "payment"]));
        assert_eq!(erasure["pendingServices"], json!([]));
        println!("{erasure}");
    }
    settle(&system);

    // What is kept has nobody's name.
    let payment = "query ($id: ID!) { payment(id: $id) { amount status student { name email role } } }";
    let kept = ada.client(&system).data(payment, json!({ "id": payments[&zora.id] }))["payment"].clone();
    assert_eq!((&kept["amount"], &kept["student"]["name"]), (&json!("49.90"), &json!("Deleted user")));
    let course = "query ($id: ID!) { course(id: $id) { state teacher { name } } }";
    let kept = system.anonymous().data(course, json!({ "id": withdrawn }))["course"].clone();
    assert_eq!(kept, json!({ "state": "WITHDRAWN", "teacher": { "name": "Deleted user" } }));
    assert_eq!(system.anonymous().data(course, json!({ "id": draft }))["course"], Value::Null);
    let listed = ada.client(&system).data("{ users(first: 100) { totalCount nodes { name } } }", json!({}));
    assert_eq!(listed["users"]["totalCount"], 4, "{listed}");
    assert!(!listed.to_string().contains("Deleted user"));
    let pseudonym = "query ($id: ID!) { payment(id: $id) { student { id } } }";
    let id =
        ada.client(&system).data(pseudonym, json!({ "id": payments[&zora.id] }))["payment"]["student"]["id"].clone();
    for (mutation, input) in [
        ("deleteUser", json!({ "userId": id })),
        ("suspendUser", json!({ "userId": id })),
        ("unsuspendUser", json!({ "userId": id })),
        ("setUserRole", json!({ "userId": id, "role": "ADMIN" })),
        ("verifyTeacher", json!({ "userId": id })),
    ] {
        let payload = change(&ada.client(&system), mutation, input, "__typename");
        assert_eq!(payload["userErrors"][0]["code"], "NOT_FOUND", "{mutation}");
    }

    require_unchanged(&system, &before, &gone);
    vacuum(&system);
    let staying: Vec<&Person> = [&ada, &tom].into_iter().chain(&stay).collect();
    require_no_trace(&system.addresses.data, &gone, &staying);
    // Logs have ids, which lead nowhere any more, but neither names nor addresses.
    let said = system.log() + &system.output();
    for person in &gone {
        assert!(!said.contains(&person.name) && !said.contains(&person.email));
    }
}

/// The system is killed again and again while sixty of a hundred people go.
#[test]
#[ignore = "takes minutes: docs/erasure.md"]
fn nothing_is_left_of_sixty_of_a_hundred_people_under_chaos() {
    let home = tempfile::Builder::new().prefix("lyceum-test-").tempdir().expect("a temporary directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(home.path(), open).expect("the directory opens");
    let start = || {
        let mut lyceum = command(&["--empty", "--data-dir", home.path().to_str().expect("a path")]);
        lyceum.env("LYCEUM_ACCESS_TOKEN_SECONDS", "60");
        System::launch(lyceum)
    };
    let mut system = start();
    let ada = Person::register(&system, "Ada", "STUDENT");
    let tom = Person::register(&system, "Tom", "TEACHER");
    promote(&system, &ada);
    verify(&system, &tom);
    let paid = create_course(&tom.client(&system), "Rust", Some("49.90"), false);
    let free = create_course(&tom.client(&system), "SQL", None, false);
    let people: Vec<Person> = (0..100)
        .map(|number| {
            let person = Person::register(&system, &format!("Person{number}"), "STUDENT");
            let client = person.client(&system);
            buy(&client, &paid, &format!("key of {}", person.email));
            done(&client, "enroll", json!({ "courseId": free }), "enrollment { id }");
            person
        })
        .collect();
    settle(&system);
    let (gone, staying): (Vec<_>, Vec<_>) = people.iter().enumerate().partition(|(number, _)| number % 5 < 3);
    let (gone, staying): (Vec<&Person>, Vec<&Person>) =
        (gone.into_iter().map(|(_, person)| person).collect(), staying.into_iter().map(|(_, person)| person).collect());
    let before = of_others(&rows(&system), &gone);

    let mut kills = 0;
    for (number, person) in gone.iter().enumerate() {
        if number % 5 == 4 {
            // Before, while and after the account is deleted, in turn.
            let process = nix::unistd::Pid::from_raw(i32::try_from(system.process_id()).expect("a process id"));
            let pause = Duration::from_millis(150 * (number as u64 / 5));
            std::thread::spawn(move || {
                sleep(pause);
                nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL).expect("it is killed");
            });
            let delete = || delete_one(&system, &ada, person, number);
            // It may have been in time, or not.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(delete));
            sleep(pause);
            system.kill();
            kills += 1;
            system = start();
        }
        delete_one(&system, &ada, person, number);
    }
    let open = |sql: &'static str| {
        wait(async {
            let mut db = PgConnection::connect(&system.addresses.databases["identity"]).await.expect("the database");
            query_scalar::<_, i64>(sql).fetch_one(&mut db).await.expect("a number")
        })
    };
    until("all erasures are complete", TIMEOUT, || {
        (open("select count(*) from erasures where completed_at is null") == 0).then_some(())
    });
    settle(&system);
    let (erasures, receipts) = (open("select count(*) from erasures"), open("select count(*) from erasure_receipts"));
    println!("{kills} kills, {erasures} erasures, {receipts} receipts");
    assert_eq!((erasures, receipts), (60, 300));

    require_unchanged(&system, &before, &gone);
    vacuum(&system);
    assert_eq!(system.stop(), Some(0));
    require_no_trace(home.path(), &gone, &staying);
}

/// Deletes an account, unless it was deleted before.
fn delete_one(system: &System, admin: &Person, person: &Person, number: usize) {
    let login = json!({ "email": person.email, "password": PASSWORD });
    let session = change(&system.anonymous(), "login", login, "session { accessToken }")["session"].clone();
    let Some(token) = session["accessToken"].as_str() else { return };
    if number.is_multiple_of(3) {
        done(&admin.client(system), "deleteUser", json!({ "userId": person.id }), "erasure { id }");
    } else {
        let client = system.anonymous().with_token(token);
        done(&client, "deleteMyAccount", json!({ "password": PASSWORD }), "erasure { id }");
    }
}

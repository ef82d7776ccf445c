//! All data of a user in one file, and who gets it.

use std::{process::Command, time::Duration};

use reqwest::blocking::{Response, get};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, query};
use subgraph_testing::blocking::{Client, wait};
use uuid::Uuid;

use crate::system::{PASSWORD, System, TEACHER, until};

const TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST: &str = "mutation { exportMyData { dataExport { state requestedAt expiresAt } userErrors { code } } }";
const STATE: &str = "{ dataExport { state } }";
const LINK: &str = "mutation { createDataExportLink { link { path expiresAt } userErrors { code } } }";

struct Person {
    email: String,
    client: Client,
}

impl Person {
    fn register(name: &str) -> Self {
        let system = System::shared();
        let email = format!("{}@export.example", Uuid::now_v7());
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
        let input = json!({ "email": email, "password": PASSWORD, "name": name });
        assert_eq!(system.anonymous().data(document, json!({ "input": input }))["register"]["userErrors"], json!([]));
        Self { client: system.sign_in(&email), email }
    }

    fn link(&self) -> String {
        let payload = self.client.data(LINK, json!({}))["createDataExportLink"].clone();
        payload["link"]["path"].as_str().unwrap_or_else(|| panic!("no link in {payload}")).to_owned()
    }

    fn set(&self, assignment: &'static str) {
        let sql = format!("update data_exports set {assignment} from users where users.id = user_id and email = $1");
        wait(async {
            let mut db = PgConnection::connect(&System::shared().addresses.databases["identity"]).await;
            let db = db.as_mut().expect("the database");
            let update = query(sqlx::AssertSqlSafe(sql)).bind(&self.email).execute(db).await;
            assert_eq!(update.expect("a file").rows_affected(), 1);
        });
    }
}

fn address(path: &str) -> String {
    // The router passes it on to identity.
    format!("{}{path}", System::shared().addresses.router)
}

fn fetch(path: &str) -> Response {
    get(address(path)).expect("the router answers")
}

#[test]
fn a_user_gets_all_of_their_data_and_nobody_elses() {
    let system = System::shared();
    let (eve, mallory) = (Person::register("Eve Exporter"), Person::register("Mallory Other"));
    let teacher = system.sign_in(TEACHER);
    let create = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let input = json!({ "title": "Exports", "isFree": false, "price": "12.50" });
    let course = teacher.data(create, json!({ "input": input }))["createCourse"]["course"]["id"].clone();
    let buy = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { id } } }";
    for (person, key) in [(&eve, "the key of eve"), (&mallory, "the key of mallory")] {
        let input = json!({ "courseId": course, "idempotencyKey": key });
        person.client.data(buy, json!({ "input": input }));
        until("the student is enrolled and told", TIMEOUT, || {
            let document = "{ me { enrollments { totalCount } notifications { totalCount } } }";
            let me = person.client.data(document, json!({}))["me"].clone();
            (me["enrollments"]["totalCount"] == 1 && me["notifications"]["totalCount"] == 3).then_some(())
        });
    }
    assert_eq!(eve.client.data(STATE, json!({}))["dataExport"], Value::Null);
    assert_eq!(system.anonymous().data(STATE, json!({}))["dataExport"], Value::Null);
    assert_eq!(system.anonymous().send(REQUEST, json!({})).error(), Some("UNAUTHENTICATED"));
    let too_early = eve.client.data(LINK, json!({}))["createDataExportLink"]["userErrors"].clone();
    assert_eq!(too_early, json!([{ "code": "NOT_FOUND" }]));

    let requested = eve.client.data(REQUEST, json!({}))["exportMyData"].clone();
    assert_eq!(requested["dataExport"]["state"], "RUNNING");
    assert_eq!(eve.client.send(REQUEST, json!({})).error(), Some("RATE_LIMITED"));
    until("the file is ready", TIMEOUT, || {
        (eve.client.data(STATE, json!({}))["dataExport"]["state"] == "READY").then_some(())
    });
    until("the user is told", TIMEOUT, || {
        let document = "{ me { notifications(first: 1) { nodes { type title } } } }";
        let told = eve.client.data(document, json!({}))["me"]["notifications"]["nodes"][0].clone();
        (told["type"] == "SECURITY" && told["title"] == "Your data are ready").then_some(())
    });

    // One link at a time, and each for one use.
    let (replaced, link) = (eve.link(), eve.link());
    assert_eq!(fetch(&replaced).status(), 404);
    // Programs that only look do not use it up.
    let looked = reqwest::blocking::Client::new().head(address(&link)).send().expect("the router answers");
    assert_eq!(looked.status(), 405);
    let response = fetch(&link);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers()["content-disposition"].to_str().is_ok_and(|it| it.starts_with("attachment")));
    let text = response.text().expect("text");
    assert_eq!(fetch(&link).status(), 404);
    let data: Value = serde_json::from_str(&text).expect("JSON");
    let rows = |service: &str, table: &str| data[service][table].as_array().map_or(0, Vec::len);
    assert_eq!(data["identity"]["users"][0]["email"], json!(eve.email));
    assert_eq!(data["identity"]["email_tokens"][0]["purpose"], "email_verification");
    // Named one by one: a column that is added may be a secret.
    let mut columns: Vec<_> = data["identity"]["users"][0].as_object().expect("a row").keys().cloned().collect();
    columns.sort();
    let expected = [
        "created_at",
        "email",
        "email_verified_at",
        "id",
        "is_verified",
        "name",
        "previous_role",
        "role",
        "second_factor_enabled_at",
        "suspended_at",
    ];
    assert_eq!(columns, expected);
    assert_eq!(data["payment"]["purchase_requests"][0]["idempotency_key"], "the key of eve");
    for (service, table, number) in [
        ("identity", "users", 1),
        ("identity", "sessions", 2),
        ("course", "courses", 0),
        ("enrollment", "enrollments", 1),
        ("enrollment", "enrollment_history", 1),
        ("payment", "payments", 1),
        ("payment", "refund_requests", 0),
    ] {
        assert_eq!(rows(service, table), number, "{service}.{table} in {text}");
    }
    assert!(rows("notification", "notifications") >= 3, "{text}");
    for secret in ["mallory", "Mallory", "$argon2", "hash", &mallory.email] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }

    // Another user has no file, and a late or a wrong link gets none.
    let not_hers = mallory.client.data(LINK, json!({}))["createDataExportLink"]["userErrors"].clone();
    assert_eq!(not_hers, json!([{ "code": "NOT_FOUND" }]));
    let late = eve.link();
    eve.set("link_expires_at = now() - interval '1 second'");
    assert_eq!(fetch(&late).status(), 404);
    for wrong in ["/data-exports/", "/data-exports/x", "/data-exports/%00", &format!("{}A", eve.link())] {
        assert_eq!(fetch(wrong).status(), 404, "{wrong}");
    }

    // Support prints the same.
    let mut lyceum = Command::new(env!("CARGO_BIN_EXE_lyceum"));
    lyceum.args(["admin", "export", &eve.email, "--data-dir"]).arg(&system.addresses.data);
    for name in system.addresses.databases.keys() {
        lyceum.env_remove(format!("{}_DATABASE_URL", name.to_uppercase()));
    }
    let output = lyceum.output().expect("`lyceum` runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed["payment"], data["payment"]);
    assert_eq!(printed["identity"]["users"], data["identity"]["users"]);

    // The file goes at its end.
    let link = eve.link();
    eve.set("expires_at = now(), link_expires_at = now() + interval '1 hour'");
    until("the file is deleted", TIMEOUT, || (fetch(&link).status() == 404).then_some(()));
    assert_eq!(eve.client.data(STATE, json!({}))["dataExport"], Value::Null);
}

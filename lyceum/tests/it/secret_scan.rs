//! Nothing that a person types in confidence comes back in an error or is written to a log.
//! (`cargo xtask test` also reads what all the other tests have seen.)

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};
use subgraph_testing::{blocking::Client, transcript};

use crate::{
    live::{Follower, TRANSPORTS},
    processes::Plan,
    system::{STUDENT, System, lyceum},
};

const EMAIL: &str = "someone@secret-scan.example";
const PASSWORD: &str = "a password that nobody may see";

const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code message } } }";
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code message } } }";

fn ask(visitor: &Client, document: &str, variables: Value) -> String {
    let answer = visitor.send(document, variables).to_string();
    assert!(answer.contains("\"message\":"), "there is something to complain of: {answer}");
    answer
}

#[test]
fn an_error_does_not_repeat_what_was_typed() {
    let anonymous = System::shared().anonymous();
    let half = format!("mutation {{ login(input: {{ email: \"{EMAIL}\", password: \"{PASSWORD}\"");
    let documents = [
        // A value of the wrong type, a field too many, one too few; then what is no document at all.
        format!("{half}, password: 5 }}) {{ userErrors {{ code }} }} }}"),
        format!("{half}, age: 5 }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ password: \"{PASSWORD}\" }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: \"{PASSWORD}\") {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ email \"{EMAIL}\" }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ email: \"{EMAIL}\" \"{PASSWORD}\" }}) {{ userErrors {{ code }} }} }}"),
        half,
    ];
    let inputs = [
        json!({ "email": EMAIL, "password": PASSWORD, "age": 5 }),
        json!({ "email": EMAIL, "password": [PASSWORD, 5] }),
        json!({ "email": [EMAIL, 5], "password": PASSWORD }),
        json!({ "email": EMAIL, "password": { "value": PASSWORD } }),
        json!({ "email": EMAIL, "name": PASSWORD }),
        json!({ "password": PASSWORD }),
        json!(PASSWORD),
        json!([EMAIL, PASSWORD]),
        json!({ "email": EMAIL, "password": PASSWORD, "name": "a\u{0}b" }),
    ];

    let by_document = documents.iter().map(|document| ask(&anonymous, document, json!({})));
    let by_variable = [LOGIN, REGISTER]
        .into_iter()
        .flat_map(|document| inputs.iter().map(move |input| (document, json!({ "input": input }))))
        .map(|(document, variables)| ask(&anonymous, document, variables));
    let loud: Vec<_> =
        by_document.chain(by_variable).filter(|answer| answer.contains(EMAIL) || answer.contains(PASSWORD)).collect();

    assert!(loud.is_empty(), "{loud:#?}");
}

// ---------------------------------------------------------------- values of variables

/// Values that are in variables only: in no answer, no log and no trace. `cargo xtask test` looks for them, too.
const MARKED_TEXT: &str = "marked-value-7d1f0a3c";
const MARKED_INTEGER: &str = "2039173917";
const MARKED_FLOAT: &str = "73917391739.25";

/// One variable of each kind, at each kind of place.
const PLACES: [&str; 9] = [
    "query ($v: ID!) { course(id: $v) { id } }",
    "query ($v: Int) { courses(first: $v) { nodes { id } } }",
    "query ($v: Int) { courses(last: $v) { nodes { teacher { courses(first: $v) { nodes { id } } } } } }",
    "query ($v: String) { courses(after: $v) { nodes { id } } }",
    "query ($v: CourseOrder) { courses(orderBy: $v) { nodes { id } } }",
    "query ($v: CourseLevel) { courses(filter: { level: $v }) { nodes { id } } }",
    "query ($v: Boolean) { courses(filter: { isFree: $v }) { nodes { id } } }",
    "query ($v: Boolean!) { courses(first: 1) { nodes { id @include(if: $v) title @skip(if: $v) } } }",
    "mutation ($v: String!) { logout(input: { refreshToken: $v }) { userErrors { code message } } }",
];

/// Input objects, with the names of their fields. What nobody signed in or a student may not do anyway, or what has to
/// fail for another field: nothing is changed.
const INPUTS: [(&str, &str, &[&str]); 12] = [
    ("CourseFilter", "courses(first: 1, filter: $v) { nodes { id } }", &["isFree", "level", "search"]),
    ("LoginInput!", "login(input: $v) { userErrors { code message } }", &["email", "password"]),
    ("RegisterInput!", "register(input: $v) { userErrors { code message } }", &["email", "name", "password", "role"]),
    ("LogoutInput!", "logout(input: $v) { userErrors { code message } }", &["refreshToken"]),
    (
        "CreateCourseInput!",
        "createCourse(input: $v) { userErrors { code message } }",
        &["description", "durationMinutes", "isFree", "level", "price", "title"],
    ),
    (
        "PurchaseCourseInput!",
        "purchaseCourse(input: $v) { userErrors { code message } }",
        &["courseId", "expectedAmount", "idempotencyKey"],
    ),
    ("EnrollInput!", "enroll(input: $v) { userErrors { code message } }", &["courseId", "paymentId"]),
    (
        "SetEnrollmentStatusInput!",
        "setEnrollmentStatus(input: $v) { userErrors { code message } }",
        &["enrollmentId", "status"],
    ),
    ("LeaveCourseInput!", "leaveCourse(input: $v) { userErrors { code message } }", &["courseId"]),
    ("RemoveStudentInput!", "removeStudent(input: $v) { userErrors { code message } }", &["enrollmentId", "reason"]),
    ("GrantEnrollmentInput!", "grantEnrollment(input: $v) { userErrors { code message } }", &["courseId", "studentId"]),
    (
        "RefundPaymentInput!",
        "refundPayment(input: $v) { userErrors { code message } }",
        &["confirmCompletionLoss", "paymentId", "reason"],
    ),
];

/// As text, as numbers, and deeper in where none is expected.
fn marked_values() -> Vec<Value> {
    let number = |text: &str| serde_json::from_str::<Value>(text).expect("a number");
    vec![
        json!(MARKED_TEXT),
        json!(format!("\"{MARKED_TEXT}\n\\")),
        number(MARKED_INTEGER),
        number(MARKED_FLOAT),
        json!([MARKED_TEXT]),
        json!([[number(MARKED_INTEGER)], null]),
        json!({ "value": MARKED_TEXT, "more": number(MARKED_FLOAT) }),
    ]
}

fn marked_requests() -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for value in marked_values() {
        requests.extend(PLACES.map(|document| (document.to_owned(), json!({ "v": value }))));
        for (kind, field, names) in INPUTS {
            let operation = if kind == "CourseFilter" { "query" } else { "mutation" };
            let document = format!("{operation} ($v: {kind}) {{ {field} }}");
            requests.push((document.clone(), json!({ "v": value })));
            requests.push((document.clone(), json!({ "v": { "unknown": value } })));
            for name in names {
                let mut input = json!({});
                input[name] = value.clone();
                requests.push((document.clone(), json!({ "v": input })));
            }
        }
    }
    requests
}

fn repeats_a_marked_value(answer: &str) -> bool {
    [MARKED_TEXT, MARKED_INTEGER, MARKED_FLOAT].iter().any(|marked| answer.contains(marked))
}

#[test]
fn a_variables_value_is_never_repeated() {
    let system = System::shared();
    for visitor in [system.anonymous(), system.sign_in(STUDENT)] {
        for (document, variables) in marked_requests() {
            let answer = visitor.send(&document, variables.clone()).to_string();

            assert!(!repeats_a_marked_value(&answer), "{document} {variables}: {answer}");
        }
    }
}

#[test]
fn nor_is_it_where_it_came_in_the_address() {
    let router = &System::shared().addresses.router;
    let client = reqwest::blocking::Client::new();
    for document in PLACES {
        for value in marked_values() {
            let parameters = [("query", document), ("variables", &json!({ "v": value }).to_string())];
            let request = client.get(format!("{router}/graphql")).query(&parameters).header("x-lyceum-csrf", "1");

            let answer = request.send().expect("the router answers").text().expect("it is text");

            transcript::answer(&serde_json::from_str(&answer).unwrap_or_default());
            assert!(!repeats_a_marked_value(&answer), "{document} {value}: {answer}");
        }
    }
}

#[test]
fn nor_is_it_over_streams_and_sockets() {
    let router = &System::shared().addresses.router;
    for transport in TRANSPORTS {
        for document in ["subscription ($v: ID) { notificationAdded(after: $v) { id } }", PLACES[1], PLACES[8]] {
            for value in marked_values() {
                let request = json!({ "query": document, "variables": { "v": value } });

                let answer = Follower::send(router, transport, None, &request).next().to_string();

                assert!(!repeats_a_marked_value(&answer), "{transport} {request}: {answer}");
            }
        }
    }
}

// ---------------------------------------------------------------- settings

/// The password in each of the URLs below.
const URL_PASSWORD: &str = "s3cret";

/// A setting of a process, with a URL that is wrong in one way or another.
const WRONG_URLS: [(&str, &str, &str); 17] = [
    ("course", "LYCEUM_EVENT_BUS", "nats://ada:s3cret@host:port"),
    ("course", "LYCEUM_EVENT_BUS", "nats://s3cret@a,nats://other@b"),
    ("course", "LYCEUM_EVENT_BUS", "s3cret"),
    ("course", "LYCEUM_JWKS_URL", "http://ada:s3cret@host:port"),
    ("course", "LYCEUM_SUBGRAPH_URLS", "identity=http://ada:s3cret@host:port"),
    ("course", "COURSE_DATABASE_URL", "postgres://ada:s3cret@host:port/course"),
    ("course", "COURSE_DATABASE_URL", "postgres://ada:x@127.0.0.1:1/course?s3cret=s3cret"),
    ("course", "COURSE_DATABASE_URL", "postgres://ada:12?s3cret&s3cret=s3cret@host/course"),
    ("course", "COURSE_DATABASE_DIRECT_URL", "postgres://ada:s3cret@host:port/course"),
    ("identity", "LYCEUM_SMTP_URL", "smtps://ada:s3cret@host:port"),
    ("identity", "LYCEUM_SMTP_URL", "smtps://ada:s3cret@host?tls=none"),
    ("identity", "LYCEUM_PUBLIC_URL", "ftp://ada:s3cret@host"),
    ("router", "LYCEUM_COST_BUDGET_URL", "redis://ada:s3cret@host:port"),
    ("router", "LYCEUM_PERSISTED_QUERY_URL", "redis://ada:s3cret@host:port"),
    ("router", "LYCEUM_CORS_ORIGINS", "https://ada:s3cret@host"),
    ("router", "LYCEUM_JWKS_URL", "http://ada:s3cret@host:port"),
    ("router", "LYCEUM_SUBGRAPH_URLS", "course=http://ada:s3cret@host:port"),
];

#[test]
fn what_is_wrong_with_a_url_is_said_without_its_password() {
    let elsewhere = "postgres://127.0.0.1:1/elsewhere";
    for (part, setting, value) in WRONG_URLS {
        let plan = Plan::new(&["router", "identity", "course"]);
        let settings = [("LYCEUM_MAIL_FROM", "noreply@secret-scan.example"), (setting, value)];
        let mut process = plan.start(part, elsewhere, &settings);

        assert!(matches!(process.ended(), Some(1 | 2)), "{setting}={value}");
        let log = fs::read_to_string(&process.log).expect("a log");
        assert!(log.contains("error:"), "{setting}={value}: {log}");
        assert!(!log.contains(URL_PASSWORD), "{setting}={value}: {log}");
    }
}

#[test]
fn nor_is_a_line_of_a_password_file_shown() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, format!("127.0.0.1:ada:{URL_PASSWORD}\n")).expect("it is written");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).expect("its owner's");
    let mut command = lyceum();
    command.args(["migrate", "identity"]).env("PGPASSFILE", file.path()).env("RUST_LOG", "trace");
    let output = command.env("IDENTITY_DATABASE_URL", "postgres://ada@127.0.0.1:1/identity").output().expect("it runs");

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot connect"), "{said}");
    assert!(!said.contains(URL_PASSWORD), "{said}");
}

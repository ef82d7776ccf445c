//! What an operation took, and its plan: told to whoever may know, and to nobody else.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
    thread,
};

use auth::signature::SIGNATURE;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use subgraph_testing::{Reply, blocking::Client};
use telemetry::trace::HEADER as SUBGRAPH_TRACE;

use crate::{
    statements::{log_statements, statements},
    system::{
        ADMIN, LoneRouter, OTHER_STUDENT, PASSWORD, Process, STUDENT, System, TEACHER, free_port, signature,
        wait_until_ready, workspace,
    },
};

const TRACE: &str = "lyceum-trace";
const PLAN: &str = "hive-expose-query-plan";
const COURSES: &str = "{ courses(first: 3) { nodes { id title teacher { id name } } } }";

const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
const NEWCOMER: &str = "planned@lyceum.example";

/// Somebody whom nobody has registered, and nobody shall.
fn newcomer() -> Value {
    json!({ "input": { "name": "Planned", "email": NEWCOMER, "password": PASSWORD } })
}

fn is_known_newcomer(visitor: &Client) -> bool {
    let login = "mutation ($input: LoginInput!) { login(input: $input) { session { expiresAt } userErrors { code } } }";
    let outcome = visitor.data(login, json!({ "input": { "email": NEWCOMER, "password": PASSWORD } }))["login"].clone();
    assert_eq!(outcome["session"].is_null(), !outcome["userErrors"].as_array().expect("a list").is_empty());
    !outcome["session"].is_null()
}

fn student_home() -> String {
    fs::read_to_string(workspace().join("operations/StudentHome.graphql")).expect("the operation")
}

fn traced(visitor: &Client, document: &str) -> Reply {
    let answer = visitor.with_header(TRACE, "1").send(document, json!({}));
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    answer
}

/// The trace of an operation; there has to be one.
fn trace(visitor: &Client, document: &str) -> Value {
    let answer = traced(visitor, document);
    assert!(answer["errors"].is_null(), "{answer}");
    let trace = answer["extensions"]["trace"].clone();
    assert!(trace.is_object(), "{answer}");
    trace
}

fn fetches(trace: &Value) -> &[Value] {
    trace["fetches"].as_array().expect("a list of fetches")
}

fn fetch<'a>(trace: &'a Value, subgraph: &str, kind: &str) -> &'a Value {
    let is_it = |fetch: &&Value| fetch["subgraph"] == subgraph && fetch["kind"] == kind;
    fetches(trace).iter().find(is_it).unwrap_or_else(|| panic!("no such fetch: {trace}"))
}

fn statements_of(fetch: &Value) -> &[Value] {
    fetch["statements"].as_array().expect("a list of statements")
}

/// Without those that sqlx asks the catalog on a new connection.
fn own_statements_of(fetch: &Value) -> impl Iterator<Item = String> {
    let own = statements_of(fetch).iter().filter(|statement| statement["catalog"].is_null());
    own.map(|statement| one_line(statement["sql"].as_str().expect("text")))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no whole number: {value}"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_trace_has_the_statements_that_the_databases_ran_with_their_rows() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let logs = log_statements(&system);

    let before = statements(&logs);
    let answer = traced(&student, &student_home());
    let ran: Vec<_> = statements(&logs).into_iter().filter(|entry| !before.contains(entry)).collect();

    let trace = &answer["extensions"]["trace"];
    let told: Vec<_> = fetches(trace).iter().flat_map(own_statements_of).collect();
    assert!(!ran.is_empty() && told.len() == ran.len(), "{told:#?} {ran:#?}");
    for sql in &told {
        assert!(ran.iter().any(|entry| one_line(entry).contains(sql)), "{sql} {ran:#?}");
    }

    let enrollments = answer["data"]["me"]["enrollments"]["nodes"].as_array().expect("enrollments");
    let courses: BTreeSet<_> = enrollments.iter().map(|it| it["course"]["id"].as_str()).collect();
    let me = &fetches(trace)[0];
    assert_eq!(
        (&me["subgraph"], &me["kind"], &me["representations"]),
        (&json!("identity"), &json!("query"), &json!(0))
    );
    assert_eq!(statements_of(me)[0]["rows"], 1, "{me}");
    let course = fetch(trace, "course", "entities");
    assert_eq!(course["types"], json!(["Course"]));
    assert_eq!(number(&course["representations"]), courses.len() as u64, "{course}");
    let own = statements_of(course).iter().find(|statement| statement["catalog"].is_null()).expect("a statement");
    assert_eq!(number(&own["rows"]), courses.len() as u64, "{course}");
}

#[test]
fn the_times_of_a_trace_fit_into_each_other() {
    let trace = trace(&System::shared().sign_in(STUDENT), &student_home());

    let end = |part: &Value| number(&part["start"]) + number(&part["duration"]);
    let phases = trace["phases"].as_array().expect("phases");
    let names: Vec<_> = phases.iter().map(|phase| phase["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["parse", "validate", "prepare", "plan", "execute"]);
    for pair in phases.windows(2) {
        assert!(end(&pair[0]) <= number(&pair[1]["start"]), "{trace}");
    }
    let execute = &phases[4];
    assert!(end(execute) <= number(&trace["total"]), "{trace}");
    assert_eq!(fetches(&trace).len(), 6, "{trace}");
    for fetch in fetches(&trace) {
        assert!(number(&fetch["start"]) >= number(&execute["start"]) && end(fetch) <= end(execute), "{trace}");
        assert!(number(&fetch["inside"]) <= number(&fetch["duration"]) && number(&fetch["bytes"]) > 0, "{trace}");
        for statement in statements_of(fetch) {
            assert!(number(&statement["start"]) >= number(&fetch["start"]), "{trace}");
            assert!(end(statement) <= end(fetch), "{trace}");
        }
    }
}

#[test]
fn a_trace_has_nothing_of_what_was_sent_and_answered() {
    let student = System::shared().sign_in(STUDENT);
    let document = student_home().replace("name\n", "name\n email\n");

    let answer = traced(&student, &document);

    let mut values = Vec::new();
    collect(&answer["data"], &mut values);
    // Ids, addresses, names, titles and times; a lonely word might be one of the statement's own.
    values.retain(|value| value.contains([' ', '@']) || value.contains(|letter: char| letter.is_ascii_digit()));
    let trace = answer["extensions"]["trace"].to_string();
    assert!(values.len() > 20 && values.contains(&STUDENT.to_owned()), "{values:?}");
    assert!(values.iter().all(|value| !trace.contains(value.as_str())), "{trace}");
    assert!(!trace.contains(student.token().expect("a token")));
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        _ => {}
    }
}

#[test]
fn who_does_not_ask_gets_the_answer_and_nothing_more() {
    let anonymous = System::shared().anonymous();
    let plain = anonymous.send(COURSES, json!({}));

    for value in ["0", "", "true", "yes"] {
        assert_eq!(anonymous.with_header(TRACE, value).send(COURSES, json!({})).text, plain.text, "{value}");
    }

    let mut answer = traced(&anonymous, COURSES).json;
    let extensions = answer.as_object_mut().expect("an object").remove("extensions").expect("a trace");
    assert_eq!(extensions.as_object().expect("an object").len(), 1, "{extensions}");
    assert_eq!(answer, plain.json);
}

#[test]
fn in_production_only_admins_are_told() {
    let system = System::shared();
    let process = LoneRouter::start(system);
    let router = process.visitor();
    let others = [router.clone(), router.sign_in(STUDENT, PASSWORD), router.sign_in(TEACHER, PASSWORD)];
    for visitor in &others {
        let plain = visitor.send(COURSES, json!({}));
        assert_eq!(visitor.with_header(TRACE, "1").send(COURSES, json!({})).text, plain.text);

        for mode in ["dry-run", "true", " dry-run "] {
            for (document, variables) in [(COURSES, json!({})), (REGISTER, newcomer())] {
                let answer = visitor.with_header(PLAN, mode).send(document, variables);
                assert_eq!((answer.status, answer.error()), (StatusCode::FORBIDDEN, Some("FORBIDDEN")), "{answer}");
                assert!(answer["data"].is_null() && answer["extensions"].is_null(), "{answer}");
            }
        }
    }
    assert!(!is_known_newcomer(&router), "a refused plan was run");

    let admin = router.sign_in(ADMIN, PASSWORD);
    let trace = trace(&admin, COURSES);
    assert_eq!(fetches(&trace).len(), 2, "{trace}");
    assert!(fetches(&trace).iter().all(|fetch| !statements_of(fetch).is_empty()), "{trace}");
    let plan = admin.with_header(PLAN, "dry-run").send(COURSES, json!({}));
    assert_eq!(plan["extensions"]["queryPlan"]["kind"], "QueryPlan", "{plan}");
    assert!(plan["data"].is_null(), "{plan}");
}

#[test]
fn a_plan_that_is_asked_for_in_other_words_is_refused_and_nothing_is_run() {
    let visitor = System::shared().anonymous();
    let email = "mistyped@lyceum.example";
    let variables = json!({ "input": { "name": "Mistyped", "email": email, "password": PASSWORD } });

    for mode in ["Dry-Run", "dry-run, dry-run", "no"] {
        let answer = visitor.with_header(PLAN, mode).send(REGISTER, variables.clone());
        assert_eq!(
            (answer.status, answer.error()),
            (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT")),
            "{mode}: {answer}"
        );
    }

    let registered = visitor.data(REGISTER, variables);
    assert!(registered["register"]["user"]["id"].is_string(), "it had been run: {registered}");
}

#[test]
fn a_token_that_only_says_admin_is_not_believed() {
    let process = LoneRouter::start(System::shared());
    let router = process.visitor();
    let student = router.sign_in(STUDENT, PASSWORD);
    let token = student.token().expect("a token");
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("no token") };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims = String::from_utf8(claims).expect("text").replace("\"student\"", "\"admin\"");
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);

    for forged in [format!("{head}.{claims}.{signature}"), format!("{none}.{claims}.")] {
        let impostor = router.with_token(&forged);
        for (header, value) in [(TRACE, "1"), (PLAN, "dry-run")] {
            let answer = impostor.with_header(header, value).send(COURSES, json!({}));
            assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{answer}");
            assert!(answer["extensions"].is_null(), "{answer}");
        }
    }
}

#[test]
fn in_development_a_plan_is_shown_and_not_run() {
    let student = System::shared().sign_in(OTHER_STUDENT);
    let plan = |document: &str, variables: Value| {
        let answer = student.with_header(PLAN, "dry-run").send(document, variables);
        assert_eq!(answer.status, StatusCode::OK, "{answer}");
        answer["extensions"]["queryPlan"].clone()
    };

    let register = plan(REGISTER, newcomer());
    assert_eq!(
        (&register["node"]["serviceName"], &register["node"]["operationKind"]),
        (&json!("identity"), &json!("mutation"))
    );
    let home = plan(&student_home(), json!({}));
    assert_eq!(home["node"]["kind"], "Sequence", "{home}");
    assert!(!is_known_newcomer(&student), "a plan was run");
}

#[test]
fn everyone_gets_a_trace_of_their_own() {
    let system = System::shared();
    let people = [STUDENT, OTHER_STUDENT].map(|email| (email, system.sign_in(email)));
    let document = "{ me { email enrollments(first: 3) { nodes { id } } } }";

    let traces: Vec<String> = thread::scope(|scope| {
        let asking: Vec<_> = (0..16)
            .map(|number: usize| {
                let (email, visitor) = &people[number % people.len()];
                scope.spawn(move || {
                    let answer = traced(visitor, document);
                    assert_eq!(answer["data"]["me"]["email"], *email, "{answer}");
                    let trace = &answer["extensions"]["trace"];
                    let counts: Vec<_> = fetches(trace).iter().map(|fetch| own_statements_of(fetch).count()).collect();
                    assert_eq!(counts, [1, 1], "{trace}");
                    trace.to_string()
                })
            })
            .collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer")).collect()
    });

    // A shared answer would have the very same times in it.
    assert_eq!(traces.iter().collect::<BTreeSet<_>>().len(), traces.len(), "{traces:#?}");
}

#[test]
fn an_unavailable_subgraph_is_in_the_trace_without_its_address() {
    let mut addresses = System::shared().addresses.clone();
    let away = format!("http://127.0.0.1:{}/graphql", free_port());
    addresses.subgraphs.insert("course".to_owned(), away);
    let process = LoneRouter::before(&addresses);
    let admin = process.visitor().sign_in(ADMIN, PASSWORD);

    let answer = traced(&admin, "{ me { id } courses(first: 1) { nodes { id } } }");

    assert_eq!(answer.error(), Some("SERVICE_UNAVAILABLE"));
    let trace = &answer["extensions"]["trace"];
    let course = fetch(trace, "course", "query");
    assert_eq!((&course["failed"], &course["bytes"], &course["inside"]), (&json!(true), &json!(0), &json!(null)));
    assert_eq!(fetch(trace, "identity", "query")["failed"], false);
    assert!(!answer.text.contains("127.0.0.1"), "{answer}");
}

#[test]
fn a_subgraph_gives_a_trace_to_the_router_only() {
    let system = System::shared();
    let body = json!({ "query": "{ courses(first: 1) { nodes { id } } }" }).to_string();
    let ask = |headers: HeaderMap| {
        let url = &system.addresses.subgraphs["course"];
        let response =
            reqwest::blocking::Client::new().post(url).headers(headers).body(body.clone()).send().expect("an answer");
        (response.status(), response.text().expect("a body"))
    };
    let json = || HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let asking = || {
        let mut headers = json();
        headers.insert(SUBGRAPH_TRACE, HeaderValue::from_static("1"));
        headers
    };

    // As the router does.
    let mut signed = asking();
    signed.insert(SIGNATURE, signature("course", &signed, body.as_bytes()));
    let (status, text) = ask(signed);
    assert!(status == StatusCode::OK && text.contains("lyceumTrace"), "{text}");

    // Added to a request that the router has signed.
    let mut added = asking();
    added.insert(SIGNATURE, signature("course", &json(), body.as_bytes()));
    for forged in [added, asking()] {
        assert_eq!(ask(forged), (StatusCode::UNAUTHORIZED, String::new()));
    }
}

#[test]
fn a_subgraph_with_an_open_door_gives_no_trace() {
    let subgraph = OpenSubgraph::start(System::shared());
    let visitor = Client::new(&format!("http://{}", subgraph.address));

    let answer = visitor.with_header("x-lyceum-trace", "1").send("{ courses(first: 1) { nodes { id } } }", json!({}));

    let text = answer.text;
    assert_eq!(answer.status, StatusCode::OK, "{text}");
    assert!(text.contains("nodes") && !text.contains("lyceumTrace"), "{text}");
}

/// `lyceum subgraph course --insecure-dev`, on the database of a system.
struct OpenSubgraph {
    _process: Process,
    address: String,
}

impl OpenSubgraph {
    fn start(system: &System) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new(env!("CARGO_BIN_EXE_lyceum"))
            .args(["subgraph", "course", "--insecure-dev", "--listen", &address])
            .args(["--jwks-url", &system.addresses.jwks])
            .env("COURSE_DATABASE_URL", &system.addresses.databases["course"])
            .env_remove("LYCEUM_SUBGRAPH_SECRET")
            .env_remove("LYCEUM_SEAL_SECRET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the subgraph starts");
        wait_until_ready(&address);
        Self { _process: Process(process), address }
    }
}

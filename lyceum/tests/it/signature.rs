//! A subgraph answers over HTTP what the router has signed, and nobody else.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Output, Stdio},
    time::Duration,
};

use auth::signature::{SIGNATURE, Secrets, SignedParts};
use reqwest::{
    Method, StatusCode,
    blocking::Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use subgraph_kit::client_ip::HEADER as CLIENT;
use subgraph_testing::blocking::Client;

use crate::{
    processes::{Database, Part, Plan},
    system::{OTHER_STUDENT, PASSWORD, SECRET, STUDENT, System, at_subgraph, signature},
};

const VALID_SECRET: &str = "a-secret-that-is-long-enough-for-a-test";
const SDL: &str = r#"{"query":"{ _service { sdl } }"}"#;

/// A request to a subgraph that nobody has sent yet.
struct Attempt {
    method: Method,
    path: &'static str,
    headers: HeaderMap,
    body: String,
}

/// What the router would send.
fn good(subgraph: &str, viewer: Option<&Client>, body: &str) -> Attempt {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    if let Some(viewer) = viewer {
        headers.insert(AUTHORIZATION, bearer(viewer));
    }
    let signature = signature(subgraph, &headers, body.as_bytes());
    headers.insert(SIGNATURE, signature);
    Attempt { method: Method::POST, path: "/graphql", headers, body: body.to_owned() }
}

fn bearer(viewer: &Client) -> HeaderValue {
    format!("Bearer {}", viewer.token().expect("a token")).parse().expect("a header's value")
}

impl Attempt {
    fn send(self, endpoint: &str) -> Response {
        let url = format!("{}{}", endpoint.trim_end_matches("/graphql"), self.path);
        let request = reqwest::blocking::Client::new().request(self.method, url).headers(self.headers).body(self.body);
        request.timeout(Duration::from_secs(30)).send().expect("an answer")
    }
}

fn assert_refused(what: &str, response: Response) {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
    assert_eq!(response.text().expect("a body"), "", "{what}");
}

#[test]
fn nobody_but_the_router_is_answered() {
    let system = System::shared();
    let entities = r#"{"query":"{ _entities(representations: []) { __typename } }"}"#;

    for (name, url) in &system.addresses.subgraphs {
        assert_eq!(good(name, None, SDL).send(url).status(), StatusCode::OK, "{name}");
        for body in [SDL, entities, r#"{"query":"{ __typename }"}"#, "rubbish", ""] {
            let mut unsigned = good(name, None, body);
            unsigned.headers.remove(SIGNATURE);
            assert_refused(&format!("{name}: {body}"), unsigned.send(url));
        }
        for method in [Method::GET, Method::PUT, Method::OPTIONS] {
            assert_refused(name, Attempt { method, ..good(name, None, SDL) }.send(url));
        }
    }
}

#[test]
fn a_captured_signature_is_of_no_use_for_anything_else() {
    let system = System::shared();
    let [student, other] = [STUDENT, OTHER_STUDENT].map(|email| system.sign_in(email));
    let url = &system.addresses.subgraphs["payment"];
    let body = r#"{"query":"{ __typename }"}"#;
    let captured = || good("payment", Some(&student), body);
    let with = |change: &dyn Fn(&mut Attempt)| {
        let mut attempt = captured();
        change(&mut attempt);
        attempt.send(url)
    };

    assert_eq!(captured().send(url).status(), StatusCode::OK);
    assert_refused("another token", with(&|attempt| _ = attempt.headers.insert(AUTHORIZATION, bearer(&other))));
    assert_refused("no token", with(&|attempt| _ = attempt.headers.remove(AUTHORIZATION)));
    assert_refused("two tokens", with(&|attempt| _ = attempt.headers.append(AUTHORIZATION, bearer(&other))));
    assert_refused(
        "another client",
        with(&|attempt| _ = attempt.headers.insert(CLIENT, HeaderValue::from_static("::1"))),
    );
    assert_refused("another body", with(&|attempt| attempt.body = SDL.to_owned()));
    assert_refused("another path", with(&|attempt| attempt.path = "/graphql?"));
    assert_refused("another subgraph", captured().send(&system.addresses.subgraphs["enrollment"]));
    assert_refused(
        "two signatures",
        with(&|attempt| {
            let signature = attempt.headers[SIGNATURE].clone();
            attempt.headers.append(SIGNATURE, signature);
        }),
    );
    assert_refused(
        "a truncated signature",
        with(&|attempt| {
            let signature = attempt.headers[SIGNATURE].to_str().expect("letters").to_owned();
            let truncated = signature[..signature.len() - 4].parse().expect("a header's value");
            attempt.headers.insert(SIGNATURE, truncated);
        }),
    );
    assert_refused(
        "no signature",
        with(&|attempt| _ = attempt.headers.insert(SIGNATURE, HeaderValue::from_static("x"))),
    );
}

#[test]
fn a_huge_body_is_not_read() {
    let system = System::shared();
    let url = &system.addresses.subgraphs["course"];
    let body = json!({ "query": "{ __typename }", "variables": { "filler": "x".repeat(5_000_000) } }).to_string();

    assert_eq!(good("course", None, &body).send(url).status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(good("course", None, SDL).send(url).status(), StatusCode::OK);
}

#[test]
fn nothing_is_read_that_is_not_signed() {
    let url = &System::shared().addresses.subgraphs["course"];
    let address = url.trim_start_matches("http://").trim_end_matches("/graphql");
    let mut connection = TcpStream::connect(address).expect("the subgraph listens");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");

    // The body never comes, and the answer does not wait for it.
    let head = format!("POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Length: 5000000\r\n\r\n");
    connection.write_all(head.as_bytes()).expect("it is sent");
    let mut status = [0; b"HTTP/1.1 401".len()];
    connection.read_exact(&mut status).expect("an answer");

    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 401");
}

#[test]
fn probes_and_public_keys_need_no_signature() {
    let system = System::shared();
    let get = |url: String| reqwest::blocking::Client::new().get(url).send().expect("an answer");

    for url in system.addresses.subgraphs.values() {
        let subgraph = url.trim_end_matches("/graphql");
        for path in ["/health", "/ready"] {
            assert_eq!(get(format!("{subgraph}{path}")).status(), StatusCode::OK, "{url}{path}");
        }
    }
    let keys: Value = get(system.addresses.jwks.clone()).json().expect("JSON");
    assert!(keys["keys"][0]["x"].is_string(), "{keys}");
}

#[test]
fn without_a_secret_nothing_starts_unless_it_is_asked_for() {
    let subgraph = ["subgraph", "course", "--course-database-url", "postgres://nobody@127.0.0.1:1/none"];
    let with = |more: &[&'static str]| [&subgraph[..], more].concat();
    let cases = [
        (with(&[]), "LYCEUM_SUBGRAPH_SECRET"),
        (with(&["--listen", "0.0.0.0:0"]), "LYCEUM_SUBGRAPH_SECRET"),
        (with(&["--insecure-dev", "--listen", "0.0.0.0:0"]), "requires a loopback address"),
        (with(&["--subgraph-secret", "only-thirty-one-bytes-long-here"]), "at least 32 bytes, and this one has 31"),
        (with(&["--subgraph-secret", VALID_SECRET]), "LYCEUM_SEAL_SECRET"),
        (
            with(&["--subgraph-secret", VALID_SECRET, "--insecure-dev", "--listen", "0.0.0.0:0"]),
            "requires a loopback address",
        ),
        (
            with(&["--subgraph-secret", VALID_SECRET, "--seal-secret", "only-thirty-one-bytes-long-here"]),
            "this one has 31",
        ),
        (vec!["router", "--router-port", "0"], "LYCEUM_SUBGRAPH_SECRET"),
        (vec!["up", "--temporary", "--subgraph-secret", "short"], "at least 32 bytes, and this one has 5"),
    ];

    for (arguments, said) in cases {
        let output = lyceum(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text.contains(said) && !text.contains("only-thirty"), "{arguments:?}: {text}");
    }
}

#[test]
fn with_a_secret_any_address_will_do() {
    let database = "nowhere";
    for start in [
        ["--listen", "127.0.0.1:0", "--insecure-dev"].as_slice(),
        ["--listen", "0.0.0.0:0", "--subgraph-secret", VALID_SECRET, "--seal-secret", VALID_SECRET].as_slice(),
    ] {
        let output = lyceum(&[["subgraph", "course", "--course-database-url", database].as_slice(), start].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("cannot connect to the database of course"), "{start:?}: {text}");
    }
}

fn lyceum(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum"));
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("LYCEUM_SUBGRAPH_SECRET").env_remove("LYCEUM_SEAL_SECRET");
    command.output().expect("`lyceum` runs")
}

/// As in docs/architecture/security.md: the secret, and the second one, of a subgraph at each step.
const STEPS: [[(&str, &str); 2]; 4] = {
    let [secret, previous] = ["LYCEUM_SUBGRAPH_SECRET", "LYCEUM_SUBGRAPH_SECRET_PREVIOUS"];
    [
        [(secret, SECRET), (previous, "")],
        [(secret, SECRET), (previous, VALID_SECRET)],
        [(secret, VALID_SECRET), (previous, SECRET)],
        [(secret, VALID_SECRET), (previous, "")],
    ]
};

/// What the router signs with at each step: either secret while it is restarted, too.
const OF_ROUTER: [&[&str]; 4] = [&[SECRET], &[SECRET], &[SECRET, VALID_SECRET], &[VALID_SECRET]];

#[test]
fn the_secret_is_changed_without_one_failed_request() {
    let plan = Plan::new(&["identity", "course", "enrollment"]);
    let mut databases = Database::new(&plan, &["identity", "course", "enrollment"]);
    databases.iter_mut().for_each(Database::start);
    let start = |name: &'static str, step: usize| {
        let database = databases.iter().find(|database| database.options.database == name).expect("one of each");
        let part = plan.start(name, &database.url, &STEPS[step]);
        part.wait_until("ready", Part::is_ready);
        part
    };
    let address = |name: &str| format!("http://127.0.0.1:{}", plan.port(name));
    let _identity = start("identity", 0);
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken } } }";
    let ada = json!({ "email": "ada@signature.example", "password": PASSWORD, "name": "Ada" });
    let registered = at_subgraph("identity", &address("identity")).data(register, json!({ "input": ada }));
    let token = registered["register"]["session"]["accessToken"].as_str().expect("a token").to_owned();

    let mut course = start("course", 0);
    let mut enrollment = start("enrollment", 0);
    // enrollment asks course, in a request that it signs itself.
    let ask = |router: &str| {
        let secrets: Secrets = router.parse().expect("it is long enough");
        let client = Client::with_signature(&address("enrollment"), move |headers, body| {
            let parts = SignedParts { subgraph: "enrollment", method: &Method::POST, path: "/graphql", headers, body };
            (SIGNATURE, secrets.sign(parts))
        });
        let enroll = "mutation { enroll(input: { courseId: \"00000000-0000-7000-8000-000000000001\" }) { userErrors { code } } }";
        client.with_token(&token).data(enroll, json!({}))["enroll"]["userErrors"][0]["code"].clone()
    };
    assert_eq!(ask(SECRET), "NOT_FOUND");
    for (step, routers) in OF_ROUTER.iter().enumerate().skip(1) {
        let assert_answered = || routers.iter().for_each(|router| assert_eq!(ask(router), "NOT_FOUND", "step {step}"));
        drop(enrollment);
        enrollment = start("enrollment", step);
        assert_answered();
        drop(course);
        course = start("course", step);
        assert_answered();
    }
}

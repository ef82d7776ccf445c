//! Bad input through the router: a clear error, and nothing is lost by it.

use serde_json::{Value, json};
use subgraph_testing::{Reply, blocking::Client};

use crate::system::{OTHER_STUDENT, PASSWORD, STUDENT, System, TEACHER, UNVERIFIED_TEACHER};

const CREATE: &str =
    "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } userErrors { code field } } }";
const REGISTER: &str =
    "mutation ($input: RegisterInput!) { register(input: $input) { user { id } userErrors { code field } } }";

#[test]
fn an_id_that_is_no_uuid() {
    let answer = System::shared().anonymous().send("{ course(id: \"abc\") { title } }", json!({}));

    assert_eq!(answer.error(), Some("BAD_USER_INPUT"));
    assert_eq!(answer["errors"][0]["path"], json!(["course"]));
}

#[test]
fn page_sizes_and_cursors_that_cannot_be() {
    let anonymous = System::shared().anonymous();
    let foreign = {
        let student = System::shared().sign_in(STUDENT);
        student.data("{ me { payments(first: 1) { pageInfo { endCursor } } } }", json!({}))["me"]["payments"]["pageInfo"]["endCursor"].clone()
    };
    let cases = [
        ("first: 101".to_owned(), "first"),
        ("first: -1".to_owned(), "first"),
        ("last: -1".to_owned(), "last"),
        ("first: 1, last: 1".to_owned(), "last"),
        ("after: \"broken\"".to_owned(), "after"),
        ("before: \"\"".to_owned(), "before"),
        (format!("after: {foreign}"), "after"),
        ("filter: { minPrice: \"10,50\" }".to_owned(), "filter.minPrice"),
    ];

    for (arguments, field) in cases {
        let answer = anonymous.send(&format!("{{ courses({arguments}) {{ nodes {{ id }} }} }}"), json!({}));
        assert_eq!(answer.error(), Some("BAD_USER_INPUT"), "{arguments}: {answer}");
        assert!(
            answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains(field)),
            "{arguments}: {answer}"
        );
        assert_eq!(answer["errors"][0]["extensions"]["field"], field, "{arguments}: {answer}");
    }
}

#[test]
fn documents_that_cannot_be_answered() {
    let anonymous = System::shared().anonymous();
    let deep = format!(
        "{{ courses {{ nodes {{ {} id {} }} }} }}",
        "teacher { courses { nodes { ".repeat(16),
        "} } }".repeat(16)
    );
    let aliases = (0..10_000).map(|n| format!("a{n}: course(id: \"x\") {{ id }}")).collect::<Vec<_>>().join(" ");

    assert_eq!(
        anonymous.send("{ courses { nodes { colour } } }", json!({})).error(),
        Some("GRAPHQL_VALIDATION_FAILED")
    );
    assert_eq!(anonymous.send("{ courses {", json!({})).error(), Some("GRAPHQL_PARSE_FAILED"));
    assert_eq!(anonymous.send("", json!({})).error(), Some("GRAPHQL_PARSE_FAILED"));
    refused_by_a_limit(&anonymous.send(&deep, json!({})));
    refused_by_a_limit(&anonymous.send(&format!("{{ {aliases} }}"), json!({})));
    assert_still_answers(&anonymous);
}

fn refused_by_a_limit(answer: &Reply) {
    let code = answer.error().expect("a code");
    assert!(!["INTERNAL_SERVER_ERROR", "GRAPHQL_VALIDATION_FAILED"].contains(&code), "{answer}");
    assert!(answer["data"].is_null(), "{answer}");
}

/// Valid as far as grammar goes: what is wrong with them has a place in the document.
const INVALID: [&str; 24] = [
    "{ me @unknown { id } }",
    "{ me { id @unknown(if: true) } }",
    "{ me @include(if: true) @include(if: true) { id } }",
    "{ me @include { id } }",
    "{ me @include(when: true) { id } }",
    "query @include(if: true) { me { id } }",
    "query ($v: Int) { course(id: $v) { id } }",
    "query ($v: String) { courses(first: $v) { nodes { id } } }",
    "query ($v: String) { courses(filter: { level: $v }) { nodes { id } } }",
    "query ($v: Boolean) { me @include(if: $v) { id } }",
    "query ($v: [ID!]!) { course(id: $v) { id } }",
    "query ($v: Nothing) { course(id: $v) { id } }",
    "query ($v: User) { course(id: $v) { id } }",
    "query ($v: ID!, $v: ID!) { course(id: $v) { id } }",
    "query ($v: ID!) { me { id } }",
    "{ course(id: $v) { id } }",
    "{ me { ... on Course { id } } }",
    "{ me { ...Of } } fragment Of on Course { id }",
    "{ me { ...Of } } fragment Of on Nothing { id }",
    "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
    "{ me { ...A } } fragment A on User { ...A }",
    "{ me { ...Missing } }",
    "{ me { id: name id } }",
    "{ me { id { x } } courses }",
];

#[test]
fn documents_that_are_invalid_say_where_and_are_no_failure_of_the_systems() {
    let system = System::start(&["--temporary", "--empty"]);
    let anonymous = system.anonymous();

    for document in INVALID {
        let answer = anonymous.send(document, json!({}));
        assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
        assert_located(document, &answer);
    }
    for (document, variables) in [
        ("query A { me { id } } query B { me { id } }", json!({})),
        ("{ course(id: \"x\") { id } }", json!({})),
        ("query ($v: ID!) { course(id: $v) { id } }", json!({})),
        ("query ($v: ID!) { course(id: $v) { id } }", json!({ "v": {} })),
        ("query ($v: CourseLevel) { courses(filter: { level: $v }) { nodes { id } } }", json!({ "v": "NONE" })),
    ] {
        let answer = anonymous.send(document, variables);
        assert_eq!(answer.error(), Some("BAD_USER_INPUT"), "{document}: {answer}");
    }
    let two = anonymous.send("query A { me { id } } query B { me { id } }", json!({}));
    assert_eq!(two["errors"][0]["locations"][1], json!({ "line": 1, "column": 23 }), "{two}");
    for document in ["{", "}", "{ me { id }", "query (", "\"", "\u{0}", "{ me { id } } }", "fragment", "{ a(b: $) }"] {
        let answer = anonymous.send(document, json!({}));
        assert_eq!(answer.error(), Some("GRAPHQL_PARSE_FAILED"), "{document}: {answer}");
        assert_located(document, &answer);
    }
    let second_line = anonymous.send("{ me {\n  id }} }", json!({}));
    assert_eq!(second_line["errors"][0]["locations"], json!([{ "line": 2, "column": 9 }]), "{second_line}");

    let failures: Vec<_> = system.log().lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Each error of a document of one line says where in it.
fn assert_located(document: &str, answer: &Reply) {
    for error in answer["errors"].as_array().expect("errors") {
        let location = &error["locations"][0];
        assert!(location["line"] == 1 && location["column"].as_u64().is_some_and(|at| at > 0), "{document}: {error}");
    }
}

#[test]
fn bodies_that_are_no_request() {
    let anonymous = System::shared().anonymous();
    let huge = json!({ "query": format!("{{ courses {{ nodes {{ id }} }} }} #{}", "x".repeat(2_000_000)) }).to_string();
    let good = json!({ "query": "{ courses { totalCount } }" }).to_string();

    for (what, content_type, body) in [
        ("no JSON", "application/json", "{"),
        ("empty", "application/json", ""),
        ("another JSON", "application/json", "[1, 2]"),
        ("no query", "application/json", "{}"),
        ("content type", "text/plain", good.as_str()),
        ("2 MB", "application/json", huge.as_str()),
    ] {
        let answer = anonymous.with_header("content-type", content_type).post(body);
        assert!(answer.status.is_client_error(), "{what}: {}", answer.status);
        assert!(answer.error().is_some_and(|code| code != "INTERNAL_SERVER_ERROR"), "{what}: {answer}");
    }
    assert_still_answers(&anonymous);
}

/// What a page of another site asks whose name resolves to 127.0.0.1 by now.
#[test]
fn another_sites_name() {
    let router = &System::shared().addresses.router;
    let client = reqwest::blocking::Client::new();
    let get = |path: &str, host: &'static str| client.get(format!("{router}{path}")).header("host", host);
    let sign_in = json!({ "query": format!(
        "mutation {{ login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }}) {{ session {{ accessToken }} }} }}"
    ) });

    let sign_in = client.post(format!("{router}/graphql")).header("host", "evil.example").json(&sign_in);
    for request in [get("/playground.json", "evil.example"), get("/", "evil.example:4000"), sign_in] {
        let response = request.send().expect("the router answers");
        assert_eq!(response.status(), 421);
        let text = response.text().expect("it is text");
        assert!(!text.contains(PASSWORD) && !text.contains("accessToken") && !text.contains('<'), "{text}");
    }

    let samples = get("/playground.json", "localhost:4000").send().expect("the router answers");
    assert_eq!(samples.headers()["cache-control"], "no-store");
    assert!(samples.text().expect("it is text").contains(PASSWORD));
    assert_eq!(get("/health", "10.1.2.3").send().expect("the router answers").status(), 200);
}

#[test]
fn a_mutation_by_get() {
    let router = &System::shared().addresses.router;
    let query = "mutation%20%7B%20login(input%3A%7Bemail%3A%22a%22%2Cpassword%3A%22b%22%7D)%20%7B%20userErrors%20%7B%20code%20%7D%20%7D%20%7D";
    let client = reqwest::blocking::Client::new();
    let response = client
        .get(format!("{router}/graphql?query={query}"))
        .header("x-lyceum-csrf", "1")
        .header("accept", "application/json");
    let response = response.send().expect("the router answers");

    assert_eq!(response.status(), 405);
    let answer: Value = response.json().expect("JSON");
    assert!(answer["data"].is_null(), "{answer}");
}

#[test]
fn variables_of_the_wrong_type() {
    let anonymous = System::shared().anonymous();
    let document = "query ($id: ID!, $first: Int) { course(id: $id) { id } courses(first: $first) { totalCount } }";

    for variables in [json!({}), json!({ "id": null }), json!({ "id": ["a"] }), json!({ "id": "a", "first": "many" })] {
        assert_eq!(anonymous.send(document, variables.clone()).error(), Some("BAD_USER_INPUT"), "{variables}");
    }
}

#[test]
fn a_course_that_breaks_rules() {
    let teacher = System::shared().sign_in(TEACHER);
    let cases = [
        (json!({ "title": "x".repeat(501) }), "title"),
        (json!({ "title": " " }), "title"),
        (json!({ "title": "a\u{0}b" }), "title"),
        (json!({ "title": "a", "isFree": false, "price": "0" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "-1" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "1.001" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "10000000000" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "abc" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "1e999" }), "price"),
        (json!({ "title": "a", "isFree": false, "price": "10,50" }), "price"),
        (json!({ "title": "a", "isFree": false }), "price"),
        (json!({ "title": "a", "isFree": true, "price": "1" }), "price"),
        (json!({ "title": "a", "durationMinutes": -1 }), "durationMinutes"),
    ];

    for (input, field) in cases {
        let payload = teacher.data(CREATE, json!({ "input": input }))["createCourse"].clone();
        assert!(payload["course"].is_null(), "{input}");
        assert_eq!(payload["userErrors"], json!([{ "code": "INVALID_INPUT", "field": ["input", field] }]), "{input}");
    }
    for price in [json!(true), json!([]), json!({})] {
        let answer = teacher.send(CREATE, json!({ "input": { "title": "a", "isFree": false, "price": price } }));
        assert_eq!(answer.error(), Some("BAD_USER_INPUT"), "{price}: {answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(message, "Variable \"$input.price\": a value of type \"Decimal\" is expected.", "{price}");
    }
}

#[test]
fn a_course_by_someone_who_may_not() {
    let system = System::shared();
    let input = json!({ "input": { "title": "a" } });

    let refused = system.anonymous().send(CREATE, input.clone());
    assert_eq!(refused.error(), Some("UNAUTHENTICATED"), "{refused}");
    for email in [STUDENT, UNVERIFIED_TEACHER] {
        let refused = system.sign_in(email).send(CREATE, input.clone());
        assert_eq!(refused.error(), Some("FORBIDDEN"), "{email}: {refused}");
    }
}

#[test]
fn an_account_that_breaks_rules() {
    let anonymous = System::shared().anonymous();
    let account = |email: &str, password: &str, name: &str| json!({ "input": { "email": email, "password": password, "name": name } });
    let cases = [
        (account("none", PASSWORD, "A"), json!([{ "code": "INVALID_INPUT", "field": ["input", "email"] }])),
        (account("a\u{0}@b.example", PASSWORD, "A"), json!([{ "code": "INVALID_INPUT", "field": ["input", "email"] }])),
        (account(OTHER_STUDENT, PASSWORD, "A"), json!([{ "code": "EMAIL_TAKEN", "field": ["input", "email"] }])),
        (
            account(&OTHER_STUDENT.to_uppercase(), PASSWORD, "A"),
            json!([{ "code": "EMAIL_TAKEN", "field": ["input", "email"] }]),
        ),
        (
            account("new@b.example", "1234567", "A"),
            json!([{ "code": "INVALID_INPUT", "field": ["input", "password"] }]),
        ),
        (
            account("new@b.example", &"x".repeat(129), "A"),
            json!([{ "code": "INVALID_INPUT", "field": ["input", "password"] }]),
        ),
        (account("new@b.example", PASSWORD, " "), json!([{ "code": "INVALID_INPUT", "field": ["input", "name"] }])),
    ];

    for (variables, expected) in cases {
        let payload = anonymous.data(REGISTER, variables.clone())["register"].clone();
        assert!(payload["user"].is_null(), "{variables}");
        assert_eq!(payload["userErrors"], expected, "{variables}");
    }
}

#[test]
fn search_text_is_text() {
    let anonymous = System::shared().anonymous();
    let document =
        "query ($search: String) { courses(first: 100, filter: { search: $search }) { nodes { title description } } }";
    let found = |search: &str| {
        anonymous.data(document, json!({ "search": search }))["courses"]["nodes"].as_array().expect("nodes").clone()
    };

    for search in ["%", "_", "\\", "'", "\""] {
        let contains = |node: &Value| {
            ["title", "description"].iter().any(|field| node[field].as_str().is_some_and(|text| text.contains(search)))
        };
        let nodes = found(search);
        assert!(nodes.len() < 100 && nodes.iter().all(contains), "{search}: {} found", nodes.len());
    }
    for search in ["%zzz", "🦀", "'; drop table courses; --", &"x".repeat(200)] {
        assert_eq!(found(search), [Value::Null; 0], "{search:.20}");
    }
    for search in ["a\u{0}b", &"x".repeat(201)] {
        assert_eq!(anonymous.send(document, json!({ "search": search })).error(), Some("BAD_USER_INPUT"));
    }
    assert_still_answers(&anonymous);
}

fn assert_still_answers(visitor: &Client) {
    let total = visitor.data("{ courses { totalCount } }", json!({}))["courses"]["totalCount"].as_i64();
    assert!(total.is_some_and(|total| total >= 1_000), "{total:?}");
}

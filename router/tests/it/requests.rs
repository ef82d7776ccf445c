//! Invalid requests, and the router's responses.

use std::{convert::Infallible, fmt::Write};

use futures::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use subgraph_testing::{Reply, token};

use crate::support::{App, Options, Own, Transport, changed_config, claims, reply};

async fn raw(content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    reply(App::get().post().header("content-type", content_type).body(body)).await
}

fn assert_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.error()), (status, Some(code)), "{reply:?}");
    assert!(!reply.message().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_request_is_the_clients_mistake() {
    for body in ["", "not JSON", "[]", "42", "{\"query\":1}", "{\"query\":\"{ me { id } }\",\"variables\":[1]}"] {
        assert_error(&raw("application/json", body).await, 400, "BAD_USER_INPUT");
    }
    assert_error(&raw("application/json", "{}").await, 422, "BAD_USER_INPUT");
}

/// hive-router ignores unknown members.
#[tokio::test]
async fn a_body_that_is_not_utf_8_is_not_executed() {
    let body = b"{\"query\":\"{ me { id } }\",\"other\":\"\xff\"}".to_vec();

    assert_eq!(raw("application/json", body).await.error(), Some("BAD_USER_INPUT"));
}

#[tokio::test]
async fn variables_that_are_null_are_none() {
    for variables in ["null", "+null", "%20null", ""] {
        let path = format!("/graphql?query=%7Bcourses%7Bid%7D%7D&variables={variables}");
        let reply = reply(App::get().get_page(&path).header("x-lyceum-csrf", "1")).await;
        assert_eq!(reply.status, StatusCode::OK, "{variables}: {reply:?}");
    }
}

/// Comparing them by name would take 3^29 steps.
#[tokio::test]
async fn names_that_occur_twice_in_variables_hang_nobody() {
    let nested = (0..29).fold("1".to_owned(), |inner, _| format!("{{\"a\":{inner},\"a\":1,\"a\":1}}"));
    let many = (0..50_000).map(|number| format!("\"n{number}\":1")).collect::<Vec<_>>().join(",");
    for value in [nested, format!("{{{many}}}")] {
        for padding in [0, 4_000] {
            let spaces = " ".repeat(padding);
            let body = format!("{{\"query\":\"{{ courses {{ id }} }}\",{spaces}\"variables\":{{\"v\":{value}}}}}");
            assert_eq!(raw("application/json", body).await.status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_content_type_is_needed() {
    assert_error(&raw("application/xml", "<query/>").await, 415, "BAD_USER_INPUT");
    assert_error(&reply(App::get().post().header("x-lyceum-csrf", "1").body("{}")).await, 415, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_form_of_another_site_is_rejected() {
    let body = "{\"query\":\"{ courses { id } }\"}";
    let form = "query=mutation%7Brename(title:%22x%22)%7Bid%7D%7D";

    // What a page can send without a preflight request.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        assert_error(&raw(content_type, body).await, 415, "BAD_USER_INPUT");
        assert_error(&raw(content_type, form).await, 415, "BAD_USER_INPUT");
    }
    let mutation = App::get().get_page(&format!("/graphql?{form}"));
    assert_error(&reply(mutation).await, 405, "BAD_USER_INPUT");
}

/// As urql does by default.
#[tokio::test]
async fn a_query_by_get_needs_no_header() {
    let client = reqwest::Client::new();
    for accept in ["application/json", "application/graphql-response+json, application/json, text/event-stream"] {
        let request = client.get(App::get().url("/graphql?query=%7Bcourses%7Bid%7D%7D")).header("accept", accept);

        let answer = reply(request).await;

        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer["data"]["courses"].is_array(), "{answer}");
    }
}

#[tokio::test]
async fn where_a_guard_is_set_its_message_names_the_headers() {
    let config = changed_config(
        "  enabled: false\n  required_headers: [x-lyceum-csrf",
        "  enabled: true\n  required_headers: [x-lyceum-csrf",
    );
    let Own { app, .. } = &App::own(Transport::InProcess, Options { config: Some(config), ..Options::default() });
    let get = || app.get_page("/graphql?query=%7Bcourses%7Bid%7D%7D");

    let refused = reply(get()).await;

    assert_error(&refused, 403, "CSRF_PREVENTION_FAILED");
    assert!(
        ["x-lyceum-csrf", "csrf.required_headers"].iter().all(|name| refused.message().contains(name)),
        "{refused}"
    );
    assert_eq!(reply(get().header("x-lyceum-csrf", "1")).await.status, StatusCode::OK);
}

/// GraphQL over SSE has a mode of one connection, and some clients ask for a subscription as for a query.
#[tokio::test]
async fn who_asks_for_a_stream_in_another_way_learns_how_it_is_done() {
    let client = reqwest::Client::new();
    let reservation = reply(client.put(App::get().url("/graphql"))).await;
    assert_error(&reservation, 405, "BAD_USER_INPUT");
    assert!(reservation.message().contains("distinct connections mode"), "{reservation}");

    for accept in ["application/json", "application/graphql-response+json"] {
        let request = App::get().post().header("accept", accept).json(&json!({ "query": "subscription { ticks }" }));
        let answer = reply(request).await;

        assert_error(&answer, 406, "BAD_USER_INPUT");
        let named = ["text/event-stream", "multipart/mixed", "graphql-transport-ws"];
        assert!(named.iter().all(|name| answer.message().contains(name)), "{answer}");
    }
}

#[tokio::test]
async fn other_origins_may_not_read() {
    let response =
        App::get().post().header("origin", "https://evil.example").json(&json!({ "query": "{ __typename }" }));
    let response = response.send().await.expect("the router answers");

    assert_eq!(response.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn queries_can_be_sent_by_get_and_mutations_cannot() {
    let get = |query: &str| App::get().get_page(&format!("/graphql?query={query}")).header("x-lyceum-csrf", "1");

    let query = reply(get("%7Bcourses%7Bid%7D%7D")).await;
    let mutation = reply(get("mutation%7Brename(title:%22x%22)%7Bid%7D%7D")).await;

    assert_eq!(query.status, StatusCode::OK, "{query:?}");
    assert_error(&mutation, 405, "BAD_USER_INPUT");
    assert_error(&reply(App::get().get_page("/graphql").header("x-lyceum-csrf", "1")).await, 422, "BAD_USER_INPUT");
}

#[tokio::test]
async fn media_types_have_no_letter_case_and_may_have_parameters() {
    let body = || json!({ "query": "{ __typename }" }).to_string();
    let post = |content_type: &str| App::get().post().header("content-type", content_type).body(body());

    for content_type in ["Application/JSON", "application/json;charset=UTF-8", "APPLICATION/JSON ; Charset=utf-8"] {
        assert_eq!(reply(post(content_type)).await.status, StatusCode::OK, "{content_type}");
    }
    for (accept, answered) in [
        ("application/json; charset=utf-8", "application/json"),
        ("Application/JSON", "application/json"),
        ("application/graphql-response+json; charset=utf-8", "application/graphql-response+json"),
        (
            "application/graphql-response+json;charset=utf-8, application/json;q=0.9",
            "application/graphql-response+json",
        ),
        (
            "application/json;charset=utf-8;q=0.1, application/graphql-response+json;q=0.9",
            "application/graphql-response+json",
        ),
        ("text/html, application/*;q=0.1", "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
    ] {
        let response = post("application/json").header("accept", accept).send().await.expect("the router answers");

        assert_eq!(response.status(), StatusCode::OK, "{accept}");
        assert_eq!(response.headers()["content-type"], answered, "{accept}");
    }
}

#[tokio::test]
async fn several_headers_of_accepted_types_are_one_list() {
    let request = App::get().post().header("accept", "text/html").header("accept", "application/json");
    let stream = App::get().post().header("accept", "text/html").header("accept", "Text/Event-Stream; charset=utf-8");

    assert_eq!(reply(request.json(&json!({ "query": "{ __typename }" }))).await.status, StatusCode::OK);
    let stream = reply(stream.json(&json!({ "query": "subscription { ticks }" }))).await;
    assert!(stream.text.contains(r#"{"data":{"ticks":1}}"#), "{stream:?}");
}

/// The first subgraph is always unavailable here.
#[tokio::test]
async fn what_the_root_is_called_depends_on_no_subgraph() {
    for (document, data) in [
        ("{ __typename }", r#"{"__typename":"Query"}"#),
        ("{ id: __typename __typename }", r#"{"id":"Query","__typename":"Query"}"#),
        ("mutation { __typename }", r#"{"__typename":"Mutation"}"#),
    ] {
        let reply = App::get().query(document).await;

        assert_eq!(reply.text, format!(r#"{{"data":{data}}}"#));
    }
}

/// `graphql-sse` and other clients of GraphQL over SSE send everything so.
#[tokio::test]
async fn who_accepts_streams_alone_gets_each_answer_in_one() {
    let ask = |accept: &str, query: &str| {
        let request = App::get().post().bearer_auth(token(&claims()));
        request.header("accept", accept).json(&json!({ "query": query }))
    };
    let data = json!({ "data": { "me": { "id": format!("user {}", claims().sub) } } });
    let part = "--graphql\r\nContent-Type: application/json\r\n\r\n";
    for (accept, content_type, before, after) in [
        ("text/event-stream", "text/event-stream", "event: next\ndata: ", "\n\nevent: complete\n\n"),
        (
            "Text/Event-Stream; charset=utf-8, application/json;q=0",
            "text/event-stream",
            "event: next\ndata: ",
            "\n\nevent: complete\n\n",
        ),
        (
            "multipart/mixed;subscriptionSpec=1.0",
            "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
            &format!("{part}{{\"payload\":"),
            "}\r\n--graphql--",
        ),
        (
            "multipart/mixed",
            "multipart/mixed;boundary=\"-\"",
            "---\r\nContent-Type: application/json\r\n\r\n",
            "\r\n-----",
        ),
    ] {
        let response = ask(accept, "{ me { id: name } }").send().await.expect("the router answers");
        assert_eq!(response.status(), StatusCode::OK, "{accept}");
        assert_eq!(response.headers()["content-type"], content_type, "{accept}");
        let text = response.text().await.expect("text");
        assert_eq!(text, format!("{before}{data}{after}"), "{accept}");

        // `EventSource` does not expose responses with another status.
        let wrong = reply(ask(accept, "{ nothing }")).await;
        assert_eq!(wrong.status, StatusCode::OK, "{wrong:?}");
        assert!(wrong.text.starts_with(before) && wrong.text.ends_with(after), "{wrong:?}");
        assert!(wrong.text.contains("GRAPHQL_VALIDATION_FAILED"), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_mutation_is_answered_to_who_accepts_streams_alone() {
    let mutation = json!({ "query": "mutation { rename(title: \"x\") { title: id } }" });
    let request = App::get().post().header("accept", "text/event-stream").json(&mutation);

    let reply = reply(request).await;

    assert!(reply.text.starts_with("event: next\ndata: {\"data\":{\"rename\":"), "{reply:?}");
    assert!(reply.text.ends_with("event: complete\n\n"), "{reply:?}");
}

#[tokio::test]
async fn what_nobody_would_read_is_not_acceptable() {
    for accept in ["text/html", "application/xml", "image/*", "application/json;q=0", "text/plain;charset=utf-8"] {
        let request = App::get().post().header("accept", accept).json(&json!({ "query": "{ __typename }" }));

        assert_error(&reply(request).await, 406, "BAD_USER_INPUT");
    }
    let wrong = App::get().post().header("content-type", "text/plain").header("x-lyceum-csrf", "1");
    assert_error(&reply(wrong.body("{}")).await, 415, "BAD_USER_INPUT");
    let hidden = App::get().post().header("content-type", "text/x; y=application/json");
    assert_error(&reply(hidden.body(r#"{"query":"{ __typename }"}"#)).await, 415, "BAD_USER_INPUT");
}

#[tokio::test]
async fn parameters_that_say_nothing_are_as_if_left_out() {
    for parameters in [
        "operationName=",
        "operationName",
        "variables=null",
        "variables=",
        "extensions=null",
        "extensions=",
        "operationName=&variables=null&extensions=null",
    ] {
        for address in [format!("query=%7Bme%7Bid%7D%7D&{parameters}"), format!("{parameters}&query=%7Bme%7Bid%7D%7D")]
        {
            let request = App::get().get_page(&format!("/graphql?{address}")).header("x-lyceum-csrf", "1");

            let reply = reply(request).await;

            assert_eq!(reply.json, json!({ "data": { "me": null } }), "{address}: {reply:?}");
        }
    }
    for body in [json!({ "operationName": null, "variables": null, "extensions": null }), json!({ "variables": {} })] {
        let mut body = body;
        body["query"] = json!("{ me { id } }");
        assert_eq!(App::get().send(body, None).await.json, json!({ "data": { "me": null } }));
    }
    let named = App::get().get_page("/graphql?query=%7Bme%7Bid%7D%7D&operationName=A").header("x-lyceum-csrf", "1");
    assert_error(&reply(named).await, 200, "BAD_USER_INPUT");
}

#[tokio::test]
async fn another_method_is_told_which_ones_there_are() {
    let client = reqwest::Client::new();
    for (method, path, allowed) in [
        ("PUT", "/graphql", "GET, POST"),
        ("DELETE", "/graphql", "GET, POST"),
        ("PATCH", "/graphql", "GET, POST"),
        ("OPTIONS", "/graphql", "GET, POST"),
        ("GET", "/graphql?query=mutation%7Brename(title:%22x%22)%7Bid%7D%7D", "POST"),
    ] {
        let method = method.parse().expect("a method");
        let request = client.request(method, App::get().url(path)).header("x-lyceum-csrf", "1");

        let response = request.send().await.expect("the router answers");

        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()["allow"], allowed, "{path}");
    }
}

#[tokio::test]
async fn a_status_says_whether_there_is_an_answer() {
    let document = |query: &str| json!({ "query": query });
    let with = |query: &str, variables: Value| json!({ "query": query, "variables": variables });
    let needs = "query ($f: Filter!) { echo(value: $f) }";
    for (request, strict, legacy) in [
        (document("{ courses { id } }"), 200, 200),
        // A partial response has data.
        (document("{ away courses { id } }"), 294, 200),
        (document("{ forbidden }"), 294, 200),
        // Without data: the operation is invalid.
        (document("{ me {"), 400, 200),
        (document("{ nothing }"), 422, 200),
        (with(needs, json!({ "f": 1 })), 422, 200),
        (with(needs, json!({})), 422, 200),
        (json!({ "query": "query A { __typename } query B { __typename }" }), 422, 200),
        (json!({ "query": "{ __typename }", "operationName": "A" }), 422, 200),
        // Not a GraphQL request.
        (json!({}), 422, 422),
        (json!({ "query": 1 }), 400, 400),
        (with("{ __typename }", json!([1])), 400, 400),
    ] {
        for (accept, status) in [("application/graphql-response+json", strict), ("application/json", legacy)] {
            let response = App::get().post().header("accept", accept).json(&request).send().await.expect("an answer");

            assert_eq!(response.headers()["content-type"], accept, "{request}");
            assert_eq!(response.status().as_u16(), status, "{accept}: {request}");
        }
    }
}

#[tokio::test]
async fn the_document_is_checked() {
    let app = App::get();
    assert_error(&app.query("{ me {").await, 400, "GRAPHQL_PARSE_FAILED");
    assert_error(&app.query("").await, 400, "GRAPHQL_PARSE_FAILED");
    assert_error(&app.query("{ nothing }").await, 422, "GRAPHQL_VALIDATION_FAILED");
    assert_error(&app.query("{ me { id { x } } }").await, 422, "GRAPHQL_VALIDATION_FAILED");
    let twice = json!({ "query": "query A { __typename } query A { __typename }", "operationName": "A" });
    assert_error(&app.send(twice, None).await, 422, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn with_plain_json_a_failed_validation_is_an_answer() {
    let request = App::get().post().header("accept", "application/json").json(&json!({ "query": "{ nothing }" }));

    assert_error(&reply(request).await, 200, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn the_operation_must_be_there() {
    let two = "query A { courses { id } } query B { courses { title } }";
    let named = |name: &str| App::get().send(json!({ "query": two, "operationName": name }), None);

    assert_error(&named("C").await, 422, "BAD_USER_INPUT");
    assert!(named("B").await.json["data"]["courses"][0]["title"].is_string());
    assert!(named("A").await.json["data"]["courses"][0]["id"].is_string());
}

#[tokio::test]
async fn of_several_operations_one_must_be_named() {
    for transport in [Transport::InProcess, Transport::Http] {
        let reply = App::over(transport).query("query A { courses { id } } query B { courses { title } }").await;

        assert_error(&reply, 422, "BAD_USER_INPUT");
        assert_eq!(reply.json["data"], Value::Null);
    }
}

#[tokio::test]
async fn a_mutation_cannot_hide_behind_a_query() {
    let two = "query A{courses{id}} mutation B{rename(title:\"x\"){title}}";
    let get = |name: &str| {
        let query = [("query", two), ("operationName", name)];
        reply(App::get().get_page("/graphql").query(&query).header("x-lyceum-csrf", "1"))
    };

    assert_error(&get("B").await, 405, "BAD_USER_INPUT");
    assert_eq!(get("A").await.status, StatusCode::OK);
    let posted = App::get().send(json!({ "query": two, "operationName": "B" }), None).await;
    assert_eq!(posted.json["data"]["rename"]["title"], "x", "{posted:?}");
}

#[tokio::test]
async fn variables_must_fit() {
    let query = "query ($f: Filter) { echo(value: $f) }";
    for wrong in [json!(1), json!({}), json!({ "text": 1 }), json!({ "text": "a", "more": 1 }), json!({ "text": null })]
    {
        let reply = App::get().send(json!({ "query": query, "variables": { "f": wrong } }), None).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{reply:?}");
    }
}

#[tokio::test]
async fn a_large_body_breaks_a_limit() {
    let body = json!({ "query": "{ me { id } }", "variables": { "x": "a".repeat(2_000_000) } }).to_string();

    assert_error(&raw("application/json", body).await, 413, "PAYLOAD_TOO_LARGE_CONTENT_LENGTH");
}

/// A body that is not, partly or fully read, on a connection that is kept or closed: a client that first sends it all
/// and then reads still gets the error.
#[tokio::test]
async fn what_is_wrong_with_a_large_body_can_be_read() {
    let large = json!({ "query": "{ me { id } }", "variables": { "x": "a".repeat(4_000_000) } }).to_string();
    let form = "a".repeat(500_000);
    let cases = [
        ("application/json", "identity", &large, 413),
        ("text/plain", "identity", &form, 415),
        ("application/json", "gzip", &form, 400),
        ("application/json", "unknown", &large, 415),
    ];

    for turn in 0..20 {
        for (content_type, encoding, body, status) in cases {
            let chunks: Vec<_> =
                body.as_bytes().chunks(60_000).map(|chunk| Ok::<_, Infallible>(chunk.to_vec())).collect();
            let in_chunks = reqwest::Body::wrap_stream(stream::iter(chunks));
            for body in [reqwest::Body::from(body.to_owned()), in_chunks] {
                let request =
                    App::get().post().header("content-type", content_type).header("content-encoding", encoding);

                let answer = reply(request.body(body)).await;

                assert_eq!(answer.status.as_u16(), status, "{turn}: {answer:?}");
                assert!(!answer.message().is_empty(), "{turn}: {answer:?}");
            }
        }
    }
}

/// The headers and half of the body have been sent.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let config = changed_config("    body_read_timeout: 10s\n", "    body_read_timeout: 300ms\n");
    let Own { app, stop, runtime: _runtime, .. } =
        App::own(Transport::InProcess, Options { config: Some(config), ..Options::default() });
    let half = "{\"query\":\"{ me { id } }\"".as_bytes().to_vec();
    let body = stream::iter([Ok::<_, Infallible>(half)]).chain(stream::pending());

    let reply =
        reply(app.post().header("content-type", "application/json").body(reqwest::Body::wrap_stream(body))).await;

    assert_error(&reply, 408, "BAD_USER_INPUT");
    stop.cancel();
}

#[tokio::test]
async fn json_is_not_nested_without_end() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let app = App::get();

    for depth in [33, 1_000, 400_000] {
        let body = format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"x\":{}}}}}", nested(depth));
        assert_error(&raw("application/json", body).await, 400, "BAD_USER_INPUT");
        assert_error(&raw("application/json", nested(depth)).await, 400, "BAD_USER_INPUT");
    }
    for name in ["variables", "extensions", "%76ariables"] {
        let address = format!("/graphql?query=%7B__typename%7D&{name}={}", "%5B".repeat(1_000));
        assert_error(&reply(app.get_page(&address).header("x-lyceum-csrf", "1")).await, 400, "BAD_USER_INPUT");
    }
    let fine = format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"x\":{}}}}}", nested(30));
    assert_eq!(raw("application/json", fine).await.json["data"]["__typename"], "Query");
}

#[tokio::test]
async fn documents_of_one_plan_may_have_different_names() {
    for document in ["{ courses { title } }", "query A { courses { title } }", "query B { courses { title } }"] {
        assert_eq!(App::get().query(document).await.status, StatusCode::OK);
    }
    for variables in ["$w: DateTime, $f: Filter", "$f: Filter, $w: DateTime"] {
        let document = format!("query ({variables}) {{ echo(value: $f, when: $w) }}");
        assert_eq!(App::get().query(&document).await.status, StatusCode::OK);
    }
    for arguments in
        ["value: { text: \"order\", count: 1 }, when: null", "when: null, value: { count: 1, text: \"order\" }"]
    {
        assert_eq!(App::get().query(&format!("{{ echo({arguments}) }}")).await.status, StatusCode::OK);
    }
}

/// hive-router 0.2 hashed a variable like a string of its name, so these two had the same hash.
#[tokio::test]
async fn a_document_is_not_answered_by_the_plan_of_another() {
    let echo = |a: &str, b: &str| {
        format!("query ($t: String!) {{ a: echo(value: {{ text: {a} }}) b: echo(value: {{ text: {b} }}) }}")
    };
    let ask = |a: &str, b: &str| App::get().send(json!({ "query": echo(a, b), "variables": { "t": "said" } }), None);

    let first = ask("$t", "\"t\"").await;
    let second = ask("\"t\"", "$t").await;
    let again = ask("$t", "\"t\"").await;

    assert!(first.json["data"]["a"].as_str().is_some_and(|text| text.contains("said")), "{first:?}");
    assert!(second.json["data"]["b"].as_str().is_some_and(|text| text.contains("said")), "{second:?}");
    assert_ne!(first.json["data"]["a"], second.json["data"]["a"]);
    assert_eq!(first.json, again.json);
}

#[tokio::test]
async fn many_aliases_break_a_limit() {
    let aliases = |count: usize| {
        (0..count).fold(String::from("{"), |mut query, number| {
            let _ = write!(query, " a{number}: __typename");
            query
        }) + " }"
    };

    assert_error(&App::get().query(&aliases(100)).await, 400, "MAX_ALIASES_EXCEEDED");
    assert_error(&App::get().query(&aliases(10_000)).await, 400, "TOKEN_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn deep_documents_break_a_limit() {
    let deep = |depth: usize| format!("{{ me {}{{ id }}{} }}", "{ friends ".repeat(depth), "}".repeat(depth));

    assert_eq!(App::get().query(&deep(10)).await.status, StatusCode::OK);
    assert_error(&App::get().query(&deep(50)).await, 400, "MAX_DEPTH_EXCEEDED");
    assert_error(&App::get().query(&deep(500)).await, 400, "MAX_DEPTH_EXCEEDED");
}

#[tokio::test]
async fn fragments_hide_no_depth_and_no_cycle() {
    let fragments = (0..20).fold(String::from("{ me { ...f0 } }"), |mut query, number| {
        let _ = write!(query, " fragment f{number} on User {{ friends {{ ...f{} }} }}", number + 1);
        query
    }) + " fragment f20 on User { id }";

    assert_error(&App::get().query(&fragments).await, 400, "MAX_DEPTH_EXCEEDED");
    let cycle = "{ me { ...f } } fragment f on User { friends { ...f } }";
    assert_error(&App::get().query(cycle).await, 422, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn many_conditions_are_decided_at_once() {
    let query = format!("{{ me {{ {} }} }}", "id @include(if: true) @skip(if: false) ".repeat(200));

    assert_eq!(App::get().query(&query).await.status, StatusCode::OK);
    let twice = "{ me { id @include(if: true) @include(if: true) } }";
    assert_error(&App::get().query(twice).await, 422, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn fragments_do_not_multiply_without_end() {
    let bomb = |levels: usize| {
        (0..levels).fold(String::from("{ ...F0 }"), |mut query, number| {
            let next = number + 1;
            let _ = write!(query, " fragment F{number} on Query {{ ...F{next} ...F{next} }}");
            query
        }) + &format!(" fragment F{levels} on Query {{ me {{ id }} }}")
    };

    assert_eq!(App::get().query(&bomb(3)).await.status, StatusCode::OK);
    assert_error(&App::get().query(&bomb(30)).await, 400, "TOKEN_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn introspection_can_be_asked_for_in_fragments() {
    let written_out = App::get()
        .query("{ __schema { queryType { name kind fields { name type { kind } } } directives { name } } }")
        .await;
    assert!(written_out.json["data"]["__schema"]["queryType"]["fields"].is_array(), "{written_out:?}");
    for query in [
        "{ __schema { ... { queryType { name kind fields { name type { kind } } } directives { name } } } }",
        "{ __schema { ... on __Schema { queryType { name kind fields { name type { kind } } } } directives { name } } }",
        "{ ...Q } fragment Q on Query { __schema { ...S } } \
         fragment S on __Schema { queryType { ...T } directives { ... { name } } } \
         fragment T on __Type { name kind fields { ...F } fields { type { ... on __Type { kind } } } } \
         fragment F on __Field { name }",
        "{ __schema { queryType { name } ... { queryType { kind ... { fields { name } } fields { type { kind } } } } \
         } __schema { directives { name } } }",
    ] {
        let reply = App::get().query(query).await;

        assert_eq!(reply.json, written_out.json, "{query}");
    }
}

#[tokio::test]
async fn introspection_does_not_recurse_in_cycles() {
    let round = |times: usize| {
        format!("{{ __schema {{ types {{ {} name {} }} }} }}", "fields { type { ".repeat(times), "} }".repeat(times))
    };

    assert_eq!(App::get().query(&round(2)).await.status, StatusCode::OK);
    assert_error(&App::get().query(&round(3)).await, 400, "MAX_DEPTH_EXCEEDED");
}

#[tokio::test]
async fn introspection_is_open() {
    let reply = App::get().query("{ __schema { queryType { name } types { name } } }").await;

    assert_eq!(reply.json["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn a_subgraph_that_is_away_costs_its_own_fields_only() {
    for transport in [Transport::InProcess, Transport::Http] {
        let reply = App::over(transport).query("{ away courses { id } }").await;

        assert_error(&reply, 294, "SERVICE_UNAVAILABLE");
        assert_eq!(reply.json["data"]["away"], Value::Null);
        assert_eq!(reply.json["data"]["courses"][0]["id"], "0");
        assert_hides_the_inside(&reply);
    }
}

#[tokio::test]
async fn a_subgraph_that_is_slow_is_given_up() {
    for transport in [Transport::InProcess, Transport::Http] {
        let reply = App::impatient(transport).query("{ slow courses { id } }").await;

        assert_error(&reply, 294, "SERVICE_UNAVAILABLE");
        assert_eq!(reply.json["data"]["courses"][0]["id"], "0");
        assert_hides_the_inside(&reply);
    }
}

#[tokio::test]
async fn failures_of_ours_say_nothing() {
    for transport in [Transport::InProcess, Transport::Http] {
        for field in ["fails", "leaks"] {
            let reply = App::over(transport).query(&format!("{{ {field} }}")).await;

            assert_error(&reply, 294, "INTERNAL_SERVER_ERROR");
            assert_eq!(reply.json["errors"][0]["path"], json!([field]));
            assert_hides_the_inside(&reply);
        }
        let panicked = App::over(transport).query("{ panics }").await;
        assert_error(&panicked, 294, "SERVICE_UNAVAILABLE");
        assert_hides_the_inside(&panicked);
    }
}

#[tokio::test]
async fn a_subgraphs_own_rejection_is_passed_on() {
    for transport in [Transport::InProcess, Transport::Http] {
        let reply = App::over(transport).query("{ forbidden }").await;

        assert_error(&reply, 294, "FORBIDDEN");
        assert_eq!(reply.message(), "that is not yours");
        assert_eq!(reply.json["errors"][0]["extensions"], json!({ "code": "FORBIDDEN" }));
    }
}

fn assert_hides_the_inside(reply: &Reply) {
    for inside in ["127.0.0.1", "10.0.0.1", "hunter2", "people", "error sending", "http:", "service"] {
        assert!(!reply.json["errors"].to_string().contains(inside), "{inside} in {reply:?}");
    }
}

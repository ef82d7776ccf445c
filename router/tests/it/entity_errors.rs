//! Errors of entities have the paths that the client knows.

use axum::Json;
use reqwest::StatusCode;
use serde_json::{Value, json};
use subgraph_testing::{Reply, token};

use crate::support::{App, Options, Own, Transport, changed_supergraph, claims, serve};

fn paths(reply: &Reply) -> Vec<Value> {
    let mut paths: Vec<_> =
        reply.json["errors"].as_array().into_iter().flatten().map(|error| error["path"].clone()).collect();
    paths.sort_by_key(ToString::to_string);
    paths
}

/// One user's secret is required: so there is no list of users.
#[tokio::test]
async fn an_error_that_takes_the_whole_list_is_at_its_entity() {
    for transport in [Transport::InProcess, Transport::Http] {
        let app = App::over(transport);

        let alone = app.query("{ all: courses { id by: teacher { what: secret } } }").await;

        assert_eq!(alone.error(), Some("FORBIDDEN"), "{alone:?}");
        assert_eq!(alone.json["data"]["all"][3], json!({ "id": "3", "by": null }));
        let of = |key: &str, teacher: &str, field: &str| -> Vec<_> {
            [10, 17, 3].into_iter().map(|course| json!([key, course, teacher, field])).collect()
        };
        assert_eq!(paths(&alone), of("all", "by", "what"), "{alone:?}");

        // Two lists in one request, each under an alias.
        let two = app
            .query("{ a: courses { teacher { secret } } b: courses { other: teacher { name } } c: courses { teacher { friends { key: secret } } } }")
            .await;

        assert_eq!(paths(&two), of("a", "teacher", "secret"), "{two:?}");
    }
}

/// Serves a subgraph that always answers the same.
async fn serve_answer(answer: Value) -> String {
    let routes = axum::Router::new().fallback(move || {
        let answer = answer.clone();
        async { Json(answer) }
    });
    format!("http://{}/graphql", serve(routes).await)
}

/// One subgraph has no such users, and another one fails to say how many points they have.
#[tokio::test]
async fn a_response_whose_errors_are_about_nothing_is_whole() {
    let error = json!({ "message": "no", "path": ["_entities", 0, "points"], "extensions": { "code": "FORBIDDEN" } });
    let away = serve_answer(json!({ "data": { "_entities": [{ "points": null }] }, "errors": [error] })).await;
    let late = serve_answer(json!({ "data": { "_entities": [null] } })).await;
    let graph = "PEOPLE @join__graph(name: \"people\"";
    let supergraph = changed_supergraph(&[
        ("http://127.0.0.1:9/away", &away),
        (graph, &format!("LATE @join__graph(name: \"late\", url: \"{late}\")\n  {graph}")),
        ("type User ", "type User @join__type(graph: LATE, key: \"id\") "),
        ("name: String! @join__field(graph: PEOPLE)", "name: String! @join__field(graph: LATE)"),
    ]);
    let options = Options { supergraph: Some(supergraph), ..Options::default() };
    let Own { app, runtime: _runtime, stop, .. } = App::own(Transport::InProcess, options);

    let failed = app.query("{ courses { teacher { points } } }").await;
    assert_eq!(failed.status, StatusCode::from_u16(294).expect("a status"));
    assert_eq!(paths(&failed)[0], json!(["courses", 0, "teacher", "points"]), "{failed:?}");

    let whole = app.query("{ courses { teacher { name points } } }").await;
    assert_eq!(whole.json["data"]["courses"][0], json!({ "teacher": null }), "{whole:?}");
    assert_eq!((whole.status, whole.json.get("errors")), (StatusCode::OK, None), "{whole:?}");
    stop.cancel();
}

/// Subgraphs of other libraries name no entity, and what cannot be known is left out.
#[tokio::test]
async fn an_error_without_an_entity_ends_where_the_place_is_certain() {
    let error = json!({ "message": "no", "path": ["_entities", "points"], "extensions": { "code": "FORBIDDEN" } });
    let away = serve_answer(json!({ "data": null, "errors": [error] })).await;
    let supergraph = changed_supergraph(&[("http://127.0.0.1:9/away", &away)]);
    let options = Options { supergraph: Some(supergraph), ..Options::default() };
    let Own { app, runtime: _runtime, stop, .. } = App::own(Transport::InProcess, options);

    let one = app.query_as(&token(&claims()), "{ me { points } }").await;
    assert_eq!(paths(&one), [json!(["me", "points"])], "{one:?}");
    let many = app.query("{ all: courses { teacher { points } } }").await;
    assert_eq!(many.status, StatusCode::from_u16(294).expect("a status"));
    assert_eq!(paths(&many), [json!(["all"])], "{many:?}");
    stop.cancel();
}

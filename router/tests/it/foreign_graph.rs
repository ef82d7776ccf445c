//! A graph of others, whose `node` has a subgraph of its own: not all of its objects have a field by id.

use axum::Json;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{App, Options, Own, Transport, serve};

/// The subgraph knows the nodes of all types by one kind of id, and books by another one.
async fn library(Json(request): Json<Value>) -> Json<Value> {
    let query = request["query"].as_str().unwrap_or_default();
    let knows =
        ["node(id: $id)", "first: node(id: \"book:1\")", "nodes(ids: $ids)"].iter().all(|field| query.contains(field));
    let ids = request["variables"]["ids"].as_array().filter(|_| knows);
    let Some(ids) = ids else { return Json(json!({ "data": null, "errors": [{ "message": query }] })) };
    let book = |id: &Value| json!({ "__typename": "Book", "id": id, "title": "Of many" });
    Json(json!({ "data": {
        "node": { "__typename": "Shelf", "id": request["variables"]["id"], "place": "Left" },
        "first": { "__typename": "Book", "title": "The first" },
        "nodes": ids.iter().map(book).collect::<Vec<_>>(),
    } }))
}

const SUPERGRAPH: &str = r#"
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { LIBRARY @join__graph(name: "library", url: "LIBRARY_URL") }
type Query @join__type(graph: LIBRARY) {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  book(id: ID!): Book
}
interface Node @join__type(graph: LIBRARY) { id: ID! }
type Book implements Node @join__implements(graph: LIBRARY, interface: "Node") @join__type(graph: LIBRARY) { id: ID! title: String! }
type Shelf implements Node @join__implements(graph: LIBRARY, interface: "Node") @join__type(graph: LIBRARY) { id: ID! place: String! }
"#;

#[tokio::test]
async fn a_node_of_a_subgraph_is_that_subgraphs() {
    let library = serve(axum::Router::new().fallback(library)).await;
    let supergraph = SUPERGRAPH.replace("LIBRARY_URL", &format!("http://{library}/graphql"));
    let options = Options { supergraph: Some(supergraph), ..Options::default() };
    let Own { app, runtime: _runtime, stop, .. } = App::own(Transport::Http, options);
    let text = "query ($id: ID!, $ids: [ID!]!) {
        node(id: $id) { __typename id ... on Shelf { place } }
        first: node(id: \"book:1\") { ... on Book { title } }
        nodes(ids: $ids) { id ... on Book { title } }
    }";
    let ids = vec!["book:2"; 150];

    let reply = app.send(json!({ "query": text, "variables": { "id": "shelf:7", "ids": ids } }), None).await;

    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(reply.json["data"]["node"], json!({ "__typename": "Shelf", "id": "shelf:7", "place": "Left" }));
    assert_eq!(reply.json["data"]["first"], json!({ "title": "The first" }));
    assert_eq!(reply.json["data"]["nodes"], json!(vec![json!({ "id": "book:2", "title": "Of many" }); 150]));
    stop.cancel();
}

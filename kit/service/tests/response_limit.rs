//! A response that would be too large is aborted while it grows, and so is one whose caller has left.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Response};
use auth::token::Verifier;
use http::HeaderMap;
use jsonwebtoken::jwk::JwkSet;
use service::Subgraph;
use sqlx::PgPool;
use subgraph_kit::ResponseSettings;
use tokio::task::yield_now;

/// The number of resolved fields.
#[derive(Clone, Default)]
struct Resolved(Arc<AtomicUsize>);

impl Resolved {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Query;

struct Item(usize);

#[Object]
impl Query {
    async fn items(&self, count: usize) -> Vec<Item> {
        (0..count).map(Item).collect()
    }
}

#[Object]
impl Item {
    async fn text(&self, ctx: &Context<'_>, length: usize) -> String {
        ctx.data_unchecked::<Resolved>().0.fetch_add(1, Ordering::SeqCst);
        "\"".repeat(length)
    }

    async fn items(&self) -> Vec<Item> {
        (0..self.0).map(Item).collect()
    }
}

fn subgraph(resolved: &Resolved, max_subgraph_response_bytes: usize) -> Subgraph {
    let schema = service::build(Query, EmptyMutation, EmptySubscription).data(resolved.clone()).finish();
    let keys: JwkSet = serde_json::from_value(serde_json::json!({ "keys": [] })).expect("no keys");
    let db = PgPool::connect_lazy("postgres://localhost/none").expect("the address is valid");
    let subgraph = Subgraph::new("items", schema, (), db, Verifier::new(&keys));
    subgraph.with_response_limits(ResponseSettings { max_subgraph_response_bytes })
}

async fn ask(subgraph: &Subgraph, document: &str) -> Response {
    subgraph.execute(&HeaderMap::new(), Request::new(document)).await
}

fn code(response: &Response) -> Option<String> {
    let extensions = response.errors.first()?.extensions.as_ref()?;
    Some(extensions.get("code")?.to_string())
}

#[tokio::test]
async fn an_answer_is_as_large_as_it_may_be_and_no_larger() {
    let resolved = Resolved::default();
    let subgraph = subgraph(&resolved, 100_000);

    let fits = ask(&subgraph, "{ items(count: 450) { text(length: 100) } }").await;
    assert_eq!(code(&fits), None);
    let bytes = serde_json::to_vec(&fits).expect("JSON").len();
    assert!((95_000..100_000).contains(&bytes), "{bytes}");

    resolved.0.store(0, Ordering::SeqCst);
    let large = ask(&subgraph, "{ items(count: 100000) { text(length: 100) } }").await;
    assert_eq!(code(&large).as_deref(), Some("\"RESPONSE_TOO_LARGE\""));
    assert_eq!(large.errors.len(), 1);
    assert!(resolved.count() < 1_000, "{}", resolved.count());
}

#[tokio::test]
async fn so_many_fields_are_resolved_and_no_more() {
    let resolved = Resolved::default();
    let subgraph = subgraph(&resolved, usize::MAX);

    let many = ask(&subgraph, "{ items(count: 1000) { items { text(length: 0) } } }").await;

    assert_eq!(code(&many).as_deref(), Some("\"RESPONSE_TOO_LARGE\""));
    assert!(resolved.count() < 50_000, "{}", resolved.count());
}

#[tokio::test]
async fn what_nobody_waits_for_is_given_up_in_the_middle() {
    let resolved = Resolved::default();
    let subgraph = subgraph(&resolved, usize::MAX);
    let asked = tokio::spawn(async move { ask(&subgraph, "{ items(count: 20000) { text(length: 0) } }").await });
    let (handle, seen) = (asked.abort_handle(), resolved.clone());

    // Another task, which is polled when the request yields.
    let leaving = tokio::spawn(async move {
        while seen.count() == 0 {
            yield_now().await;
        }
        handle.abort();
    });

    leaving.await.expect("no panic");
    assert!(asked.await.is_err());
    let given_up = resolved.count();
    assert!(given_up < 10_000, "{given_up}");
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(resolved.count(), given_up);
}

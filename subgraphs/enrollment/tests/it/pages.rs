//! Walks a connection from page to page, as a client does.

use serde_json::{Value, json};
use subgraph_kit::testing::{Reply, TestClient};

/// A list to walk: the type and id of its parent, and its field.
#[derive(Clone)]
pub struct List {
    pub parent: Value,
    pub field: &'static str,
}

impl List {
    /// A page by these arguments, such as `first: 3`.
    pub async fn page(&self, client: &TestClient, arguments: &str) -> Reply {
        let (parent, field) = (self.parent["__typename"].as_str().expect("a type"), self.field);
        let page =
            "nodes { id } edges { cursor } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
        let selection = format!("... on {parent} {{ {field}({arguments}) {{ {page} }} }}");
        client.entities(&selection, json!([self.parent])).await
    }

    /// The ids of a page that came without an error.
    pub fn ids(&self, reply: &Reply) -> Vec<String> {
        let nodes = reply.data(&format!("/_entities/0/{}/nodes", self.field));
        nodes.as_array().expect("a list").iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// A value of the page's `pageInfo`.
    pub fn info<'a>(&self, reply: &'a Reply, name: &str) -> &'a Value {
        reply.data(&format!("/_entities/0/{}/pageInfo/{name}", self.field))
    }

    /// The cursor that leads on from a page, as an argument.
    pub fn cursor<'a>(&self, reply: &'a Reply, name: &str) -> &'a str {
        self.info(reply, name).as_str().expect("a page with rows has cursors")
    }

    /// All ids from the beginning to the end, a few at a time.
    pub async fn walk_forward(&self, client: &TestClient, size: usize) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.page(client, &format!("first: {size}{after}")).await.ok();
            found.extend(self.ids(&page));
            if !self.info(&page, "hasNextPage").as_bool().expect("a boolean") {
                return found;
            }
            after = format!(", after: \"{}\"", self.cursor(&page, "endCursor"));
        }
    }

    /// All ids from the end to the beginning, a few at a time, in the list's own order.
    pub async fn walk_backward(&self, client: &TestClient, size: usize) -> Vec<String> {
        let (mut found, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.page(client, &format!("last: {size}{before}")).await.ok();
            found.splice(0..0, self.ids(&page));
            if !self.info(&page, "hasPreviousPage").as_bool().expect("a boolean") {
                return found;
            }
            before = format!(", before: \"{}\"", self.cursor(&page, "startCursor"));
        }
    }
}

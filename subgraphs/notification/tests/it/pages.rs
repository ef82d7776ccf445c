//! Walks a connection from page to page, as a client does.

use serde_json::{Value, json};
use subgraph_kit::testing::{Reply, TestClient};

/// A list to walk.
pub struct List {
    /// Asks for it, with `ARGUMENTS` and `PAGE` where those belong.
    pub document: &'static str,
    pub variables: Value,
    /// Where the connection is in the answer.
    pub at: &'static str,
}

const PAGE: &str = "nodes { id } edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

impl List {
    /// A page by these arguments, such as `first: 3`.
    pub async fn page(&self, client: &TestClient, arguments: &str) -> Reply {
        let document = self.document.replace("ARGUMENTS", arguments).replace("PAGE", PAGE);
        client.send(&document, self.variables.clone()).await
    }

    /// The ids of a page that came without an error.
    pub fn ids(&self, reply: &Reply) -> Vec<String> {
        let nodes = reply.data(&format!("{}/nodes", self.at)).as_array().expect("a list");
        nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// How many the whole list has.
    pub fn total<'a>(&self, reply: &'a Reply) -> &'a Value {
        reply.data(&format!("{}/totalCount", self.at))
    }

    /// A value of the page's `pageInfo`.
    pub fn info<'a>(&self, reply: &'a Reply, name: &str) -> &'a Value {
        reply.data(&format!("{}/pageInfo/{name}", self.at))
    }

    /// The cursor that leads on from a page.
    pub fn cursor<'a>(&self, reply: &'a Reply, name: &str) -> &'a str {
        self.info(reply, name).as_str().expect("a page with rows has cursors")
    }

    /// All ids from the beginning to the end, a few at a time; `others` are further arguments.
    pub async fn walk_forward(&self, client: &TestClient, size: usize, others: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.page(client, &format!("first: {size} {after} {others}")).await.ok();
            found.extend(self.ids(&page));
            assert_eq!(self.info(&page, "hasPreviousPage"), &json!(!after.is_empty()));
            if self.info(&page, "hasNextPage") == &json!(false) {
                return found;
            }
            after = format!("after: \"{}\"", self.cursor(&page, "endCursor"));
        }
    }

    /// All ids from the end to the beginning, a few at a time, in the list's own order.
    pub async fn walk_backward(&self, client: &TestClient, size: usize, others: &str) -> Vec<String> {
        let (mut found, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.page(client, &format!("last: {size} {before} {others}")).await.ok();
            found.splice(0..0, self.ids(&page));
            assert_eq!(self.info(&page, "hasNextPage"), &json!(!before.is_empty()));
            if self.info(&page, "hasPreviousPage") == &json!(false) {
                return found;
            }
            before = format!("before: \"{}\"", self.cursor(&page, "startCursor"));
        }
    }
}

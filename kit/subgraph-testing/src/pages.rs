//! Walks a connection from page to page, as a client does.

use serde_json::{Value, json};

use crate::{Client, Reply};

/// A list to walk.
#[derive(Clone)]
pub struct List {
    /// Asks for it, with `ARGUMENTS` and `PAGE` where those belong.
    document: String,
    variables: Value,
    /// Where the connection is in the answer.
    at: String,
}

const PAGE: &str = "nodes { id } edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

impl List {
    /// A list of the whole graph, such as `courses`.
    #[must_use]
    pub fn root(field: &str) -> Self {
        Self { document: format!("{{ {field}(ARGUMENTS) {{ PAGE }} }}"), variables: json!({}), at: format!("/{field}") }
    }

    /// A list of an entity, such as a user's `courses`.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the entity in place")]
    #[must_use]
    pub fn of(entity: Value, field: &str) -> Self {
        let name = entity["__typename"].as_str().unwrap_or_default();
        Self {
            document: format!(
                "query ($entities: [_Any!]!) {{
                    _entities(representations: $entities) {{ ... on {name} {{ {field}(ARGUMENTS) {{ PAGE }} }} }}
                }}"
            ),
            at: format!("/_entities/0/{field}"),
            variables: json!({ "entities": [entity] }),
        }
    }

    /// The same, asked for together with that of another entity.
    ///
    /// # Panics
    /// If it is a list of the whole graph.
    #[must_use]
    pub fn beside(mut self, other: Value) -> Self {
        self.variables["entities"].as_array_mut().expect("a list of an entity").push(other);
        self
    }

    /// A page by these arguments, such as `first: 3`.
    pub async fn page(&self, client: &Client, arguments: &str) -> Reply {
        let document = self.document.replace("ARGUMENTS", arguments).replace("PAGE", PAGE);
        client.send(&document, self.variables.clone()).await
    }

    /// The ids of a page that came without an error.
    ///
    /// # Panics
    /// If it did not.
    #[must_use]
    pub fn ids(&self, reply: &Reply) -> Vec<String> {
        let nodes = reply.data(&format!("{}/nodes", self.at)).as_array().expect("a list");
        nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// How many the whole list has.
    #[must_use]
    pub fn total<'a>(&self, reply: &'a Reply) -> &'a Value {
        reply.data(&format!("{}/totalCount", self.at))
    }

    /// A value of the page's `pageInfo`.
    #[must_use]
    pub fn info<'a>(&self, reply: &'a Reply, name: &str) -> &'a Value {
        reply.data(&format!("{}/pageInfo/{name}", self.at))
    }

    /// The cursor that leads on from a page.
    ///
    /// # Panics
    /// If the page is empty.
    #[must_use]
    pub fn cursor<'a>(&self, reply: &'a Reply, name: &str) -> &'a str {
        self.info(reply, name).as_str().expect("a page with rows has cursors")
    }

    /// All ids from the beginning to the end, a few at a time; `others` are further arguments.
    ///
    /// # Panics
    /// If a page fails, or says something untrue of its neighbours.
    pub async fn walk_forward(&self, client: &Client, size: usize, others: &str) -> Vec<String> {
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
    ///
    /// # Panics
    /// If a page fails, or says something untrue of its neighbours.
    pub async fn walk_backward(&self, client: &Client, size: usize, others: &str) -> Vec<String> {
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

//! What holds of every list: its pages are the list, cut up, whichever way it is walked.

use std::fmt::Write as _;

use serde_json::{Value, json};
use subgraph_kit::cursor::Cursor;

use crate::{Client, Reply};

const MAX_PAGE_SIZE: usize = 100;
/// A long list is not walked in pages so small that there would be more of them.
const MAX_PAGES: usize = 50;
/// Whose cursors a list can be given: `Paginated::TYPE_NAME` of every subgraph.
const TYPE_NAMES: [&str; 5] = ["course", "enrollment", "notification", "payment", "user"];
const PAGE: &str = "nodes { id } edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

/// A list that can be asked for.
#[derive(Clone)]
pub struct List {
    /// Asks for it, with `ARGUMENTS` and `PAGE` where those belong.
    document: String,
    variables: Value,
    /// Where the connection is in the answer's data.
    at: String,
    /// Beside those of a page.
    arguments: String,
}

/// A row, and the cursor that leads on from it.
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its cursor.
    pub cursor: String,
}

/// One page. Rows are named by their position in the list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// `first`, or `last`.
    pub forward: bool,
    /// How many.
    pub size: usize,
    /// After which row.
    pub after: Option<usize>,
    /// Before which row.
    pub before: Option<usize>,
}

/// A list as it has to be.
pub struct Contract<'a> {
    list: &'a List,
    client: &'a Client,
    rows: Vec<Row>,
}

impl List {
    /// A list of the whole graph, such as `courses`.
    #[must_use]
    pub fn root(field: &str) -> Self {
        Self::below(&[], field)
    }

    /// The list at the end of these fields, such as `courses` below `me`. They may have arguments.
    #[must_use]
    pub fn below(parents: &[&str], field: &str) -> Self {
        let list = format!("{field}(ARGUMENTS) {{ PAGE }}");
        let document = parents.iter().rfold(list, |inner, parent| format!("{parent} {{ {inner} }}"));
        let names = parents.iter().chain([&field]).filter_map(|field| field.split('(').next());
        let at = names.fold(String::new(), |at, name| at + "/" + name);
        Self { document: format!("{{ {document} }}"), variables: json!({}), at, arguments: String::new() }
    }

    /// A list of an entity, such as a user's `courses`, as the router asks a subgraph for it.
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
            arguments: String::new(),
        }
    }

    /// The same, asked for together with that of another entity.
    ///
    /// # Panics
    /// If it is not a list of an entity.
    #[must_use]
    pub fn beside(mut self, other: Value) -> Self {
        self.variables["entities"].as_array_mut().expect("a list of an entity").push(other);
        self
    }

    /// The same with further arguments, such as `orderBy: OLDEST`.
    #[must_use]
    pub fn with(self, arguments: &str) -> Self {
        Self { arguments: arguments.to_owned(), ..self }
    }

    /// A page by these arguments, such as `first: 3`.
    pub async fn page(&self, client: &Client, arguments: &str) -> Reply {
        let arguments = format!("{arguments} {}", self.arguments);
        let document = self.document.replace("ARGUMENTS", &arguments).replace("PAGE", PAGE);
        client.send(&document, self.variables.clone()).await
    }

    /// The ids of a page that came without an error.
    ///
    /// # Panics
    /// If it did not.
    #[must_use]
    pub fn ids(&self, reply: &Reply) -> Vec<String> {
        self.array(reply, "nodes").iter().map(id).collect()
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

    fn array<'a>(&self, reply: &'a Reply, name: &str) -> &'a [Value] {
        reply.data(&format!("{}/{name}", self.at)).as_array().expect("a list")
    }

    /// The rows of a page: edges and nodes say the same.
    fn rows(&self, reply: &Reply) -> Vec<Row> {
        let edges = self.array(reply, "edges").iter();
        let row =
            |edge: &Value| Row { id: id(&edge["node"]), cursor: edge["cursor"].as_str().expect("text").to_owned() };
        let rows: Vec<_> = edges.map(row).collect();
        assert!(rows.iter().map(|row| &row.id).eq(&self.ids(reply)), "{reply}");
        rows
    }

    /// The contract of lists: it has these rows in this order, whatever the size of its pages and from either end; each
    /// page says truly what is around it; and no page has an impossible size, or begins at what is no cursor of the list.
    ///
    /// # Panics
    /// If it is broken.
    pub async fn check<Id: ToString>(&self, client: &Client, expected: impl IntoIterator<Item = Id>) {
        let contract = Contract::new(self, client, self.read(client).await);
        let expected: Vec<_> = expected.into_iter().map(|id| id.to_string()).collect();
        assert!(contract.rows.iter().map(|row| &row.id).eq(&expected), "not {expected:?}");

        let length = expected.len();
        for size in [1, 2, 3, length.saturating_sub(1), length, length + 1, MAX_PAGE_SIZE] {
            if (1..=MAX_PAGE_SIZE).contains(&size) && length.div_ceil(size) <= MAX_PAGES {
                contract.check_walk(true, &[size]).await;
                contract.check_walk(false, &[size]).await;
            }
        }
        if let Some(last) = length.checked_sub(1) {
            for forward in [true, false] {
                let between = Page { forward, size: 2, after: Some(0), before: Some(last) };
                contract.check_page(between).await;
                contract.check_page(Page { size: MAX_PAGE_SIZE, ..between }).await;
            }
        }
        let middle = length.checked_sub(1).map(|last| last / 2);
        for forward in [true, false] {
            for (after, before) in [(None, None), (middle, None), (None, middle)] {
                contract.check_page(Page { forward, size: 0, after, before }).await;
            }
        }
        contract.check_rejections().await;
    }

    /// All rows, as `first` and `after` give them.
    async fn read(&self, client: &Client) -> Vec<Row> {
        let (mut rows, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.page(client, &format!("first: {MAX_PAGE_SIZE} {after}")).await.ok();
            rows.extend(self.rows(&page));
            if self.info(&page, "hasNextPage") == &json!(false) {
                return rows;
            }
            after = format!("after: \"{}\"", self.cursor(&page, "endCursor"));
        }
    }

    /// What comes and goes between two pages shifts nothing: `change` deletes the two rows that it is given, whose
    /// cursors lead on, and adds others at both ends. The list has twelve rows.
    ///
    /// # Panics
    /// If rows are missed or come twice.
    pub async fn check_changes(&self, client: &Client, all: &[String], change: impl AsyncFnOnce([String; 2])) {
        let first = self.page(client, "first: 4").await.ok();
        let last = self.page(client, "last: 4").await.ok();
        assert_eq!((self.ids(&first), self.ids(&last)), (all[..4].to_vec(), all[8..].to_vec()));

        change([all[3].clone(), all[8].clone()]).await;

        let next = self.page(client, &format!("first: 4, after: \"{}\"", self.cursor(&first, "endCursor"))).await.ok();
        let previous =
            self.page(client, &format!("last: 4, before: \"{}\"", self.cursor(&last, "startCursor"))).await.ok();
        assert_eq!(self.ids(&next), all[4..8]);
        assert_eq!(self.ids(&previous), all[4..8]);
    }
}

fn id(node: &Value) -> String {
    node["id"].as_str().expect("an id").to_owned()
}

impl<'a> Contract<'a> {
    /// That the list has these rows.
    #[must_use]
    pub fn new(list: &'a List, client: &'a Client, rows: Vec<Row>) -> Self {
        Self { list, client, rows }
    }

    /// A page is what the list has there, and says whether there is more. How many rows that is.
    ///
    /// # Panics
    /// If it is not.
    pub async fn check_page(&self, page: Page) -> usize {
        let start = page.after.map_or(0, |after| after + 1);
        let end = page.before.unwrap_or(self.rows.len()).max(start);
        let window = &self.rows[start..end];
        let size = page.size.min(window.len());
        let expected = if page.forward { &window[..size] } else { &window[window.len() - size..] };
        let is_cut = size < window.len();

        let reply = self.list.page(self.client, &self.arguments(page)).await.ok();

        let rows = self.list.rows(&reply);
        let info = |name| self.list.info(&reply, name);
        assert!(rows.iter().map(|row| &row.id).eq(expected.iter().map(|row| &row.id)), "{page:?}: {reply}");
        assert!(rows.iter().map(|row| &row.cursor).eq(expected.iter().map(|row| &row.cursor)), "{page:?}: {reply}");
        assert_eq!(info("hasNextPage"), if page.forward { is_cut } else { page.before.is_some() }, "{page:?}");
        assert_eq!(info("hasPreviousPage"), if page.forward { page.after.is_some() } else { is_cut }, "{page:?}");
        let cursor = |row: Option<&Row>| row.map_or(Value::Null, |row| json!(row.cursor));
        assert_eq!(info("startCursor"), &cursor(expected.first()), "{page:?}");
        assert_eq!(info("endCursor"), &cursor(expected.last()), "{page:?}");
        assert_eq!(self.list.total(&reply), self.rows.len(), "{page:?}");
        size
    }

    fn arguments(&self, page: Page) -> String {
        let mut arguments = format!("{}: {}", if page.forward { "first" } else { "last" }, page.size);
        for (name, row) in [("after", page.after), ("before", page.before)] {
            if let Some(row) = row {
                write!(arguments, " {name}: \"{}\"", self.rows[row].cursor).expect("text takes everything");
            }
        }
        arguments
    }

    /// Page after page, of these sizes in turn, each from where the last one ended: together they are the list.
    ///
    /// # Panics
    /// If they are not.
    pub async fn check_walk(&self, forward: bool, sizes: &[usize]) {
        let mut seen = 0_usize;
        for size in sizes.iter().cycle() {
            let at = if forward { seen.checked_sub(1) } else { Some(self.rows.len() - seen).filter(|_| seen > 0) };
            let (after, before) = if forward { (at, None) } else { (None, at) };
            seen += self.check_page(Page { forward, size: *size, after, before }).await;
            if seen == self.rows.len() {
                return;
            }
        }
    }

    async fn check_rejections(&self) {
        for size in ["first: -1", "first: 101", "last: -1", "last: 101", "first: 1, last: 1"] {
            assert_eq!(self.list.page(self.client, size).await.error(), Some("BAD_USER_INPUT"), "{size}");
        }
        let long = "A".repeat(10_000);
        let cut = self.rows.first().map_or("", |row| &row.cursor[..row.cursor.len() - 8]);
        for cursor in ["", "?", "nonsense", cut, &long] {
            for argument in ["after", "before"] {
                let reply = self.list.page(self.client, &format!("{argument}: \"{cursor}\"")).await;
                assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{argument}: {cursor}");
            }
        }
        for argument in ["after", "before"] {
            self.check_foreign_cursors(argument).await;
        }
    }

    /// Of the cursors of all types, those of one are taken: the walks have shown that its own are.
    async fn check_foreign_cursors(&self, argument: &str) {
        let position = Cursor { time: chrono::DateTime::UNIX_EPOCH, id: uuid::Uuid::from_u128(1) };
        let mut accepted = Vec::new();
        for type_name in TYPE_NAMES {
            let reply = self.list.page(self.client, &format!("{argument}: \"{}\"", position.encode(type_name))).await;
            match reply.error() {
                None => accepted.push(type_name),
                error => assert_eq!(error, Some("BAD_USER_INPUT"), "{argument}: a cursor of {type_name}"),
            }
        }
        // None if the list is ordered by a value: its own cursors contain that.
        assert!(accepted.len() <= 1, "{argument}: cursors of {accepted:?}");
    }
}

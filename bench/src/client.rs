//! The clients of a comparison, and their requests.

use anyhow::{Context as _, Result, ensure};
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};
use subgraph_testing::Client;

use crate::{
    load::Request,
    pages::{Asks, Page, TURNS},
};

/// The password of all sample users.
const PASSWORD: &str = "lyceum-sample";
const COURSES: &str = "query Courses { courses(first: 40) { nodes { id } } }";
/// Texts with many matches, with few, and with none.
const TEXTS: [&str; 5] = ["Rust", "Databases", "history", "42", "no such course"];

/// Signed-in students, and the courses that they request.
pub struct Students {
    http: reqwest::Client,
    anonymous: Client,
    clients: Vec<Client>,
    courses: Vec<String>,
}

impl Students {
    /// Signs in the students.
    ///
    /// # Errors
    /// When a response is not as expected.
    pub async fn sign_in(router: &str) -> Result<Self> {
        let http = reqwest::Client::new();
        let anonymous = Client::with_http(http.clone(), router);
        let mut all = Self { http, anonymous, clients: Vec::new(), courses: Vec::new() };
        for number in 1..=TURNS {
            let student = all.sign_in_as(number).await?;
            all.clients.push(student);
        }
        let data = all.anonymous.try_data(COURSES, &json!({})).await?;
        let nodes = data["courses"]["nodes"].as_array().with_context(|| data.to_string())?;
        all.courses = nodes.iter().filter_map(|node| node["id"].as_str().map(str::to_owned)).collect();
        Ok(all)
    }

    /// Signs in the sample student of this number.
    ///
    /// # Errors
    /// When a response is not as expected.
    pub async fn sign_in_as(&self, number: usize) -> Result<Client> {
        self.anonymous.try_sign_in(&format!("student{number}@lyceum.example"), PASSWORD).await
    }

    /// The client that is not signed in.
    #[must_use]
    pub fn anonymous(&self) -> &Client {
        &self.anonymous
    }

    /// The signed-in clients.
    #[must_use]
    pub fn all(&self) -> &[Client] {
        &self.clients
    }

    /// The students' access tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.clients.iter().filter_map(Client::token)
    }

    /// Builds a request to a handler.
    pub fn post(&self, url: &str, student: &Client) -> RequestBuilder {
        self.http.post(url).bearer_auth(student.token().unwrap_or_default())
    }

    /// The variables of a page in a turn.
    fn variables(&self, page: &Page, turn: usize) -> Vec<(&'static str, &str)> {
        match page.asks {
            Asks::Viewer | Asks::Nothing => Vec::new(),
            Asks::Course => vec![("id", &self.courses[turn % self.courses.len()])],
            Asks::Text => vec![("text", TEXTS[turn % TEXTS.len()])],
        }
    }

    fn variables_json(&self, page: &Page, turn: usize) -> Value {
        self.variables(page, turn).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
    }

    /// The requests of a page to the graph, one per turn.
    #[must_use]
    pub fn of_graph(&self, page: &Page) -> Vec<Request> {
        let request = |(turn, token): (usize, &str)| {
            let body = json!({ "query": page.document, "variables": self.variables_json(page, turn) }).to_string();
            Request::Graph { token: token.to_owned(), body }
        };
        self.tokens().enumerate().map(request).collect()
    }

    /// The requests of a page to its handler, one per turn.
    pub fn of_handler(&self, page: &Page) -> Result<Vec<Request>> {
        let request = |(turn, token): (usize, &str)| {
            let url = Url::parse_with_params("http://localhost", self.variables(page, turn))?;
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(Request::Get { token: token.to_owned(), path: format!("{}{query}", page.path) })
        };
        self.tokens().enumerate().map(request).collect()
    }

    /// The page's `data` from another router, one per turn.
    ///
    /// # Errors
    /// If a response has errors; the message contains them.
    pub async fn data_of(&self, page: &Page, router: &str) -> Result<Vec<Value>> {
        let client = Client::with_http(self.http.clone(), router);
        let mut data = Vec::new();
        for (turn, token) in self.tokens().enumerate() {
            let answer = client.with_token(token).try_data(page.document, &self.variables_json(page, turn)).await;
            data.push(answer.context(page.name)?);
        }
        Ok(data)
    }

    /// Checks that the graph and the handler return the same JSON in every turn.
    ///
    /// # Errors
    /// If the two responses differ; the message contains both.
    pub async fn compare(&self, page: &Page, by_hand: &str) -> Result<()> {
        for (turn, student) in self.clients.iter().enumerate() {
            let graph = student.try_send(page.document, &self.variables_json(page, turn)).await?.json;
            let url = Url::parse_with_params(&format!("{by_hand}{}", page.path), self.variables(page, turn))?;
            let get = self.http.get(url).bearer_auth(student.token().unwrap_or_default());
            let hand: Value = get.send().await?.error_for_status()?.json().await?;
            ensure!(graph == hand, "{}: {}", page.name, difference(&graph.to_string(), &hand.to_string()));
            ensure!(graph.get("errors").is_none(), "{}: {graph}", page.name);
        }
        Ok(())
    }
}

/// The first difference between two responses.
fn difference(graph: &str, hand: &str) -> String {
    let same = graph.chars().zip(hand.chars()).take_while(|(graph, hand)| graph == hand).count();
    let around = |text: &str| -> String { text.chars().skip(same.saturating_sub(80)).take(160).collect() };
    format!("the graph says\n…{}…\nand by hand it is\n…{}…", around(graph), around(hand))
}

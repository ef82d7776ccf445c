//! Who asks in a comparison, and for what.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::{
    load::Request,
    pages::{Asks, Page, TURNS},
};

/// Of every sample user.
const PASSWORD: &str = "lyceum-sample";
const SIGN_IN: &str = "mutation SignIn($input: LoginInput!) { login(input: $input) { session { accessToken } } }";
const COURSES: &str = "query Courses { courses(first: 40) { nodes { id } } }";
/// Frequent ones, rare ones, and one that nothing has.
const TEXTS: [&str; 5] = ["Rust", "Databases", "history", "42", "no such course"];

/// Signed-in students, and what they look at.
pub struct Students {
    http: Client,
    url: String,
    tokens: Vec<String>,
    courses: Vec<String>,
}

impl Students {
    /// Signs them in.
    ///
    /// # Errors
    /// When the router does not answer as expected.
    pub async fn sign_in(router: &str) -> Result<Self> {
        let mut students =
            Self { http: Client::new(), url: format!("{router}/graphql"), tokens: Vec::new(), courses: Vec::new() };
        for number in 1..=TURNS {
            let token = students.sign_in_as(number).await?;
            students.tokens.push(token);
        }
        let answer = students.ask(COURSES, &json!({}), None).await?;
        let nodes = answer["data"]["courses"]["nodes"].as_array().with_context(|| answer.to_string())?;
        students.courses = nodes.iter().filter_map(|node| node["id"].as_str().map(str::to_owned)).collect();
        Ok(students)
    }

    /// The access token of the sample student of this number.
    ///
    /// # Errors
    /// When the router does not answer as expected.
    pub async fn sign_in_as(&self, number: usize) -> Result<String> {
        let input = json!({ "email": format!("student{number}@lyceum.example"), "password": PASSWORD });
        let answer = self.ask(SIGN_IN, &json!({ "input": input }), None).await?;
        let token = answer["data"]["login"]["session"]["accessToken"].as_str();
        Ok(token.with_context(|| answer.to_string())?.to_owned())
    }

    /// The access tokens, one for each.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// A request to another URL that is not sent yet.
    pub fn post(&self, url: &str, token: &str) -> RequestBuilder {
        self.http.post(url).bearer_auth(token)
    }

    /// A request that is not sent yet.
    pub fn request(&self, document: &str, variables: &Value, token: Option<&str>) -> RequestBuilder {
        self.request_to(&self.url, document, variables, token)
    }

    fn request_to(&self, url: &str, document: &str, variables: &Value, token: Option<&str>) -> RequestBuilder {
        let request = self.http.post(url).json(&json!({ "query": document, "variables": variables }));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// What the graph answers.
    ///
    /// # Errors
    /// If the router does not answer, or not with JSON.
    pub async fn ask(&self, document: &str, variables: &Value, token: Option<&str>) -> Result<Value> {
        Ok(self.request(document, variables, token).send().await?.json().await?)
    }

    /// What a page is asked with at a turn.
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

    /// The page by the graph, turn by turn.
    #[must_use]
    pub fn of_graph(&self, page: &Page) -> Vec<Request> {
        let request = |(turn, token): (usize, &String)| {
            let body = json!({ "query": page.document, "variables": self.variables_json(page, turn) }).to_string();
            Request::Graph { token: token.clone(), body }
        };
        self.tokens.iter().enumerate().map(request).collect()
    }

    /// The page by its handler, turn by turn.
    pub fn of_handler(&self, page: &Page) -> Result<Vec<Request>> {
        let request = |(turn, token): (usize, &String)| {
            let url = Url::parse_with_params("http://localhost", self.variables(page, turn))?;
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(Request::Get { token: token.clone(), path: format!("{}{query}", page.path) })
        };
        self.tokens.iter().enumerate().map(request).collect()
    }

    /// What another router gives as the page's `data`, turn by turn.
    ///
    /// # Errors
    /// If a response has errors; the message contains them.
    pub async fn data_of(&self, page: &Page, router: &str) -> Result<Vec<Value>> {
        let url = format!("{router}/graphql");
        let mut data = Vec::new();
        for (turn, token) in self.tokens.iter().enumerate() {
            let request = self.request_to(&url, page.document, &self.variables_json(page, turn), Some(token));
            let answer: Value = request.send().await?.json().await?;
            ensure!(answer.get("errors").is_none(), "{}: {answer}", page.name);
            data.push(answer["data"].clone());
        }
        Ok(data)
    }

    /// Sees that the graph and the handler give the same JSON at every turn.
    ///
    /// # Errors
    /// If the two responses differ; the message contains both.
    pub async fn compare(&self, page: &Page, by_hand: &str) -> Result<()> {
        for (turn, token) in self.tokens.iter().enumerate() {
            let graph = self.ask(page.document, &self.variables_json(page, turn), Some(token)).await?;
            let url = Url::parse_with_params(&format!("{by_hand}{}", page.path), self.variables(page, turn))?;
            let hand: Value = self.http.get(url).bearer_auth(token).send().await?.error_for_status()?.json().await?;
            ensure!(graph == hand, "{}: {}", page.name, difference(&graph.to_string(), &hand.to_string()));
            ensure!(graph.get("errors").is_none(), "{}: {graph}", page.name);
        }
        Ok(())
    }
}

/// Where two answers begin to differ.
fn difference(graph: &str, hand: &str) -> String {
    let same = graph.chars().zip(hand.chars()).take_while(|(graph, hand)| graph == hand).count();
    let around = |text: &str| -> String { text.chars().skip(same.saturating_sub(80)).take(160).collect() };
    format!("the graph says\n…{}…\nand by hand it is\n…{}…", around(graph), around(hand))
}

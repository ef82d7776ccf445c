//! What a search takes by itself, at sixteen connections: of words that many, few and no courses have.

use anyhow::{Context as _, Result};
use bench::{
    load::{Load, Measured, Request},
    pages::PAGES,
    system::System,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    operations::Operation,
    people::{Graph, Person},
};

const CONNECTIONS: u32 = 16;
/// As many as there are connections and more: each user waits for their own searches.
const STUDENTS: usize = 40;
/// From what nearly half of the courses have to what none has; the last one is too short for an index of trigrams.
pub const WORDS: [&str; 6] = ["course", "Rust", "Watercolour", "Rust for", "no such course", "42"];
const TOTAL: Operation = Operation {
    name: "Total",
    document: "query Total($text: String!) { courses(first: 1, filter: { search: $text }) { totalCount } }",
};

/// A search, and what it took.
#[derive(Clone, Debug, Serialize)]
pub struct Searched {
    /// What was searched for.
    pub word: String,
    /// How many courses have it.
    pub courses: u64,
    /// Whether the operation asks for that.
    pub with_total: bool,
    /// Answers in a second.
    pub per_second: f64,
    /// Milliseconds that half of the answers took at the most.
    pub p50: f64,
    /// Milliseconds, of 99 in 100.
    pub p99: f64,
}

/// Signed-in students who search, from one network address.
pub struct Searchers {
    router: String,
    students: Vec<Person>,
}

impl Searchers {
    /// Signs them in.
    ///
    /// # Errors
    /// When they are refused.
    pub async fn sign_in(system: &System) -> Result<Self> {
        let router = system.addresses().router.clone();
        let mut students = Vec::with_capacity(STUDENTS);
        for number in 1..=STUDENTS {
            let graph = Graph::new(&router, number)?;
            students.push(Person::sign_in(graph, &format!("student{number}@lyceum.example")).await?.0);
        }
        Ok(Self { router, students })
    }

    /// Searches for one word as fast as it is answered, for so many seconds.
    ///
    /// # Errors
    /// When an answer is not as expected.
    pub async fn search(&self, word: &str, with_total: bool, seconds: u32) -> Result<Searched> {
        let name = if with_total { "search with its total" } else { "search" };
        let page = PAGES.iter().find(|page| page.name == name).context("the page that is searched on")?;
        let body = json!({ "query": page.document, "variables": { "text": word } }).to_string();
        let mut requests = Vec::with_capacity(self.students.len());
        for student in &self.students {
            requests.push(Request::Graph { token: student.token().await?, body: body.clone() });
        }
        let load = Load::new(self.router.clone(), &requests)?;
        // What comes first is slower than what comes often.
        load.run(CONNECTIONS, 1).await?;
        let Measured { per_second, p50, p99, .. } = load.run(CONNECTIONS, seconds).await?;
        Ok(Searched { word: word.to_owned(), courses: self.courses(word).await?, with_total, per_second, p50, p99 })
    }

    async fn courses(&self, word: &str) -> Result<u64> {
        let student = self.students.first().context("a student")?;
        let answer: Value = student.ask(TOTAL, json!({ "text": word })).await?;
        answer["courses"]["totalCount"].as_u64().with_context(|| answer.to_string())
    }
}

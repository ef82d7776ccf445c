//! What a run has found, for people and for programs.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::{rung::Rung, suite::Part};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub rung: u8,
    pub name: &'static str,
    pub passed: bool,
    pub requests: usize,
    pub failed: usize,
    pub unavailable_seconds: f64,
    pub purchases: usize,
    pub lost: usize,
    pub doubled: usize,
    /// How long all of it took.
    pub seconds: f64,
    pub parts: Vec<Outcome>,
    /// Some of the requests that failed.
    pub failures: Vec<String>,
    /// The largest memory of a process, by what it is, in bytes.
    pub peak_memory: BTreeMap<String, u64>,
    /// What `lyceum admin doctor` says of the connections to each database.
    pub connections: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub struct Outcome {
    pub name: &'static str,
    pub passed: bool,
    pub detail: String,
}

impl Row {
    /// One that has not got anywhere yet.
    pub fn new(rung: Rung) -> Self {
        Self {
            rung: rung.number(),
            name: rung.name(),
            passed: false,
            requests: 0,
            failed: 0,
            unavailable_seconds: 0.0,
            purchases: 0,
            lost: 0,
            doubled: 0,
            seconds: 0.0,
            parts: Vec::new(),
            failures: Vec::new(),
            peak_memory: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    /// Adds what came of a part of the suite.
    pub fn add(&mut self, part: Part) {
        let Part { name, outcome } = part;
        let passed = outcome.is_ok();
        let detail = outcome.unwrap_or_else(|error| format!("{error:#}"));
        self.parts.push(Outcome { name, passed, detail });
    }

    /// Whether the suite passed, nobody noticed the changes, and all adds up.
    pub fn evaluate(&mut self) {
        let nobody_noticed = self.failed == 0 && self.unavailable_seconds == 0.0;
        let adds_up = self.lost == 0 && self.doubled == 0 && self.purchases > 0;
        self.passed = nobody_noticed && adds_up && self.parts.iter().all(|part| part.passed);
    }

    fn cells(&self) -> [String; 8] {
        [
            format!("{} {}", self.rung, self.name),
            if self.passed { "yes" } else { "no" }.to_owned(),
            self.requests.to_string(),
            self.failed.to_string(),
            format!("{:.1}", self.unavailable_seconds),
            self.purchases.to_string(),
            self.lost.to_string(),
            self.doubled.to_string(),
        ]
    }
}

const HEADINGS: [&str; 8] =
    ["rung", "passed", "requests", "failed", "seconds unavailable", "purchases", "lost", "doubled"];

/// In the form of Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|{}\n", HEADINGS.join(" | "), " --- |".repeat(HEADINGS.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.cells().join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let mut row = Row::new(Rung::Replicas);
        row.purchases = 1;
        row.add(Part { name: "operations", outcome: Ok("52 answered".to_owned()) });
        row
    }

    #[test]
    fn a_rung_is_climbed_only_if_nothing_is_amiss() {
        let spoil: [fn(&mut Row); 6] = [
            |row| row.failed = 1,
            |row| row.unavailable_seconds = 0.1,
            |row| row.lost = 1,
            |row| row.doubled = 1,
            |row| row.purchases = 0,
            |row| row.add(Part { name: "truth", outcome: Err(anyhow::anyhow!("it differs")) }),
        ];

        let mut whole = row();
        whole.evaluate();
        assert!(whole.passed);
        for spoil in spoil {
            let mut row = row();
            spoil(&mut row);
            row.evaluate();
            assert!(!row.passed);
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_rung() {
        let text = markdown(&[row(), row()]);

        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("| 3 two of each behind HAProxy | no | 0 | 0 | 0.0 | 1 | 0 | 0 |"), "{text}");
    }
}

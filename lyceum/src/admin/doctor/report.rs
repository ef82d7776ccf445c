//! What was found.

use serde::Serialize;

/// One finding.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A subgraph's database, or `system`.
    pub subject: &'static str,
    /// What was looked at.
    pub check: &'static str,
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// Nothing fails, and somebody may want to know.
    Warning,
    /// Something fails, or soon will.
    Problem,
}

/// All findings about one subject.
pub struct Report {
    subject: &'static str,
    findings: Vec<Finding>,
}

impl Report {
    pub fn new(subject: &'static str) -> Self {
        Self { subject, findings: Vec::new() }
    }

    pub fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(Level::Ok, check, message.into(), None);
    }

    pub fn warning(&mut self, check: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Warning, check, message.into(), Some(advice.into()));
    }

    pub fn problem(&mut self, check: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Problem, check, message.into(), Some(advice.into()));
    }

    /// A check that failed itself says nothing about the others.
    pub fn warn_if_failed(&mut self, check: &'static str, outcome: Result<(), sqlx::Error>) {
        if let Err(error) = outcome {
            self.warning(check, format!("not checked: {error}"), "check the privileges of the role in the URL");
        }
    }

    pub fn has_problem(&self, check: &str) -> bool {
        self.findings.iter().any(|finding| finding.check == check && finding.level == Level::Problem)
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    fn add(&mut self, level: Level, check: &'static str, message: String, advice: Option<String>) {
        self.findings.push(Finding { level, subject: self.subject, check, message, advice });
    }
}

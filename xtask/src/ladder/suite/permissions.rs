//! The short form of the permission matrix: what `docs/permissions.json` says of queries, for every viewer.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use subgraph_testing::Client;

use super::{
    operations::{ADMIN, STUDENT, TEACHER},
    visitors::Visitors,
};
use crate::workspace::root;

/// A field of the table, and how it is asked for.
const FIELDS: [(&str, &str); 7] = [
    ("Query.me", "{ field: me { id } }"),
    ("Query.users", "{ field: users(first: 1) { nodes { id } } }"),
    ("Query.unverifiedTeachers", "{ field: unverifiedTeachers(first: 1) { nodes { id } } }"),
    ("Query.enrollments", "{ field: enrollments(first: 1) { nodes { id } } }"),
    ("Query.payments", "{ field: payments(first: 1) { nodes { id } } }"),
    ("Query.courses", "{ field: courses(first: 1) { nodes { id } } }"),
    ("User.email", "query ($user: ID!) { field: user(id: $user) { email } }"),
];

/// The same for objects of the student.
const OBJECTS: [(&str, &str); 3] = [
    ("Query.enrollment", "query ($enrollment: ID!) { field: enrollment(id: $enrollment) { id } }"),
    ("Query.payment", "query ($payment: ID!) { field: payment(id: $payment) { id } }"),
    ("Query.notification", "query ($notification: ID!) { field: notification(id: $notification) { id } }"),
];

const OWN: &str = "{ me { id enrollments(first: 1) { nodes { id } } payments(first: 1) { nodes { id } }
    notifications(first: 1) { nodes { id } } } }";

#[derive(Deserialize)]
struct Table {
    rules: BTreeMap<String, Rule>,
    fields: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
struct Rule {
    allowed: Vec<String>,
    otherwise: Option<String>,
    anonymous: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    who: String,
}

pub async fn run(visitors: &Visitors) -> Result<String> {
    let table: Table = serde_json::from_str(&fs::read_to_string(root().join("docs/permissions.json"))?)?;
    let viewers = viewers(visitors).await?;
    let own = viewers["student"].try_data(OWN, &json!({})).await?;
    let find = |pointer: &str| own.pointer(pointer).cloned().with_context(|| format!("the student has no {pointer}"));
    let variables = json!({
        "user": find("/me/id")?,
        "enrollment": find("/me/enrollments/nodes/0/id")?,
        "payment": find("/me/payments/nodes/0/id")?,
        "notification": find("/me/notifications/nodes/0/id")?,
    });

    let (mut checked, mut different) = (0, Vec::new());
    for (field, document) in FIELDS.iter().chain(&OBJECTS) {
        for (viewer, client) in &viewers {
            let reply = client.try_send(document, &variables).await?;
            let (expected, got) = (table.expected(field, viewer)?, outcome(&reply.json));
            checked += 1;
            if got != expected {
                different.push(format!("{field} for {viewer}: {got}, and not {expected}"));
            }
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n"));
    Ok(format!("{checked} as in docs/permissions.json"))
}

async fn viewers(visitors: &Visitors) -> Result<BTreeMap<&'static str, Client>> {
    let mut viewers = BTreeMap::from([("anonymous", visitors.client()?)]);
    for (name, email) in [
        ("student", STUDENT),
        ("otherStudent", "student2@lyceum.example"),
        ("owningTeacher", TEACHER),
        ("otherTeacher", "teacher3@lyceum.example"),
        ("admin", ADMIN),
    ] {
        viewers.insert(name, visitors.sign_in(email).await?);
    }
    Ok(viewers)
}

impl Table {
    /// What a viewer gets of a field of the student's.
    fn expected(&self, field: &str, viewer: &str) -> Result<String> {
        let row = self.fields.get(field).with_context(|| format!("docs/permissions.json has no {field}"))?;
        let rule = self.rules.get(&row.who).with_context(|| format!("there is no rule {:?}", row.who))?;
        let is_allowed = rule.allowed.iter().any(|allowed| match &**allowed {
            "everyone" => true,
            "signed in" => viewer != "anonymous",
            "owner" => viewer == "student",
            named => named == viewer,
        });
        if is_allowed {
            return Ok("allowed".to_owned());
        }
        let otherwise = rule.otherwise.as_deref().unwrap_or("null");
        let anonymous = rule.anonymous.as_deref().filter(|_| viewer == "anonymous");
        Ok(anonymous.unwrap_or(otherwise).to_owned())
    }
}

/// What came of it: `allowed`, `null`, or an error's code.
fn outcome(answer: &Value) -> String {
    if let Some(code) = answer.pointer("/errors/0/extensions/code").and_then(Value::as_str) {
        return code.to_owned();
    }
    let field = &answer["data"]["field"];
    let value = field.get("email").unwrap_or(field);
    if value.is_null() { "null" } else { "allowed" }.to_owned()
}

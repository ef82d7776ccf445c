//! `docs/permissions.json`, and what it says of one field, one viewer and one access path.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use crate::system::workspace;

pub const ANONYMOUS: &str = "anonymous";
pub const FILE: &str = "docs/permissions.json";

/// The whole file.
#[derive(Clone, Deserialize)]
pub struct Table {
    pub viewers: BTreeMap<String, String>,
    pub rules: BTreeMap<String, Rule>,
    pub types: BTreeMap<String, Entity>,
    pub fields: BTreeMap<String, Row>,
}

/// Whom a rule lets through, and what everyone else gets.
#[derive(Clone, Deserialize)]
pub struct Rule {
    pub allowed: Vec<String>,
    #[serde(default = "null")]
    pub otherwise: Outcome,
    pub anonymous: Option<Outcome>,
}

/// A type with a key.
#[derive(Clone, Deserialize)]
pub struct Entity {
    /// Which viewer owns the object that is asked for.
    pub owner: String,
    /// The rule of `_entities`, at each subgraph that has it.
    pub entities: BTreeMap<String, String>,
}

/// Who may see a field.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub who: String,
    /// Whose object the field leads to, if it is not its own object's owner's.
    pub leads_to: Option<String>,
    /// Other rules for an object that was reached through another field.
    #[serde(default)]
    pub through: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Outcome {
    #[serde(rename = "allowed")]
    Allowed,
    /// Without an error.
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "FORBIDDEN")]
    Forbidden,
    #[serde(rename = "UNAUTHENTICATED")]
    Unauthenticated,
}

fn null() -> Outcome {
    Outcome::Null
}

impl Table {
    pub fn read() -> Self {
        let text = fs::read_to_string(workspace().join(FILE)).expect("the table is there");
        serde_json::from_str(&text).expect("the table has its form")
    }

    /// Has `field` been given a row?
    pub fn knows(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// What `viewer` gets of a field of an object that is `owner`'s and was reached through `through`.
    pub fn of_field(&self, field: &str, through: &str, owner: &str, viewer: &str) -> Outcome {
        let row = &self.fields[field];
        self.of_rule(row.through.get(through).unwrap_or(&row.who), owner, viewer)
    }

    /// Whether a page or a payload shows `viewer` the object in it, which is `owner`'s.
    pub fn of_carrier(&self, carrier: Option<&str>, owner: &str, viewer: &str) -> Outcome {
        carrier.map_or(Outcome::Allowed, |field| self.of_field(field, "", owner, viewer))
    }

    /// What `viewer` gets of an entity that is `owner`'s, asked for by its key.
    pub fn of_entity(&self, entity: &str, subgraph: &str, owner: &str, viewer: &str) -> Option<Outcome> {
        self.types.get(entity)?.entities.get(subgraph).map(|rule| self.of_rule(rule, owner, viewer))
    }

    fn of_rule(&self, rule: &str, owner: &str, viewer: &str) -> Outcome {
        let rule = self.rules.get(rule).unwrap_or_else(|| panic!("{FILE} has no rule {rule:?}"));
        let is_among = |audience: &String| match audience.as_str() {
            "everyone" => true,
            "signed in" => viewer != ANONYMOUS,
            "owner" => viewer == owner,
            other => viewer == other,
        };
        match rule.anonymous {
            _ if rule.allowed.iter().any(is_among) => Outcome::Allowed,
            Some(outcome) if viewer == ANONYMOUS => outcome,
            _ => rule.otherwise,
        }
    }

    /// Whose the object is that `viewer` reaches through `field` of an object that is `owner`'s
    /// (or of none, if `field` is a query or a mutation).
    pub fn resolve_owner(&self, field: &str, owner: Option<&str>, to: &str, viewer: &str) -> String {
        let usual = self.types[to].owner.as_str();
        let from = field.split('.').next().and_then(|name| self.types.get(name));
        let whose = match (self.fields[field].leads_to.as_deref(), owner, from) {
            (Some("viewer"), ..) => viewer,
            (Some(somebody), ..) => somebody,
            (None, Some(owner), Some(from)) if is_personal(field, to) || from.owner == usual => owner,
            _ => usual,
        };
        whose.to_owned()
    }
}

/// What leads from a user, and to one, leads from and to the owner.
fn is_personal(field: &str, to: &str) -> bool {
    field.starts_with("User.") || to == "User"
}

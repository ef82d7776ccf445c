//! A schema, as its server tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

const INTROSPECTION: &str = "{ __schema { types { name kind fields { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } possibleTypes { name } } } }";

/// Parts of federation, which no client sees.
const FEDERATION: [&str; 2] = ["_entities", "_service"];
/// What the router asks for of every entity.
const KEYS: [&str; 2] = ["id", "__typename"];

/// Object types and their fields.
pub struct Graph {
    types: BTreeMap<String, BTreeMap<String, Field>>,
    /// Unions and their members.
    unions: BTreeMap<String, Vec<String>>,
    /// Interfaces, of which the file `node.rs` reads all there is.
    interfaces: BTreeSet<String>,
    /// Types with a key; the others are pages, payloads and the like.
    keyed: BTreeSet<String>,
    /// Which can be asked for by their keys.
    pub entities: Vec<String>,
    /// Fields that are not for clients: another subgraph answers them, or the router alone asks for them.
    pub hidden: BTreeSet<String>,
}

/// What a field returns.
#[derive(Clone)]
pub struct Field {
    pub of: String,
    is_list: bool,
}

/// A field on the way to something: its type's name, its own, and with arguments if it needs any. Or, without a name, the
/// condition that a union's value is of one type.
#[derive(Clone)]
pub struct Step {
    pub of: String,
    pub name: String,
    pub text: String,
    pub is_list: bool,
}

/// From a field's own value to an entity in it.
pub struct Way {
    pub steps: Vec<Step>,
    pub to: String,
}

impl Graph {
    pub fn of(server: &Client, keyed: BTreeSet<String>) -> Self {
        let answer = server.data(INTROSPECTION, json!({}));
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
        let hidden = if answer.to_string().contains("_Service") { hidden(server) } else { BTreeSet::new() };
        let (types, unions, interfaces) = Default::default();
        let mut graph = Self { types, unions, interfaces, keyed, entities: Vec::new(), hidden };
        for of in list(&answer["__schema"]["types"]) {
            let of_name = name(&of);
            if of_name == "_Entity" {
                graph.entities = list(&of["possibleTypes"]).iter().map(name).collect();
            }
            if of["kind"] == "UNION" && !of_name.starts_with('_') {
                graph.unions.insert(of_name.clone(), list(&of["possibleTypes"]).iter().map(name).collect());
            }
            if of["kind"] == "INTERFACE" {
                graph.interfaces.insert(of_name.clone());
            }
            if of["kind"] != "OBJECT" || of_name.starts_with('_') {
                continue;
            }
            let fields = list(&of["fields"]);
            let own = fields.iter().filter(|field| {
                let field = name(field);
                !FEDERATION.contains(&field.as_str()) && !graph.hidden.contains(&format!("{of_name}.{field}"))
            });
            let own = own.map(|field| (name(field), Field::of(&field["type"]))).collect();
            graph.types.insert(of_name, own);
        }
        graph
    }

    /// Every field of every object type, as `Type.field`.
    pub fn coordinates(&self) -> impl Iterator<Item = String> {
        let fields = |(of, fields): (&String, &BTreeMap<String, Field>)| {
            fields.keys().map(|field| format!("{of}.{field}")).collect::<Vec<_>>()
        };
        self.types.iter().flat_map(fields)
    }

    /// Whether anything happens here that can be followed.
    pub fn can_be_followed(&self) -> bool {
        self.types.contains_key("Subscription")
    }

    pub fn fields(&self, of: &str) -> impl Iterator<Item = (&String, &Field)> {
        self.types.get(of).into_iter().flatten()
    }

    pub fn field(&self, of: &str, name: &str) -> &Field {
        &self.types[of][name]
    }

    pub fn step(&self, of: &str, field: &str, arguments: &str) -> Step {
        let is_list = self.field(of, field).is_list;
        Step { of: of.to_owned(), name: field.to_owned(), text: format!("{field}{arguments}"), is_list }
    }

    /// The names by which a router can confuse fields of a type: what is asked for beside them, the key, and what another
    /// subgraph requires.
    pub fn names(&self, of: &str) -> Vec<&str> {
        let own = self.types.get(of).into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        let required = self.hidden.iter().filter_map(|field| field.strip_prefix(of)?.strip_prefix('.'));
        let mut names: Vec<_> = own.collect();
        for name in KEYS.into_iter().chain(required) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The response key of a field in one turn of the names: no two fields of a type have the same, and in
    /// `names(of).len()` turns each has had each. Without a turn it is the field's own name.
    pub fn response_key<'graph>(&'graph self, of: &str, field: &'graph str, turn: usize) -> &'graph str {
        let names = self.names(of);
        let place = names.iter().position(|name| *name == field);
        place.map_or(field, |place| names[(place + turn) % names.len()])
    }

    /// All that a value of this type carries (pages, payloads), down to the entities in it, of
    /// which the name is enough. Nothing for a scalar.
    pub fn selection(&self, of: &str) -> String {
        if let Some(members) = self.unions.get(of) {
            let members = members.iter().map(|member| format!("... on {member}{}", self.selection(member)));
            return format!(" {{ __typename {} }}", members.collect::<Vec<_>>().join(" "));
        }
        if self.interfaces.contains(of) {
            return " { __typename id }".to_owned();
        }
        if !self.types.contains_key(of) {
            return String::new();
        }
        if self.keyed.contains(of) {
            return " { __typename id }".to_owned();
        }
        let fields = self.fields(of).map(|(name, field)| format!("{name}{}", self.selection(&field.of)));
        format!(" {{ {} }}", fields.collect::<Vec<_>>().join(" "))
    }

    /// The shortest way to each entity that a value of this type carries.
    pub fn ways(&self, of: &str) -> Vec<Way> {
        if self.keyed.contains(of) {
            return vec![Way { steps: Vec::new(), to: of.to_owned() }];
        }
        if let Some(members) = self.unions.get(of) {
            let condition = |member: &String| Step {
                of: of.to_owned(),
                name: String::new(),
                text: format!("... on {member}"),
                is_list: false,
            };
            return members.iter().map(|to| Way { steps: vec![condition(to)], to: to.clone() }).collect();
        }
        let mut found: BTreeMap<String, Way> = BTreeMap::new();
        for (name, field) in self.fields(of) {
            for Way { steps: rest, to } in self.ways(&field.of) {
                let steps: Vec<_> = [self.step(of, name, "")].into_iter().chain(rest).collect();
                if found.get(&to).is_none_or(|way| steps.len() < way.steps.len()) {
                    found.insert(to.clone(), Way { steps, to });
                }
            }
        }
        found.into_values().collect()
    }
}

/// Fields that are not a subgraph's to answer to clients: another one answers them, or the router alone asks for them.
fn hidden(subgraph: &Client) -> BTreeSet<String> {
    let answer = subgraph.data("{ _service { sdl } }", json!({}));
    let sdl = answer["_service"]["sdl"].as_str().expect("the SDL").to_owned();
    let (mut of, mut field) = ("", "");
    let mut found = BTreeSet::new();
    for line in sdl.lines() {
        if let Some(rest) = line.strip_prefix("type ") {
            of = rest.split(' ').next().unwrap_or_default();
        }
        // A field with arguments is several lines: its name is on the first one, which is indented once.
        if let Some(rest) = line.strip_prefix('\t').or_else(|| line.strip_prefix("  "))
            && rest.starts_with(|first: char| first.is_ascii_alphabetic())
        {
            field = rest.split(['(', ':']).next().unwrap_or_default();
        }
        if line.contains("@external") || line.contains("@inaccessible") {
            found.insert(format!("{of}.{field}"));
        }
    }
    found
}

impl Step {
    /// Whether it is the condition that a union's value is of one type.
    pub fn is_condition(&self) -> bool {
        self.name.is_empty()
    }
}

impl Field {
    fn of(mut reference: &Value) -> Self {
        let mut is_list = false;
        while !reference["ofType"].is_null() {
            is_list |= reference["kind"] == "LIST";
            reference = &reference["ofType"];
        }
        Self { of: reference["name"].as_str().expect("a name").to_owned(), is_list }
    }
}

//! One viewer tries every access path of one server, and every one that continues a path that led to an object.

use std::ops::Range;

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;
use uuid::Uuid;

use super::{
    fixtures::People,
    graph::{Graph, Step, Way},
    table::{Outcome, Table},
};

/// What a viewer got of a field.
pub struct Observation {
    pub viewer: &'static str,
    /// The router, or a subgraph that was asked straight.
    pub server: String,
    /// How the object was reached, such as `user.enrollments.nodes`.
    pub way: String,
    pub field: String,
    /// Under which name of the object's fields it was asked for.
    pub response_key: String,
    /// The field that led to the object, or `_entities`.
    through: String,
    owner: String,
    /// How the object was reached, if this was the first try at it.
    entry: Option<Entry>,
    /// What it was, or what it should never be.
    pub got: Result<Outcome, String>,
}

/// The start of an access path that is tried for the first time. Its `carrier` is the field of a page or a payload that
/// holds the object.
#[derive(Clone)]
enum Entry {
    Root { field: String, owner: String, carrier: Option<String> },
    Entities { entity: String, owner: String },
}

/// The fields that lead to an object.
#[derive(Clone)]
struct AccessPath {
    is_mutation: bool,
    steps: Vec<Step>,
    representation: Option<Value>,
    to: String,
    through: String,
    owner: String,
    /// The types on the way: none is visited twice.
    seen: Vec<String>,
    /// How far names are rotated: each field, and each on the path to it, is aliased to the name of another field.
    turn: usize,
}

pub struct Walk<'a> {
    pub table: &'a Table,
    pub graph: &'a Graph,
    pub people: &'a People,
    /// `router`, or a subgraph's name.
    pub server: &'a str,
    /// Whether fields are asked for under the names of others, too.
    pub turns_names: bool,
    pub viewer: &'static str,
    pub visitor: Client,
    pub observations: Vec<Observation>,
}

impl Observation {
    pub fn expected(&self, table: &Table) -> Outcome {
        let entry = match &self.entry {
            Some(Entry::Root { field, owner, carrier }) => match table.of_field(field, "", owner, self.viewer) {
                Outcome::Allowed => table.of_carrier(carrier.as_deref(), owner, self.viewer),
                denied => denied,
            },
            Some(Entry::Entities { entity, owner }) => table
                .of_entity(entity, &self.server, owner, self.viewer)
                .unwrap_or_else(|| panic!("types.{entity}.entities has no {}", self.server)),
            None => Outcome::Allowed,
        };
        match entry {
            Outcome::Allowed => table.of_field(&self.field, &self.through, &self.owner, self.viewer),
            denied => denied,
        }
    }
}

impl Walk<'_> {
    /// Everything that a root type leads to: all queries and entities, or all mutations and what their
    /// payloads hold.
    pub fn explore(&mut self, operation: &str) {
        for (name, _) in self.graph.fields(operation) {
            self.root(operation, name);
        }
        if operation == "Query" {
            for entity in &self.graph.entities {
                for owner in People::owners(entity) {
                    self.entities(entity, owner);
                }
            }
        }
    }

    /// One query or mutation, and the access paths to what it returns.
    fn root(&mut self, operation: &str, name: &str) {
        let (graph, start) = (self.graph, AccessPath::start(operation));
        let field = format!("{operation}.{name}");
        let returned = &graph.field(operation, name).of;
        let ways = graph.ways(returned);
        let usual =
            ways.first().map(|way| self.table.resolve_owner(&field, None, &way.to, self.viewer)).unwrap_or_default();
        for (index, sample) in self.people.samples(&field, self.viewer).iter().enumerate() {
            let owner = sample.owner.unwrap_or(&usual);
            for turn in self.turns(operation) {
                // A mutation wants new things each time.
                let sample = &self.people.samples(&field, self.viewer)[index];
                let key = graph.response_key(operation, name, turn);
                let selection = format!(" {{ {key}: {name}{}{} }}", sample.arguments, graph.selection(returned));
                let answer = self.ask(&start, &selection);
                let access_path = AccessPath { owner: owner.to_owned(), turn, ..AccessPath::start(operation) };
                self.observe(&access_path, name, None, &answer);
            }
            for way in &ways {
                let carrier = way.steps.first().map(|step| format!("{returned}.{}", step.name));
                let entry = Entry::Root { field: field.clone(), owner: owner.to_owned(), carrier };
                for turn in self.turns(&way.to) {
                    let sample = &self.people.samples(&field, self.viewer)[index];
                    let step = graph.step(operation, name, &sample.arguments);
                    self.visit(&AccessPath { turn, ..start.extend(step, way, owner) }, Some(&entry));
                }
            }
        }
    }

    /// None, and where a router could take one field for another, all that give each field of a type each name.
    fn turns(&self, of: &str) -> Range<usize> {
        0..if self.turns_names { self.graph.names(of).len() } else { 1 }
    }

    /// Follows the viewer's notifications from one of them on; `told` is the next.
    pub fn follow(&mut self, before: Uuid, told: Uuid) {
        for turn in self.turns("Subscription") {
            let key = self.graph.response_key("Subscription", "notificationAdded", turn);
            let document = format!(
                "subscription ($after: ID) {{ {key}: notificationAdded(after: $after) {{ title: id id: title }} }}"
            );
            let event = self.visitor.first_event(&document, json!({ "after": before })).json;
            let access_path = AccessPath { owner: self.viewer.to_owned(), turn, ..AccessPath::start("Subscription") };
            self.observe(&access_path, "notificationAdded", None, &event);
            let arrived = &event["data"][key]["title"];
            assert!(arrived.is_null() || arrived == &json!(told), "{} got another one's: {event}", self.viewer);
        }
    }

    fn entities(&mut self, entity: &str, owner: &str) {
        let text = "_entities(representations: $representations)".to_owned();
        let access_path = AccessPath {
            is_mutation: false,
            steps: vec![Step { of: "Query".to_owned(), name: "_entities".to_owned(), text, is_list: true }],
            representation: Some(self.people.representation(entity, owner, self.viewer)),
            to: entity.to_owned(),
            through: "_entities".to_owned(),
            owner: owner.to_owned(),
            seen: vec![entity.to_owned()],
            turn: 0,
        };
        self.visit(&access_path, Some(&Entry::Entities { entity: entity.to_owned(), owner: owner.to_owned() }));
    }

    /// Asks for every field of the object at the end of a path, and continues from there.
    fn visit(&mut self, access_path: &AccessPath, entry: Option<&Entry>) {
        let graph = self.graph;
        let fields: Vec<_> = graph.fields(&access_path.to).collect();
        let each = fields.iter().map(|(name, field)| {
            let key = graph.response_key(&access_path.to, name, access_path.turn);
            format!("{key}: {name}{}", graph.selection(&field.of))
        });
        let selection = format!(" {{ {} }}", each.collect::<Vec<_>>().join(" "));
        let answer = self.ask(access_path, &selection);
        let path = access_path.response_path(graph);
        let is_missing = at(&answer, &path).is_null() && !at(&answer, &path[..1]).is_null();
        if is_missing && !access_path.is_entities() && !self.is_withheld(entry) {
            // An empty list, or a payload that says why there is nothing.
            return;
        }
        for (name, _) in fields {
            self.observe(access_path, name, entry, &answer);
        }
        if !access_path.is_mutation && access_path.turn == 0 {
            self.continue_from(access_path, &answer);
        }
    }

    /// Whether a payload has no object because it is not for this viewer.
    fn is_withheld(&self, entry: Option<&Entry>) -> bool {
        let Some(Entry::Root { owner, carrier, .. }) = entry else { return false };
        self.table.of_carrier(carrier.as_deref(), owner, self.viewer) == Outcome::Null
    }

    fn continue_from(&mut self, access_path: &AccessPath, answer: &Value) {
        let graph = self.graph;
        for (name, field) in graph.fields(&access_path.to) {
            for way in graph.ways(&field.of) {
                let coordinate = format!("{}.{name}", access_path.to);
                let owner = self.table.resolve_owner(&coordinate, Some(&access_path.owner), &way.to, self.viewer);
                let next = access_path.extend(graph.step(&access_path.to, name, ""), &way, &owner);
                let reached = at(answer, &next.response_path(graph));
                let is_of_the_type =
                    way.steps.iter().all(|step| !step.is_condition()) || reached["__typename"] == next.to;
                if !access_path.seen.contains(&next.to) && !reached.is_null() && is_of_the_type {
                    self.turns(&next.to).for_each(|turn| self.visit(&AccessPath { turn, ..next.clone() }, None));
                }
            }
        }
    }

    /// Notes what the answer says of a field of the object at the end of a path.
    fn observe(&mut self, access_path: &AccessPath, name: &str, entry: Option<&Entry>, answer: &Value) {
        let key = self.graph.response_key(&access_path.to, name, access_path.turn);
        let path: Vec<_> = access_path.response_path(self.graph).into_iter().chain([json!(key)]).collect();
        self.observations.push(Observation {
            viewer: self.viewer,
            server: self.server.to_owned(),
            way: access_path.way(),
            field: format!("{}.{name}", access_path.to),
            response_key: key.to_owned(),
            through: access_path.through.clone(),
            owner: access_path.owner.clone(),
            entry: entry.cloned(),
            got: outcome(answer, &path),
        });
    }

    fn ask(&self, access_path: &AccessPath, selection: &str) -> Value {
        let inner = access_path.steps.iter().rev().fold(selection.to_owned(), |inner, step| {
            if step.name == "_entities" {
                return format!(" {{ {} {{ ... on {}{inner} }} }}", step.text, access_path.seen[0]);
            }
            if step.is_condition() {
                return format!(" {{ {}{inner} }}", step.text);
            }
            let key = self.graph.response_key(&step.of, &step.name, access_path.turn);
            format!(" {{ {key}: {}{inner} }}", step.text)
        });
        let (document, variables) = match &access_path.representation {
            Some(one) => (format!("query ($representations: [_Any!]!){inner}"), json!({ "representations": [one] })),
            None => (format!("{}{inner}", if access_path.is_mutation { "mutation" } else { "query" }), json!({})),
        };
        self.visitor.send(&document, variables).json
    }
}

impl AccessPath {
    /// The root type, which everyone may query.
    fn start(operation: &str) -> Self {
        Self {
            is_mutation: operation == "Mutation",
            steps: Vec::new(),
            representation: None,
            to: operation.to_owned(),
            through: String::new(),
            owner: String::new(),
            seen: Vec::new(),
            turn: 0,
        }
    }

    /// Continues it by a field of its object, to an object that is `owner`'s.
    fn extend(&self, step: Step, way: &Way, owner: &str) -> Self {
        Self {
            through: format!("{}.{}", self.to, step.name),
            is_mutation: self.is_mutation,
            steps: self.steps.iter().cloned().chain([step]).chain(way.steps.iter().cloned()).collect(),
            representation: self.representation.clone(),
            to: way.to.clone(),
            owner: owner.to_owned(),
            seen: self.seen.iter().chain([&way.to]).cloned().collect(),
            turn: 0,
        }
    }

    fn is_entities(&self) -> bool {
        self.steps.len() == 1 && self.representation.is_some()
    }

    /// Where the object is in the answer's data.
    fn response_path(&self, graph: &Graph) -> Vec<Value> {
        let segments = |step: &Step| {
            let index = step.is_list.then(|| json!(0));
            [json!(graph.response_key(&step.of, &step.name, self.turn))].into_iter().chain(index).collect::<Vec<_>>()
        };
        self.steps.iter().filter(|step| !step.is_condition()).flat_map(segments).collect()
    }

    fn way(&self) -> String {
        let name = |step| if Step::is_condition(step) { step.text.as_str() } else { step.name.as_str() };
        let names: Vec<_> = self.steps.iter().map(name).collect();
        if names.is_empty() { "itself".to_owned() } else { names.join(".") }
    }
}

/// What is at a place of the answer's data; null where there is nothing.
fn at<'a>(answer: &'a Value, path: &[Value]) -> &'a Value {
    path.iter().fold(&answer["data"], |value, segment| match (value, segment) {
        (Value::Array(items), Value::Number(index)) => {
            index.as_u64().and_then(|index| items.get(usize::try_from(index).ok()?)).unwrap_or(&Value::Null)
        }
        (value, Value::String(name)) => &value[name.as_str()],
        _ => &Value::Null,
    })
}

/// What a place of the answer says: the value there, and the errors on the way to it.
fn outcome(answer: &Value, path: &[Value]) -> Result<Outcome, String> {
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let paths = |error: &'_ Value| error["path"].as_array().cloned().unwrap_or_default();
    let here = errors.iter().find(|error| path.starts_with(&paths(error)));
    let below = errors.iter().find(|error| paths(error).starts_with(path));
    match (at(answer, path).is_null(), here, below) {
        (false, None, None) => Ok(Outcome::Allowed),
        (true, None, None) => Ok(Outcome::Null),
        (true, Some(error), _) => match error["extensions"]["code"].as_str() {
            Some("FORBIDDEN") => Ok(Outcome::Forbidden),
            Some("UNAUTHENTICATED") => Ok(Outcome::Unauthenticated),
            _ => Err(error.to_string()),
        },
        (_, _, Some(error)) | (_, Some(error), _) => Err(format!("a value, and in it {error}")),
    }
}

#[test]
fn an_error_on_the_way_is_the_outcome_of_all_that_lies_behind_it() {
    let answer = json!({
        "data": { "user": { "name": "Alice", "email": null, "payments": null } },
        "errors": [{ "path": ["user", "payments"], "extensions": { "code": "FORBIDDEN" } }],
    });
    let of = |path: &[&str]| outcome(&answer, &path.iter().map(|name| json!(name)).collect::<Vec<_>>());

    assert_eq!(of(&["user", "name"]), Ok(Outcome::Allowed));
    assert_eq!(of(&["user", "email"]), Ok(Outcome::Null));
    assert_eq!(of(&["user", "payments"]), Ok(Outcome::Forbidden));
    assert_eq!(of(&["user", "payments", "nodes"]), Ok(Outcome::Forbidden));
}

#[test]
fn errors_of_another_kind_and_values_with_an_error_in_them_are_no_outcomes() {
    let error = |path: Value, code: &str| json!({ "path": path, "extensions": { "code": code } });
    let [user, payments] = [json!("user"), json!("payments")];
    let broken = json!({ "data": null, "errors": [error(json!(null), "INTERNAL_SERVER_ERROR")] });
    let mixed = json!({
        "data": { "user": { "payments": { "totalCount": null } } },
        "errors": [error(json!(["user", "payments", "totalCount"]), "FORBIDDEN")],
    });

    assert!(outcome(&broken, std::slice::from_ref(&user)).is_err());
    assert!(outcome(&mixed, &[user, payments]).is_err());
}

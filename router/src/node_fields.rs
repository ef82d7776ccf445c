//! `node` and `nodes`: an object of any type by its id.
//!
//! No subgraph knows the ids of another one, so `node` is rewritten before it is planned: to the field by id of each type
//! that its selection can apply to, such as `user` and `course`, under keys that no client has requested. Of their
//! values, the one that is not null is the node. So permissions, statements and costs are those of the fields by id. A
//! type is asked if a fragment applies to it, and all are if a field of the interface itself is selected. `nodes` is a
//! `node` for each of its ids.
//!
//! The object type `Course` is asked by the field `course(id:)`; a test names a type that has no such field. In another
//! graph whose nodes have none, the two fields have a subgraph of their own, and stay as they are.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, DirectiveList, FieldDefinition, OperationType, Type, Value, VariableDefinition},
    executable::{Field, Operation, OperationMap, Selection, SelectionSet},
    name,
    validation::Valid,
};
use serde_json::{Value as JsonValue, value::RawValue};
use sonic_rs::{Array, JsonContainerTrait as _, JsonValueTrait as _, Value as Json};

use crate::hive_gaps::{
    json::{Entries, entries, write_key, write_string},
    request_errors::{RequestErrors, request_error},
};

const INTERFACE: &str = "Node";
const ONE: &str = "node";
const SEVERAL: &str = "nodes";
const MAX_IDS: usize = 100;
/// The numbers of ids that have a plan of their own: the others have the next one's, with ids of nothing for the rest.
const PLANNED_IDS: [usize; 8] = [0, 1, 2, 5, 10, 25, 50, MAX_IDS];
/// The maximum of fields by id in an operation: as many ids, of five types. The planner's time grows with them: it is 10
/// to 25 ms for so many, with fields of other subgraphs selected of each.
const MAX_ASKED: usize = 500;
/// An id of nothing, which no client can know: what it costs is not the client's.
pub static NO_ID: LazyLock<String> = LazyLock::new(|| {
    let random = format!("{:032x}", rand::random::<u128>());
    [&random[..8], &random[8..12], &random[12..16], &random[16..20], &random[20..]].join("-")
});
const TOO_MANY: &str =
    "`nodes` has too many ids for what is selected of each. Send fewer ids in an operation, or select less.";

/// The `node` and `nodes` of an operation, as they are rewritten for all requests with such a number of ids.
#[derive(Debug, Default)]
pub struct NodeFields {
    fields: Vec<NodeField>,
    /// What each key of the router's response stands for.
    keys: HashMap<String, Place>,
    variables: Vec<IdVariable>,
}

#[derive(Debug)]
struct NodeField {
    key: Name,
    /// `None` for a `node`.
    length: Option<Length>,
    /// Its first key in the router's response, which has its place among the other fields.
    first: String,
}

/// The number of ids of a `nodes`.
#[derive(Debug)]
enum Length {
    Fixed(usize),
    /// As many as a variable of the client's has.
    OfVariable(Name),
}

/// The `node` and `nodes` of a request.
pub struct RequestedNodes {
    nodes: Arc<NodeFields>,
    /// The numbers of ids, by field; `None` for a `node`.
    lengths: Vec<Option<usize>>,
}

/// A field of the client's, and the position of the id in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    field: usize,
    item: usize,
}

/// A variable for one of the ids that a variable of the client's has.
#[derive(Debug)]
struct IdVariable {
    name: Name,
    of: Name,
    item: usize,
}

/// The keys in the router's response that have a node.
type Found<'a> = HashMap<Place, (&'a str, &'a RawValue)>;

/// The variable that has the ids of a `nodes`, if one has them.
pub fn ids_variable<'a>(field: &'a Field, schema: &Schema) -> Option<&'a Name> {
    let ids = field.specified_argument_by_name("ids")?.as_variable()?;
    is_node_field(field, schema).then_some(ids)
}

/// The number of ids that is planned for this number of them.
pub fn planned_ids(count: usize) -> usize {
    PLANNED_IDS.into_iter().find(|planned| *planned >= count).unwrap_or(count)
}

/// Whether this is an id that only the router has sent.
pub fn is_no_id(value: &Json) -> bool {
    value.as_str() == Some(NO_ID.as_str())
}

/// The number of ids in a variable's value.
///
/// # Errors
/// If they are too many, or null.
pub fn count_ids(value: &Json) -> Result<usize, RequestErrors> {
    if value.is_null() {
        return Err(vec![request_error("`ids` must not be null.", "BAD_USER_INPUT")]);
    }
    check_length(length(value))
}

/// A single value coerces to a list of it.
fn length(ids: &Json) -> usize {
    ids.as_array().map_or(1, Array::len)
}

/// The error of an operation that asks for more nodes than there may be.
pub fn too_many() -> RequestErrors {
    vec![request_error(TOO_MANY, "TOKEN_LIMIT_EXCEEDED")]
}

fn check_length(length: usize) -> Result<usize, RequestErrors> {
    if length <= MAX_IDS {
        return Ok(length);
    }
    let message = format!("`ids` must have at most {MAX_IDS} items, and has {length}.");
    Err(vec![request_error(message, "BAD_USER_INPUT")])
}

/// Whether this is a `node` or `nodes` that is to be rewritten.
fn is_node_field(field: &Field, schema: &Schema) -> bool {
    let argument = match field.name.as_str() {
        ONE => "id",
        SEVERAL => "ids",
        _ => return false,
    };
    let has_interface = field.definition.ty.inner_named_type() == INTERFACE;
    has_interface && has_only_argument(&field.definition, argument) && has_fields_by_id(schema)
}

fn has_fields_by_id(schema: &Schema) -> bool {
    let mut objects = node_types(schema).peekable();
    objects.peek().is_some() && objects.all(|object| field_by_id(object, schema).is_some())
}

/// The object types of the interface.
fn node_types(schema: &Schema) -> impl Iterator<Item = &Name> {
    let objects = schema.types.iter().filter(|(_, kind)| kind.is_object());
    objects.map(|(name, _)| name).filter(|name| schema.is_subtype(INTERFACE, name))
}

/// The name of the field that returns an object of this type by its id.
fn field_by_id(object: &Name, schema: &Schema) -> Option<Name> {
    let (first, rest) = object.split_at_checked(1)?;
    let name = Name::new(&(first.to_lowercase() + rest)).ok()?;
    let field = schema.type_field(schema.root_operation(OperationType::Query)?, &name).ok()?;
    let is_of_object = !field.ty.is_list() && field.ty.inner_named_type() == object;
    (is_of_object && has_only_argument(field, "id")).then_some(name)
}

fn has_only_argument(field: &FieldDefinition, name: &str) -> bool {
    matches!(field.arguments.as_slice(), [argument] if argument.name == name)
}

/// Rewrites the `node` and `nodes` of an operation whose fragments are in place; `None` if it has none. `counts` are the
/// numbers of ids in its variables, and no response key begins with `prefix`.
///
/// # Errors
/// If a `nodes` has too many ids.
pub fn expand(
    document: &ExecutableDocument,
    count: impl Fn(&Name) -> Option<usize>,
    prefix: &str,
    schema: &Valid<Schema>,
) -> Result<Option<(ExecutableDocument, NodeFields)>, RequestErrors> {
    let Ok(operation) = document.operations.get(None) else { return Ok(None) };
    let has_nodes = operation.selection_set.fields().any(|field| is_node_field(field, schema));
    if operation.operation_type != OperationType::Query || !has_nodes {
        return Ok(None);
    }
    let mut expansion = Expansion {
        operation,
        count,
        prefix,
        variable_prefix: free_prefix(operation),
        schema,
        selection_set: SelectionSet::new(operation.selection_set.ty.clone()),
        nodes: NodeFields::default(),
        asked: 0,
    };
    for selection in &operation.selection_set.selections {
        match selection {
            Selection::Field(field) if is_node_field(field, schema) => expansion.expand(field)?,
            other => expansion.selection_set.push(other.clone()),
        }
    }
    let Expansion { selection_set, nodes, .. } = expansion;
    let mut expanded = operation.as_ref().clone();
    expanded.variables.extend(nodes.variables.iter().map(IdVariable::definition));
    expanded.selection_set = selection_set;
    let document = ExecutableDocument { operations: OperationMap::from_one(expanded), ..document.clone() };
    Ok(Some((document, nodes)))
}

/// What no variable of the operation begins with.
fn free_prefix(operation: &Operation) -> String {
    let is_free = |prefix: &String| operation.variables.iter().all(|variable| !variable.name.starts_with(prefix));
    let mut prefixes = (0..=operation.variables.len()).map(|number| format!("id{number}_"));
    prefixes.find(is_free).expect("each variable takes one prefix at most")
}

struct Expansion<'a, C> {
    operation: &'a Operation,
    count: C,
    prefix: &'a str,
    variable_prefix: String,
    schema: &'a Valid<Schema>,
    selection_set: SelectionSet,
    nodes: NodeFields,
    /// The number of fields by id.
    asked: usize,
}

impl<C: Fn(&Name) -> Option<usize>> Expansion<'_, C> {
    fn expand(&mut self, field: &Field) -> Result<(), RequestErrors> {
        let (ids, length) = if field.name == SEVERAL {
            let (ids, length) = self.ids(field)?;
            (ids, Some(length))
        } else {
            (field.specified_argument_by_name("id").cloned().into_iter().collect(), None)
        };
        let selections = self.selections_by_type(field);
        self.asked += ids.len() * selections.len().max(1);
        if self.asked > MAX_ASKED {
            return Err(too_many());
        }
        let number = self.nodes.fields.len();
        let first = self.alias(number, 0, 0);
        self.nodes.fields.push(NodeField { key: field.response_name().clone(), length, first: first.to_string() });
        if ids.is_empty() {
            // It keeps the place, and asks nobody.
            self.push(first, Place { field: number, item: 0 }, name!("__typename"), |field| field);
        }
        for (item, id) in ids.iter().enumerate() {
            for (kind, (by_id, selections)) in selections.iter().enumerate() {
                let alias = self.alias(number, item, kind);
                let argument = Argument { name: name!("id"), value: id.clone() };
                self.push(alias, Place { field: number, item }, by_id.clone(), |field| Field {
                    arguments: vec![Node::new(argument)],
                    selection_set: Some(selections.clone()),
                    ..field
                });
            }
        }
        Ok(())
    }

    fn push(&mut self, alias: Name, place: Place, name: Name, complete: impl FnOnce(Field) -> Field) {
        if let Ok(field) = self.selection_set.new_field(self.schema, name) {
            self.nodes.keys.insert(alias.to_string(), place);
            self.selection_set.push(complete(field).with_alias(alias));
        }
    }

    fn alias(&self, field: usize, item: usize, kind: usize) -> Name {
        Name::new(&format!("{}n{field}_{item}_{kind}", self.prefix)).expect("digits may end a name")
    }

    /// The ids of a `nodes`, each as an argument's value, and their number.
    fn ids(&mut self, field: &Field) -> Result<(Vec<Node<Value>>, Length), RequestErrors> {
        let Some(ids) = field.specified_argument_by_name("ids") else { return Ok((Vec::new(), Length::Fixed(0))) };
        let Value::Variable(variable) = ids.as_ref() else { return listed(ids) };
        if let Some(count) = (self.count)(variable) {
            let ids = (0..count).map(|item| self.id_variable(variable, item)).collect();
            return Ok((ids, Length::OfVariable(variable.clone())));
        }
        let mut variables = self.operation.variables.iter();
        let default =
            variables.find(|defined| defined.name == *variable).and_then(|defined| defined.default_value.as_ref());
        default.map_or(Ok((Vec::new(), Length::Fixed(0))), listed)
    }

    fn id_variable(&mut self, of: &Name, item: usize) -> Node<Value> {
        let name = Name::new(&format!("{}{}", self.variable_prefix, self.nodes.variables.len()));
        let name = name.expect("digits may end a name");
        self.nodes.variables.push(IdVariable { name: name.clone(), of: of.clone(), item });
        Node::new(Value::Variable(name))
    }

    /// The field by id of each type that is asked, and what is selected of its objects.
    fn selections_by_type(&self, field: &Field) -> Vec<(Name, SelectionSet)> {
        let Some(set) = &field.selection_set else { return Vec::new() };
        let asks_all = set.fields().next().is_some();
        let of_object = |object: &Name| {
            let mut selections = SelectionSet::new(object.clone());
            let applies = self.select(set, object, &mut selections);
            (applies || asks_all).then(|| Some((field_by_id(object, self.schema)?, selections))).flatten()
        };
        node_types(self.schema).filter_map(of_object).collect()
    }

    /// Adds what applies to an object of this type; returns whether a fragment does.
    fn select(&self, set: &SelectionSet, object: &Name, selections: &mut SelectionSet) -> bool {
        let mut applies = false;
        for selection in &set.selections {
            match selection {
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref();
                    if condition
                        .is_none_or(|condition| condition == object || self.schema.is_subtype(condition, object))
                    {
                        applies = true;
                        self.select(&fragment.selection_set, object, selections);
                    }
                }
                other => selections.push(other.clone()),
            }
        }
        applies
    }
}

/// The ids of a list in the document, and their number. A single value coerces to a list of it.
fn listed(ids: &Node<Value>) -> Result<(Vec<Node<Value>>, Length), RequestErrors> {
    let ids = match ids.as_ref() {
        Value::List(ids) => ids.clone(),
        _ => vec![ids.clone()],
    };
    let length = check_length(ids.len())?;
    Ok((ids, Length::Fixed(length)))
}

impl IdVariable {
    fn definition(&self) -> Node<VariableDefinition> {
        Node::new(VariableDefinition {
            description: None,
            name: self.name.clone(),
            ty: Node::new(Type::NonNullNamed(name!("ID"))),
            default_value: None,
            directives: DirectiveList::new(),
        })
    }
}

impl NodeFields {
    /// Adds the values of the variables for single ids.
    pub fn insert_ids(&self, values: &mut HashMap<String, Json>) {
        for IdVariable { name, of, item } in &self.variables {
            let Some(ids) = values.get(of.as_str()) else { continue };
            let id = ids.as_array().map_or((*item == 0).then_some(ids), |ids| ids.get(*item));
            let id = id.map_or_else(|| Json::from(NO_ID.as_str()), Json::clone);
            values.insert(name.to_string(), id);
        }
    }

    /// Those of a request with these variables.
    pub fn of_request(self: &Arc<Self>, values: &HashMap<String, Json>) -> RequestedNodes {
        let length_of = |field: &NodeField| match field.length.as_ref()? {
            Length::Fixed(length) => Some(*length),
            Length::OfVariable(name) => Some(values.get(name.as_str()).map_or(0, length)),
        };
        RequestedNodes { nodes: Arc::clone(self), lengths: self.fields.iter().map(length_of).collect() }
    }
}

impl RequestedNodes {
    /// Puts nodes where the client expects them, with the errors that are about them. Invalid JSON stays as it is.
    pub fn merge(&self, response: &str) -> String {
        let mut merged = String::with_capacity(response.len());
        match serde_json::from_str(response) {
            Ok(response) => self.merge_response(&response, &mut merged),
            Err(_) => response.clone_into(&mut merged),
        }
        merged
    }

    fn merge_response(&self, response: &Entries<'_>, merged: &mut String) {
        let from_router = response.get("data").filter(|data| is_object(data)).map(entries);
        let found = from_router.as_ref().map(|data| self.find(data)).unwrap_or_default();
        let data = from_router.as_ref().map(|data| self.merge_data(data, &found));
        let errors = response.get("errors").map(|errors| self.errors(errors, &found, data.as_deref()));
        let errors = errors.unwrap_or_default();
        let response = response.clone().filtered(|name| name != "errors" || !errors.is_empty());
        response.write(merged, |name, value, merged| {
            write_key(name, merged);
            match name {
                "data" => merged.push_str(data.as_deref().unwrap_or(value.get())),
                "errors" => write_items(errors.iter().map(String::as_str), merged),
                // Apollo's multipart protocol.
                "payload" => match serde_json::from_str(value.get()) {
                    Ok(response) => self.merge_response(&response, merged),
                    Err(_) => merged.push_str(value.get()),
                },
                _ => merged.push_str(value.get()),
            }
        });
    }

    fn find<'a>(&self, data: &'a Entries<'_>) -> Found<'a> {
        let of = |(key, value): (&'a str, &'a RawValue)| Some((*self.nodes.keys.get(key)?, (key, value)));
        let mut found = Found::new();
        for (place, node) in data.iter().filter(|(_, value)| is_object(value)).filter_map(of) {
            found.entry(place).or_insert(node);
        }
        found
    }

    fn merge_data(&self, data: &Entries<'_>, found: &Found<'_>) -> String {
        let mut merged = String::new();
        let field_of = |key: &str| self.nodes.keys.get(key).map(|place| &self.nodes.fields[place.field]);
        let data = data.clone().filtered(|key| field_of(key).is_none_or(|field| field.first == key));
        data.write(&mut merged, |key, value, merged| {
            let Some(place) = self.nodes.keys.get(key) else {
                write_key(key, merged);
                merged.push_str(value.get());
                return;
            };
            let field = &self.nodes.fields[place.field];
            let node = |item| found.get(&Place { item, ..*place }).map_or("null", |(_, value)| value.get());
            write_key(&field.key, merged);
            match self.lengths[place.field] {
                Some(length) => write_items((0..length).map(node), merged),
                None => merged.push_str(node(0)),
            }
        });
        merged
    }

    /// The errors that are about the client's fields. What another type's field failed with is nothing about the node;
    /// if no field has it, one error of them is enough. An error of a whole fetch has no path: it is about nothing if
    /// nothing is null.
    fn errors(&self, errors: &RawValue, found: &Found<'_>, data: Option<&str>) -> Vec<String> {
        let is_complete = data.and_then(|data| serde_json::from_str(data).ok()).is_some_and(|data| !has_null(&data));
        let Ok(errors) = serde_json::from_str::<Vec<&RawValue>>(errors.get()) else { return Vec::new() };
        let mut failed = HashSet::new();
        let mut kept = Vec::with_capacity(errors.len());
        for error in errors {
            let fields = entries(error);
            let path = fields.get("path").and_then(|path| serde_json::from_str::<Vec<&RawValue>>(path.get()).ok());
            let Some((key, place)) = path.as_deref().and_then(|path| self.place_of(path.first()?)) else {
                if !is_complete || fields.get("path").is_some() {
                    kept.push(error.get().to_owned());
                }
                continue;
            };
            let path = path.unwrap_or_default();
            if self.lengths[place.field].is_some_and(|length| place.item >= length) {
                continue;
            }
            let is_kept = match found.get(&place) {
                Some((found, _)) => *found == key,
                None => path.len() > 1 || failed.insert(place),
            };
            if is_kept {
                let mut written = String::with_capacity(error.get().len());
                fields.write_with("path", &self.path(place, &path[1..]), &mut written);
                kept.push(written);
            }
        }
        kept
    }

    fn place_of(&self, segment: &RawValue) -> Option<(String, Place)> {
        let key: String = serde_json::from_str(segment.get()).ok()?;
        let place = *self.nodes.keys.get(&key)?;
        Some((key, place))
    }

    fn path(&self, place: Place, rest: &[&RawValue]) -> String {
        let field = &self.nodes.fields[place.field];
        let mut key = String::new();
        write_string(&field.key, &mut key);
        let item = self.lengths[place.field].map(|_| place.item.to_string());
        let mut path = String::new();
        let segments =
            [key.as_str()].into_iter().chain(item.as_deref()).chain(rest.iter().map(|segment| segment.get()));
        write_items(segments, &mut path);
        path
    }
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn has_null(value: &JsonValue) -> bool {
    match value {
        JsonValue::Null => true,
        JsonValue::Array(items) => items.iter().any(has_null),
        JsonValue::Object(entries) => entries.values().any(has_null),
        _ => false,
    }
}

fn write_items<'a>(items: impl Iterator<Item = &'a str>, to: &mut String) {
    to.push('[');
    for (number, item) in items.enumerate() {
        if number > 0 {
            to.push(',');
        }
        to.push_str(item);
    }
    to.push(']');
}

#[cfg(test)]
mod tests {
    use hive_router::{
        plugins::hooks::on_graphql_params::GraphQLParams,
        query_planner::{
            ast::normalization::normalize_operation,
            graph::PlannerOverrideContext,
            planner::{Planner, QueryPlannerOptions},
            utils::{
                cancellation::CancellationToken,
                parsing::{safe_parse_operation, safe_parse_schema},
            },
        },
    };
    use serde_json::json;

    use super::*;
    use crate::hive_gaps::documents::{
        graph::{Graph, RouterOperation},
        rewriter::{DocumentLimits, Rewriter},
    };

    fn graph() -> Graph {
        Graph::new(include_str!("../../api.graphql")).expect("the schema is valid")
    }

    fn rewrite(text: &str, variables: &JsonValue) -> Result<Arc<RouterOperation>, String> {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let params = GraphQLParams { variables, ..GraphQLParams::default() };
        let rewritten =
            rewriter.operation(&graph(), text, None, &params).map_err(|errors| errors[0].message.clone())?;
        Ok(rewritten.1)
    }

    /// The rewritten document; each `type0_n` is a `#`.
    fn rewritten(text: &str) -> String {
        let operation = rewrite(text, &json!({})).expect("it is valid");
        operation.text.rsplit_once(" #").expect("it has a suffix").0.replace("type0_n", "#")
    }

    #[test]
    fn the_fragments_say_whom_to_ask() {
        assert_eq!(rewritten("{ node(id: 1) { ... on Course { title } } }"), "{ #0_0_0: course(id: 1) { title } }",);
        assert_eq!(
            rewritten(
                "{ node(id: 1) { ...T ... on User { name ... on Node { __typename } } } } fragment T on Course { title }"
            ),
            "{ #0_0_0: course(id: 1) { title } #0_0_1: user(id: 1) { name __typename } }",
        );
    }

    #[test]
    fn a_field_of_the_interface_is_asked_of_all_types() {
        assert_eq!(
            rewritten("{ node(id: 1) { id ... on Course { title } __typename } }"),
            "{ #0_0_0: course(id: 1) { id title __typename } #0_0_1: enrollment(id: 1) { id __typename } \
             #0_0_2: notification(id: 1) { id __typename } #0_0_3: payment(id: 1) { id __typename } \
             #0_0_4: user(id: 1) { id __typename } }",
        );
        // An object is `{}` if all is skipped.
        assert_eq!(rewritten("{ node(id: 1) { ... on User { id @skip(if: true) } } }").matches("@skip").count(), 5);
    }

    #[test]
    fn a_key_of_several_types_is_each_types_own() {
        let text = rewritten("{ node(id: 1) { ... on Course { name: title } ... on User { name } } }");

        assert!(text.starts_with("{ #0_0_0: course(id: 1) { alias0_name: title } #0_0_1: user(id: 1) { "), "{text}");
        assert!(text.ends_with("name } }"), "{text}");
    }

    #[test]
    fn each_occurrence_has_its_place_among_the_other_fields() {
        assert_eq!(
            rewritten(
                "query Q($no: Boolean! = false) { a: node(id: 1) { ...F } courses { totalCount } \
                 ... on Query { node(id: 2) { ...F } } c: node(id: 3) @include(if: $no) { id } a: node(id: 1) { ...F } } \
                 fragment F on User { name }"
            ),
            "query Q { #0_0_0: user(id: 1) { name } courses { totalCount } #1_0_0: user(id: 2) { name } }",
        );
    }

    #[test]
    fn no_key_and_no_variable_is_one_of_the_clients() {
        let operation = rewrite(
            "query ($id0_0: ID!, $ids: [ID!]!) { type0_n0_0_0: user(id: $id0_0) { name } \
             nodes(ids: $ids) { ... on User { name } } }",
            &json!({ "id0_0": "a", "ids": ["b"] }),
        );
        let text = &operation.expect("it is valid").text;

        assert!(
            text.contains("type0_n0_0_0: user(id: $id0_0) { name } type1_n0_0_0: user(id: $id1_0) { name }"),
            "{text}"
        );
        assert!(text.contains("$id1_0: ID!"), "{text}");
    }

    #[test]
    fn each_id_of_a_list_is_an_argument() {
        assert_eq!(
            rewritten("{ nodes(ids: [1, \"2\"]) { ... on User { name } } }"),
            "{ #0_0_0: user(id: 1) { name } #0_1_0: user(id: \"2\") { name } }",
        );
        assert_eq!(rewritten("{ nodes(ids: 1) { ... on User { name } } }"), "{ #0_0_0: user(id: 1) { name } }");
        assert_eq!(rewritten("{ nodes(ids: []) { ... on User { name } } }"), "{ #0_0_0: __typename }");
        assert_eq!(
            rewritten("query ($ids: [ID!] = [1, 2]) { nodes(ids: $ids) { ... on User { name } } }"),
            "query ($ids: [ID!] = [1, 2]) { #0_0_0: user(id: 1) { name } #0_1_0: user(id: 2) { name } }"
                .replace("query ", "query"),
        );
    }

    #[test]
    fn each_id_of_a_variable_is_a_variable() {
        for name in ["ids", "representations"] {
            let text = format!("query (${name}: [ID!]!) {{ nodes(ids: ${name}) {{ ... on User {{ name }} }} }}");
            let operation = rewrite(&text, &json!({ name: ["a", "b"] })).expect("it is valid");
            let kept = operation.variable_name.as_ref().map_or(name, |name| name.as_str());
            let mut values: HashMap<String, Json> =
                sonic_rs::from_str(&json!({ kept: ["a", "b"], "id0_0": "other" }).to_string()).expect("an object");

            operation.nodes.as_ref().expect("there are nodes").insert_ids(&mut values);

            assert!(operation.text.contains("$id0_0: ID!, $id0_1: ID!"), "{}", operation.text);
            assert!(operation.text.contains("_n0_0_0: user(id: $id0_0)"), "{}", operation.text);
            assert!(operation.text.contains("_n0_1_0: user(id: $id0_1)"), "{}", operation.text);
            assert_eq!(values["id0_0"].as_str(), Some("a"));
            assert_eq!(values["id0_1"].as_str(), Some("b"));
        }
    }

    fn variables(variables: &JsonValue) -> HashMap<String, Json> {
        sonic_rs::from_str(&variables.to_string()).expect("an object")
    }

    #[test]
    fn an_id_that_nobody_has_sent_is_one_of_nothing() {
        let text = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Course { id } ... on User { id } } }";
        let ids = json!({ "ids": ["a", "b", "c"] });
        let operation = rewrite(text, &ids).expect("it is valid");
        let nodes = operation.nodes.as_ref().expect("there are nodes");
        let mut values = variables(&ids);

        nodes.insert_ids(&mut values);

        assert!(
            operation.text.contains("course(id: $id0_4)") && !operation.text.contains("$id0_5"),
            "{}",
            operation.text
        );
        assert_eq!(values["id0_2"].as_str(), Some("c"));
        assert!(is_no_id(&values["id0_3"]) && values["id0_3"] == values["id0_4"]);
        let no_id = values["id0_3"].as_str().expect("a string");
        assert_eq!(no_id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "a UUID: {no_id}");
        let response = r#"{"data":{"type0_n0_0_0":{"id":"a"},"type0_n0_1_0":null,"type0_n0_1_1":{"id":"b"},"type0_n0_3_0":null},"errors":[{"message":"m","path":["type0_n0_3_0"]},{"message":"n","path":["type0_n0_2_1"]}]}"#;
        assert_eq!(
            nodes.of_request(&values).merge(response),
            r#"{"data":{"nodes":[{"id":"a"},{"id":"b"},null]},"errors":[{"message":"n","path":["nodes",2]}]}"#
        );
    }

    #[test]
    fn there_are_a_hundred_ids_at_most() {
        let ids = |count: usize| json!({ "ids": vec!["a"; count] });
        let variable = "query ($ids: [ID!] = [1]) { nodes(ids: $ids) { id } }";
        let literal = |count: usize| format!("{{ nodes(ids: [{}]) {{ id }} }}", "1,".repeat(count));

        assert!(rewrite(variable, &ids(100)).is_ok());
        assert!(rewrite(&literal(100), &json!({})).is_ok());
        let too_many = Some("`ids` must have at most 100 items, and has 101.".to_owned());
        assert_eq!(rewrite(variable, &ids(101)).err(), too_many);
        assert_eq!(rewrite(&literal(101), &json!({})).err(), too_many);
        assert_eq!(rewrite(variable, &json!({ "ids": null })).err().as_deref(), Some("`ids` must not be null."));
        let much = "name ".to_owned() + &"n: name nn: name nnn: name nnnn: name ".repeat(20);
        let much = format!(
            "query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on User {{ {much} }} ... on Course {{ title description }} }} }}"
        );
        assert!(rewrite(&much, &ids(1)).is_ok());
        let too_long =
            much.replace("title", &(0..60).map(|n| format!("title{n}: title")).collect::<Vec<_>>().join(" "));
        assert!(
            rewrite(&too_long, &ids(100)).err().is_some_and(|message| message.starts_with("`nodes` has too many ids"))
        );
    }

    #[test]
    fn numbers_of_ids_share_a_few_operations() {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let graph = graph();
        let with = |count: usize| {
            let variables = sonic_rs::from_str(&json!({ "ids": vec!["a"; count] }).to_string()).expect("an object");
            let params = GraphQLParams { variables, ..GraphQLParams::default() };
            let text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
            rewriter.operation(&graph, text, None, &params).expect("it is valid").1
        };

        let texts: HashSet<_> = (0..=MAX_IDS).map(|count| with(count).text.clone()).collect();
        assert_eq!(texts.len(), 8);
        assert!(Arc::ptr_eq(&with(26), &with(50)));
        assert_ne!(with(25).text, with(26).text);
    }

    /// Where the rest would be too much, a number has a plan of its own.
    #[test]
    fn no_operation_is_too_large_for_ids_that_nobody_has_sent() {
        let two = "query ($a: [ID!]!, $b: [ID!]!) { a: nodes(ids: $a) { id } b: nodes(ids: $b) { id } }";
        let operation = |a: usize, b: usize| rewrite(two, &json!({ "a": vec!["a"; a], "b": vec!["b"; b] }));

        let exact = operation(60, 40).expect("it is valid");
        assert_eq!(exact.text.matches("course(id:").count(), 100);
        assert!(operation(60, 41).is_err());
        let planned = operation(20, 3).expect("it is valid");
        assert_eq!(planned.text.matches("course(id:").count(), 30);

        let much = (0..25).map(|n| format!("title{n}: title")).collect::<Vec<_>>().join(" ");
        let much = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Course {{ {much} }} }} }}");
        let operation = rewrite(&much, &json!({ "ids": vec!["a"; 70] })).expect("it is valid");
        assert_eq!(operation.text.matches("course(id:").count(), 70);
    }

    #[test]
    fn what_has_no_nodes_stays_as_it_is() {
        for text in
            ["{ courses { nodes { id } } }", "mutation { markAllNotificationsRead { count } }", "{ __typename }"]
        {
            let operation = rewrite(text, &json!({})).expect("it is valid");

            assert!(operation.nodes.is_none() && operation.validated.is_none(), "{text}");
        }
    }

    #[test]
    fn nodes_without_fields_by_id_have_a_subgraph_of_their_own() {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let text = "query Q($ids: [ID!]!) { node(id: 1) { id } nodes(ids: $ids) { id } }";
        let rewritten = |query: &str| {
            let sdl = format!(
                "interface Node {{ id: ID! }} type Course implements Node {{ id: ID! }} type User implements Node {{ id: ID! }} \
                 type Query {{ {query} }}"
            );
            let graph = Graph::new(&sdl).expect("the schema is valid");
            let params =
                GraphQLParams { variables: variables(&json!({ "ids": vec!["a"; 200] })), ..GraphQLParams::default() };
            rewriter.operation(&graph, text, None, &params).map(|(_, operation)| operation.nodes.is_some())
        };
        let node = "node(id: ID!): Node nodes(ids: [ID!]!): [Node]!";

        for other in [
            "",
            "course(id: ID!): Course",
            "course(id: ID!): Course user: User",
            "course(id: ID!): Course user(name: ID!): User",
            "course(id: ID!): Course user(id: ID!): [User]",
            "course(id: ID!): Course user(id: ID!): Course",
        ] {
            assert_eq!(rewritten(&format!("{node} {other}")).ok(), Some(false), "{other}");
        }
        // There are too many ids for a field of ours.
        assert!(rewritten(&format!("{node} course(id: ID!): Course user(id: ID!): User")).is_err());
    }

    #[test]
    fn every_type_has_a_field_by_its_id() {
        let graph = graph();
        let schema = graph.schema();
        let nodes: Vec<_> = schema.types.keys().filter(|name| schema.is_subtype(INTERFACE, name)).collect();

        assert_eq!(nodes.len(), 5);
        for object in nodes {
            let field = field_by_id(object, schema).expect("it has a field by id");
            let field = schema.type_field("Query", &field).expect("it is a field");
            assert_eq!(field.ty.inner_named_type(), object);
            assert_eq!(field.arguments.iter().map(|argument| argument.name.as_str()).collect::<Vec<_>>(), ["id"]);
        }
    }

    fn merged(text: &str, response: &str) -> String {
        let operation = rewrite(text, &json!({})).expect("it is valid");
        operation.nodes.as_ref().expect("there are nodes").of_request(&HashMap::new()).merge(response)
    }

    #[test]
    fn the_value_that_is_not_null_is_the_node() {
        let text = "{ __typename a: node(id: 1) { ... on Course { id } ... on User { id } } courses { totalCount } node(id: 2) { ... on User { name } } }";

        assert_eq!(
            merged(
                text,
                r#"{"data":{"__typename":"Query","type0_n0_0_0":null,"type0_n0_0_1":{"id":"u"},"courses":{"totalCount":1.0},"type0_n1_0_0":null},"extensions":{"type0_n0_0_0":null}}"#
            ),
            r#"{"data":{"__typename":"Query","a":{"id":"u"},"courses":{"totalCount":1.0},"node":null},"extensions":{"type0_n0_0_0":null}}"#,
        );
        assert_eq!(merged(text, r#"{"data":null}"#), r#"{"data":null}"#);
        assert_eq!(merged(text, "no JSON"), "no JSON");
    }

    #[test]
    fn a_list_has_an_item_for_each_id() {
        assert_eq!(
            merged(
                "{ nodes(ids: [1, 2, 1]) { ... on Course { id } ... on User { id } } none: nodes(ids: []) { id } }",
                r#"{"data":{"type0_n0_0_0":{"id":"c"},"type0_n0_0_1":null,"type0_n0_1_0":null,"type0_n0_1_1":null,"type0_n0_2_0":null,"type0_n0_2_1":{"id":"u"},"type0_n1_0_0":"Query"}}"#,
            ),
            r#"{"data":{"nodes":[{"id":"c"},null,{"id":"u"}],"none":[]}}"#,
        );
    }

    #[test]
    fn errors_are_about_what_the_client_has_asked_for() {
        let text = "{ a: nodes(ids: [1, 2]) { ... on Course { id title } ... on User { id name } } }";
        let error = |path: &str| format!(r#"{{"message":"m","path":{path},"extensions":{{"code":"C"}}}}"#);
        let with = |errors: &[&str], user: &str| {
            let errors: Vec<_> = errors.iter().map(|path| error(path)).collect();
            let response = format!(
                r#"{{"data":{{"type0_n0_0_0":null,"type0_n0_0_1":{user},"type0_n0_1_0":{{"id":"c"}},"type0_n0_1_1":null}},"errors":[{}]}}"#,
                errors.join(",")
            );
            let response: JsonValue = serde_json::from_str(&merged(text, &response)).expect("JSON");
            let errors = response["errors"].as_array().cloned().unwrap_or_default();
            errors.iter().map(|error| error["path"].clone()).collect::<Vec<_>>()
        };

        // Of the type that it has.
        assert_eq!(with(&[r#"["type0_n0_0_1","name"]"#], r#"{"name":null}"#), [json!(["a", 0, "name"])]);
        // Of another type.
        assert!(with(&[r#"["type0_n0_0_0"]"#, r#"["type0_n0_1_1"]"#], r#"{"name":"n"}"#).is_empty());
        // Nobody knows: once.
        assert_eq!(with(&[r#"["type0_n0_0_0"]"#, r#"["type0_n0_0_1"]"#], "null"), [json!(["a", 0])]);
        // It was there, and what it must have is not.
        assert_eq!(
            with(&[r#"["type0_n0_0_1","name"]"#, r#"["other"]"#], "null"),
            [json!(["a", 0, "name"]), json!(["other"])]
        );
        // Of a whole fetch.
        assert_eq!(with(&["null"], "null").len(), 1);
        assert_eq!(with(&["null"], r#"{"name":null}"#).len(), 1);
    }

    #[test]
    fn an_error_of_a_whole_fetch_is_about_nothing_if_nothing_is_null() {
        let response = |name: &str| {
            let data = format!(r#"{{"type0_n0_0_0":null,"type0_n0_0_1":{{"name":{name}}}}}"#);
            merged(
                "{ node(id: 1) { ... on Course { title } ... on User { name } } }",
                &format!(r#"{{"errors":[{{"message":"m"}}],"data":{data}}}"#),
            )
        };

        assert_eq!(response("\"n\""), r#"{"data":{"node":{"name":"n"}}}"#);
        assert_eq!(response("null"), r#"{"errors":[{"message":"m"}],"data":{"node":{"name":null}}}"#);
    }

    #[test]
    fn a_stream_of_one_event_is_merged_too() {
        assert_eq!(
            merged("{ node(id: 1) { ... on User { id } } }", r#"{"payload":{"data":{"type0_n0_0_0":null}}}"#),
            r#"{"payload":{"data":{"node":null}}}"#,
        );
    }

    /// The subgraphs of the fetches that a plan begins with, all at once.
    fn asked_at_once(plan: &JsonValue) -> Vec<&str> {
        let node = &plan["node"];
        let first = if node["kind"] == "Sequence" { &node["nodes"][0] } else { node };
        assert_eq!(first["kind"], "Parallel", "{plan}");
        let fetches = first["nodes"].as_array().expect("its nodes");
        assert!(fetches.iter().all(|fetch| fetch["kind"] == "Fetch"), "{plan}");
        let mut subgraphs: Vec<_> = fetches.iter().filter_map(|fetch| fetch["serviceName"].as_str()).collect();
        subgraphs.sort_unstable();
        subgraphs
    }

    #[test]
    fn as_many_nodes_as_there_may_be_take_one_fetch_of_each_subgraph() {
        let supergraph = safe_parse_schema(include_str!("../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let plan_of = |selection: &str| {
            let text = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {selection} }} }}");
            let operation = rewrite(&text, &json!({ "ids": vec!["a"; 100] })).expect("it is valid");
            let document = safe_parse_operation(&operation.text).expect("a document");
            let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
            let overrides = PlannerOverrideContext::from_percentage(0.0);
            let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());
            serde_json::to_value(plan.expect("a plan")).expect("it is JSON")
        };

        for (selection, fetches) in [
            ("__typename id ... on Course { title }", 5),
            ("__typename id ... on User { name }", 5),
            // One more for the teachers of all courses.
            ("__typename id ... on Course { title teacher { name } }", 6),
        ] {
            let plan = plan_of(selection);
            assert_eq!(asked_at_once(&plan), ["course", "enrollment", "identity", "notification", "payment"]);
            assert_eq!(plan.to_string().matches("\"serviceName\"").count(), fetches, "{plan}");
        }
    }
}

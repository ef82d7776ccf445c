//! Rewrites `node` and `nodes` to fields by id.

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, OperationType, Value},
    executable::{Field, Operation, OperationMap, Selection, SelectionSet},
    name,
    validation::Valid,
};

use super::{
    fields::{IdVariable, Length, NodeField, NodeFields, NodePosition},
    ids::check_length,
    schema::{SEVERAL, field_by_id, is_node_field, node_types},
};
use crate::hive_gaps::request_errors::{RequestErrors, request_error};

/// The maximum of fields by id in an operation: as many ids, of five types. The planner's time grows with them: it is 10
/// to 25 ms for so many, with fields of other subgraphs selected of each.
const MAX_LOOKUPS: usize = 500;
const TOO_MANY: &str =
    "`nodes` has too many ids for what is selected of each. Send fewer ids in an operation, or select less.";

/// The error of an operation that asks for more nodes than there may be.
pub fn too_many() -> RequestErrors {
    vec![request_error(TOO_MANY, "TOKEN_LIMIT_EXCEEDED")]
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
        lookups: 0,
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
    lookups: usize,
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
        self.lookups += ids.len() * selections.len().max(1);
        if self.lookups > MAX_LOOKUPS {
            return Err(too_many());
        }
        let number = self.nodes.fields.len();
        let first = self.alias(number, 0, 0);
        self.nodes.fields.push(NodeField { key: field.response_name().clone(), length, first: first.to_string() });
        if ids.is_empty() {
            // It keeps the place, and asks nobody.
            self.push(first, NodePosition { field: number, item: 0 }, name!("__typename"), |field| field);
        }
        for (item, id) in ids.iter().enumerate() {
            for (kind, (by_id, selections)) in selections.iter().enumerate() {
                let alias = self.alias(number, item, kind);
                let argument = Argument { name: name!("id"), value: id.clone() };
                self.push(alias, NodePosition { field: number, item }, by_id.clone(), |field| Field {
                    arguments: vec![Node::new(argument)],
                    selection_set: Some(selections.clone()),
                    ..field
                });
            }
        }
        Ok(())
    }

    fn push(&mut self, alias: Name, place: NodePosition, name: Name, complete: impl FnOnce(Field) -> Field) {
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

//! The `node` and `nodes` of an operation and of a request, and what the router's own keys and variables stand for.

use std::{collections::HashMap, sync::Arc};

use apollo_compiler::{
    Name, Node,
    ast::{DirectiveList, Type, VariableDefinition},
    name,
};
use sonic_rs::{JsonContainerTrait as _, Value as Json};

use super::ids::{PADDING_ID, length};

/// The `node` and `nodes` of an operation, as they are rewritten for all requests with such a number of ids.
#[derive(Debug, Default)]
pub struct NodeFields {
    pub(super) fields: Vec<NodeField>,
    /// What each key of the router's response stands for.
    pub(super) keys: HashMap<String, NodePosition>,
    pub(super) variables: Vec<IdVariable>,
}

#[derive(Debug)]
pub(super) struct NodeField {
    pub key: Name,
    /// `None` for a `node`.
    pub length: Option<Length>,
    /// Its first key in the router's response, which has its place among the other fields.
    pub first: String,
}

/// The number of ids of a `nodes`.
#[derive(Debug)]
pub(super) enum Length {
    Fixed(usize),
    /// As many as a variable of the client's has.
    OfVariable(Name),
}

/// The `node` and `nodes` of a request.
pub struct RequestedNodes {
    pub(super) nodes: Arc<NodeFields>,
    /// The numbers of ids, by field; `None` for a `node`.
    pub(super) lengths: Vec<Option<usize>>,
}

/// A field of the client's, and the position of the id in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodePosition {
    pub field: usize,
    pub item: usize,
}

/// A variable for one of the ids that a variable of the client's has.
#[derive(Debug)]
pub(super) struct IdVariable {
    pub name: Name,
    pub of: Name,
    pub item: usize,
}

impl IdVariable {
    pub fn definition(&self) -> Node<VariableDefinition> {
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
            let id = id.map_or_else(|| Json::from(PADDING_ID.as_str()), Json::clone);
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

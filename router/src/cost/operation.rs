//! The cost of an operation: estimated from its selections before it runs, and computed from its response afterwards.
//!
//! The weights come from the graph's `@cost` and `@listSize` (cost directives specification, in federation since 2.9),
//! in microseconds of database and CPU. A field's weight counts once per field of the document, however many parents it
//! has: subgraphs read a field of many parents by one statement. A type's weight counts per object.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{Type, Value},
    collections::IndexMap,
    executable::{Field, FragmentMap, Operation, Selection, SelectionSet, VariableDefinition},
};
use hive_router::{
    executor::response::value::Value as ResponseValue,
    query_planner::{
        federation_spec::demand_control::ListSizeDirective,
        state::supergraph_state::{SupergraphDefinition, SupergraphField, SupergraphState},
    },
};
use sonic_rs::{JsonContainerTrait as _, JsonValueTrait as _, Value as Json};

use crate::node_fields::is_padding_id;

/// The size of a list without `@listSize`.
const DEFAULT_LIST_SIZE: u64 = 10;
/// The maximum page size: subgraphs reject longer pages.
const MAX_PAGE_SIZE: u64 = 100;
/// The maximum depth of nested input objects that is priced.
const MAX_INPUT_DEPTH: usize = 4;
const TYPE_NAME: &str = "__typename";
/// The weight of each introspection object: types refer to each other in cycles, which the depth limit does not count.
const INTROSPECTION_WEIGHT: u64 = 1;

type Variables = HashMap<String, Json>;

/// The weights of one operation, by field.
#[derive(Debug)]
pub struct OperationCost {
    root: CostNode,
    is_query: bool,
}

#[derive(Debug, Default)]
struct CostNode {
    key: String,
    /// The variable with the field's id.
    id: Option<String>,
    weight: u64,
    input_costs: Vec<InputCost>,
    size: Size,
    page: Option<Page>,
    /// What an object can be: one type, or a member of a union.
    members: Vec<Member>,
}

/// One type of a field's objects, and what is selected of them.
#[derive(Debug, Default)]
struct Member {
    type_name: String,
    object_weight: u64,
    selections: Vec<CostNode>,
}

/// The maximum cost of a selection for a number of parents.
#[derive(Clone, Copy, Debug, Default)]
struct Bound {
    /// Once, however many parents there are.
    fixed: u64,
    per_parent: u64,
}

/// The number of objects of a field per parent.
#[derive(Clone, Copy, Debug, Default)]
enum Size {
    #[default]
    One,
    Fixed(u64),
    /// The page size of the enclosing connection.
    Page,
}

/// The page size of a connection.
#[derive(Debug)]
struct Page {
    arguments: Vec<Number>,
    default: u64,
}

#[derive(Debug)]
enum Number {
    Literal(u64),
    Variable { name: String, default: Option<u64> },
}

/// The weight of an input field, if it is given.
#[derive(Debug)]
struct InputCost {
    weight: u64,
    presence: Presence,
}

#[derive(Debug)]
enum Presence {
    Always,
    /// Counts unless the variable is given: its default applies.
    ByDefault {
        name: String,
    },
    Variable {
        name: String,
        path: Vec<String>,
        default: bool,
    },
}

impl OperationCost {
    /// Compiles the cost of an operation with its document's fragments. Conditions count as if they included
    /// everything.
    pub fn of(operation: &Operation, fragments: &FragmentMap, graph: &SupergraphState) -> Self {
        let compiler = CostCompiler { graph, fragments, variables: &operation.variables };
        let set = &operation.selection_set;
        let root = CostNode { members: compiler.members(&set.ty, &[set], &[]), ..CostNode::default() };
        Self { root, is_query: operation.is_query() }
    }

    /// Whether the operation is a query.
    pub fn is_query(&self) -> bool {
        self.is_query
    }

    /// The maximum cost in microseconds.
    pub fn estimate(&self, variables: &Variables) -> u64 {
        self.root.estimate(1, 1, variables)
    }

    /// The actual cost of a response in microseconds. Missing data failed to be fetched, which costs the same.
    pub fn actual(&self, data: &ResponseValue<'_>, variables: &Variables) -> u64 {
        if data.is_null() { self.estimate(variables) } else { self.root.actual(&[data], variables) }
    }
}

impl CostNode {
    fn estimate(&self, parents: u64, page: u64, variables: &Variables) -> u64 {
        let bound = self.bound(parents, page, variables);
        bound.fixed.saturating_add(bound.per_parent.saturating_mul(parents))
    }

    fn bound(&self, parents: u64, page: u64, variables: &Variables) -> Bound {
        if parents == 0 {
            return Bound::default();
        }
        let size = match self.size {
            Size::One => 1,
            Size::Fixed(size) => size,
            Size::Page => page,
        };
        let objects = parents.saturating_mul(size);
        let page = self.page_size(variables);
        let costliest = costliest(self.members.iter().map(|member| member.bound(objects, page, variables)), objects);
        Bound {
            fixed: self.field_cost(variables).saturating_add(costliest.fixed),
            per_parent: costliest.per_parent.saturating_mul(size),
        }
    }

    fn actual(&self, found: &[&ResponseValue<'_>], variables: &Variables) -> u64 {
        if found.is_empty() {
            return 0;
        }
        let mut objects = Vec::new();
        for value in found {
            flatten(value, &mut objects);
        }
        let page = self.page_size(variables);
        let inner = self.members.iter().enumerate().map(|(index, member)| {
            let objects: Vec<_> = objects.iter().copied().filter(|object| self.member_of(object) == index).collect();
            member.actual(&objects, page, variables)
        });
        inner.fold(self.field_cost(variables), u64::saturating_add)
    }

    /// The index of an object's type among the members: by its `__typename`, or else by what it has of their selections.
    fn member_of(&self, object: &ResponseValue<'_>) -> usize {
        if self.members.len() == 1 {
            return 0;
        }
        let by_name = field(object, TYPE_NAME).and_then(|name| {
            let ResponseValue::String(name) = name else { return None };
            self.members.iter().position(|member| *member.type_name == **name)
        });
        by_name.unwrap_or_else(|| {
            let has =
                |member: &Member| member.selections.iter().filter(|inner| field(object, &inner.key).is_some()).count();
            (0..self.members.len()).max_by_key(|index| has(&self.members[*index])).unwrap_or(0)
        })
    }

    /// Whether the client has requested it: not a field by an id that only the router has sent.
    fn is_requested(&self, variables: &Variables) -> bool {
        !self.id.as_ref().and_then(|id| variables.get(id)).is_some_and(is_padding_id)
    }

    fn page_size(&self, variables: &Variables) -> u64 {
        self.page.as_ref().map_or(1, |page| page.size(variables))
    }

    fn has_weight(&self) -> bool {
        let has_weight = |member: &Member| member.object_weight > 0 || !member.selections.is_empty();
        self.weight > 0 || !self.input_costs.is_empty() || self.members.iter().any(has_weight)
    }

    fn field_cost(&self, variables: &Variables) -> u64 {
        let given = self.input_costs.iter().filter(|input_cost| input_cost.presence.holds(variables));
        given.map(|input_cost| input_cost.weight).fold(self.weight, u64::saturating_add)
    }
}

impl Member {
    fn bound(&self, objects: u64, page: u64, variables: &Variables) -> Bound {
        let own = Bound { fixed: 0, per_parent: self.object_weight };
        let requested = self.selections.iter().filter(|inner| inner.is_requested(variables));
        requested.map(|inner| inner.bound(objects, page, variables)).fold(own, |sum, inner| Bound {
            fixed: sum.fixed.saturating_add(inner.fixed),
            per_parent: sum.per_parent.saturating_add(inner.per_parent),
        })
    }

    fn actual(&self, objects: &[&ResponseValue<'_>], page: u64, variables: &Variables) -> u64 {
        let own = self.object_weight * objects.len() as u64;
        let requested = self.selections.iter().filter(|inner| inner.is_requested(variables));
        let inner = requested.map(|inner| {
            let values: Vec<_> = objects.iter().filter_map(|object| field(object, &inner.key)).collect();
            let missing = (objects.len() - values.len()) as u64;
            inner.actual(&values, variables).saturating_add(inner.estimate(missing, page, variables))
        });
        inner.fold(own, u64::saturating_add)
    }
}

/// The maximum cost of this number of objects, each of which is one of the members: each as the costliest one, and once for
/// each member that there can be among them what its own objects cost beyond that.
fn costliest(members: impl Iterator<Item = Bound>, objects: u64) -> Bound {
    let members: Vec<_> = members.collect();
    let per_parent = members.iter().map(|member| member.per_parent).max().unwrap_or(0);
    let beyond = |member: &Bound| member.fixed.saturating_sub(per_parent - member.per_parent);
    let mut beyond: Vec<_> = members.iter().map(beyond).collect();
    beyond.sort_unstable_by(|one, other| other.cmp(one));
    let count = usize::try_from(objects).unwrap_or(usize::MAX);
    Bound { fixed: beyond.into_iter().take(count).fold(0, u64::saturating_add), per_parent }
}

fn flatten<'a, 'b>(value: &'a ResponseValue<'b>, objects: &mut Vec<&'a ResponseValue<'b>>) {
    match value {
        ResponseValue::Null => {}
        ResponseValue::Array(items) => {
            for item in items {
                flatten(item, objects);
            }
        }
        value => objects.push(value),
    }
}

fn field<'a, 'b>(object: &'a ResponseValue<'b>, key: &str) -> Option<&'a ResponseValue<'b>> {
    object.as_object()?.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

impl Page {
    fn size(&self, variables: &Variables) -> u64 {
        let requested = self.arguments.iter().filter_map(|argument| argument.value(variables)).max();
        requested.unwrap_or(self.default).min(MAX_PAGE_SIZE)
    }
}

impl Number {
    fn value(&self, variables: &Variables) -> Option<u64> {
        match self {
            Self::Literal(number) => Some(*number),
            Self::Variable { name, default } => match variables.get(name) {
                Some(value) => value.as_u64(),
                None => *default,
            },
        }
    }
}

impl Presence {
    fn holds(&self, variables: &Variables) -> bool {
        let (name, path, default) = match self {
            Self::Always => return true,
            Self::ByDefault { name } => return !variables.contains_key(name),
            Self::Variable { name, path, default } => (name, path, *default),
        };
        let Some(mut value) = variables.get(name) else { return default };
        for name in path {
            match value.as_object().and_then(|object| object.get(&name.as_str())) {
                Some(inner) => value = inner,
                None => return false,
            }
        }
        !value.is_null()
    }
}

/// Compiles the weights of one operation.
struct CostCompiler<'a> {
    graph: &'a SupergraphState,
    fragments: &'a FragmentMap,
    variables: &'a [Node<VariableDefinition>],
}

impl<'a> CostCompiler<'a> {
    fn type_weight(&self, name: &str) -> u64 {
        match self.graph.definitions.get(name) {
            Some(SupergraphDefinition::Object(object)) => object.cost.as_ref().map_or(0, |cost| cost.weight),
            None if name.starts_with("__") => INTROSPECTION_WEIGHT,
            _ => 0,
        }
    }

    /// What the objects of a type can be, and what is selected of each.
    fn members(&self, type_name: &str, sets: &[&'a SelectionSet], sized: &[Vec<String>]) -> Vec<Member> {
        let names: Vec<&str> = match self.graph.definitions.get(type_name) {
            Some(SupergraphDefinition::Union(union)) => union.types.iter().map(String::as_str).collect(),
            _ => vec![type_name],
        };
        let member = |name: &str| Member {
            type_name: name.to_owned(),
            object_weight: self.type_weight(name),
            selections: self.selections(name, sets, sized),
        };
        names.into_iter().map(member).collect()
    }

    fn selections(&self, member: &str, sets: &[&'a SelectionSet], sized: &[Vec<String>]) -> Vec<CostNode> {
        let mut merged = IndexMap::default();
        for set in sets {
            self.merge(set, member, &mut merged);
        }
        let priced = merged.iter().map(|((parent, _), fields)| self.field(fields, parent, sized));
        // Most fields are plain values, of which a response has many.
        priced.filter(CostNode::has_weight).collect()
    }

    /// Merges the fields of one type by response key, without those of other members of its unions.
    fn merge(&self, set: &'a SelectionSet, member: &str, merged: &mut IndexMap<(&'a Name, &'a Name), Vec<&'a Field>>) {
        if set.ty.as_str() != member && self.is_object(&set.ty) && self.is_object(member) {
            return;
        }
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    merged.entry((&set.ty, field.response_name())).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => self.merge(&fragment.selection_set, member, merged),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.fragment_name) {
                        self.merge(&fragment.selection_set, member, merged);
                    }
                }
            }
        }
    }

    fn is_object(&self, name: &str) -> bool {
        matches!(self.graph.definitions.get(name), Some(SupergraphDefinition::Object(_)))
    }

    fn field(&self, fields: &[&'a Field], parent: &str, sized: &[Vec<String>]) -> CostNode {
        let Some(field) = fields.first() else { return CostNode::default() };
        let known = self.graph.definitions.get(parent).and_then(|kind| kind.fields().get(field.name.as_str()));
        let list = known.and_then(|known| known.list_size.as_ref());
        let inner_sized = list.and_then(|list| list.sized_fields.clone()).unwrap_or_default();
        let sets: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        CostNode {
            key: field.response_name().to_string(),
            id: field.specified_argument_by_name("id").and_then(|id| id.as_variable()).map(Name::to_string),
            weight: known.and_then(|known| known.cost.as_ref()).map_or(0, |cost| cost.weight),
            input_costs: known.map(|known| self.input_costs(field, known)).unwrap_or_default(),
            size: size(field, list, sized),
            page: list.map(|list| self.page(field, list)),
            members: self.members(field.ty().inner_named_type(), &sets, &inner_sized),
        }
    }

    fn page(&self, field: &Field, list: &ListSizeDirective) -> Page {
        let slicing = list.slicing_arguments.iter().flatten().filter_map(|path| path.first());
        let values = slicing.filter_map(|name| field.specified_argument_by_name(name));
        let arguments = values.filter_map(|value| self.number(value)).collect();
        Page { arguments, default: list.assumed_size.map_or(DEFAULT_LIST_SIZE, |size| size as u64) }
    }

    fn number(&self, value: &Value) -> Option<Number> {
        match value {
            Value::Variable(name) => {
                let default = self.default_of(name).and_then(literal);
                Some(Number::Variable { name: name.to_string(), default })
            }
            value => literal(value).map(Number::Literal),
        }
    }

    fn default_of(&self, name: &Name) -> Option<&'a Value> {
        let variable = self.variables.iter().find(|variable| variable.name == *name)?;
        variable.default_value.as_deref()
    }

    fn input_costs(&self, field: &Field, definition: &SupergraphField) -> Vec<InputCost> {
        let mut input_costs = Vec::new();
        for argument in &field.arguments {
            let name = argument.name.as_str();
            if let Some(cost) = definition.cost_by_arguments.get(name)
                && let Some(presence) = self.presence(&argument.value)
            {
                input_costs.push(InputCost { weight: cost.weight, presence });
            }
            if let Some(kind) = definition.argument_types.get(name) {
                self.input(&argument.value, kind.inner_type(), MAX_INPUT_DEPTH, &mut input_costs);
            }
        }
        input_costs
    }

    fn presence(&self, value: &Value) -> Option<Presence> {
        match value {
            Value::Null => None,
            Value::Variable(name) => {
                let default = self.default_of(name).is_some_and(|value| *value != Value::Null);
                Some(Presence::Variable { name: name.to_string(), path: Vec::new(), default })
            }
            _ => Some(Presence::Always),
        }
    }

    fn input(&self, value: &Value, kind: &str, depth: usize, input_costs: &mut Vec<InputCost>) {
        let Some(SupergraphDefinition::InputObject(input)) = self.graph.definitions.get(kind) else { return };
        if depth == 0 {
            return;
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let Some(field) = input.fields.get(name.as_str()) else { continue };
                    if let (Some(cost), Some(presence)) = (&field.cost, self.presence(value)) {
                        input_costs.push(InputCost { weight: cost.weight, presence });
                    }
                    self.input(value, field.field_type.inner_type(), depth - 1, input_costs);
                }
            }
            Value::List(items) => {
                for item in items {
                    self.input(item, kind, depth, input_costs);
                }
            }
            Value::Variable(name) => {
                if let Some(value) = self.default_of(name) {
                    let mut by_default = Vec::new();
                    self.input(value, kind, depth, &mut by_default);
                    let presence = || Presence::ByDefault { name: name.to_string() };
                    input_costs.extend(by_default.into_iter().map(|one| InputCost { presence: presence(), ..one }));
                }
                let mut paths = Vec::new();
                self.paths(kind, depth, &mut Vec::new(), &mut paths);
                input_costs.extend(paths.into_iter().map(|(path, weight)| {
                    let presence = Presence::Variable { name: name.to_string(), path, default: false };
                    InputCost { weight, presence }
                }));
            }
            _ => {}
        }
    }

    /// Collects the paths of the input fields that have a weight.
    fn paths(&self, kind: &str, depth: usize, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, u64)>) {
        let Some(SupergraphDefinition::InputObject(input)) = self.graph.definitions.get(kind) else { return };
        if depth == 0 {
            return;
        }
        for (name, field) in &input.fields {
            path.push(name.clone());
            if let Some(cost) = &field.cost {
                found.push((path.clone(), cost.weight));
            }
            self.paths(field.field_type.inner_type(), depth - 1, path, found);
            path.pop();
        }
    }
}

fn size(field: &Field, list: Option<&ListSizeDirective>, sized: &[Vec<String>]) -> Size {
    if !is_list(field.ty()) {
        return Size::One;
    }
    if sized.iter().any(|path| path.first().is_some_and(|name| *name == field.name.as_str())) {
        return Size::Page;
    }
    Size::Fixed(list.and_then(|list| list.assumed_size).map_or(DEFAULT_LIST_SIZE, |size| size as u64))
}

fn is_list(kind: &Type) -> bool {
    matches!(kind, Type::List(_) | Type::NonNullList(_))
}

fn literal(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => number.try_to_i32().ok().map(|number| u64::try_from(number).unwrap_or_default()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::{ExecutableDocument, Schema};
    use hive_router::query_planner::utils::parsing::safe_parse_schema;
    use serde_json::json;

    use super::*;
    use crate::node_fields::PADDING_ID;

    const API: &str = "
        type Query { courses(first: Int, last: Int, filter: Filter): Courses tags: [Tag!]! thing: Thing things: [Thing!]! course(id: ID!): Course }
        type Courses { nodes: [Course!]! totalCount: Int }
        type Course { id: ID! tags: [Tag!]! courses(first: Int, last: Int, filter: Filter): Courses }
        type Tag { name: String courses(first: Int): Courses }
        union Thing = Course | Tag
        input Filter { search: String level: String }";

    const SUPERGRAPH: &str = r#"
        schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
        enum join__Graph { A @join__graph(name: "a", url: "http://127.0.0.1:9") }
        type Query @join__type(graph: A) @cost(weight: 1000) {
            courses(first: Int, last: Int, filter: Filter): Courses @cost(weight: 100) @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes"], requireOneSlicingArgument: false)
            tags: [Tag!]!
            thing: Thing
            things: [Thing!]! @listSize(assumedSize: 3)
            course(id: ID!): Course @cost(weight: 50)
        }
        union Thing @join__type(graph: A) @join__unionMember(graph: A, member: "Course") @join__unionMember(graph: A, member: "Tag") = Course | Tag
        type Courses @join__type(graph: A) { nodes: [Course!]! totalCount: Int @cost(weight: 500) }
        type Course @join__type(graph: A) @cost(weight: 1) {
            id: ID!
            tags: [Tag!]! @listSize(assumedSize: 3)
            courses(first: Int, last: Int, filter: Filter): Courses @cost(weight: 100) @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes"], requireOneSlicingArgument: false)
        }
        type Tag @join__type(graph: A) @cost(weight: 10) { name: String courses(first: Int): Courses @cost(weight: 40) }
        input Filter @join__type(graph: A) { search: String @cost(weight: 7000) level: String }
        "#;

    fn priced(text: &str) -> OperationCost {
        let schema = Schema::parse_and_validate(API, "api.graphql").expect("it is valid");
        let document = ExecutableDocument::parse_and_validate(&schema, text, "operation.graphql").expect("it is valid");
        let graph = SupergraphState::new(&safe_parse_schema(SUPERGRAPH).expect("it is a schema"));
        OperationCost::of(document.operations.iter().next().expect("an operation"), &document.fragments, &graph)
    }

    fn variables(values: &serde_json::Value) -> Variables {
        sonic_rs::from_str(&values.to_string()).expect("an object")
    }

    fn estimate(text: &str, values: &serde_json::Value) -> u64 {
        priced(text).estimate(&variables(values))
    }

    #[test]
    fn a_page_has_as_many_as_requested() {
        let none = json!({});
        for (arguments, size) in [
            ("(first: 7)", 7),
            ("(last: 9)", 9),
            ("(first: 0)", 0),
            ("", 20),
            // The subgraph rejects these.
            ("(first: -1)", 0),
            ("(first: 2000000000)", 100),
        ] {
            assert_eq!(estimate(&format!("{{ courses{arguments} {{ nodes {{ id }} }} }}"), &none), 1_100 + size);
        }
        let text = "query ($n: Int = 5) { courses(first: $n) { nodes { id } } }";
        assert_eq!(estimate(text, &none), 1_105);
        assert_eq!(estimate(text, &json!({ "n": 30 })), 1_130);
        assert_eq!(estimate(text, &json!({ "n": null })), 1_120);
    }

    #[test]
    fn pages_within_pages_multiply_and_statements_do_not() {
        let text = "{ courses(first: 10) { nodes { courses(first: 10) { totalCount nodes { tags { name } } } } } }";

        assert_eq!(estimate(text, &json!({})), 1_000 + 100 + 10 + 100 + 500 + 100 + 10 * 100 * 3);
        let text = format!("{{ {} id {} }}", "courses(first: 100) { nodes { ".repeat(13), "} }".repeat(13));
        assert_eq!(estimate(&text, &json!({})), u64::MAX);
    }

    #[test]
    fn selections_of_one_response_key_are_one_field() {
        let text = "{ courses { ...F nodes { tags { name } } } ... { courses { totalCount } } } \
                    fragment F on Courses { nodes { ... on Course { id } tags { name } } totalCount }";

        assert_eq!(estimate(text, &json!({})), 1_000 + 100 + 500 + 20 + 20 * 3 * 10);
    }

    #[test]
    fn an_object_of_a_union_weighs_as_its_costliest_member() {
        let course = "... on Course { a: courses(first: 1) { totalCount } }";
        let tag = "... on Tag { name a: courses(first: 1) { totalCount } }";
        let none = json!({});

        assert_eq!(estimate(&format!("{{ thing {{ __typename {course} }} }}"), &none), 1_000 + 1 + 100 + 500);
        assert_eq!(estimate(&format!("{{ thing {{ {tag} }} }}"), &none), 1_000 + 10 + 40 + 500);
        assert_eq!(estimate(&format!("{{ thing {{ {tag} ... on Thing {{ {course} }} }} }}"), &none), 1_000 + 1 + 600);
        // Of several there can be one of each, and each is read by a statement of its own.
        let several = estimate(&format!("{{ things {{ {course} {tag} }} }}"), &none);
        assert_eq!(several, 1_000 + (600 - 9) + 540 + 3 * 10);
    }

    #[test]
    fn an_object_of_a_union_costs_what_its_type_has() {
        let cost = priced("{ thing { ... on Course { id a: courses(first: 1) { totalCount } } ... on Tag { name } } }");
        let actual = |thing: &str| {
            let data = format!(r#"{{"thing":{thing}}}"#);
            let data = sonic_rs::from_str::<Json>(&data).expect("JSON");
            cost.actual(&ResponseValue::from(data.as_ref()), &Variables::new())
        };

        assert_eq!(actual(r#"{"__typename":"Tag","name":"new"}"#), 1_000 + 10);
        assert_eq!(actual(r#"{"__typename":"Course","id":"1","a":{"totalCount":1}}"#), 1_000 + 1 + 600);
        assert_eq!(actual(r#"{"id":"1","a":{"totalCount":1}}"#), 1_000 + 1 + 600);
        // What its subgraph did not return costs the same.
        assert_eq!(actual(r#"{"__typename":"Course","id":"1"}"#), 1_000 + 1 + 600);
        assert_eq!(actual("null"), 1_000);
    }

    #[test]
    fn an_input_field_weighs_where_it_is_given() {
        let text = |argument: &str| {
            format!(
                "query ($s: String, $f: Filter) {{ courses{argument} {{ totalCount }} a: courses(filter: {{ search: $s }}) {{ totalCount }} b: courses(filter: $f) {{ totalCount }} }}"
            )
        };
        let base = 1_000 + 3 * 600;

        for (argument, values, searches) in [
            ("(filter: { level: \"a\" })", json!({}), 0),
            ("(filter: { search: null })", json!({ "s": null, "f": null }), 0),
            ("(filter: { search: \"a\" })", json!({}), 1),
            ("", json!({ "s": "a" }), 1),
            ("", json!({ "f": { "search": "a" } }), 1),
            ("", json!({ "f": { "search": null, "level": "a" } }), 0),
            ("(filter: { search: $s })", json!({ "s": "a", "f": { "search": "b" } }), 3),
        ] {
            assert_eq!(estimate(&text(argument), &values), base + searches * 7_000, "{argument} {values}");
        }
        let by_default = "query ($f: Filter = { search: \"a\" }) { courses(filter: $f) { totalCount } }";
        assert_eq!(estimate(by_default, &json!({})), 1_600 + 7_000);
        assert_eq!(estimate(by_default, &json!({ "f": { "search": "b" } })), 1_600 + 7_000);
        assert_eq!(estimate(by_default, &json!({ "f": null })), 1_600);
    }

    #[test]
    fn a_response_costs_what_is_in_it() {
        let cost = priced("{ courses(first: 100) { nodes { id tags { name } } totalCount } tags { name } }");
        let actual = |data: &str| {
            cost.actual(
                &ResponseValue::from(sonic_rs::from_str::<Json>(data).expect("JSON").as_ref()),
                &Variables::new(),
            )
        };

        assert_eq!(
            actual(
                r#"{"courses":{"nodes":[{"id":"1","tags":[{},{}]},{"id":"2","tags":[]}],"totalCount":2},"tags":[]}"#
            ),
            1_000 + 100 + 500 + 2 + 20
        );
        assert_eq!(actual(r#"{"courses":null,"tags":[{"name":null}]}"#), 1_000 + 100 + 10);
        // Missing data failed to be fetched.
        let estimate = cost.estimate(&Variables::new());
        assert_eq!(actual(r#"{"tags":[]}"#), estimate - 10 * 10);
        assert_eq!(actual(r#"{"courses":{"nodes":[{"id":"1"}]},"tags":[]}"#), 1_000 + 100 + 500 + 1 + 3 * 10);
        assert_eq!(actual("null"), estimate);
    }

    #[test]
    fn an_id_that_only_the_router_has_sent_costs_nothing() {
        let text =
            "query ($a: ID!, $b: ID!) { a: course(id: $a) { id courses { totalCount } } b: course(id: $b) { id } }";
        let cost = priced(text);
        let all = variables(&json!({ "a": "1", "b": "2" }));
        let one = variables(&json!({ "a": "1", "b": *PADDING_ID }));
        let data = sonic_rs::from_str::<Json>(r#"{"a":null,"b":null}"#).expect("JSON");
        let data = ResponseValue::from(data.as_ref());

        assert_eq!((cost.estimate(&all), cost.estimate(&one)), (1_000 + 50 + 1 + 600 + 50 + 1, 1_000 + 50 + 1 + 600));
        assert_eq!((cost.actual(&data, &all), cost.actual(&data, &one)), (1_000 + 2 * 50, 1_000 + 50));
    }

    #[test]
    fn introspection_is_not_free() {
        let cycles = |times: usize| {
            let inner = "fields { type { ofType { ".repeat(times);
            format!("{{ __schema {{ types {{ {inner} name {} }} }} }}", "} } }".repeat(times))
        };

        assert_eq!(estimate(&cycles(1), &json!({})), 1_000 + 1 + 10 + 3 * 100);
        assert!(estimate(&cycles(8), &json!({})) > 1_000_000_000);
        assert_eq!(estimate("{ __typename }", &json!({})), 1_000);
    }
}

//! hive-router forwards `@include` and `@skip` with variables to the subgraphs, where async-graphql returns null for an
//! object without selected fields, and rejects a variable that only a `__typename` uses. So conditions are evaluated
//! before hive-router sees the operation. It handles an object without selected fields if the condition is a literal.
//!
//! Fragments whose type always applies are inlined, too: within introspection one without a type condition makes
//! hive-router panic, and fields that are selected twice can be lost. A key that fragments of several types select gets
//! one name for each type: hive-router would put it where the first of them has it, for all of them.
//!
//! No upstream issue is known. `upstream_returns_null_for_an_object_of_which_nothing_is_selected` fails once
//! async-graphql returns `{}`, `hive_gaps::fragments_within_introspection_lose_what_they_ask_for` once hive-router
//! handles them, `hive_gaps::a_key_of_several_types_is_where_the_first_of_them_has_it` once it keeps the order.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, Directive, DirectiveList, Value},
    collections::{HashSet, IndexMap},
    executable::{Field, FragmentMap, InlineFragment, Operation, OperationMap, Selection, SelectionSet},
    name,
    validation::Valid,
};
use sonic_rs::JsonValueTrait as _;

use super::{
    request_errors::{RequestErrors, request_error},
    response_keys::ResponseKeys,
};
use crate::node_fields::{count_ids, ids_variable, planned_ids};

/// What an operation's form depends on beside its document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// The variables of conditions with their values, in the order of their definitions.
    values: Vec<(Name, bool)>,
    /// The variables of `nodes(ids:)` that are given, with the number of their ids, in the order of their definitions.
    id_counts: Vec<(Name, usize)>,
}

impl Conditions {
    /// Evaluates the variables of an operation's conditions; their types have been checked.
    pub fn evaluate(
        document: &ExecutableDocument,
        operation: &Operation,
        variables: &HashMap<String, sonic_rs::Value>,
        schema: &Schema,
    ) -> Result<Self, RequestErrors> {
        let mut conditions = ConditionVariables {
            document,
            schema,
            fragments: HashSet::default(),
            variables: HashSet::default(),
            ids: HashSet::default(),
        };
        conditions.collect(&operation.selection_set);

        let defined = operation.variables.iter().filter(|variable| conditions.variables.contains(&variable.name));
        let value = |variable: &Node<apollo_compiler::ast::VariableDefinition>| {
            let given = match variables.get(variable.name.as_str()) {
                Some(given) => given.as_bool(),
                None => variable.default_value.as_ref().and_then(|default| default.to_bool()),
            };
            let value = given.ok_or_else(|| {
                let message = format!("Variable \"${}\" must not be null in @include or @skip.", variable.name);
                vec![request_error(message, "BAD_USER_INPUT")]
            })?;
            Ok((variable.name.clone(), value))
        };
        let values = defined.map(value).collect::<Result<_, RequestErrors>>()?;

        let of_ids = operation.variables.iter().filter(|variable| conditions.ids.contains(&variable.name));
        let given = of_ids.filter_map(|variable| Some((variable.name.clone(), variables.get(variable.name.as_str())?)));
        let id_counts = given.map(|(name, ids)| Ok((name, count_ids(ids)?))).collect::<Result<_, RequestErrors>>()?;
        Ok(Self { values, id_counts })
    }

    /// The same, with the numbers of ids that are planned for; `None` if there are no others.
    pub fn planned(&self) -> Option<Self> {
        let planned: Vec<_> = self.id_counts.iter().map(|(name, count)| (name.clone(), planned_ids(*count))).collect();
        (planned != self.id_counts).then(|| Self { values: self.values.clone(), id_counts: planned })
    }

    /// The number of ids in a variable; `None` if its default applies.
    pub fn id_count(&self, variable: &str) -> Option<usize> {
        self.id_counts.iter().find(|(name, _)| name == variable).map(|(_, count)| *count)
    }

    fn includes(&self, directives: &DirectiveList) -> bool {
        let is = |directive: &str, value: bool| {
            directives.get(directive).is_none_or(|directive| self.value(directive) == Some(value))
        };
        is("include", true) && is("skip", false)
    }

    fn value(&self, directive: &Directive) -> Option<bool> {
        match directive.specified_argument_by_name("if")?.as_ref() {
            Value::Variable(name) => self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value),
            literal => literal.to_bool(),
        }
    }
}

/// Collects the variables of one operation's conditions. Other operations of the document can have variables of the
/// same names and other types.
struct ConditionVariables<'a> {
    document: &'a ExecutableDocument,
    schema: &'a Schema,
    /// Fragments that have been visited.
    fragments: HashSet<&'a Name>,
    variables: HashSet<&'a Name>,
    /// The variables of `nodes(ids:)`.
    ids: HashSet<&'a Name>,
}

impl<'a> ConditionVariables<'a> {
    fn collect(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.collect_directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.ids.extend(ids_variable(field, self.schema));
                    field.selection_set.iter().for_each(|set| self.collect(set));
                }
                Selection::InlineFragment(fragment) => self.collect(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.fragments.insert(&spread.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.collect(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn collect_directives(&mut self, directives: &'a DirectiveList) {
        for name in ["include", "skip"] {
            let condition = directives.get(name).and_then(|directive| directive.specified_argument_by_name("if"));
            if let Some(Value::Variable(variable)) = condition.map(AsRef::as_ref) {
                self.variables.insert(variable);
            }
        }
    }
}

/// Reduces the document to this operation, with its conditions evaluated, its response keys renamed, and its selections
/// merged in execution order: hive-router would merge them, and so the response's keys, in another order.
pub fn rewrite<'a>(
    document: &'a ExecutableDocument,
    operation: &'a Operation,
    conditions: &'a Conditions,
    keys: &'a mut ResponseKeys,
    schema: &'a Valid<Schema>,
) -> ExecutableDocument {
    let mut rewriter = ConditionRewriter { document, conditions, keys, schema, used: HashSet::default() };
    let selection_set = rewriter.selections_of_field(&[&operation.selection_set]);
    let variables = operation.variables.iter().filter(|variable| rewriter.used.contains(&variable.name));
    let variables = variables.map(|variable| {
        let mut variable = variable.clone();
        if variable.description.is_some() {
            variable.make_mut().description = None;
        }
        variable
    });
    let operation = Operation {
        description: None,
        operation_type: operation.operation_type,
        name: operation.name.clone(),
        variables: variables.collect(),
        directives: operation.directives.clone(),
        selection_set,
    };
    ExecutableDocument {
        sources: document.sources.clone(),
        operations: OperationMap::from_one(operation),
        fragments: FragmentMap::default(),
    }
}

struct ConditionRewriter<'a> {
    document: &'a ExecutableDocument,
    conditions: &'a Conditions,
    keys: &'a mut ResponseKeys,
    schema: &'a Valid<Schema>,
    /// Variables that are still used.
    used: HashSet<Name>,
}

/// The selections, in the order of their first occurrence.
type Groups<'a> = IndexMap<GroupKey, Group<'a>>;

#[derive(PartialEq, Eq, Hash)]
enum GroupKey {
    /// A response key.
    Response(Name),
    /// The type condition of fragments that may not apply.
    Type(Name),
}

#[derive(Default)]
struct Group<'a> {
    fields: Vec<&'a Field>,
    fragments: Vec<&'a SelectionSet>,
}

impl<'a> ConditionRewriter<'a> {
    /// Merges the selections of a field's occurrences. If none is left, selects a skipped `__typename`: a selection set
    /// must not be empty.
    fn selections_of_field(&mut self, sets: &[&'a SelectionSet]) -> SelectionSet {
        let mut merged = self.merged(&sets[0].ty, sets);
        if merged.is_empty() {
            let nothing = merged.new_field(self.schema, name!("__typename")).map(skipped);
            merged.extend(nothing);
        }
        merged
    }

    fn merged(&mut self, kind: &Name, sets: &[&'a SelectionSet]) -> SelectionSet {
        let groups = self.groups(kind, sets);
        if self.mixes_types(kind, sets, &groups) {
            return self.by_type(kind, sets);
        }
        let mut merged = SelectionSet::new(kind.clone());
        for (key, group) in groups {
            match key {
                GroupKey::Response(_) => merged.push(self.field(&group.fields)),
                GroupKey::Type(condition) => {
                    let selection_set = self.merged(&condition, &group.fragments);
                    merged.extend(fragment(condition, selection_set));
                }
            }
        }
        merged
    }

    fn groups(&self, kind: &Name, sets: &[&'a SelectionSet]) -> Groups<'a> {
        let mut groups = Groups::default();
        for set in sets {
            self.collect(kind, set, &mut groups);
        }
        groups
    }

    /// Whether objects of some type would have their keys in another order than the client's, or the selections of other
    /// types mixed with theirs, if each key had one place.
    fn mixes_types(&self, kind: &Name, sets: &[&'a SelectionSet], groups: &Groups<'a>) -> bool {
        if !groups.keys().any(|key| matches!(key, GroupKey::Type(_))) {
            return false;
        }
        let mut merged = IndexMap::<Name, Vec<_>>::default();
        for (key, fields) in self.keys(groups) {
            let selections = fields.iter().map(|field| &field.selection_set).collect();
            if merged.get(&key).is_some_and(|others| *others != selections) {
                return true;
            }
            merged.entry(key).or_insert(selections);
        }
        let is_in_order = |object: &Name| {
            let keys = self.keys(&self.groups(object, sets));
            keys.iter().map(|(key, _)| merged.get_index_of(key)).is_sorted()
        };
        !self.possible_types(kind).iter().all(is_in_order)
    }

    /// The response keys with their fields, group by group.
    fn keys(&self, groups: &Groups<'a>) -> Vec<(Name, Vec<&'a Field>)> {
        let keys = groups.iter().flat_map(|(key, group)| match key {
            GroupKey::Response(name) => vec![(name.clone(), group.fields.clone())],
            GroupKey::Type(condition) => self.keys(&self.groups(condition, &group.fragments)),
        });
        keys.collect()
    }

    /// The selections of each object type, without a response key in two of them.
    fn by_type(&mut self, kind: &Name, sets: &[&'a SelectionSet]) -> SelectionSet {
        let mut merged = SelectionSet::new(kind.clone());
        let mut taken = HashSet::default();
        for (place, object) in self.possible_types(kind).into_iter().enumerate() {
            let mut of_object = SelectionSet::new(object.clone());
            for group in self.groups(&object, sets).values() {
                let mut field = self.field(&group.fields);
                if !taken.insert(field.response_name().clone()) {
                    field.alias = Some(self.keys.of_type(field.response_name(), place));
                }
                of_object.push(field);
            }
            merged.extend(fragment(object, of_object));
        }
        merged
    }

    fn possible_types(&self, kind: &Name) -> Vec<Name> {
        let objects = self.schema.types.iter().filter(|(_, definition)| definition.is_object());
        objects.map(|(name, _)| name).filter(|name| self.schema.is_subtype(kind, name)).cloned().collect()
    }

    fn collect(&self, kind: &Name, set: &'a SelectionSet, groups: &mut Groups<'a>) {
        for selection in &set.selections {
            if !self.conditions.includes(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let key = GroupKey::Response(field.response_name().clone());
                    groups.entry(key).or_default().fields.push(field);
                }
                Selection::InlineFragment(fragment) => {
                    self.collect_fragment(kind, fragment.type_condition.as_ref(), &fragment.selection_set, groups);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        let set = &fragment.selection_set;
                        self.collect_fragment(kind, Some(&set.ty), set, groups);
                    }
                }
            }
        }
    }

    fn collect_fragment(&self, kind: &Name, condition: Option<&Name>, set: &'a SelectionSet, groups: &mut Groups<'a>) {
        match condition {
            Some(condition) if condition != kind && !self.schema.is_subtype(condition, kind) => {
                // An object has one type.
                if self.schema.get_object(kind).is_some() {
                    return;
                }
                groups.entry(GroupKey::Type(condition.clone())).or_default().fragments.push(set);
            }
            _ => self.collect(kind, set, groups),
        }
    }

    fn field(&mut self, fields: &[&'a Field]) -> Field {
        let field = fields[0];
        field.arguments.iter().for_each(|argument| collect_variables(&argument.value, &mut self.used));
        let sets: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        Field {
            definition: field.definition.clone(),
            alias: self.keys.for_router(field),
            name: field.name.clone(),
            arguments: field.arguments.clone(),
            directives: DirectiveList::new(),
            selection_set: (!sets.is_empty()).then(|| self.selections_of_field(&sets)),
        }
    }
}

fn fragment(condition: Name, selection_set: SelectionSet) -> Option<Selection> {
    let fragment = InlineFragment { type_condition: Some(condition), directives: DirectiveList::new(), selection_set };
    (!fragment.selection_set.is_empty()).then(|| fragment.into())
}

fn skipped(mut field: Field) -> Field {
    let condition = Argument { name: name!("if"), value: Node::new(Value::Boolean(true)) };
    field.directives.push(Directive { name: name!("skip"), arguments: vec![Node::new(condition)] });
    field
}

fn collect_variables(value: &Value, used: &mut HashSet<Name>) {
    match value {
        Value::Variable(name) => {
            used.insert(name.clone());
        }
        Value::List(items) => items.iter().for_each(|item| collect_variables(item, used)),
        Value::Object(entries) => entries.iter().for_each(|(_, value)| collect_variables(value, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::documents::graph::Graph, *};

    fn rewritten(text: &str, variables: &serde_json::Value) -> Result<String, RequestErrors> {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let schema = graph.schema();
        let document = ExecutableDocument::parse_and_validate(schema, text, "test").expect("a valid document");
        let operation = document.operations.get(None).expect("one operation");
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let conditions = Conditions::evaluate(&document, operation, &variables, graph.schema())?;
        let mut keys = ResponseKeys::of(&document, graph.field_names());
        Ok(rewrite(&document, operation, &conditions, &mut keys, schema).serialize().no_indent().to_string())
    }

    fn assert_rewritten(text: &str, variables: &serde_json::Value, expected: &str) {
        assert_eq!(rewritten(text, variables).expect("conditions are evaluated"), expected, "{text}");
    }

    #[test]
    fn upstream_returns_null_for_an_object_of_which_nothing_is_selected() {
        use async_graphql::{EmptyMutation, EmptySubscription, Request, Schema, SimpleObject, Variables, value};
        use futures::executor::block_on;

        #[derive(SimpleObject)]
        struct Inner {
            name: &'static str,
        }
        #[derive(SimpleObject)]
        struct Query {
            inner: Inner,
        }
        let schema = Schema::new(Query { inner: Inner { name: "a" } }, EmptyMutation, EmptySubscription);
        let execute = |text| {
            let variables = Variables::from_value(value!({ "a": false }));
            block_on(schema.execute(Request::new(text).variables(variables)))
        };

        assert_eq!(execute("query($a: Boolean!) { inner { name @include(if: $a) } }").data, value!({ "inner": null }));
        assert!(execute("query($a: Boolean!) { inner { __typename @include(if: $a) name } }").is_err());
    }

    #[test]
    fn a_condition_that_holds_goes_and_what_does_not_hold_goes_with_it() {
        let text = "query($a: Boolean!, $b: Boolean! = false, $first: Int) { courses(first: $first) @include(if: $a) \
                    { totalCount @skip(if: $b) } me @skip(if: $a) { name } }";

        assert_rewritten(text, &json!({ "a": true }), "query($first: Int) { courses(first: $first) { totalCount } }");
        assert_rewritten(text, &json!({ "a": false }), "{ me { name } }");
        assert_rewritten(
            text,
            &json!({ "a": true, "b": true }),
            "query($first: Int) { courses(first: $first) { __typename @skip(if: true) } }",
        );
    }

    #[test]
    fn both_conditions_have_to_let_in() {
        let text = "query($a: Boolean!, $b: Boolean!) { me { name id @include(if: $a) @skip(if: $b) } }";

        assert_rewritten(text, &json!({ "a": true, "b": false }), "{ me { name id } }");
        for (a, b) in [(true, true), (false, true), (false, false)] {
            assert_rewritten(text, &json!({ "a": a, "b": b }), "{ me { name } }");
        }
    }

    #[test]
    fn fields_that_are_one_in_the_response_are_one_where_the_first_one_is() {
        assert_rewritten(
            "query($first: Int) { courses(first: $first) { totalCount } ...F courses(first: $first) { nodes { id } } } \
             fragment F on Query { me { name } courses(first: $first) { pageInfo { hasNextPage } nodes { ...G } } } \
             fragment G on Course { title ... { id level } }",
            &json!({}),
            "query($first: Int) { courses(first: $first) { totalCount pageInfo { hasNextPage } \
             nodes { title id level } } me { name } }",
        );
    }

    #[test]
    fn fragments_that_need_not_apply_stay() {
        let sdl = "type Query { pet: Pet } interface Pet { name: String } type Cat implements Pet { name: String \
                   lives: Int } type Dog implements Pet { name: String tricks: [String] }";
        let graph = Graph::new(sdl).expect("the schema is valid");
        let text = "{ pet { ... on Cat { lives } ... on Pet { name } ...Lives ... on Dog { tricks } } } \
                    fragment Lives on Cat { ... on Pet { name } lives }";
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a valid document");
        let operation = document.operations.get(None).expect("one operation");
        let conditions = Conditions::default();
        let mut keys = ResponseKeys::of(&document, graph.field_names());

        let merged = rewrite(&document, operation, &conditions, &mut keys, graph.schema());

        assert_eq!(
            merged.serialize().no_indent().to_string(),
            "{ pet { ... on Cat { lives name } name ... on Dog { tricks } } }"
        );
    }

    #[test]
    fn a_key_of_several_types_has_a_place_in_each() {
        assert_rewritten(
            "query($id: ID!) { notification(id: $id) { subject { ... on Course { id title } ... on Enrollment \
             { c2: id id } } } }",
            &json!({}),
            "query($id: ID!) { notification(id: $id) { subject { ... on Course { id title } ... on Enrollment \
             { c2: id type0_1_id: id } } } }",
        );
    }

    #[test]
    fn a_key_of_several_types_stays_where_its_place_does_not_matter() {
        for selection in [
            "... on Course { id title } ... on Enrollment { id status }",
            "... on Course { teacher { name } title } ... on Enrollment { student { name } id }",
            "__typename ... on Course { __typename id } ... on Enrollment { id }",
        ] {
            let text = format!("query($id: ID!) {{ notification(id: $id) {{ subject {{ {selection} }} }} }}");
            assert_rewritten(&text, &json!({}), &text);
        }
        let text = "query($id: ID!) { notification(id: $id) { subject { ... on Enrollment { course { id title } } \
                    ... on Payment { course { title id } } } } }";
        assert_rewritten(text, &json!({}), &text.replace("Payment { course", "Payment { type0_2_course: course"));
    }

    #[test]
    fn fragments_of_which_nothing_is_left_go() {
        let text = "query($a: Boolean!) { me { ...A ... on User { ...B @include(if: $a) } ... { id @skip(if: true) } } } \
                    fragment A on User { ...B @include(if: $a) } fragment B on User { name }";

        assert_rewritten(text, &json!({ "a": false }), "{ me { __typename @skip(if: true) } }");
        assert_rewritten(text, &json!({ "a": true }), "{ me { name } }");
    }

    #[test]
    fn nothing_at_all_is_a_document_too() {
        assert_rewritten("{ me @include(if: false) { name } }", &json!({}), "{ __typename @skip(if: true) }");
        assert_rewritten(
            "mutation { markAllNotificationsRead @skip(if: true) { count } }",
            &json!({}),
            "mutation { __typename @skip(if: true) }",
        );
        assert_rewritten("{ me {} }", &json!({}), "{ me { __typename @skip(if: true) } }");
    }

    #[test]
    fn a_variable_of_one_operation_decides_no_condition_of_another_one() {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let text = "query A($a: Boolean) { courses(filter: { isFree: $a }) { totalCount } } \
                    query B($a: Boolean!) { me { ...F } } fragment F on User { name @include(if: $a) }";
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("it is valid");
        let evaluate = |name, values| {
            let operation = document.operations.get(Some(name)).expect("it is there");
            Conditions::evaluate(&document, operation, &values, graph.schema())
                .map(|conditions| conditions.values.len())
        };

        assert_eq!(evaluate("A", HashMap::new()).ok(), Some(0));
        assert_eq!(evaluate("B", HashMap::from([("a".to_owned(), true.into())])).ok(), Some(1));
    }

    #[test]
    fn a_condition_cannot_be_null() {
        let text = "query($a: Boolean = true) { me { name @include(if: $a) } }";

        assert_rewritten(text, &json!({}), "{ me { name } }");
        let errors = rewritten(text, &json!({ "a": null })).expect_err("it is null");
        assert_eq!(errors[0].error_code, "BAD_USER_INPUT");
    }
}

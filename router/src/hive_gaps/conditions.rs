//! hive-router passes `@include` and `@skip` by variables on to the subgraphs, where async-graphql answers null for an
//! object of which nothing is selected, and refuses a variable that only a `__typename` uses. So conditions are decided
//! before hive-router sees the operation. An object of which nothing is left it can deal with when a literal says so.
//!
//! No upstream issue is known. `upstream_answers_null_for_an_object_of_which_nothing_is_selected` fails once async-graphql
//! answers `{}`.

use std::{borrow::Cow, collections::HashMap};

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, Directive, DirectiveList, Value},
    collections::{HashSet, IndexMap},
    executable::{
        Field, Fragment, FragmentMap, FragmentSpread, InlineFragment, Operation, OperationMap, Selection, SelectionSet,
    },
    name,
    validation::Valid,
};
use sonic_rs::JsonValueTrait as _;

use super::{
    documents::{RequestErrors, problem},
    introspection_fragments,
    response_keys::ResponseKeys,
};

/// The variables that decide conditions, and their values, in the order of their definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conditions(Vec<(Name, bool)>);

impl Conditions {
    /// The conditions of an operation, for the variables that came with it; those have been checked.
    pub fn decide(
        document: &ExecutableDocument,
        operation: &Operation,
        variables: &HashMap<String, sonic_rs::Value>,
    ) -> Result<Self, RequestErrors> {
        let mut deciding = HashSet::default();
        collect_deciding(&operation.selection_set, &mut deciding);
        document.fragments.values().for_each(|fragment| collect_deciding(&fragment.selection_set, &mut deciding));

        let defined = operation.variables.iter().filter(|variable| deciding.contains(&variable.name));
        let value = |variable: &Node<apollo_compiler::ast::VariableDefinition>| {
            let given = match variables.get(variable.name.as_str()) {
                Some(given) => given.as_bool(),
                None => variable.default_value.as_ref().and_then(|default| default.to_bool()),
            };
            let value = given.ok_or_else(|| {
                let message = format!("Variable \"${}\" decides a condition: it must not be null.", variable.name);
                vec![problem(message, "BAD_USER_INPUT")]
            })?;
            Ok((variable.name.clone(), value))
        };
        defined.map(value).collect::<Result<_, _>>().map(Self)
    }

    fn lets_in(&self, directives: &DirectiveList) -> bool {
        let is = |directive: &str, value: bool| {
            directives.get(directive).is_none_or(|directive| self.value(directive) == Some(value))
        };
        is("include", true) && is("skip", false)
    }

    fn value(&self, directive: &Directive) -> Option<bool> {
        match directive.specified_argument_by_name("if")?.as_ref() {
            Value::Variable(name) => self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value),
            literal => literal.to_bool(),
        }
    }
}

fn collect_deciding(set: &SelectionSet, deciding: &mut HashSet<Name>) {
    for selection in &set.selections {
        for directive in [name!("include"), name!("skip")] {
            let argument = selection.directives().get(&directive).and_then(|one| one.specified_argument_by_name("if"));
            if let Some(Value::Variable(name)) = argument.map(AsRef::as_ref) {
                deciding.insert(name.clone());
            }
        }
        match selection {
            Selection::Field(field) => field.selection_set.iter().for_each(|set| collect_deciding(set, deciding)),
            Selection::InlineFragment(fragment) => collect_deciding(&fragment.selection_set, deciding),
            // All fragments are looked at.
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// The document with this operation alone, its conditions decided and its response keys made safe.
pub fn rewrite(
    document: &ExecutableDocument,
    operation: &Operation,
    conditions: &Conditions,
    keys: &ResponseKeys,
    schema: &Valid<Schema>,
) -> ExecutableDocument {
    let mut rewriter =
        Rewriter { document, conditions, keys, schema, fragments: IndexMap::default(), used: HashSet::default() };
    let selection_set = rewriter.selections_of_field(&operation.selection_set);
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
    let fragments = rewriter.fragments.into_iter();
    let fragments: FragmentMap = fragments.filter_map(|(name, fragment)| Some((name, Node::new(fragment?)))).collect();
    ExecutableDocument { sources: document.sources.clone(), operations: OperationMap::from_one(operation), fragments }
}

struct Rewriter<'a> {
    document: &'a ExecutableDocument,
    conditions: &'a Conditions,
    keys: &'a ResponseKeys,
    schema: &'a Valid<Schema>,
    /// Nothing for those of which nothing is left.
    fragments: IndexMap<Name, Option<Fragment>>,
    /// Variables that are still used.
    used: HashSet<Name>,
}

impl Rewriter<'_> {
    fn selections(&mut self, set: &SelectionSet) -> SelectionSet {
        let mut set = Cow::Borrowed(set);
        if introspection_fragments::is_introspection(&set) {
            let lets_in = |directives: &_| self.conditions.lets_in(directives);
            set = Cow::Owned(introspection_fragments::without_fragments(self.document, &set, lets_in));
        }
        let selections = set.selections.iter().filter_map(|selection| self.selection(selection)).collect();
        SelectionSet { ty: set.ty.clone(), selections }
    }

    /// The same, for a field: of which something must be selected, if only to be left out.
    fn selections_of_field(&mut self, set: &SelectionSet) -> SelectionSet {
        let mut set = self.selections(set);
        if set.is_empty() {
            let nothing = set.new_field(self.schema, name!("__typename")).map(skipped);
            set.extend(nothing);
        }
        set
    }

    fn selection(&mut self, selection: &Selection) -> Option<Selection> {
        if !self.conditions.lets_in(selection.directives()) {
            return None;
        }
        match selection {
            Selection::Field(field) => Some(self.field(field).into()),
            Selection::InlineFragment(fragment) => self.inline_fragment(fragment).map(Into::into),
            Selection::FragmentSpread(spread) => self.spread(spread).map(Into::into),
        }
    }

    fn field(&mut self, field: &Field) -> Field {
        field.arguments.iter().for_each(|argument| collect_variables(&argument.value, &mut self.used));
        Field {
            definition: field.definition.clone(),
            alias: self.keys.for_router(field),
            name: field.name.clone(),
            arguments: field.arguments.clone(),
            directives: DirectiveList::new(),
            selection_set: field.selection_set.as_ref().map(|set| self.selections_of_field(set)),
        }
    }

    fn inline_fragment(&mut self, fragment: &InlineFragment) -> Option<InlineFragment> {
        let selection_set = self.selections(&fragment.selection_set);
        let kept = InlineFragment {
            type_condition: fragment.type_condition.clone(),
            directives: DirectiveList::new(),
            selection_set,
        };
        (!kept.selection_set.is_empty()).then_some(kept)
    }

    fn spread(&mut self, spread: &FragmentSpread) -> Option<FragmentSpread> {
        let name = &spread.fragment_name;
        if !self.fragments.contains_key(name) {
            let fragment = self.document.fragments.get(name)?;
            let selection_set = self.selections(&fragment.selection_set);
            let kept =
                Fragment { description: None, name: name.clone(), directives: DirectiveList::new(), selection_set };
            self.fragments.insert(name.clone(), (!kept.selection_set.is_empty()).then_some(kept));
        }
        self.fragments[name].as_ref().map(|_| FragmentSpread::new(name.clone()))
    }
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

    use super::{super::documents::Graph, *};

    fn rewritten(text: &str, variables: &serde_json::Value) -> Result<String, RequestErrors> {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let schema = graph.schema();
        let document = ExecutableDocument::parse_and_validate(schema, text, "test").expect("a valid document");
        let operation = document.operations.get(None).expect("one operation");
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let conditions = Conditions::decide(&document, operation, &variables)?;
        let keys = ResponseKeys::default();
        Ok(rewrite(&document, operation, &conditions, &keys, schema).serialize().no_indent().to_string())
    }

    fn assert_rewritten(text: &str, variables: &serde_json::Value, expected: &str) {
        assert_eq!(rewritten(text, variables).expect("conditions are decided"), expected, "{text}");
    }

    #[test]
    fn upstream_answers_null_for_an_object_of_which_nothing_is_selected() {
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
        let ask = |text| {
            let variables = Variables::from_value(value!({ "a": false }));
            block_on(schema.execute(Request::new(text).variables(variables)))
        };

        assert_eq!(ask("query($a: Boolean!) { inner { name @include(if: $a) } }").data, value!({ "inner": null }));
        assert!(ask("query($a: Boolean!) { inner { __typename @include(if: $a) name } }").is_err());
    }

    #[test]
    fn introspection_is_asked_for_without_fragments() {
        assert_rewritten(
            "query($a: Boolean!) { ...Q __schema { ...S queryType { kind } ... { directives { name } } } } \
             fragment Q on Query { __type(name: \"User\") { ... on __Type @include(if: $a) { kind } name } } \
             fragment S on __Schema { queryType { ...T name } } fragment T on __Type { n: name fields { name } }",
            json!({ "a": false }),
            "{ ...Q __schema { queryType { n: name fields { name } name kind } directives { name } } } \
             fragment Q on Query { __type(name: \"User\") { name } }",
        );
        assert_rewritten(
            "{ __schema { ... { queryType @skip(if: true) { name } } } }",
            json!({}),
            "{ __schema { __typename @skip(if: true) } }",
        );
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
    fn fragments_of_which_nothing_is_left_go() {
        let text = "query($a: Boolean!) { me { ...A ... on User { ...B @include(if: $a) } ... { id @skip(if: true) } } } \
                    fragment A on User { ...B @include(if: $a) } fragment B on User { name }";

        assert_rewritten(text, &json!({ "a": false }), "{ me { __typename @skip(if: true) } }");
        assert_rewritten(
            text,
            &json!({ "a": true }),
            "{ me { ...A ... on User { ...B } } } fragment B on User { name } fragment A on User { ...B }",
        );
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
    fn a_condition_cannot_be_null() {
        let text = "query($a: Boolean = true) { me { name @include(if: $a) } }";

        assert_rewritten(text, &json!({}), "{ me { name } }");
        let errors = rewritten(text, &json!({ "a": null })).expect_err("it is null");
        assert_eq!(errors[0].error_code, "BAD_USER_INPUT");
    }
}

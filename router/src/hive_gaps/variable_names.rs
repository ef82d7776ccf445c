//! hive-router fetches entities from subgraphs with a variable `$representations`, and defines a client's variable of
//! the same name beside it. So such a variable is renamed.
//!
//! No upstream issue is known. `upstream_defines_a_variable_twice` fails once it is fixed.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::Value,
    executable::{Selection, SelectionSet},
};
use sonic_rs::Value as Json;

/// The name that hive-router reserves.
pub const RESERVED: &str = "representations";

/// Renames the variable with the reserved name, if the document's only operation has it; returns its new name.
pub fn rename(document: &mut ExecutableDocument) -> Option<Name> {
    let operation = document.operations.get(None).ok()?;
    let names: Vec<_> = operation.variables.iter().map(|variable| variable.name.clone()).collect();
    if !names.iter().any(|name| name == RESERVED) {
        return None;
    }
    let free = (0..=names.len()).map(numbered).find(|name| !names.contains(name))?;

    let operation = document.operations.get_mut(None).ok()?;
    for variable in operation.variables.iter_mut().filter(|variable| variable.name == RESERVED) {
        variable.make_mut().name = free.clone();
    }
    rename_in(&mut operation.selection_set, &free);
    for fragment in document.fragments.values_mut() {
        rename_in(&mut fragment.make_mut().selection_set, &free);
    }
    Some(free)
}

/// Renames a variable's value. One that the client sent by the new name belongs to no variable.
pub fn rename_value(values: &mut HashMap<String, Json>, to: &Name) {
    values.remove(to.as_str());
    if let Some(value) = values.remove(RESERVED) {
        values.insert(to.to_string(), value);
    }
}

fn numbered(number: usize) -> Name {
    Name::new(&format!("{RESERVED}{number}")).expect("digits may end a name")
}

fn rename_in(set: &mut SelectionSet, to: &Name) {
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) => {
                let field = field.make_mut();
                field.arguments.iter_mut().for_each(|argument| rename_in_value(&mut argument.make_mut().value, to));
                field.selection_set.iter_mut().for_each(|set| rename_in(set, to));
            }
            Selection::InlineFragment(fragment) => rename_in(&mut fragment.make_mut().selection_set, to),
            // All fragments are renamed separately.
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn rename_in_value(value: &mut Node<Value>, to: &Name) {
    match value.make_mut() {
        Value::Variable(name) if name == RESERVED => name.clone_from(to),
        Value::List(items) => items.iter_mut().for_each(|item| rename_in_value(item, to)),
        Value::Object(entries) => entries.iter_mut().for_each(|(_, value)| rename_in_value(value, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use hive_router::query_planner::{
        ast::normalization::normalize_operation,
        graph::PlannerOverrideContext,
        planner::{Planner, QueryPlannerOptions},
        utils::{
            cancellation::CancellationToken,
            parsing::{safe_parse_operation, safe_parse_schema},
        },
    };

    use super::{super::documents::graph::Graph, *};

    fn renamed(text: &str) -> (Option<Name>, String) {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a document");
        let mut document = document.into_inner();
        let name = rename(&mut document);
        (name, document.serialize().no_indent().to_string())
    }

    #[test]
    fn upstream_defines_a_variable_twice() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let text = "query($representations: Int) { me { courses(first: $representations) { totalCount } } }";
        let document = safe_parse_operation(text).expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
        let overrides = PlannerOverrideContext::from_percentage(0.0);
        let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());

        let plan = serde_json::to_string(&plan.expect("a plan")).expect("it is JSON");

        assert!(plan.contains("($representations:[_Any!]!, $representations:Int)"), "{plan}");
    }

    #[test]
    fn the_variable_has_another_name_wherever_it_is() {
        let text = "query($representations: Int = 2, $representations0: ID) { courses(first: $representations, \
                    filter: { teacherId: $representations0 }) { nodes { ...F } } } fragment F on Course { teacher { \
                    ... on User { courses(last: $representations) { totalCount } } } }";

        let (name, text) = renamed(text);

        assert_eq!(name.as_deref(), Some("representations1"));
        assert_eq!(
            text,
            "query($representations1: Int = 2, $representations0: ID) { courses(first: $representations1, \
             filter: {teacherId: $representations0}) { nodes { ...F } } } fragment F on Course { teacher { \
             ... on User { courses(last: $representations1) { totalCount } } } }",
        );
    }

    #[test]
    fn within_an_object_too_and_all_other_names_stay() {
        let (name, text) =
            renamed("query($representations: ID) { courses(filter: { teacherId: $representations }) { totalCount } }");
        assert_eq!(name.as_deref(), Some("representations0"));
        assert!(text.contains("(filter: {teacherId: $representations0})"), "{text}");

        let other = "query($id: ID!) { representations: user(id: $id) { name } }";
        assert_eq!(renamed(other), (None, other.to_owned()));
    }
}

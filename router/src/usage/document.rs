//! What an operation uses of the schema, as names.

use std::collections::BTreeSet;

use apollo_compiler::{
    ExecutableDocument, Name, Schema,
    ast::{DirectiveList, Type, Value},
    collections::HashSet,
    executable::{Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use sonic_rs::{JsonContainerTrait as _, JsonValueTrait as _};

/// Such as `Course.title`, `Query.course(id:)`, `CourseFilter.words`, `Role.ADMIN`.
pub type Uses = BTreeSet<String>;

/// The uses of an operation's text: fields, arguments, and the input fields and enum values that it writes.
pub fn uses_of(document: &ExecutableDocument, operation: &Operation, schema: &Schema) -> Uses {
    let mut collector = Collector { document, schema, fragments: HashSet::default(), uses: Uses::new() };
    collector.collect(&operation.selection_set);
    for variable in &operation.variables {
        if let Some(default) = &variable.default_value {
            collector.collect_literal(default, variable.ty.inner_named_type());
        }
    }
    collector.uses
}

/// Adds what the value of a variable uses: input fields and enum values.
pub fn add_uses_of_value(value: &sonic_rs::Value, kind: &Type, schema: &Schema, uses: &mut Uses) {
    add_value(value, kind.inner_named_type(), schema, uses);
}

/// Whether values of this type have names in them.
pub fn has_names(kind: &Type, schema: &Schema) -> bool {
    matches!(schema.types.get(kind.inner_named_type()), Some(ExtendedType::Enum(_) | ExtendedType::InputObject(_)))
}

/// Adds all that a value of this type can use.
pub fn add_uses_of_type(kind: &Type, schema: &Schema, uses: &mut Uses) {
    let mut todo = vec![kind.inner_named_type()];
    let mut seen = HashSet::default();
    while let Some(name) = todo.pop() {
        if !seen.insert(name) {
            continue;
        }
        match schema.types.get(name) {
            Some(ExtendedType::Enum(definition)) => {
                uses.extend(definition.values.keys().map(|value| format!("{name}.{value}")));
            }
            Some(ExtendedType::InputObject(definition)) => {
                uses.extend(definition.fields.keys().map(|field| format!("{name}.{field}")));
                todo.extend(definition.fields.values().map(|field| field.ty.inner_named_type()));
            }
            _ => {}
        }
    }
}

fn add_value(value: &sonic_rs::Value, kind: &Name, schema: &Schema, uses: &mut Uses) {
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| add_value(item, kind, schema, uses));
        return;
    }
    match schema.types.get(kind) {
        Some(ExtendedType::Enum(definition)) => {
            if let Some(name) = value.as_str().filter(|name| definition.values.contains_key(*name)) {
                uses.insert(format!("{kind}.{name}"));
            }
        }
        Some(ExtendedType::InputObject(definition)) => {
            for (key, inner) in value.as_object().into_iter().flat_map(|object| object.iter()) {
                if let Some(field) = definition.fields.get(key) {
                    uses.insert(format!("{kind}.{key}"));
                    add_value(inner, field.ty.inner_named_type(), schema, uses);
                }
            }
        }
        _ => {}
    }
}

fn is_never_included(directives: &DirectiveList) -> bool {
    let is = |directive: &str, value: bool| {
        let condition = directives.get(directive).and_then(|directive| directive.specified_argument_by_name("if"));
        condition.and_then(|condition| condition.to_bool()) == Some(value)
    };
    is("skip", true) || is("include", false)
}

struct Collector<'a> {
    document: &'a ExecutableDocument,
    schema: &'a Schema,
    /// Fragments that have been visited.
    fragments: HashSet<&'a Name>,
    uses: Uses,
}

impl<'a> Collector<'a> {
    fn collect(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            if is_never_included(selection.directives()) {
                continue;
            }
            match selection {
                // What is introspected is not the graph's.
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) => {
                    let name = format!("{}.{}", set.ty, field.name);
                    for argument in &field.arguments {
                        self.uses.insert(format!("{name}({}:)", argument.name));
                        if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                            self.collect_literal(&argument.value, definition.ty.inner_named_type());
                        }
                    }
                    self.uses.insert(name);
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

    fn collect_literal(&mut self, value: &Value, kind: &Name) {
        match (value, self.schema.types.get(kind)) {
            (Value::List(items), _) => items.iter().for_each(|item| self.collect_literal(item, kind)),
            (Value::Enum(name), _) => drop(self.uses.insert(format!("{kind}.{name}"))),
            (Value::Object(entries), Some(ExtendedType::InputObject(definition))) => {
                for (key, inner) in entries {
                    if let Some(field) = definition.fields.get(key) {
                        self.uses.insert(format!("{kind}.{key}"));
                        self.collect_literal(inner, field.ty.inner_named_type());
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hive_gaps::documents::graph::Graph;

    fn schema() -> Graph {
        Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid")
    }

    fn uses(text: &str) -> Vec<String> {
        let graph = schema();
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a valid document");
        let operation = document.operations.get(None).expect("one operation");
        uses_of(&document, operation, graph.schema()).into_iter().collect()
    }

    #[test]
    fn fields_and_arguments_are_named_each_once() {
        assert_eq!(
            uses(
                "query($first: Int) { a: courses(first: $first) { ...F nodes { id title } } } \
                  fragment F on CourseConnection { nodes { ... on Course { title } __typename } }"
            ),
            ["CourseConnection.nodes", "Course.id", "Course.title", "Query.courses", "Query.courses(first:)"]
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn input_fields_and_enum_values_of_the_text_are_named() {
        let uses = uses(
            "query($order: CourseOrder = TITLE) { courses(filter: { levels: [BEGINNER] }, orderBy: $order) \
                         { totalCount } }",
        );

        for name in ["CourseFilter.levels", "CourseLevel.BEGINNER", "CourseOrder.TITLE", "Query.courses(orderBy:)"] {
            assert!(uses.iter().any(|used| used == name), "{name}: {uses:?}");
        }
    }

    #[test]
    fn what_is_introspected_or_never_asked_is_not_used() {
        assert_eq!(
            uses(
                "{ __schema { types { name } } __typename me @skip(if: true) { name } ... @include(if: false) { me { id } } }"
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn variables_use_their_names_and_no_value_is_told() {
        let graph = schema();
        let text = "query($filter: CourseFilter) { courses(filter: $filter) { totalCount } }";
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a valid document");
        let kind = &document.operations.get(None).expect("one operation").variables[0].ty;
        let value = json!({ "search": "secret", "levels": ["BEGINNER", "secret"], "secret": { "isFree": true } });
        let value = sonic_rs::from_str(&value.to_string()).expect("an object");

        let mut given = Uses::new();
        add_uses_of_value(&value, kind, graph.schema(), &mut given);

        assert_eq!(
            given.into_iter().collect::<Vec<_>>(),
            ["CourseFilter.levels", "CourseFilter.search", "CourseLevel.BEGINNER"]
        );
        let mut possible = Uses::new();
        add_uses_of_type(kind, graph.schema(), &mut possible);
        assert!(possible.contains("CourseFilter.isFree") && possible.contains("CourseLevel.ADVANCED"), "{possible:?}");
    }
}

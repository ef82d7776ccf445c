//! Refuses introspection that goes round in circles: types have fields, fields have types, and each
//! round multiplies the answer. `max_depth` is not for introspection, whose usual query is deep.

use std::collections::HashMap;

use graphql_tools::static_graphql::query::{Definition, Document, OperationDefinition, Selection, SelectionSet};
use hive_router::{
    GraphQLError, async_trait,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_parse::{OnGraphQLParseHookResult, OnGraphQLParseStartHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
};

use super::credentials::NoSettings;

/// What lists parts of a type. No field of the graph has such a name.
const LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// The usual query has one within nothing.
const MOST_NESTED: usize = 2;

#[derive(Default)]
pub struct IntrospectionDepth;

#[async_trait]
impl RouterPlugin for IntrospectionDepth {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "introspection_depth"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    async fn on_graphql_parse<'exec>(
        &'exec self,
        payload: OnGraphQLParseStartHookPayload<'exec>,
    ) -> OnGraphQLParseHookResult<'exec> {
        payload.on_end(|parsed| {
            if Lists::of(&parsed.document).nested() > MOST_NESTED {
                return parsed.end_with_graphql_error(too_deep(), StatusCode::BAD_REQUEST);
            }
            parsed.proceed()
        })
    }
}

fn too_deep() -> GraphQLError {
    let message = "The introspection asks for the fields of the types of fields of types.";
    GraphQLError::from_message_and_code(message, "MAX_DEPTH_EXCEEDED")
}

/// Counts how deeply the lists of a document are nested, each fragment once.
struct Lists<'document> {
    operations: Vec<&'document SelectionSet>,
    fragments: HashMap<&'document str, &'document SelectionSet>,
    /// Of fragments that have been looked at; zero while they are, so that a circle ends.
    known: HashMap<&'document str, usize>,
}

impl<'document> Lists<'document> {
    fn of(document: &'document Document) -> Self {
        let mut lists = Self { operations: Vec::new(), fragments: HashMap::new(), known: HashMap::new() };
        for definition in &document.definitions {
            match definition {
                Definition::Operation(operation) => lists.operations.push(selections(operation)),
                Definition::Fragment(fragment) => {
                    lists.fragments.insert(&fragment.name, &fragment.selection_set);
                }
            }
        }
        lists
    }

    fn nested(mut self) -> usize {
        let operations = std::mem::take(&mut self.operations);
        operations.into_iter().map(|operation| self.within(operation)).max().unwrap_or(0)
    }

    fn within(&mut self, selections: &'document SelectionSet) -> usize {
        let count = |selection: &'document Selection| match selection {
            Selection::Field(field) => {
                usize::from(LISTS.contains(&field.name.as_str())) + self.within(&field.selection_set)
            }
            Selection::InlineFragment(fragment) => self.within(&fragment.selection_set),
            Selection::FragmentSpread(spread) => self.within_fragment(&spread.fragment_name),
        };
        selections.items.iter().map(count).max().unwrap_or(0)
    }

    fn within_fragment(&mut self, name: &'document str) -> usize {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        self.known.insert(name, 0);
        let nested = self.fragments.get(name).copied().map_or(0, |fragment| self.within(fragment));
        self.known.insert(name, nested);
        nested
    }
}

fn selections(operation: &OperationDefinition) -> &SelectionSet {
    match operation {
        OperationDefinition::SelectionSet(selections) => selections,
        OperationDefinition::Query(query) => &query.selection_set,
        OperationDefinition::Mutation(mutation) => &mutation.selection_set,
        OperationDefinition::Subscription(subscription) => &subscription.selection_set,
    }
}

#[cfg(test)]
mod tests {
    use graphql_tools::parser::parse_query;

    use super::*;

    fn nested(document: &str) -> usize {
        Lists::of(&parse_query(document).expect("a document").into_static()).nested()
    }

    #[test]
    fn lists_are_counted_through_fragments_and_circles_end() {
        assert_eq!(nested("{ me { name } }"), 0);
        assert_eq!(nested("{ __schema { types { fields { type { name } } inputFields { name } } } }"), 1);
        assert_eq!(
            nested(
                "{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } } fragment B on __Type { interfaces { fields { name } } }"
            ),
            3
        );
        assert_eq!(nested("{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...A } } }"), 1);
    }
}

//! Refuses small documents that are huge once they are spread out: fragments that spread others twice,
//! and introspection that goes round in circles (types have fields, fields have types, and each round
//! multiplies the answer). The limits in `router.config.yaml` see the document as it is written.

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
/// The usual introspection has about 100, the largest of our operations 40.
const MOST_SELECTIONS: usize = 5_000;

#[derive(Default)]
pub struct Expansion;

#[async_trait]
impl RouterPlugin for Expansion {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "expansion"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    async fn on_graphql_parse<'exec>(
        &'exec self,
        payload: OnGraphQLParseStartHookPayload<'exec>,
    ) -> OnGraphQLParseHookResult<'exec> {
        payload.on_end(|parsed| match Fragments::of(&parsed.document).refuse(&parsed.document) {
            Some(error) => parsed.end_with_graphql_error(error, StatusCode::BAD_REQUEST),
            None => parsed.proceed(),
        })
    }
}

/// What a part of a document comes to with its fragments in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extent {
    selections: usize,
    /// How deeply lists of introspection are nested.
    lists: usize,
}

impl Extent {
    fn and(self, other: Self) -> Self {
        let selections = self.selections.saturating_add(other.selections);
        Self { selections, lists: self.lists.max(other.lists) }
    }

    fn below(self, field: &str) -> Self {
        let lists = self.lists + usize::from(LISTS.contains(&field));
        Self { selections: self.selections.saturating_add(1), lists }
    }
}

/// Measures each fragment once, however often it is spread.
struct Fragments<'document> {
    named: HashMap<&'document str, &'document SelectionSet>,
    /// Nothing while a fragment is being measured, so that a circle ends.
    known: HashMap<&'document str, Extent>,
}

impl<'document> Fragments<'document> {
    fn of(document: &'document Document) -> Self {
        let named = document.definitions.iter().filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), &fragment.selection_set)),
            Definition::Operation(_) => None,
        });
        Self { named: named.collect(), known: HashMap::new() }
    }

    fn refuse(&mut self, document: &'document Document) -> Option<GraphQLError> {
        let extent = self.measure(document);
        let (message, code) = if extent.selections > MOST_SELECTIONS {
            ("The document is too large with its fragments in place.", "TOKEN_LIMIT_EXCEEDED")
        } else if extent.lists > MOST_NESTED {
            ("The introspection asks for the fields of the types of fields of types.", "MAX_DEPTH_EXCEEDED")
        } else {
            return None;
        };
        Some(GraphQLError::from_message_and_code(message, code))
    }

    fn measure(&mut self, document: &'document Document) -> Extent {
        let operations = document.definitions.iter().filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(selections(operation)),
            Definition::Fragment(_) => None,
        });
        operations.map(|operation| self.within(operation)).fold(Extent::default(), Extent::and)
    }

    fn within(&mut self, selections: &'document SelectionSet) -> Extent {
        let measure = |selection: &'document Selection| match selection {
            Selection::Field(field) => self.within(&field.selection_set).below(&field.name),
            Selection::InlineFragment(fragment) => self.within(&fragment.selection_set),
            Selection::FragmentSpread(spread) => self.within_fragment(&spread.fragment_name),
        };
        selections.items.iter().map(measure).fold(Extent::default(), Extent::and)
    }

    fn within_fragment(&mut self, name: &'document str) -> Extent {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        self.known.insert(name, Extent::default());
        let extent = self.named.get(name).copied().map_or_else(Extent::default, |fragment| self.within(fragment));
        self.known.insert(name, extent);
        extent
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
    use std::fmt::Write as _;

    use graphql_tools::parser::parse_query;

    use super::*;

    fn extent(document: &str) -> Extent {
        let document = parse_query(document).expect("a document").into_static();
        Fragments::of(&document).measure(&document)
    }

    #[test]
    fn lists_are_counted_through_fragments_and_circles_end() {
        let lists = |document: &str| extent(document).lists;
        let two =
            "fragment A on __Type { fields { type { ...B } } } fragment B on __Type { interfaces { fields { name } } }";

        assert_eq!(lists("{ me { name } }"), 0);
        assert_eq!(lists("{ __schema { types { fields { type { name } } inputFields { name } } } }"), 1);
        assert_eq!(lists(&format!("{{ __schema {{ types {{ ...A }} }} }} {two}")), 3);
        assert_eq!(lists("{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...A } } }"), 1);
    }

    #[test]
    fn fragments_that_spread_others_twice_are_counted_in_place() {
        let bomb = (0..100).fold(String::from("{ ...F0 }"), |mut document, number| {
            let next = number + 1;
            write!(document, " fragment F{number} on Query {{ ...F{next} ...F{next} }}").expect("a string");
            document
        }) + " fragment F100 on Query { me { id } }";

        assert_eq!(extent("{ a { b c } ... { d } }").selections, 4);
        assert_eq!(extent("{ ...A ...A } fragment A on Query { a { b } }").selections, 4);
        assert_eq!(extent(&bomb).selections, usize::MAX);
    }
}

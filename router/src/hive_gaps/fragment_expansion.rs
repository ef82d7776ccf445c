//! hive-router's limits see a document before expansion. So small documents that expand to huge ones are rejected here,
//! before they are traversed: fragments that spread others twice, and circular introspection (types have fields, fields
//! have types, and each round multiplies the response).
//!
//! The size of fragments with duplicate names, and of circular ones, is undefined: validators choose different
//! duplicates, and continue after the first error. So they are rejected here, too.
//!
//! No upstream issue is known. `upstream_does_not_limit_fragments_that_spread_others_twice` fails once it is fixed.

use std::collections::HashMap;

use apollo_compiler::{
    Node,
    ast::{Definition, Document, FragmentDefinition, Selection},
};
use graphql_tools::{parser::Pos, validation::utils::ValidationError};

use super::request_errors::{RequestErrors, request_error, too_deep};

/// Introspection fields that list parts of a type. No field of the graph has such a name.
pub const INTROSPECTION_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// The usual introspection query does not nest them.
const MAX_NESTED_LISTS: usize = 2;
/// The usual introspection query has about 100, the largest of our operations 40.
pub const MAX_SELECTIONS: usize = 5_000;
/// The maximum selection depth. The parser limits it per fragment, and the router's own limit is stricter; this one
/// keeps recursion within the stack.
pub const MAX_DEPTH: usize = 160;
/// The maximum of all fragments together, each expanded: validators traverse each one separately.
const MAX_SELECTIONS_OF_FRAGMENTS: usize = 20_000;

/// Rejects documents that are too large after expansion.
pub fn check(document: &Document) -> Result<(), RequestErrors> {
    let mut fragments = Fragments::of(document);
    if let Some(fragment) = fragments.duplicate {
        return Err(vec![fragment_error(document, fragment, "has the same name as another one")]);
    }
    let (size, of_fragments) = (fragments.measure(document), fragments.measure_fragments(document));
    if let Some(fragment) = fragments.circular {
        return Err(vec![fragment_error(document, fragment, "spreads itself")]);
    }
    if size.selections > MAX_SELECTIONS || of_fragments > MAX_SELECTIONS_OF_FRAGMENTS {
        let message = "The document is too large with its fragments expanded.";
        return Err(vec![request_error(message, "TOKEN_LIMIT_EXCEEDED")]);
    }
    if fragments.is_too_deep || size.depth > MAX_DEPTH {
        return Err(too_deep());
    }
    if size.lists > MAX_NESTED_LISTS {
        let message = "The introspection query is nested too deeply.";
        return Err(vec![request_error(message, "MAX_DEPTH_EXCEEDED")]);
    }
    Ok(())
}

fn fragment_error(document: &Document, fragment: &Node<FragmentDefinition>, what: &str) -> ValidationError {
    let place = fragment.line_column_range(&document.sources);
    let locations = place.map(|place| Pos { line: place.start.line, column: place.start.column }).into_iter().collect();
    let message = format!("The fragment \"{}\" {what}.", fragment.name);
    ValidationError { locations, message, error_code: "GRAPHQL_VALIDATION_FAILED" }
}

/// The size of a part of a document after expansion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpandedSize {
    pub selections: usize,
    /// The nesting depth of introspection lists.
    pub lists: usize,
    /// The nesting depth of selections.
    pub depth: usize,
}

impl ExpandedSize {
    /// The size of all operations of a document.
    #[cfg(any(test, fuzzing))]
    pub fn of(document: &Document) -> Self {
        Fragments::of(document).measure(document)
    }

    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            lists: self.lists.max(other.lists),
            depth: self.depth.max(other.depth),
        }
    }

    fn below(self, field: &str) -> Self {
        let lists = self.lists + usize::from(INTROSPECTION_LISTS.contains(&field));
        Self { lists, ..self.below_one() }
    }

    fn below_one(self) -> Self {
        Self { selections: self.selections.saturating_add(1), depth: self.depth + 1, ..self }
    }
}

/// Measures each fragment once, however often it is spread.
struct Fragments<'document> {
    named: HashMap<&'document str, &'document Node<FragmentDefinition>>,
    /// The first fragment whose name is a duplicate.
    duplicate: Option<&'document Node<FragmentDefinition>>,
    /// `None` while a fragment is being measured, which ends a cycle.
    known: HashMap<&'document str, Option<ExpandedSize>>,
    /// The first fragment that spreads itself.
    circular: Option<&'document Node<FragmentDefinition>>,
    /// The depth of the selections that are being measured.
    level: usize,
    /// Whether the document is deeper than is measured.
    is_too_deep: bool,
}

impl<'document> Fragments<'document> {
    fn of(document: &'document Document) -> Self {
        let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
        let mut named = HashMap::new();
        let mut duplicate = None;
        for fragment in fragments {
            if named.insert(fragment.name.as_str(), fragment).is_some() {
                duplicate = duplicate.or(Some(fragment));
            }
        }
        Self { named, duplicate, known: HashMap::new(), circular: None, level: 0, is_too_deep: false }
    }

    fn measure(&mut self, document: &'document Document) -> ExpandedSize {
        let operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
        operations
            .map(|operation| self.within(&operation.selection_set))
            .fold(ExpandedSize::default(), ExpandedSize::and)
    }

    /// The number of selections of all fragments, whether they are used or not.
    fn measure_fragments(&mut self, document: &'document Document) -> usize {
        let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
        fragments.map(|fragment| self.within_fragment(&fragment.name).selections).fold(0, usize::saturating_add)
    }

    fn within(&mut self, selections: &'document [Selection]) -> ExpandedSize {
        if self.level > MAX_DEPTH {
            self.is_too_deep = true;
            return ExpandedSize::default();
        }
        self.level += 1;
        let size = self.within_level(selections);
        self.level -= 1;
        size
    }

    fn within_level(&mut self, selections: &'document [Selection]) -> ExpandedSize {
        let measure = |selection: &'document Selection| match selection {
            Selection::Field(field) => self.within(field.selection_set.as_deref().unwrap_or(&[])).below(&field.name),
            // Inline fragments count, too: they are traversed, once per operation.
            Selection::InlineFragment(fragment) => self.within(&fragment.selection_set).below_one(),
            Selection::FragmentSpread(spread) => self.within_fragment(&spread.fragment_name).below_one(),
        };
        selections.iter().map(measure).fold(ExpandedSize::default(), ExpandedSize::and)
    }

    fn within_fragment(&mut self, name: &'document str) -> ExpandedSize {
        let Some(fragment) = self.named.get(name).copied() else { return ExpandedSize::default() };
        match self.known.get(name) {
            Some(Some(known)) => return *known,
            Some(None) => {
                self.circular = self.circular.or(Some(fragment));
                return ExpandedSize::default();
            }
            None => _ = self.known.insert(name, None),
        }
        let size = self.within(&fragment.selection_set);
        self.known.insert(name, Some(size));
        size
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn size(document: &str) -> ExpandedSize {
        ExpandedSize::of(&Document::parse(document, "test").expect("a document"))
    }

    /// A kilobyte or two that expands to 2^`rounds` selections.
    fn bomb(rounds: usize) -> String {
        (0..rounds).fold(String::from("{ ...F0 }"), |mut document, number| {
            let next = number + 1;
            write!(document, " fragment F{number} on Query {{ ...F{next} ...F{next} }}").expect("a string");
            document
        }) + &format!(" fragment F{rounds} on Query {{ me {{ id }} }}")
    }

    #[test]
    fn upstream_does_not_limit_fragments_that_spread_others_twice() {
        let limits = format!("{:?}", hive_router::config::limits::LimitsConfig::default());

        for known in ["depth", "directives", "tokens", "aliases", "request_body_size", "request_header_size"] {
            assert!(limits.contains(&format!("max_{known}: ")), "{limits}");
        }
        assert_eq!(limits.matches("max_").count(), 6, "there is a new one: {limits}");
    }

    #[test]
    fn lists_are_counted_through_fragments_and_cycles_end() {
        let lists = |document: &str| size(document).lists;
        let two =
            "fragment A on __Type { fields { type { ...B } } } fragment B on __Type { interfaces { fields { name } } }";

        assert_eq!(lists("{ me { name } }"), 0);
        assert_eq!(lists("{ __schema { types { fields { type { name } } inputFields { name } } } }"), 1);
        assert_eq!(lists(&format!("{{ __schema {{ types {{ ...A }} }} }} {two}")), 3);
        assert_eq!(lists("{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...A } } }"), 1);
    }

    #[test]
    fn fragments_that_spread_others_twice_are_counted_in_place() {
        assert_eq!(size("{ a { b c } ... { d } }").selections, 5);
        assert_eq!(size("{ ...A ...A } fragment A on Query { a { b } }").selections, 6);
        assert_eq!(size(&bomb(100)).selections, usize::MAX);
    }

    /// apollo-compiler takes the first duplicate, and validates the rest of the document.
    #[test]
    fn duplicate_and_circular_fragments_are_rejected_with_their_location() {
        let refused = |text: &str| {
            let errors = check(&Document::parse(text, "test").expect("a document")).expect_err("it is refused");
            let place = errors[0].locations[0];
            (errors[0].error_code, errors[0].message.clone(), place.line, place.column)
        };
        let expected = |message: &str, line, column| ("GRAPHQL_VALIDATION_FAILED", message.to_owned(), line, column);

        assert_eq!(
            refused(&format!("{}\nfragment F0 on Query {{ a }}", bomb(30))),
            expected("The fragment \"F0\" has the same name as another one.", 2, 1)
        );
        assert_eq!(
            refused("{ a }\n  fragment A on Query { ...B }\n fragment B on Query { ...A }"),
            expected("The fragment \"A\" spreads itself.", 2, 3)
        );
    }

    #[test]
    fn each_operation_counts_the_fragments_that_all_share() {
        let operation = |number| format!("query Q{number} {{ ...F0 }} ");
        let operations: String = (0..100).map(operation).collect();
        let fragments = |number| format!("fragment F{number} on Query {{ ...F{} }} ", number + 1);
        let fragments: String = (0..100).map(fragments).collect();
        let document = format!("{operations}{fragments} fragment F100 on Query {{ a }}");

        assert_eq!(size(&document).selections, 100 * (100 + 2));
    }

    #[test]
    fn a_long_chain_of_fragments_is_too_large_though_it_leads_to_one_field() {
        let chain = |length: usize| {
            let fragment = |number| format!(" fragment F{number} on Query {{ ...F{} }}", number + 1);
            let fragments: String = (0..length).map(fragment).collect();
            let text = format!("{{ ...F0 }}{fragments} fragment F{length} on Query {{ a }}");
            check(&Document::parse(text, "test").expect("a document")).map_err(|errors| errors[0].error_code)
        };

        assert_eq!(chain(150), Ok(()));
        assert_eq!(chain(170), Err("MAX_DEPTH_EXCEEDED"));
        assert_eq!(chain(1_300), Err("TOKEN_LIMIT_EXCEEDED"));
    }
}

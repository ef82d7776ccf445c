//! hive-router takes fragments within introspection as they are: one without a type makes it panic, and the connection ends
//! without an answer; one on `__Schema` makes `data` null, without an error; and a field that is asked for twice, once in a
//! fragment, can be lost. The types of introspection are objects, so each fragment fits, and hive-router gets fields alone.
//!
//! No upstream issue is known. `hive_gaps::fragments_within_introspection_lose_what_they_ask_for` fails once it is closed.

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::DirectiveList,
    collections::IndexMap,
    executable::{Field, Selection, SelectionSet},
};

/// Whether something of `__Schema`, `__Type` and so on is selected.
pub fn is_introspection(set: &SelectionSet) -> bool {
    set.ty.starts_with("__")
}

/// The fields of a selection set that `lets_in` lets in, each once. What is selected of them stays as it is.
pub fn without_fragments(
    document: &ExecutableDocument,
    set: &SelectionSet,
    lets_in: impl Fn(&DirectiveList) -> bool,
) -> SelectionSet {
    let mut fields = IndexMap::default();
    collect_fields(document, set, &lets_in, &mut fields);
    let selections = fields.into_values().map(|field| Selection::Field(Node::new(field)));
    SelectionSet { ty: set.ty.clone(), selections: selections.collect() }
}

fn collect_fields(
    document: &ExecutableDocument,
    set: &SelectionSet,
    lets_in: &impl Fn(&DirectiveList) -> bool,
    fields: &mut IndexMap<Name, Field>,
) {
    for selection in set.selections.iter().filter(|selection| lets_in(selection.directives())) {
        match selection {
            Selection::Field(field) => add_field(field, fields),
            Selection::InlineFragment(fragment) => collect_fields(document, &fragment.selection_set, lets_in, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    collect_fields(document, &fragment.selection_set, lets_in, fields);
                }
            }
        }
    }
}

fn add_field(field: &Field, fields: &mut IndexMap<Name, Field>) {
    let Some(known) = fields.get_mut(field.response_name()) else {
        fields.insert(field.response_name().clone(), field.clone());
        return;
    };
    if let (Some(known), Some(more)) = (&mut known.selection_set, &field.selection_set) {
        known.selections.extend(more.selections.iter().cloned());
    }
}

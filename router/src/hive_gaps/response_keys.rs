//! hive-router confuses a client's alias `id` with the key `id` that it needs itself: it sends the wrong value, or
//! requests an alias and loses it. So no alias of a client that is also a field name reaches it: it is renamed for the
//! router, and restored in the response and in the paths of errors.
//!
//! Upstream: apollographql/federation#3036 and wundergraph/cosmo#1439 are similar bugs of other routers; none is known
//! for hive-router. `upstream_loses_a_key_whose_name_is_an_alias` fails once it is fixed.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name,
    collections::HashSet,
    executable::{Field, Selection, SelectionSet},
    schema::ExtendedType,
};
use serde_json::value::RawValue;

use super::json::{Entries, entries, write_key, write_list, write_string};

/// The response keys that are renamed for the router.
#[derive(Debug, Default)]
pub struct ResponseKeys {
    for_router: HashMap<Name, Name>,
    for_client: HashMap<String, String>,
    /// What no field name and no alias begins with.
    unused_prefix: String,
    /// Keys that no client has requested ([`super::mutation_order`]).
    separators: HashSet<Name>,
}

/// The names of a type's fields.
pub fn field_names(kind: &ExtendedType) -> Box<dyn Iterator<Item = &Name> + '_> {
    match kind {
        ExtendedType::Object(object) => Box::new(object.fields.keys()),
        ExtendedType::Interface(interface) => Box::new(interface.fields.keys()),
        _ => Box::new(std::iter::empty()),
    }
}

impl ResponseKeys {
    /// Renames the keys of a document, in a graph with these field names.
    pub fn of(document: &ExecutableDocument, field_names: &HashSet<Name>) -> Self {
        let mut aliases = HashSet::default();
        let operations = document.operations.iter().map(|operation| &operation.selection_set);
        let fragments = document.fragments.values().map(|fragment| &fragment.selection_set);
        operations.chain(fragments).for_each(|set| collect_aliases(set, &mut aliases));

        let names = || field_names.iter().chain(&aliases);
        let prefixes = (0..=field_names.len() + aliases.len()).map(|number| format!("type{number}_"));
        let unused_prefix = prefixes.into_iter().find(|prefix| !names().any(|name| name.starts_with(prefix.as_str())));
        let unused_prefix = unused_prefix.expect("only so many prefixes are taken");

        let mut keys = Self { unused_prefix, ..Self::default() };
        for alias in aliases.iter().filter(|alias| field_names.contains(*alias) || alias.starts_with('_')) {
            let is_taken = |name: &Name| field_names.contains(name) || aliases.contains(name);
            // One more than there are taken names.
            let numbers = 0..=field_names.len() + aliases.len();
            let free = numbers.map(|number| numbered(alias, number)).find(|name| !is_taken(name));
            let free = free.expect("only so many names are taken");
            keys.for_client.insert(free.to_string(), alias.to_string());
            keys.for_router.insert(alias.clone(), free);
        }
        keys
    }

    /// What no response key begins with.
    pub fn unused_prefix(&self) -> &str {
        &self.unused_prefix
    }

    /// The alias for the router.
    pub fn for_router(&self, field: &Field) -> Option<Name> {
        let alias = field.alias.as_ref().filter(|alias| **alias != field.name)?;
        Some(self.for_router.get(alias).unwrap_or(alias).clone())
    }

    /// Another key for the router, that stands for the same key of the client in objects of one type.
    pub fn of_type(&mut self, key: &Name, place: usize) -> Name {
        let text = format!("{}{place}_{key}", self.unused_prefix);
        let for_client = self.for_client(key).to_owned();
        self.for_client.insert(text.clone(), for_client);
        Name::new(&text).expect("a name with letters before it is a name")
    }

    /// `None` if no key is renamed.
    pub fn into_used(self) -> Option<Self> {
        (!self.for_client.is_empty() || !self.separators.is_empty()).then_some(self)
    }

    /// Adds keys that only hive-router gets, and that are removed from the response.
    pub fn add_separators(&mut self, keys: Vec<Name>) {
        self.separators.extend(keys);
    }

    /// Restores the client's keys in a response, or in an event of a subscription. Invalid JSON stays as it is.
    pub fn restore(&self, json: &str) -> String {
        let mut restored = String::with_capacity(json.len());
        match serde_json::from_str(json) {
            Ok(response) => self.restore_response(&response, &mut restored),
            Err(_) => json.clone_into(&mut restored),
        }
        restored
    }

    fn restore_response(&self, response: &Entries<'_>, restored: &mut String) {
        response.write(restored, |name, value, restored| {
            write_key(name, restored);
            match name {
                "data" => self.restore_keys(value, restored),
                "errors" => write_list(value, restored, |error, restored| self.restore_error(error, restored)),
                // Apollo's multipart protocol.
                "payload" => match serde_json::from_str(value.get()) {
                    Ok(response) => self.restore_response(&response, restored),
                    Err(_) => restored.push_str(value.get()),
                },
                _ => restored.push_str(value.get()),
            }
        });
    }

    fn restore_keys(&self, value: &RawValue, restored: &mut String) {
        match value.get().as_bytes().first() {
            Some(b'{') => {
                let is_for_client = |key: &str| !self.separators.contains(key);
                entries(value).filtered(is_for_client).write(restored, |key, value, restored| {
                    write_key(self.for_client(key), restored);
                    self.restore_keys(value, restored);
                });
            }
            Some(b'[') => write_list(value, restored, |item, restored| self.restore_keys(item, restored)),
            _ => restored.push_str(value.get()),
        }
    }

    fn restore_error(&self, error: &RawValue, restored: &mut String) {
        entries(error).write(restored, |name, value, restored| {
            write_key(name, restored);
            match name {
                "path" => write_list(value, restored, |segment, restored| {
                    match serde_json::from_str::<String>(segment.get()) {
                        Ok(key) => write_string(self.for_client(&key), restored),
                        Err(_) => restored.push_str(segment.get()),
                    }
                }),
                _ => restored.push_str(value.get()),
            }
        });
    }

    fn for_client<'key>(&'key self, key: &'key str) -> &'key str {
        self.for_client.get(key).map_or(key, String::as_str)
    }
}

fn numbered(alias: &Name, number: usize) -> Name {
    // The router may give a meaning to names with leading underscores.
    let text = format!("alias{number}_{alias}");
    Name::new(&text).expect("a name with letters before it is a name")
}

/// Collects the aliases of a selection set, with duplicates.
pub fn collect_aliases(set: &SelectionSet, aliases: &mut impl Extend<Name>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                aliases.extend(field.alias.iter().filter(|alias| **alias != field.name).cloned());
                field.selection_set.iter().for_each(|set| collect_aliases(set, aliases));
            }
            Selection::InlineFragment(fragment) => collect_aliases(&fragment.selection_set, aliases),
            Selection::FragmentSpread(_) => {}
        }
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

    fn keys(text: &str) -> ResponseKeys {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a document");
        ResponseKeys::of(&document, graph.field_names())
    }

    fn renamed(text: &str) -> Vec<(String, String)> {
        let mut renamed: Vec<_> =
            keys(text).for_router.iter().map(|(client, router)| (client.to_string(), router.to_string())).collect();
        renamed.sort();
        renamed
    }

    #[test]
    fn upstream_loses_a_key_whose_name_is_an_alias() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let document = safe_parse_operation("{ courses(first: 1) { nodes { teacher { id: name role } } } }");
        let document = document.expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
        let overrides = PlannerOverrideContext::from_percentage(0.0);
        let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());

        let plan = serde_json::to_string(&plan.expect("a plan")).expect("it is JSON");

        // The value is under the alias, and is looked up under its own name.
        assert!(plan.contains("_internal_qp_alias_0: id"), "{plan}");
    }

    #[test]
    fn keys_that_are_names_of_fields_are_others_on_the_way() {
        assert_eq!(renamed("{ me { id name } }"), []);
        assert_eq!(renamed("{ me { id: id who: name } }"), []);
        assert_eq!(renamed("{ me { id: name } }"), [("id".to_owned(), "alias0_id".to_owned())]);
        assert_eq!(renamed("{ me { id: name alias0_id: role } }"), [("id".to_owned(), "alias1_id".to_owned())],);
        assert_eq!(
            renamed("{ me { ...F } } fragment F on User { __typename: name _a: role teacher: id }"),
            ["__typename", "_a", "teacher"].map(|name| (name.to_owned(), format!("alias0_{name}"))),
        );
    }

    #[test]
    fn a_response_has_the_clients_keys_in_its_order_and_nothing_else_changes() {
        let keys = keys("{ me { id: name courses { nodes { level: title } } } }");

        let restored = keys.restore(
            r#"{"data":{"me":{"alias0_id":"alias0_id \"x\"","courses":{"nodes":[{"alias0_level":null,"n":1.50},{"alias0_level":"a"}]}}},"errors":[{"message":"alias0_id","path":["me","courses","nodes",0,"alias0_level"],"extensions":{"code":"alias0_id"}}],"extensions":{"alias0_id":1}}"#,
        );

        assert_eq!(
            restored,
            r#"{"data":{"me":{"id":"alias0_id \"x\"","courses":{"nodes":[{"level":null,"n":1.50},{"level":"a"}]}}},"errors":[{"message":"alias0_id","path":["me","courses","nodes",0,"level"],"extensions":{"code":"alias0_id"}}],"extensions":{"alias0_id":1}}"#,
        );
        assert_eq!(keys.restore(r#"{"data":null}"#), r#"{"data":null}"#);
        assert_eq!(keys.restore("no JSON"), "no JSON");
    }
}

//! hive-router sends consecutive root fields of a mutation to the same subgraph in one request, and fetches the rest of
//! their payloads from other subgraphs after all of them: then the first payload shows the effect of the second field.
//! So they are separated by a `__typename`, which belongs to another subgraph and is never fetched
//! ([`super::root_typename`]). It is removed from the response.
//!
//! Upstream does so on purpose; no issue is known. `upstream_sends_two_mutations_of_a_subgraph_at_once` fails once it
//! does not.

use apollo_compiler::{ExecutableDocument, Name, Schema, ast::OperationType, collections::HashSet, name};

use super::response_keys::collect_aliases;

/// The aliases that `limits.max_aliases` allows a document. If they do not suffice, later fields are not separated.
const MAX_ALIASES: usize = 30;

/// Separates the root fields of a mutation; returns the response keys of the separators.
pub fn separate(document: &mut ExecutableDocument, schema: &Schema) -> Vec<Name> {
    let Ok(operation) = document.operations.get_mut(None) else { return Vec::new() };
    if operation.operation_type != OperationType::Mutation || operation.selection_set.selections.len() < 2 {
        return Vec::new();
    }
    let mut aliases = Vec::new();
    collect_aliases(&operation.selection_set, &mut aliases);
    let left = MAX_ALIASES.saturating_sub(aliases.len());
    let taken: HashSet<_> = aliases.into_iter().collect();
    let mut free = (0..=taken.len() + left).map(numbered).filter(|name| !taken.contains(name)).take(left);

    let set = &mut operation.selection_set;
    let mut separators = Vec::new();
    let mut separated = Vec::with_capacity(2 * set.selections.len());
    for (number, selection) in set.selections.iter().cloned().enumerate() {
        let separator = if number == 0 { None } else { free.next() };
        if let Some(alias) = separator
            && let Ok(field) = set.new_field(schema, name!("__typename"))
        {
            separated.push(field.with_alias(alias.clone()).into());
            separators.push(alias);
        }
        separated.push(selection);
    }
    set.selections = separated;
    separators
}

fn numbered(number: usize) -> Name {
    Name::new(&format!("separator{number}")).expect("digits may end a name")
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

    const TWO: &str = "mutation { a: markNotificationRead(input: { notificationId: 1 }) { notification { user { name } } } \
                       b: markNotificationRead(input: { notificationId: 2 }) { notification { id } } }";

    fn separated(text: &str) -> String {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let document = ExecutableDocument::parse_and_validate(graph.schema(), text, "test").expect("a document");
        let mut document = document.into_inner();
        separate(&mut document, graph.schema());
        document.serialize().no_indent().to_string()
    }

    /// The subgraphs of the query plan, in order.
    fn steps(text: &str) -> Vec<String> {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let document = safe_parse_operation(text).expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
        let overrides = PlannerOverrideContext::from_percentage(0.0);
        let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());
        let plan = serde_json::to_string(&plan.expect("a plan")).expect("it is JSON");
        plan.split("\"serviceName\":\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    }

    #[test]
    fn upstream_sends_two_mutations_of_a_subgraph_at_once() {
        assert_eq!(steps(TWO), ["notification", "identity"]);
        assert_eq!(steps(&separated(TWO)), ["notification", "identity", "course", "notification"]);
    }

    #[test]
    fn what_comes_between_has_a_key_of_its_own_and_no_more_than_there_may_be() {
        let logout = "logout(input: {refreshToken: \"x\"}) { userErrors { code } }";
        let all = |aliases: &[&str]| {
            let fields: Vec<_> = aliases.iter().map(|alias| format!("{alias}: {logout}")).collect();
            separated(&format!("mutation {{ {} }}", fields.join(" ")))
        };

        assert_eq!(separated(&format!("mutation {{ {logout} }}")), format!("mutation {{ {logout} }}"));
        assert!(all(&["a", "separator0"]).contains("} } separator1: __typename separator0: logout"));
        let names: Vec<_> = (0..25).map(|number| format!("a{number}")).collect();
        let many = all(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(many.matches("__typename").count(), 5);
    }
}

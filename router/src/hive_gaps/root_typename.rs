//! hive-router queries the first subgraph for the name of the graph's root types, waits for it, and reports its outage
//! as an error; then it resolves the name itself. Clients send `{ __typename }` as a health check, which must not
//! depend on a subgraph. So no subgraph is queried.
//!
//! No upstream issue is known. `upstream_queries_a_subgraph_for_the_name_of_the_root` fails once it is fixed.

use hive_router::{
    executor::response::subgraph_response::SubgraphResponse,
    plugins::{
        hooks::on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

pub fn on_subgraph_execute(payload: OnSubgraphExecuteStartHookPayload<'_>) -> OnSubgraphExecuteStartHookResult<'_> {
    if selects_only_typename(payload.execution_request.query) {
        return payload.end_with_response(SubgraphResponse::default());
    }
    payload.proceed()
}

/// Whether a document, as hive-router serializes it, selects nothing but `__typename`.
fn selects_only_typename(query: &str) -> bool {
    let selections = query.strip_prefix("mutation").unwrap_or(query).trim();
    let selections = selections.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let is_typename = |word: &str| word.ends_with(':') || word.rsplit(':').next() == Some("__typename");
    selections.is_some_and(|selections| selections.split_whitespace().all(is_typename))
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

    use super::*;

    #[test]
    fn upstream_queries_a_subgraph_for_the_name_of_the_root() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let document = safe_parse_operation("{ a: __typename __typename }").expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
        let overrides = PlannerOverrideContext::from_percentage(0.0);
        let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());

        let plan = serde_json::to_value(plan.expect("a plan")).expect("it is JSON");

        let query = plan["node"]["operation"].as_str().expect("a fetch");
        assert!(selects_only_typename(query), "{query}");
    }

    #[test]
    fn every_other_query_is_sent() {
        for alone in ["{__typename}", "mutation{__typename}", "{a:__typename b: __typename __typename}"] {
            assert!(selects_only_typename(alone), "{alone}");
        }
        for more in
            ["{me{__typename}}", "{__typename me{name}}", "{__typename:level}", "{courses{totalCount} __typename}"]
        {
            assert!(!selects_only_typename(more), "{more}");
        }
    }
}

//! Operation costs, computed by hive-router's planner without a running router.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow};
use apollo_compiler::{ExecutableDocument, Schema, validation::Valid};
use graphql_tools::parser::query::{Definition, Document, OperationDefinition};
use hive_router::{
    executor::introspection::partition::partition_operation,
    query_planner::{
        ast::normalization::normalize_operation,
        graph::PlannerOverrideContext,
        planner::{self, QueryPlannerOptions, plan_nodes::planning::PlanNode},
        utils::{
            cancellation::CancellationToken,
            parsing::{safe_parse_operation, safe_parse_schema},
        },
    },
};
use serde::Serialize;

use crate::{cost::operation::OperationCost, hive_gaps::documents::graph::api_schema};

/// The router's work for one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanCost {
    /// Number of requests to subgraphs.
    pub fetches: usize,
    /// Number of requests that run one after another.
    pub steps: usize,
    /// The maximum estimated cost in microseconds, with default page sizes and without values for variables.
    pub micros: u64,
}

impl PlanCost {
    const FETCH: Self = Self { fetches: 1, steps: 1, micros: 0 };

    fn then(self, next: Self) -> Self {
        Self { steps: self.steps + next.steps, ..self.parallel(next) }
    }

    fn parallel(self, other: Self) -> Self {
        Self {
            fetches: self.fetches + other.fetches,
            steps: self.steps.max(other.steps),
            micros: self.micros.saturating_add(other.micros),
        }
    }
}

/// The query planner of one supergraph.
pub struct Planner {
    planner: planner::Planner,
    api: Valid<Schema>,
}

impl Planner {
    /// Builds a planner from a supergraph.
    ///
    /// # Errors
    /// If the text is not valid GraphQL SDL, or not a supergraph that the planner accepts.
    pub fn new(supergraph: &str) -> Result<Self> {
        let document = safe_parse_schema(supergraph).context("cannot parse the supergraph")?;
        let planner = planner::Planner::new_from_supergraph(&document, QueryPlannerOptions::default())
            .context("cannot plan queries on the supergraph")?;
        let api = api_schema(&planner.consumer_schema.document.to_string());
        let api = api.map_err(|errors| anyhow!("the supergraph's API schema is not valid: {errors}"))?;
        Ok(Self { planner, api })
    }

    /// The cost of all operations of a document: an upper bound, since a client runs one of them.
    ///
    /// # Errors
    /// If the text is not a valid document, or not one that the router would execute.
    pub fn cost(&self, document: &str) -> Result<PlanCost> {
        let micros = self.micros(document)?;
        let document = safe_parse_operation(document).context("cannot parse the document")?;
        let costs: Result<Vec<PlanCost>> =
            names(&document).map(|name| self.cost_of(&document, name.as_deref())).collect();
        let planned = costs?.into_iter().fold(PlanCost::default(), PlanCost::parallel);
        Ok(PlanCost { micros, ..planned })
    }

    fn micros(&self, document: &str) -> Result<u64> {
        let parsed = ExecutableDocument::parse_and_validate(&self.api, document, "operation.graphql");
        let document = parsed.map_err(|invalid| anyhow!("{}", invalid.errors))?;
        let (graph, nothing) = (&self.planner.supergraph, HashMap::new());
        let costs = document.operations.iter().map(|one| OperationCost::of(one, &document.fragments, graph));
        Ok(costs.map(|cost| cost.estimate(&nothing)).fold(0, u64::saturating_add))
    }

    fn cost_of(&self, document: &Document<'static, String>, name: Option<&str>) -> Result<PlanCost> {
        let normalized =
            normalize_operation(&self.planner.supergraph, document, name).map_err(|error| anyhow!("{error}"))?;
        // Introspection, which the router resolves itself, is not planned.
        let operation = partition_operation(normalized.operation).downstream_operation;
        if operation.selection_set.is_empty() {
            return Ok(PlanCost::default());
        }
        let overrides = PlannerOverrideContext::from_percentage(0.0);
        let plan = self.planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new())?;
        Ok(plan.node.as_ref().map_or_else(PlanCost::default, cost))
    }
}

fn names(document: &Document<'static, String>) -> impl Iterator<Item = Option<String>> {
    document.definitions.iter().filter_map(|definition| match definition {
        Definition::Operation(OperationDefinition::Query(query)) => Some(query.name.clone()),
        Definition::Operation(OperationDefinition::Mutation(mutation)) => Some(mutation.name.clone()),
        Definition::Operation(OperationDefinition::Subscription(subscription)) => Some(subscription.name.clone()),
        Definition::Operation(OperationDefinition::SelectionSet(_)) => Some(None),
        Definition::Fragment(_) => None,
    })
}

fn cost(node: &PlanNode) -> PlanCost {
    let of = |node: &Option<Box<PlanNode>>| node.as_deref().map_or_else(PlanCost::default, cost);
    match node {
        PlanNode::Fetch(_) | PlanNode::BatchFetch(_) | PlanNode::Subscription(_) => PlanCost::FETCH,
        PlanNode::Sequence(sequence) => sequence.nodes.iter().map(cost).fold(PlanCost::default(), PlanCost::then),
        PlanNode::Parallel(parallel) => parallel.nodes.iter().map(cost).fold(PlanCost::default(), PlanCost::parallel),
        PlanNode::Flatten(flatten) => cost(&flatten.node),
        PlanNode::Defer(defer) => {
            defer.deferred.iter().map(|deferred| of(&deferred.node)).fold(of(&defer.primary.node), PlanCost::then)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPERGRAPH: &str = include_str!("../../supergraph.graphql");

    fn cost_of(document: &str) -> PlanCost {
        let planner = Planner::new(SUPERGRAPH).expect("the supergraph is valid");
        planner.cost(document).expect("the document can be planned")
    }

    fn subgraph_cost(document: &str) -> PlanCost {
        PlanCost { micros: 0, ..cost_of(document) }
    }

    #[test]
    fn a_longer_page_costs_more() {
        let micros = |first: u32| cost_of(&format!("{{ courses(first: {first}) {{ nodes {{ title }} }} }}")).micros;

        assert!(0 < micros(1) && micros(1) < micros(2), "{} {}", micros(1), micros(2));
    }

    #[test]
    fn one_subgraph_is_one_fetch() {
        assert_eq!(subgraph_cost("{ courses { nodes { id title } } }"), PlanCost::FETCH);
    }

    #[test]
    fn a_fetch_that_waits_for_another_is_a_step() {
        assert_eq!(
            subgraph_cost("{ courses { nodes { teacher { name } } } }"),
            PlanCost { fetches: 2, steps: 2, micros: 0 }
        );
    }

    #[test]
    fn parallel_fetches_are_one_step() {
        let cost = subgraph_cost(
            r#"{ course(id: "a") { title } payment(id: "b") { amount } notification(id: "c") { title } }"#,
        );

        assert_eq!(cost, PlanCost { fetches: 3, steps: 1, micros: 0 });
    }

    #[test]
    fn introspection_needs_no_fetch() {
        assert_eq!(subgraph_cost("{ __schema { queryType { name } } }"), PlanCost::default());
    }

    #[test]
    fn each_operation_of_a_document_counts() {
        let cost =
            subgraph_cost("query A { courses { totalCount } } query B { courses { nodes { teacher { name } } } }");

        assert_eq!(cost, PlanCost { fetches: 3, steps: 2, micros: 0 });
    }

    #[test]
    fn what_the_graph_does_not_have_cannot_be_planned() {
        let planner = Planner::new(SUPERGRAPH).expect("the supergraph is valid");

        assert!(planner.cost("{ weather }").is_err());
        assert!(planner.cost("{ courses {").is_err());
        assert!(Planner::new("type Query {").is_err());
    }
}

//! What operations cost, as hive-router's planner has it: asked without a running router.

use anyhow::{Context, Result, anyhow};
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

/// How much the router asks of the subgraphs for one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Requests to subgraphs.
    pub fetches: usize,
    /// How many of them wait for one another.
    pub steps: usize,
}

impl Cost {
    const FETCH: Self = Self { fetches: 1, steps: 1 };

    fn then(self, next: Self) -> Self {
        Self { fetches: self.fetches + next.fetches, steps: self.steps + next.steps }
    }

    fn beside(self, other: Self) -> Self {
        Self { fetches: self.fetches + other.fetches, steps: self.steps.max(other.steps) }
    }
}

/// The planner of one supergraph.
pub struct Planner(planner::Planner);

impl Planner {
    /// Reads a supergraph.
    ///
    /// # Errors
    /// When it is no schema, or none that can be planned on.
    pub fn new(supergraph: &str) -> Result<Self> {
        let document = safe_parse_schema(supergraph).context("the supergraph is no schema")?;
        let planner = planner::Planner::new_from_supergraph(&document, QueryPlannerOptions::default())
            .context("nothing can be planned on the supergraph")?;
        Ok(Self(planner))
    }

    /// The cost of all operations of a document: who sends it runs one of them.
    ///
    /// # Errors
    /// When it is no document, or one that the router could not answer.
    pub fn cost(&self, document: &str) -> Result<Cost> {
        let document = safe_parse_operation(document).context("it cannot be parsed")?;
        let costs: Result<Vec<Cost>> = names(&document).map(|name| self.cost_of(&document, name.as_deref())).collect();
        Ok(costs?.into_iter().fold(Cost::default(), Cost::beside))
    }

    fn cost_of(&self, document: &Document<'static, String>, name: Option<&str>) -> Result<Cost> {
        let normalized = normalize_operation(&self.0.supergraph, document, name).map_err(|error| anyhow!("{error}"))?;
        // What the router answers itself, introspection, is not planned.
        let operation = partition_operation(normalized.operation).downstream_operation;
        if operation.selection_set.is_empty() {
            return Ok(Cost::default());
        }
        let everybody = PlannerOverrideContext::from_percentage(0.0);
        let plan = self.0.plan_from_normalized_operation(&operation, everybody, &CancellationToken::new())?;
        Ok(plan.node.as_ref().map_or_else(Cost::default, cost))
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

fn cost(node: &PlanNode) -> Cost {
    let of = |node: &Option<Box<PlanNode>>| node.as_deref().map_or_else(Cost::default, cost);
    match node {
        PlanNode::Fetch(_) | PlanNode::BatchFetch(_) | PlanNode::Subscription(_) => Cost::FETCH,
        PlanNode::Sequence(sequence) => sequence.nodes.iter().map(cost).fold(Cost::default(), Cost::then),
        PlanNode::Parallel(parallel) => parallel.nodes.iter().map(cost).fold(Cost::default(), Cost::beside),
        PlanNode::Flatten(flatten) => cost(&flatten.node),
        PlanNode::Defer(defer) => {
            defer.deferred.iter().map(|deferred| of(&deferred.node)).fold(of(&defer.primary.node), Cost::then)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPERGRAPH: &str = include_str!("../../supergraph.graphql");

    fn cost_of(document: &str) -> Cost {
        let planner = Planner::new(SUPERGRAPH).expect("the supergraph is valid");
        planner.cost(document).expect("the document can be planned")
    }

    #[test]
    fn one_subgraph_is_one_fetch() {
        assert_eq!(cost_of("{ courses { nodes { id title } } }"), Cost { fetches: 1, steps: 1 });
    }

    #[test]
    fn who_waits_for_another_is_a_step_more() {
        assert_eq!(cost_of("{ courses { nodes { teacher { name } } } }"), Cost { fetches: 2, steps: 2 });
    }

    #[test]
    fn who_waits_for_nobody_is_not() {
        let cost =
            cost_of(r#"{ course(id: "a") { title } payment(id: "b") { amount } notification(id: "c") { title } }"#);

        assert_eq!(cost, Cost { fetches: 3, steps: 1 });
    }

    #[test]
    fn introspection_asks_nobody() {
        assert_eq!(cost_of("{ __schema { queryType { name } } }"), Cost::default());
    }

    #[test]
    fn each_operation_of_a_document_counts() {
        let cost = cost_of("query A { courses { totalCount } } query B { courses { nodes { teacher { name } } } }");

        assert_eq!(cost, Cost { fetches: 3, steps: 2 });
    }

    #[test]
    fn what_the_graph_does_not_have_cannot_be_planned() {
        let planner = Planner::new(SUPERGRAPH).expect("the supergraph is valid");

        assert!(planner.cost("{ weather }").is_err());
        assert!(planner.cost("{ courses {").is_err());
        assert!(Planner::new("type Query {").is_err());
    }
}

//! The costs of operations on a supergraph, as `lyceum plan` prints them, but for the time that subgraphs take: in a
//! program that anybody can build without Lyceum, since it has hive-router's query planner and nothing else of a router.

use std::{
    io::{Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use clap::{Parser, Subcommand};
use graphql_tools::parser::query::{Definition, Document, OperationDefinition};
use hive_router_query_planner::{
    ast::{normalization::normalize_operation, selection_item::SelectionItem},
    graph::PlannerOverrideContext,
    planner::{self, QueryPlannerOptions, plan_nodes::PlanNode},
    utils::{
        cancellation::CancellationToken,
        parsing::{safe_parse_operation, safe_parse_schema},
    },
};
use serde::Serialize;

/// Plans GraphQL operations on a supergraph, for `lyceum-schema check`.
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print how many requests to subgraphs a router needs for an operation, and how many sequential steps.
    ///
    /// Prints JSON: for each file, in order, `{"fetches": 2, "steps": 2}` or `{"error": "…"}`.
    Plan {
        /// The supergraph to plan on.
        #[arg(long, value_name = "FILE")]
        supergraph: PathBuf,

        /// The files with the documents, one in each.
        #[arg(required = true)]
        operations: Vec<PathBuf>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Planned(PlanCost),
    Impossible { error: String },
}

/// The router's work for one document.
#[derive(Clone, Copy, Default, Serialize)]
struct PlanCost {
    /// Number of requests to subgraphs.
    fetches: usize,
    /// Number of requests that run one after another.
    steps: usize,
}

impl PlanCost {
    const FETCH: Self = Self { fetches: 1, steps: 1 };

    fn then(self, next: Self) -> Self {
        Self { fetches: self.fetches + next.fetches, steps: self.steps + next.steps }
    }

    fn parallel(self, other: Self) -> Self {
        Self { fetches: self.fetches + other.fetches, steps: self.steps.max(other.steps) }
    }
}

fn main() -> Result<()> {
    let Command::Plan { supergraph, operations } = CommandLine::parse().command;
    let planner =
        planner_of(&read(&supergraph)?).with_context(|| format!("cannot plan on {}", supergraph.display()))?;
    let outcomes: Result<Vec<Outcome>> = operations.iter().map(|file| Ok(outcome(&planner, &read(file)?))).collect();
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&outcomes?)?)?;
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn planner_of(supergraph: &str) -> Result<planner::Planner> {
    let document = safe_parse_schema(supergraph).context("cannot parse the supergraph")?;
    planner::Planner::new_from_supergraph(&document, QueryPlannerOptions::default())
        .context("cannot plan queries on the supergraph")
}

fn outcome(planner: &planner::Planner, document: &str) -> Outcome {
    match cost_of_document(planner, document) {
        Ok(cost) => Outcome::Planned(cost),
        Err(error) => Outcome::Impossible { error: format!("{error:#}") },
    }
}

/// The cost of all operations of a document: an upper bound, since a client runs one of them.
fn cost_of_document(planner: &planner::Planner, document: &str) -> Result<PlanCost> {
    let document = safe_parse_operation(document).context("cannot parse the document")?;
    let costs: Result<Vec<PlanCost>> =
        names(&document).map(|name| cost_of_operation(planner, &document, name.as_deref())).collect();
    Ok(costs?.into_iter().fold(PlanCost::default(), PlanCost::parallel))
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

fn cost_of_operation(
    planner: &planner::Planner,
    document: &Document<'static, String>,
    name: Option<&str>,
) -> Result<PlanCost> {
    let mut operation =
        normalize_operation(&planner.supergraph, document, name).map_err(|error| anyhow!("{error}"))?.operation;
    // Routers answer introspection themselves.
    operation.selection_set.items.retain(|item| !is_introspection(item));
    if operation.selection_set.is_empty() {
        return Ok(PlanCost::default());
    }
    let overrides = PlannerOverrideContext::from_percentage(0.0);
    let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new())?;
    Ok(plan.node.as_ref().map_or_else(PlanCost::default, cost_of_node))
}

fn is_introspection(item: &SelectionItem) -> bool {
    matches!(item, SelectionItem::Field(field) if ["__schema", "__type"].contains(&field.name.as_str()))
}

fn cost_of_node(node: &PlanNode) -> PlanCost {
    let of = |node: &Option<Box<PlanNode>>| node.as_deref().map_or_else(PlanCost::default, cost_of_node);
    let each = |nodes: &[PlanNode], and: fn(PlanCost, PlanCost) -> PlanCost| {
        nodes.iter().map(cost_of_node).fold(PlanCost::default(), and)
    };
    match node {
        PlanNode::Fetch(_) | PlanNode::BatchFetch(_) | PlanNode::Subscription(_) => PlanCost::FETCH,
        PlanNode::Sequence(sequence) => each(&sequence.nodes, PlanCost::then),
        PlanNode::Parallel(parallel) => each(&parallel.nodes, PlanCost::parallel),
        PlanNode::Flatten(flatten) => cost_of_node(&flatten.node),
        PlanNode::Condition(condition) => of(&condition.if_clause).parallel(of(&condition.else_clause)),
        PlanNode::Defer(defer) => {
            defer.deferred.iter().map(|deferred| of(&deferred.node)).fold(of(&defer.primary.node), PlanCost::then)
        }
    }
}

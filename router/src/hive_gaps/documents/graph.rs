//! The schema that documents are validated against, and the cache of valid documents.

use std::{sync::Arc, time::Duration};

use apollo_compiler::{
    ExecutableDocument, Name, Schema,
    collections::HashSet,
    schema::ExtendedType,
    validation::{DiagnosticList, Valid},
};
use graphql_tools::static_graphql::query::Document as QueryDocument;
use hive_router::{
    plugins::hooks::on_graphql_params::GraphQLParams, query_planner::state::supergraph_state::SupergraphState,
};
use moka::sync::Cache;

use super::{operation_selection::select, parser::parse};
use crate::{
    cost::operation::OperationCost,
    hive_gaps::{
        conditions::Conditions,
        request_errors::{RequestErrors, from_diagnostics},
        response_keys::{self, ResponseKeys},
    },
    node_fields::NodeFields,
};

/// The maximum of an operation after rewriting: escaping can make a document six times as long, and hive-router's caches
/// limit the number of documents, not their size.
pub const MAX_REWRITTEN_BYTES: usize = 64 * 1024;
/// The maximum for several numbers of ids: an operation that is longer has a plan for each number, so that ids that nobody
/// has sent exceed no limit, such as that of tokens.
pub const MAX_PLANNED_BYTES: usize = MAX_REWRITTEN_BYTES / 2;
/// The maximum size of one graph's cached documents.
const MAX_CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// Same as in hive-router's caches.
const TIME_TO_IDLE: Duration = Duration::from_secs(20);
/// The size of a parsed document and its rewritten operations, as a multiple of its text.
const PARSED_SIZE: usize = 20;
/// The maximum of cached operations: same as in hive-router's caches.
const MAX_OPERATIONS: u64 = 200;

/// Rejected documents are not cached.
pub struct Graph {
    schema: Valid<Schema>,
    /// The field names of all types.
    field_names: HashSet<Name>,
    /// The cost directives; `None` in some tests.
    weights: Option<Arc<SupergraphState>>,
    documents: Cache<String, Arc<Document>>,
    operations: Cache<OperationKey, Arc<RouterOperation>>,
}

pub type Document = Valid<ExecutableDocument>;

/// The operation of a document, with its conditions evaluated.
#[derive(PartialEq, Eq, Hash)]
pub struct OperationKey {
    pub document: String,
    pub operation: Option<Name>,
    pub conditions: Conditions,
}

/// An operation as rewritten for hive-router.
pub struct RouterOperation {
    pub text: String,
    /// What hive-router validates in its place, so that its limits are those of what the client has written.
    pub validated: Option<Arc<QueryDocument>>,
    pub nodes: Option<Arc<NodeFields>>,
    pub response_keys: Option<Arc<ResponseKeys>>,
    /// The new name of the variable whose name hive-router reserves.
    pub variable_name: Option<Name>,
    pub cost: Option<Arc<OperationCost>>,
    /// Always set, so that hive-router's caches have the operation once, whether or not the client names it.
    pub name: Option<Name>,
}

/// A client's document, and its operation as rewritten for hive-router.
pub type Rewritten = Result<(Arc<Document>, Arc<RouterOperation>), RequestErrors>;

impl Graph {
    /// Parses the API schema.
    pub fn new(sdl: &str) -> Result<Self, DiagnosticList> {
        let schema = api_schema(sdl)?;
        let field_names = schema.types.values().flat_map(response_keys::field_names).cloned().collect();
        let weigh = |text: &String, _: &Arc<Document>| u32::try_from(text.len() * PARSED_SIZE).unwrap_or(u32::MAX);
        let documents =
            Cache::builder().weigher(weigh).max_capacity(MAX_CACHE_BYTES).time_to_idle(TIME_TO_IDLE).build();
        let operations = Cache::builder().max_capacity(MAX_OPERATIONS).time_to_idle(TIME_TO_IDLE).build();
        Ok(Self { schema, field_names, weights: None, documents, operations })
    }

    /// Enables the costs of operations.
    pub fn with_weights(self, supergraph: &Arc<SupergraphState>) -> Self {
        Self { weights: Some(Arc::clone(supergraph)), ..self }
    }

    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    pub fn field_names(&self) -> &HashSet<Name> {
        &self.field_names
    }

    /// The cost of a document's only operation.
    pub fn cost(&self, document: &ExecutableDocument) -> Option<OperationCost> {
        let (weights, operation) = self.weights.as_deref().zip(document.operations.iter().next())?;
        Some(OperationCost::of(operation, &document.fragments, weights))
    }

    /// The cached document, or else a newly validated one.
    pub fn document(&self, text: &str) -> Result<Arc<Document>, RequestErrors> {
        if let Some(cached) = self.documents.get(text) {
            return Ok(cached);
        }
        let document = parse(text)?.to_executable_validate(&self.schema);
        let document = document.map_err(|invalid| from_diagnostics(&invalid.errors, "GRAPHQL_VALIDATION_FAILED"))?;
        Ok(Arc::new(document))
    }

    /// The cached rewrite of an operation, if there is one.
    pub fn cached(&self, text: &str, name: Option<&str>, params: &GraphQLParams) -> Option<Rewritten> {
        let document = self.documents.get(text)?;
        let (operation, conditions) = match select(&document, name, params, &self.schema) {
            Ok(selected) => selected,
            Err(errors) => return Some(Err(errors)),
        };
        let cached = |conditions| {
            let key = OperationKey { document: text.to_owned(), operation: operation.name.clone(), conditions };
            self.operations.get(&key)
        };
        let planned = conditions.planned().and_then(cached).filter(|cached| cached.text.len() <= MAX_PLANNED_BYTES);
        let operation = planned.or_else(|| cached(conditions))?;
        Some(Ok((document, operation)))
    }

    /// Caches an operation.
    pub fn cache(&self, key: OperationKey, document: &Arc<Document>, operation: &Arc<RouterOperation>) {
        self.documents.insert(key.document.clone(), Arc::clone(document));
        self.operations.insert(key, Arc::clone(operation));
    }

    pub fn evict_idle(&self) {
        self.documents.run_pending_tasks();
        self.operations.run_pending_tasks();
    }
}

/// The API schema as hive-router has it, which includes the types and fields of introspection.
pub fn api_schema(sdl: &str) -> Result<Valid<Schema>, DiagnosticList> {
    let builder = Schema::builder().ignore_builtin_redefinitions().parse(sdl, "api.graphql");
    let mut schema = builder.build().map_err(|invalid| invalid.errors)?;
    for kind in schema.types.values_mut() {
        if let ExtendedType::Object(object) = kind {
            object.make_mut().fields.retain(|name, _| !name.starts_with("__"));
        }
    }
    schema.validate().map_err(|invalid| invalid.errors)
}

#[cfg(test)]
mod tests {
    use super::{
        super::rewriter::{DocumentLimits, Rewriter},
        *,
    };

    #[test]
    fn as_many_operations_are_known_for_as_long_as_in_hive_routers_caches() {
        let config: serde_json::Value =
            serde_yaml_ng::from_str(include_str!("../../../router.config.yaml")).expect("it is valid");
        let plans = &config["cache"]["supergraph"]["query_plans"];

        assert_eq!(plans["max_entries"], MAX_OPERATIONS);
        assert_eq!(plans["time_to_idle"], format!("{}s", TIME_TO_IDLE.as_secs()));
    }

    #[test]
    fn nothing_that_is_rejected_is_cached() {
        let graph = Graph::new(include_str!("../../../../api.graphql")).expect("the schema is valid");
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let params = GraphQLParams::default();
        for text in
            ["query A { __typename } query B { __typename }", "query ($a: Int!) { courses(first: $a) { totalCount } }"]
        {
            assert!(rewriter.operation(&graph, text, None, &params).is_err(), "{text}");
        }
        let valid = "{ courses { totalCount } }";
        assert!(graph.cached(valid, None, &params).is_none());
        assert!(rewriter.operation(&graph, valid, None, &params).is_ok());
        assert!(graph.cached(valid, None, &params).is_some());
        graph.evict_idle();
        assert_eq!((graph.documents.entry_count(), graph.operations.entry_count()), (1, 1));
    }

    #[test]
    fn the_schema_as_the_router_has_it_can_be_read() {
        use hive_router::query_planner::{
            planner::{Planner, QueryPlannerOptions},
            utils::parsing::safe_parse_schema,
        };

        for supergraph in
            [include_str!("../../../../supergraph.graphql"), include_str!("../../../tests/it/supergraph.graphql")]
        {
            let supergraph = safe_parse_schema(supergraph).expect("it is a schema");
            let planner = Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default());
            let schema = planner.expect("it can be planned on").consumer_schema.document.to_string();

            if let Err(errors) = Graph::new(&schema) {
                panic!("{errors}");
            }
        }
    }
}

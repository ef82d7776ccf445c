//! hive-router's caches go by hashes without a key. Whoever makes two operations of one hash could have somebody else's
//! answered by the plan of their own: by another mutation, on behalf of the other. [`super::documents`] keeps documents
//! apart, by a comment; here the operations are that plans are kept by.
//!
//! No upstream issue is known. `upstream_hashes_operations_without_a_key` fails once its hashes have one.

use std::hash::{BuildHasher as _, RandomState};

use hive_router::{
    GraphQLError, async_trait,
    http::StatusCode,
    plugins::{
        hooks::{
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
        },
        plugin_trait::{RouterPlugin, StartHookPayload as _},
    },
    query_planner::ast::operation::OperationDefinition,
};
use moka::{policy::EvictionPolicy, sync::Cache};
use tracing::warn;

use crate::plugins::NoSettings;

/// A hundred times as many as hive-router caches plans. The least recently used goes first, so that
/// no plan outlives what is known of its operation here.
const MOST_OPERATIONS: u64 = 100_000;

pub struct HashCollisions {
    /// Keyed, and nobody knows the key.
    hasher: RandomState,
    /// By the hash that hive-router goes by, the hash of the one operation that may have it.
    operations: Cache<u128, u64>,
}

impl Default for HashCollisions {
    fn default() -> Self {
        let operations = Cache::builder().max_capacity(MOST_OPERATIONS).eviction_policy(EvictionPolicy::lru());
        Self { hasher: RandomState::new(), operations: operations.build() }
    }
}

#[async_trait]
impl RouterPlugin for HashCollisions {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "hash_collisions"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    /// Plans are kept by the hash of the operation: the first one that has it is the only one.
    async fn on_query_plan<'exec>(
        &'exec self,
        payload: OnQueryPlanStartHookPayload<'exec>,
    ) -> OnQueryPlanStartHookResult<'exec> {
        let operation = payload.filtered_operation_for_plan;
        let own = self.hasher.hash_one(text(operation));
        let known = self.operations.entry(operation.hash()).or_insert(own).into_value();
        if known == own {
            return payload.proceed();
        }
        warn!("a document has the hash of another one");
        payload.end_with_graphql_error(clash(), StatusCode::BAD_REQUEST)
    }
}

/// What makes the plan: not the operation's name, and not the order of its variables.
fn text(operation: &OperationDefinition) -> String {
    let mut operation = OperationDefinition { name: None, ..operation.clone() };
    operation.variable_definitions.iter_mut().for_each(|variables| variables.sort_by(|a, b| a.name.cmp(&b.name)));
    operation.to_string()
}

fn clash() -> GraphQLError {
    GraphQLError::from_message_and_code(
        "The document cannot be told from another one. Change it a little, such as the order of its fields.",
        "BAD_USER_INPUT",
    )
}

#[cfg(test)]
mod tests {
    use hive_router::query_planner::{
        ast::normalization::normalize_operation,
        planner::{Planner, QueryPlannerOptions},
        utils::parsing::{safe_parse_operation, safe_parse_schema},
    };

    #[test]
    fn upstream_hashes_operations_without_a_key() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner = Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default());
        let planner = planner.expect("it can be planned on");
        let document = safe_parse_operation("{ me { id } }").expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;

        // The same in every process, so anybody can compute it.
        assert_eq!(operation.hash(), 307_623_309_989_429_574_073_360_912_824_198_048_175);
    }
}

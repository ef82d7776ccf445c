//! Keeps documents apart that have the same hash.
//!
//! hive-router's caches go by 64-bit hashes without a key. Whoever makes two documents of one hash,
//! which is easy, could have somebody else's document answered by the plan of their own: by another
//! mutation, in the other's name.

use std::hash::{BuildHasher as _, RandomState};

use hive_router::{
    GraphQLError, async_trait,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
        },
        plugin_trait::{EndHookPayload as _, RouterPlugin, StartHookPayload as _},
    },
    query_planner::ast::operation::OperationDefinition,
};
use moka::{policy::EvictionPolicy, sync::Cache};
use tracing::warn;

use super::credentials::NoSettings;

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

    /// A comment that nobody can foresee goes into the hash of the text, by which documents are
    /// parsed, validated and normalized once.
    async fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        payload.on_end(|mut payload| {
            if let Some(query) = &mut payload.graphql_params.query {
                let seal = self.hasher.hash_one(&*query);
                query.extend([" #", &format!("{seal:016x}")]);
            }
            payload.proceed()
        })
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

//! Of a document with several operations, runs the one that the client names.
//!
//! hive-router takes a document for what its first operation is: a mutation behind a query would
//! be let through by GET, and two equal ones at the same moment would be made one. Without a name
//! it runs the first, where GraphQL asks for an error.

use std::sync::Arc;

use graphql_tools::static_graphql::query::{Definition, Document, OperationDefinition};
use hive_router::{
    GraphQLError, async_trait,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_parse::{OnGraphQLParseHookResult, OnGraphQLParseStartHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
};

use super::credentials::NoSettings;

#[derive(Default)]
pub struct ChosenOperation;

#[async_trait]
impl RouterPlugin for ChosenOperation {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "chosen_operation"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    async fn on_graphql_parse<'exec>(
        &'exec self,
        payload: OnGraphQLParseStartHookPayload<'exec>,
    ) -> OnGraphQLParseHookResult<'exec> {
        let name = payload.graphql_params.operation_name.clone();
        payload.on_end(move |mut parsed| {
            if operations(&parsed.document).count() < 2 {
                return parsed.proceed();
            }
            let Some(name) = name else { return parsed.end_with_graphql_error(no_name(), StatusCode::BAD_REQUEST) };
            // All of it stays there, so validation and its cache see what they would see anyway.
            parsed.document = Arc::new(with_first(&parsed.document, &name));
            parsed.proceed()
        })
    }
}

fn no_name() -> GraphQLError {
    GraphQLError::from_message_and_code(
        "The document has several operations: say with `operationName` which one to run.",
        "BAD_USER_INPUT",
    )
}

fn operations(document: &Document) -> impl Iterator<Item = &OperationDefinition> {
    document.definitions.iter().filter_map(|definition| match definition {
        Definition::Operation(operation) => Some(operation),
        Definition::Fragment(_) => None,
    })
}

/// The document with the operation of this name before all else; if there is none, as it is.
fn with_first(document: &Document, name: &str) -> Document {
    let mut document = document.clone();
    document.definitions.sort_by_key(|definition| !is_operation_named(definition, name));
    document
}

fn is_operation_named(definition: &Definition, name: &str) -> bool {
    let Definition::Operation(operation) = definition else { return false };
    let found = match operation {
        OperationDefinition::Query(query) => &query.name,
        OperationDefinition::Mutation(mutation) => &mutation.name,
        OperationDefinition::Subscription(subscription) => &subscription.name,
        OperationDefinition::SelectionSet(_) => &None,
    };
    found.as_deref() == Some(name)
}

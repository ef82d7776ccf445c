//! Rejects invalid credentials. hive-router itself either always requires a token, or treats an invalid one as
//! anonymous. It also accepts a token for a minute after its expiry, which cannot be configured and subgraphs do not
//! do; here it expires at the same time.
//!
//! An empty header is no credentials. And a token that is invalid costs only what needs a viewer: an operation whose
//! mutations prove by their input who asks is executed as if it had none.

use std::time::{SystemTime, UNIX_EPOCH};

use auth::token::{LEEWAY_SECONDS, MAX_TOKEN_LENGTH};
use contracts::claims::needs_no_token;
use hive_router::{
    PlanExecutionOutput,
    executor::execution::client_request_details::JwtRequestDetails,
    http::{StatusCode, header::AUTHORIZATION},
    ntex::http::HeaderMap,
    plugins::{
        hooks::{
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_trait::StartHookPayload as _,
    },
    query_planner::{
        ast::{operation::OperationDefinition, selection_item::SelectionItem, selection_set::SelectionSet},
        state::supergraph_state::OperationKind,
    },
};
use sonic_rs::JsonValueTrait as _;

use super::errors;

/// The marker, in the context of a request, that its token is invalid and goes to no subgraph.
pub struct IgnoredToken;

pub fn on_http_request(mut payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
    let headers = payload.router_http_request.headers_mut();
    // Two headers are an error, whatever is in them.
    if headers.get_all(AUTHORIZATION).count() == 1
        && headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().trim_ascii().is_empty())
    {
        headers.remove(AUTHORIZATION);
    }
    payload.proceed()
}

pub fn on_subgraph_execute(mut payload: OnSubgraphExecuteStartHookPayload<'_>) -> OnSubgraphExecuteStartHookResult<'_> {
    if payload.context.get_ref::<IgnoredToken>().is_some() {
        payload.execution_request.headers.remove(AUTHORIZATION);
    }
    payload.proceed()
}

// The first hook after token verification, for HTTP, SSE and WebSocket alike.
pub fn on_graphql_analysis(payload: &OnGraphqlAnalysisHookPayload<'_>) -> Result<(), PlanExecutionOutput> {
    let request = &payload.client_request_details;
    if has_valid_credentials(&request.headers, &request.jwt) {
        return Ok(());
    }
    if request.headers.get_all(AUTHORIZATION).count() == 1 && proves_itself(payload.filtered_operation_for_plan) {
        payload.context.insert(IgnoredToken);
        return Ok(());
    }

    errors::reject(payload.context, StatusCode::UNAUTHORIZED, errors::unauthenticated())
}

/// Whether an operation has only mutations whose input proves who asks.
fn proves_itself(operation: &OperationDefinition) -> bool {
    let selections = &operation.selection_set;
    operation.operation_kind == Some(OperationKind::Mutation)
        && !selections.items.is_empty()
        && are_self_proving(selections)
}

fn are_self_proving(selections: &SelectionSet) -> bool {
    selections.items.iter().all(|selection| match selection {
        SelectionItem::Field(field) => needs_no_token(&field.name),
        SelectionItem::InlineFragment(fragment) => are_self_proving(&fragment.selections),
        SelectionItem::FragmentSpread(_) => false,
    })
}

fn is_valid_token(verified: &JwtRequestDetails) -> bool {
    let JwtRequestDetails::Authenticated { token, claims, .. } = verified else { return false };
    token.len() <= MAX_TOKEN_LENGTH && claims.get("exp").as_u64().is_some_and(|end| !is_expired(end))
}

fn is_expired(end: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs());
    end < now.saturating_sub(LEEWAY_SECONDS)
}

fn has_valid_credentials(headers: &HeaderMap, verified: &JwtRequestDetails) -> bool {
    match headers.get_all(AUTHORIZATION).count() {
        0 => true,
        1 => is_valid_token(verified),
        // Two tokens: one could be verified here, and the other one used elsewhere.
        _ => false,
    }
}

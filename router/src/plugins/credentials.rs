//! Rejects invalid credentials. hive-router itself either always requires a token, or treats an invalid one as
//! anonymous. It also accepts a token for a minute after its expiry, which cannot be configured and subgraphs do not
//! do; here it expires at the same time.

use std::time::{SystemTime, UNIX_EPOCH};

use auth::token::{LEEWAY_SECONDS, MAX_TOKEN_LENGTH};
use hive_router::{
    PlanExecutionOutput,
    executor::execution::client_request_details::JwtRequestDetails,
    http::{StatusCode, header::AUTHORIZATION},
    ntex::http::HeaderMap,
    plugins::hooks::on_graphql_analysis::OnGraphqlAnalysisHookPayload,
};
use sonic_rs::JsonValueTrait as _;

use super::errors;

// The first hook after token verification, for HTTP, SSE and WebSocket alike.
pub fn on_graphql_analysis(payload: &OnGraphqlAnalysisHookPayload<'_>) -> Result<(), PlanExecutionOutput> {
    let request = &payload.client_request_details;
    if has_valid_credentials(&request.headers, &request.jwt) {
        return Ok(());
    }

    errors::reject(payload.context, StatusCode::UNAUTHORIZED, errors::unauthenticated())
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

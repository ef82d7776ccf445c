//! Converts every error to its public form: the codes of the graph's contract, and no internals.
//!
//! hive-router has some sixty codes of its own. One that is not listed here is an internal error: a forgotten code
//! hides its message instead of leaking it.

use hive_router::{
    GraphQLError, PlanExecutionOutput,
    executor::{execution::plan::FailedExecutionResult, response::graphql_error::GraphQLErrorExtensions},
    http::StatusCode,
    plugins::{hooks::on_graphql_error::OnGraphQLErrorHookPayload, plugin_context::PluginContext},
};
use sonic_rs::JsonValueTrait;
use subgraph_kit::text;
use tracing::error;

use super::retry_after::RetryAfter;

const INVALID_TOKEN: &str = "The access token is invalid or has expired. Sign in again.";
const METHOD_NOT_ALLOWED: &str = "Send operations by POST, or queries by GET. Of GraphQL over SSE, only the distinct connections mode is \
             supported: one POST for each subscription, which accepts `text/event-stream`.";
const ID_REQUIRED: &str =
    "This router runs stored operations only. Send `documentId`, an ID of its manifest, in place of `query`.";
const NO_SUCH_ID: &str =
    "The router's manifest has no stored operation of this ID. Send the `documentId` of one that it has.";
const NEEDS_STREAM: &str = "A subscription is answered by a stream: send `Accept: text/event-stream` or `multipart/mixed`, or open a \
             WebSocket with the subprotocol `graphql-transport-ws`.";
const CSRF_HEADER_MISSING: &str = "A page of another site could have made this request. Send it with the header `Content-Type: \
             application/json`, or with one that the router's setting `csrf.required_headers` lists, such as \
             `x-lyceum-csrf: 1`.";
const UNAVAILABLE: &str = "This part of the graph is unavailable. Try again later.";
pub const TIMED_OUT: &str = "The response took too long. Try again, or request less.";
const INTERNAL_ERROR: &str = "Internal server error.";

pub struct Errors {
    development: bool,
}

impl Errors {
    pub fn new(development: bool) -> Self {
        Self { development }
    }

    pub fn on_graphql_error(&self, payload: &mut OnGraphQLErrorHookPayload<'_>) {
        make_public(&mut payload.error, &mut payload.status_code, self.development);
    }
}

/// The error by which a request is rejected before execution.
pub struct RequestError {
    pub error: Box<GraphQLError>,
    pub status: StatusCode,
}

impl RequestError {
    pub fn new(error: GraphQLError, status: StatusCode) -> Self {
        Self { error: Box::new(error), status }
    }
}

/// The error for credentials that cannot be accepted.
pub fn unauthenticated() -> GraphQLError {
    GraphQLError::from_message_and_code(INVALID_TOKEN, "UNAUTHENTICATED")
}

/// The error for an exceeded rate limit.
pub fn rate_limited(message: String, retry_after: u64) -> GraphQLError {
    let mut error = GraphQLError::from_message_and_code(message, "RATE_LIMITED");
    error.extensions.set("retryAfter".to_owned(), retry_after.into());
    error
}

/// The error for subscriptions to a router that is shutting down.
pub fn restarting() -> GraphQLError {
    GraphQLError::from_message_and_code("The server is restarting. Subscribe again.", "SERVICE_UNAVAILABLE")
}

/// Rejects a request before it is executed.
pub fn reject(
    context: &PluginContext,
    status_code: StatusCode,
    error: GraphQLError,
) -> Result<(), PlanExecutionOutput> {
    if let Some(seconds) = error.extensions.get("retryAfter").and_then(JsonValueTrait::as_u64) {
        context.insert(RetryAfter(seconds));
    }
    let body = FailedExecutionResult { errors: vec![error] }.serialize();
    Err(PlanExecutionOutput { body, error_count: 1, status_code })
}

/// The public form of an error.
enum PublicForm {
    /// Code and message as they are.
    Unchanged,
    /// Another code, with the message as it is.
    Code(&'static str),
    /// Another code and message.
    Message(&'static str, &'static str),
    /// Another HTTP status also.
    Status(StatusCode, &'static str, &'static str),
}

fn make_public(error: &mut GraphQLError, status: &mut StatusCode, development: bool) {
    let subgraph = error.extensions.service_name.take();
    let original = error.extensions.code.take().unwrap_or_default();
    error.message = text::redact_values(&error.message);
    if subgraph.is_some() || original.ends_with("_EXCEEDED") {
        // They are positions in a document that the client has never seen.
        error.locations = None;
    }

    if *status == StatusCode::BAD_REQUEST && is_unprocessable(&original) {
        *status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    let code = match public_form(&original, subgraph.is_some()) {
        PublicForm::Unchanged => original.clone(),
        PublicForm::Code(code) => code.to_owned(),
        PublicForm::Message(code, message) => {
            message.clone_into(&mut error.message);
            code.to_owned()
        }
        PublicForm::Status(public_status, code, message) => {
            message.clone_into(&mut error.message);
            // A stream has always begun with 200.
            if *status != StatusCode::OK {
                *status = public_status;
            }
            code.to_owned()
        }
    };
    if code == "INTERNAL_SERVER_ERROR" && original != code {
        error!(subgraph, code = original, "unmapped error code from hive-router");
    }

    error.extensions = extensions(code, subgraph.filter(|_| development), &mut error.extensions);
}

/// Keeps only extensions that are meant for clients; in development also the subgraph's name.
fn extensions(code: String, subgraph: Option<String>, from: &mut GraphQLErrorExtensions) -> GraphQLErrorExtensions {
    let mut to = GraphQLErrorExtensions::new_from_code(code);
    for key in ["field", "requestId", "retryAfter"] {
        if let Some(value) = from.extensions.remove(key) {
            to.set(key.to_owned(), value);
        }
    }
    // Not `to.service_name`: hive-router's masking would replace the message of such an error.
    if let Some(subgraph) = subgraph {
        to.set("service".to_owned(), subgraph.as_str().into());
    }
    to
}

#[expect(clippy::match_same_arms, reason = "grouped by what the errors are about")]
fn public_form(code: &str, from_subgraph: bool) -> PublicForm {
    match code {
        // Codes of the contract. A subgraph's own errors have them already.
        "UNAUTHENTICATED"
        | "FORBIDDEN"
        | "BAD_USER_INPUT"
        | "RATE_LIMITED"
        | "SERVICE_UNAVAILABLE"
        | "RESPONSE_TOO_LARGE"
        | "PERSISTED_QUERY_NOT_FOUND"
        | "PERSISTED_QUERY_NOT_SUPPORTED"
        | "GRAPHQL_PARSE_FAILED" => PublicForm::Unchanged,
        // The router has validated the document: a subgraph can only reject a variable.
        "GRAPHQL_VALIDATION_FAILED" if from_subgraph => PublicForm::Code("BAD_USER_INPUT"),
        "GRAPHQL_VALIDATION_FAILED" => PublicForm::Unchanged,
        "INTERNAL_SERVER_ERROR" => PublicForm::Message("INTERNAL_SERVER_ERROR", INTERNAL_ERROR),

        // The router's limits keep their codes.
        "TOKEN_LIMIT_EXCEEDED"
        | "MAX_DEPTH_EXCEEDED"
        | "MAX_ALIASES_EXCEEDED"
        | "COST_ESTIMATED_TOO_EXPENSIVE"
        | "COST_INVALID_SLICING_ARGUMENTS"
        | "PAYLOAD_TOO_LARGE_CONTENT_LENGTH"
        | "PAYLOAD_TOO_LARGE_BODY_STREAM"
        | "REQUEST_HEADER_FIELDS_TOO_LARGE"
        | "SUBSCRIPTION_SCHEMA_RELOAD" => PublicForm::Unchanged,
        "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE" => PublicForm::Code("COST_ESTIMATED_TOO_EXPENSIVE"),

        // Errors of the token.
        "MISSING_JWT"
        | "INVALID_JWT"
        | "INVALID_JWT_HEADER"
        | "JWT_ERROR"
        | "JWT_LOOKUP_FAILED"
        | "JWT_NOT_SUPPORTED"
        | "JWK_ALGORITHM_NOT_SUPPORTED"
        | "FAILED_TO_PARSE_REQUEST" => PublicForm::Status(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", INVALID_TOKEN),

        // Errors of the request itself.
        "BAD_REQUEST" => PublicForm::Message(
            "BAD_USER_INPUT",
            "The body is not a GraphQL request: a JSON object with `query`, and if need be `variables`, \
             `operationName` and `extensions`.",
        ),
        "MISSING_CONTENT_TYPE_HEADER" | "UNSUPPORTED_CONTENT_TYPE" => PublicForm::Status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "BAD_USER_INPUT",
            "Send the operation as `Content-Type: application/json`, and accept `application/json`.",
        ),
        "MISSING_QUERY_PARAM" => {
            PublicForm::Message("BAD_USER_INPUT", "The request has no `query`: the text of a GraphQL document.")
        }
        "METHOD_NOT_ALLOWED" => PublicForm::Message("BAD_USER_INPUT", METHOD_NOT_ALLOWED),
        "SUBSCRIPTIONS_NOT_SUPPORTED" | "SUBSCRIPTIONS_TRANSPORT_NOT_SUPPORTED" => {
            PublicForm::Status(StatusCode::NOT_ACCEPTABLE, "BAD_USER_INPUT", NEEDS_STREAM)
        }
        "OPERATION_RESOLUTION_FAILURE" => PublicForm::Message(
            "BAD_USER_INPUT",
            "The document has no operation of that name, or several and no `operationName` was given.",
        ),
        "INVALID_HEADER"
        | "UNSUPPORTED_CONTENT_ENCODING"
        | "UNPROCESSABLE_QUERY_PARAMS"
        | "MUTATION_NOT_ALLOWED_OVER_HTTP_GET"
        | "PERSISTED_DOCUMENT_EXTRACTION_FAILED"
        | "PAYLOAD_READ_ERROR"
        | "PAYLOAD_READ_TIMEOUT"
        | "DECOMPRESSION_FAILED" => PublicForm::Code("BAD_USER_INPUT"),
        "PERSISTED_DOCUMENT_ID_REQUIRED" => PublicForm::Message("BAD_USER_INPUT", ID_REQUIRED),
        "PERSISTED_DOCUMENT_NOT_FOUND" => PublicForm::Message("BAD_USER_INPUT", NO_SUCH_ID),
        "CSRF_PREVENTION_FAILED" => PublicForm::Message("CSRF_PREVENTION_FAILED", CSRF_HEADER_MISSING),
        "INTROSPECTION_DISABLED" | "UNAUTHORIZED_OPERATION" | "UNAUTHORIZED_FIELD_OR_TYPE" => {
            PublicForm::Code("FORBIDDEN")
        }

        // Errors of an unavailable service.
        "GATEWAY_TIMEOUT" => PublicForm::Message("SERVICE_UNAVAILABLE", TIMED_OUT),
        "NO_SUPERGRAPH_AVAILABLE"
        | "SUBGRAPH_REQUEST_TIMEOUT"
        | "SUBREQUEST_HTTP_ERROR"
        | "SUBREQUEST_MALFORMED_RESPONSE"
        | "SUBGRAPH_RESPONSE_FAILURE"
        | "SUBGRAPH_RESPONSE_BODY_READ_FAILURE"
        | "SUBGRAPH_RESPONSE_BODY_EMPTY"
        | "SUBGRAPH_RESPONSE_DECOMPRESSION_FAILURE"
        | "SUBGRAPH_CIRCUIT_BREAKER_REJECTED"
        | "SUBGRAPH_INTERNAL_SERVER_ERROR"
        | "SUBGRAPH_WEBSOCKET_CONNECT_FAILURE"
        | "SUBGRAPH_WEBSOCKET_HANDSHAKE_FAILURE"
        | "SUBGRAPH_WEBSOCKET_STREAM_CLOSED_EMPTY"
        | "SUBGRAPH_HTTP_CALLBACK_STATUS_CODE_NOT_OK"
        | "SUBGRAPH_SUBSCRIPTION_UNSUPPORTED_CONTENT_TYPE"
        | "SUBGRAPH_SUBSCRIPTION_SSE_STREAM_ERROR"
        | "SUBGRAPH_SUBSCRIPTION_MULTIPART_STREAM_ERROR"
        | "SUBGRAPH_STREAM_STATUS_CODE_NOT_OK" => {
            PublicForm::Status(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", UNAVAILABLE)
        }

        // A validation rule is named in camel case, everything else in capitals.
        rule if !from_subgraph && is_validation_rule(rule) => PublicForm::Code("GRAPHQL_VALIDATION_FAILED"),

        _ => PublicForm::Message("INTERNAL_SERVER_ERROR", INTERNAL_ERROR),
    }
}

/// Whether a request can be read, and not executed: GraphQL over HTTP has a status for that.
fn is_unprocessable(code: &str) -> bool {
    const CODES: [&str; 4] =
        ["BAD_USER_INPUT", "MISSING_QUERY_PARAM", "OPERATION_RESOLUTION_FAILURE", "GRAPHQL_VALIDATION_FAILED"];
    CODES.contains(&code) || is_validation_rule(code)
}

fn is_validation_rule(code: &str) -> bool {
    code.starts_with(|first: char| first.is_ascii_uppercase()) && code.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn published(code: &str, subgraph: Option<&str>, development: bool) -> (GraphQLError, StatusCode) {
        let mut error = GraphQLError::from_message_and_code("connect to 10.0.0.1:8002 failed", code);
        error.extensions.service_name = subgraph.map(str::to_owned);
        error.extensions.affected_path = Some("me.courses".to_owned());
        let mut status = StatusCode::FORBIDDEN;
        make_public(&mut error, &mut status, development);
        (error, status)
    }

    fn code(error: &GraphQLError) -> &str {
        error.extensions.code.as_deref().expect("every published error has a code")
    }

    /// The codes that `public_form` knows, as they stand in this file.
    fn known_codes() -> impl Iterator<Item = &'static str> {
        let (code, _) = include_str!("errors.rs").split_once("mod tests").expect("this is a test");
        let is_code = |text: &&str| text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        code.split('"').skip(1).step_by(2).filter(is_code)
    }

    #[test]
    fn docs_explain_the_codes_that_clients_see_and_no_others() {
        let rows: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../../docs/errors.json")).expect("it is JSON");
        let explained: BTreeSet<_> = rows.iter().map(|row| row["code"].as_str().expect("a code").to_owned()).collect();

        let codes =
            known_codes().flat_map(|known| [None, Some("course")].map(|subgraph| published(known, subgraph, false)));
        let codes: BTreeSet<_> = codes.map(|(error, _)| code(&error).to_owned()).collect();

        assert_eq!(explained, codes);
        assert_eq!(explained.len(), rows.len());
    }

    #[test]
    fn a_bad_token_is_unauthenticated_and_says_no_more() {
        let (error, status) = published("INVALID_JWT", None, true);

        assert_eq!(code(&error), "UNAUTHENTICATED");
        assert_eq!(error.message, INVALID_TOKEN);
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn an_unreachable_subgraph_keeps_its_address_to_itself() {
        let (error, _) = published("SUBREQUEST_HTTP_ERROR", Some("course"), false);

        assert_eq!(code(&error), "SERVICE_UNAVAILABLE");
        assert_eq!(
            serde_json::to_value(&error).expect("it is JSON"),
            serde_json::json!({ "message": UNAVAILABLE, "extensions": { "code": "SERVICE_UNAVAILABLE" } }),
        );
    }

    #[test]
    fn in_development_an_error_names_its_subgraph() {
        let (error, _) = published("FORBIDDEN", Some("course"), true);

        let json = serde_json::to_value(&error).expect("it is JSON");
        assert_eq!(json["extensions"], serde_json::json!({ "code": "FORBIDDEN", "service": "course" }));
    }

    #[test]
    fn a_subgraphs_own_rejection_keeps_its_message() {
        let (error, _) = published("FORBIDDEN", Some("course"), false);

        assert_eq!(error.message, "connect to 10.0.0.1:8002 failed");
        assert!(error.extensions.service_name.is_none());
    }

    #[test]
    fn a_broken_validation_rule_is_a_failed_validation() {
        let (error, _) = published("FieldsOnCorrectType", None, false);

        assert_eq!(code(&error), "GRAPHQL_VALIDATION_FAILED");
    }

    #[test]
    fn a_limit_keeps_its_code() {
        let (error, _) = published("MAX_DEPTH_EXCEEDED", None, false);

        assert_eq!(code(&error), "MAX_DEPTH_EXCEEDED");
    }

    #[test]
    fn unclassified_errors_are_hidden() {
        for unknown in ["DOWNSTREAM_SERVICE_ERROR", "PLANNER_ERROR", "Oops", ""] {
            let (error, _) = published(unknown, Some("course"), false);

            assert_eq!(code(&error), "INTERNAL_SERVER_ERROR");
            assert_eq!(error.message, INTERNAL_ERROR);
        }
    }
}

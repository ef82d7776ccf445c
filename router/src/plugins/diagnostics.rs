//! Exposes an operation's query plan and trace: to everyone in development, and otherwise to admins. In development, it
//! also explains the statements of a trace.

use std::sync::Arc;

use hive_router::{
    GraphQLError, PlanExecutionOutput,
    executor::execution::client_request_details::JwtRequestDetails,
    http::{HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION},
    ntex::{
        http::{HeaderMap, Response},
        web::{DefaultError, WebRequest},
    },
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_graphql_parse::{OnGraphQLParseHookResult, OnGraphQLParseStartHookPayload},
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{CacheHint, EndHookPayload, StartHookPayload},
    },
};
use sonic_rs::JsonValueTrait;
use telemetry::trace::HEADER as SUBGRAPH_TRACE;

use super::{
    client_address::Address,
    errors,
    playground::is_from_this_machine,
    site::{self, CACHE_NEVER},
};
use crate::{
    Settings,
    explain::ShownStatements,
    trace::{Recorder, Traced},
};

const TRACE_HEADER: HeaderName = HeaderName::from_static("lyceum-trace");
const PLAN_HEADER: HeaderName = HeaderName::from_static("hive-expose-query-plan");
const INVALID_MODE: &str = "The header `hive-expose-query-plan` must be `dry-run` or `true`, and sent once.";
/// The trace's key in the response's extensions.
const EXTENSION: &str = "trace";

/// `GET`: the plan of a statement that a trace has shown, by its id.
const EXPLAIN_PATH: &str = "/playground/explain/";
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

pub struct Diagnostics {
    development: bool,
    shown: Option<Arc<ShownStatements>>,
}

impl Diagnostics {
    pub fn new(settings: &Settings) -> Self {
        let &Settings { development, ref contract, .. } = settings;
        // As the playground, it knows the whole graph.
        let explain = settings.explain.clone().filter(|_| development && contract.is_none());
        let shown = explain.zip(settings.runtime.clone());
        let shown = shown.map(|(explain, runtime)| Arc::new(ShownStatements::new(explain, runtime)));
        Self { development, shown }
    }

    /// The id of the statement that this request wants explained, with those that there are.
    pub fn explained(&self, request: &WebRequest<DefaultError>) -> Option<(Arc<ShownStatements>, String)> {
        let id = request.path().strip_prefix(EXPLAIN_PATH)?;
        let shown = self.shown.clone()?;
        (request.method() == Method::GET && is_from_this_machine(request)).then(|| (shown, id.to_owned()))
    }

    /// Explains a statement that a trace has shown.
    pub async fn explain(shown: Arc<ShownStatements>, id: String) -> Response {
        let answer = shown.explain(&id).await;
        let mut response = Response::build(answer.status);
        for (name, value) in &site::headers("application/json", CACHE_NEVER, NO_PAGE) {
            response.header(name, value);
        }
        response.body(answer.body.to_string())
    }

    pub fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookResult<'req> {
        let request = &payload.router_http_request;
        let headers = request.headers();
        // The token is verified only later, and the trace starts now.
        if wants_trace(headers) && (self.development || headers.contains_key(AUTHORIZATION)) {
            // The operations of a batch come from the router itself.
            let is_own = payload.context.get_ref::<Address>().is_none_or(|client| client.0.is_loopback());
            let shown = self.shown.clone().filter(|_| is_own && is_from_this_machine(request));
            payload.context.insert(Recorder::new(shown));
        }
        payload.proceed()
    }

    pub fn on_graphql_parse(payload: OnGraphQLParseStartHookPayload<'_>) -> OnGraphQLParseHookResult<'_> {
        let Some(recorder) = recorder(payload.context) else { return payload.proceed() };
        let phase = recorder.begin("parse");
        payload.on_end(move |parsed| {
            recorder.end(phase.cached(is_hit(&parsed.cache_hint)));
            parsed.proceed()
        })
    }

    pub fn on_graphql_validation(
        payload: OnGraphQLValidationStartHookPayload<'_>,
    ) -> OnGraphQLValidationStartHookResult<'_> {
        if wants_plan(payload.router_http_request.headers) {
            disable_dedupe(&payload);
        }
        let Some(recorder) = recorder(payload.context) else { return payload.proceed() };
        disable_dedupe(&payload);
        let phase = recorder.begin("validate");
        payload.on_end(move |validated| {
            recorder.end(phase.cached(is_hit(&validated.cache_hint)));
            recorder.begin_prepare();
            validated.proceed()
        })
    }

    pub fn on_graphql_analysis(&self, payload: &OnGraphqlAnalysisHookPayload<'_>) -> Result<(), PlanExecutionOutput> {
        let request = &payload.client_request_details;
        let is_permitted = self.development || is_admin(&request.jwt);
        if let Some(recorder) = recorder(payload.context) {
            if is_permitted { recorder.end_prepare() } else { recorder.discard() }
        }
        // Not ignored: a client that requests the plan of a mutation does not want it executed.
        if !wants_plan(&request.headers) {
            return Ok(());
        }
        if !is_permitted {
            let error = GraphQLError::from_message_and_code("Only admins may see query plans.", "FORBIDDEN");
            return errors::reject(payload.context, StatusCode::FORBIDDEN, error);
        }
        if !is_valid_mode(&request.headers) {
            let error = GraphQLError::from_message_and_code(INVALID_MODE, "BAD_USER_INPUT");
            return errors::reject(payload.context, StatusCode::BAD_REQUEST, error);
        }
        Ok(())
    }

    pub fn on_query_plan(payload: OnQueryPlanStartHookPayload<'_>) -> OnQueryPlanStartHookResult<'_> {
        let Some(recorder) = recorder(payload.context) else { return payload.proceed() };
        let phase = recorder.begin("plan");
        payload.on_end(move |planned| {
            recorder.end(phase.cached(is_hit(&planned.cache_hint)));
            planned.proceed()
        })
    }

    pub fn on_execute(payload: OnExecuteStartHookPayload<'_>) -> OnExecuteStartHookResult<'_> {
        let Some(recorder) = recorder(payload.context) else { return payload.proceed() };
        let phase = recorder.begin("execute");
        payload.on_end(move |mut executed| {
            recorder.end(phase);
            if let Some(trace) = recorder.trace() {
                executed.add_extension(EXTENSION, trace);
            }
            executed.proceed()
        })
    }

    pub fn on_subgraph_execute(
        mut payload: OnSubgraphExecuteStartHookPayload<'_>,
    ) -> OnSubgraphExecuteStartHookResult<'_> {
        let request = &mut payload.execution_request;
        request.headers.remove(SUBGRAPH_TRACE);
        if let Some(recorder) = recorder(payload.context) {
            request.headers.insert(SUBGRAPH_TRACE, HeaderValue::from_static("1"));
            request.dedupe = false;
            payload.executor = Traced::boxed(payload.subgraph_name, payload.executor, recorder);
        }
        payload.proceed()
    }
}

fn wants_trace(headers: &HeaderMap) -> bool {
    headers.get(&TRACE_HEADER).is_some_and(|value| value.as_bytes() == b"1")
}

fn wants_plan(headers: &HeaderMap) -> bool {
    headers.contains_key(&PLAN_HEADER)
}

/// Whether hive-router knows the mode. It reads only the first header, and executes the operation if its value is
/// unknown.
fn is_valid_mode(headers: &HeaderMap) -> bool {
    let mut modes = headers.get_all(&PLAN_HEADER).map(|mode| mode.as_bytes().trim_ascii());
    matches!((modes.next(), modes.next()), (Some(b"true" | b"dry-run"), None))
}

/// The recorder of a request for a trace, which may have one as far as is known.
fn recorder(context: &PluginContext) -> Option<Arc<Recorder>> {
    let recorder = context.get_ref::<Arc<Recorder>>()?;
    recorder.is_recording().then(|| Arc::clone(&recorder))
}

/// Excludes a query from the deduplication of equal queries in flight, so that its trace is its own.
fn disable_dedupe(payload: &OnGraphQLValidationStartHookPayload<'_>) {
    payload.add_inbound_dedupe_partition(rand::random());
}

fn is_admin(verified: &JwtRequestDetails) -> bool {
    match verified {
        JwtRequestDetails::Authenticated { claims, .. } => claims.get("role").as_str() == Some("admin"),
        JwtRequestDetails::Unauthenticated => false,
    }
}

fn is_hit(hint: &CacheHint) -> bool {
    matches!(hint, CacheHint::Hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(modes: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for mode in modes {
            headers.append(PLAN_HEADER, HeaderValue::from_str(mode).expect("a header's value").into());
        }
        headers
    }

    #[test]
    fn a_plan_is_requested_once_and_by_a_mode_that_the_router_knows() {
        for valid in [["true"], ["dry-run"], [" dry-run "]] {
            assert!(is_valid_mode(&headers(&valid)), "{valid:?}");
        }
        let invalid: [&[&str]; 6] =
            [&[""], &["Dry-Run"], &["dry-run, dry-run"], &["no"], &["no", "dry-run"], &["dry-run", "dry-run"]];
        for invalid in invalid {
            assert!(wants_plan(&headers(invalid)) && !is_valid_mode(&headers(invalid)), "{invalid:?}");
        }
    }
}

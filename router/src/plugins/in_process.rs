//! Calls the subgraphs of this process by function instead of over HTTP, on the thread that serves the client: no other
//! one has to be woken up.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    time::Duration,
};

use async_graphql::{Name, Request, Response, Value, Variables};
use bytes::Bytes;
use futures::{FutureExt as _, stream::BoxStream};
use hive_router::{
    GraphQLError, async_trait,
    executor::executors::{
        common::{SubgraphExecutionRequest, SubgraphExecutor, SubgraphExecutorBoxedArc},
        error::SubgraphExecutorError,
    },
    executor::response::{subgraph_response::SubgraphResponse, value::Value as Data},
    plugins::{
        hooks::on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        plugin_context::PluginRequestState,
        plugin_trait::StartHookPayload,
    },
    query_planner::planner::plan_nodes::CustomScalarPaths,
};
use http::Uri;
use service::Subgraph;
use telemetry::spans;

/// The maximum of interned aliases per thread, which are never freed. A response with more is converted by way of JSON.
const MAX_ALIASES: usize = 4_096;
const MAX_ALIAS_LENGTH: usize = 64;
/// hive-router numbers its own aliases where it batches several selections.
const ROUTER_ALIAS_PREFIXES: [&str; 2] = ["_e", "_internal_qp_alias_"];
const MAX_ROUTER_ALIASES: usize = 64;

/// The executors of the subgraphs of this process, by name.
pub type Executors = HashMap<&'static str, SubgraphExecutorBoxedArc>;

pub fn executors(subgraphs: &[Subgraph]) -> Executors {
    let executor = |subgraph: &Subgraph| InProcessExecutor::new(subgraph.clone()).to_boxed_arc();
    subgraphs.iter().map(|subgraph| (subgraph.name(), executor(subgraph))).collect()
}

pub struct InProcess {
    executors: Executors,
}

impl InProcess {
    pub fn new(executors: Executors) -> Self {
        Self { executors }
    }

    pub fn on_subgraph_execute<'exec>(
        &'exec self,
        mut payload: OnSubgraphExecuteStartHookPayload<'exec>,
    ) -> OnSubgraphExecuteStartHookResult<'exec> {
        if let Some(executor) = self.executors.get(payload.subgraph_name) {
            payload.executor = executor.clone();
        }
        payload.proceed()
    }
}

struct InProcessExecutor {
    subgraph: Subgraph,
    names: HashSet<&'static str>,
    endpoint: Uri,
}

impl InProcessExecutor {
    fn new(subgraph: Subgraph) -> Self {
        let router_aliases =
            (0..MAX_ROUTER_ALIASES).flat_map(|number| ROUTER_ALIAS_PREFIXES.map(|alias| format!("{alias}{number}")));
        let names = subgraph.names().iter().cloned().chain(router_aliases).map(leak).collect();
        Self { subgraph, names, endpoint: Uri::from_static("/") }
    }
}

#[async_trait]
impl SubgraphExecutor for InProcessExecutor {
    fn executor_name(&self) -> &'static str {
        "in_process"
    }

    fn endpoint(&self) -> &Uri {
        &self.endpoint
    }

    async fn execute<'a>(
        &self,
        request: SubgraphExecutionRequest<'a>,
        timeout: Option<Duration>,
        _plugins: Option<&'a PluginRequestState<'a>>,
    ) -> Result<SubgraphResponse<'static>, SubgraphExecutorError> {
        let headers = spans::with_traceparent(&request.headers);
        let call = self.subgraph.execute(&headers, Request::new(request.query).variables(variables(&request)?));
        // A panic in it must not end other requests.
        let call = AssertUnwindSafe(call).catch_unwind();
        let response = match timeout {
            Some(timeout) => tokio::time::timeout(timeout, call).await,
            None => Ok(call.await),
        };
        let response = match response {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => return Ok(error_response("the call was aborted", "SUBREQUEST_MALFORMED_RESPONSE")),
            Err(_) => return Ok(error_response("the call took too long", "SUBGRAPH_REQUEST_TIMEOUT")),
        };

        convert(&response, &self.names).map_or_else(|| convert_by_json(&response, request.custom_scalar_paths), Ok)
    }

    // hive-router sends subscriptions over HTTP itself.
    async fn subscribe<'a>(
        &self,
        _request: SubgraphExecutionRequest<'a>,
        _timeout: Option<Duration>,
    ) -> Result<BoxStream<'static, Result<SubgraphResponse<'static>, SubgraphExecutorError>>, SubgraphExecutorError>
    {
        Err(SubgraphExecutorError::HttpCallbackNoSingle)
    }
}

/// Converts a response without errors and extensions. `None` for all others, and where a key cannot be interned.
fn convert(response: &Response, names: &HashSet<&'static str>) -> Option<SubgraphResponse<'static>> {
    if !response.errors.is_empty() || !response.extensions.is_empty() || response.data == Value::Null {
        return None;
    }
    let data = ALIASES.with_borrow_mut(|aliases| KeyInterner { names, aliases }.data(&response.data))?;
    Some(SubgraphResponse { data, ..SubgraphResponse::default() })
}

fn convert_by_json(
    response: &Response,
    custom_scalars: Option<&CustomScalarPaths>,
) -> Result<SubgraphResponse<'static>, SubgraphExecutorError> {
    let json = sonic_rs::to_vec(response)
        .map_err(|error| SubgraphExecutorError::ResponseDeserializationFailure(error, None))?;
    SubgraphResponse::deserialize_from_bytes(Bytes::from(json), custom_scalars)
}

thread_local! {
    static ALIASES: RefCell<HashSet<&'static str>> = RefCell::default();
}

/// Interns the keys of responses, which hive-router borrows.
struct KeyInterner<'a> {
    /// Names of the schema.
    names: &'a HashSet<&'static str>,
    /// Aliases of clients.
    aliases: &'a mut HashSet<&'static str>,
}

impl KeyInterner<'_> {
    fn data(&mut self, value: &Value) -> Option<Data<'static>> {
        Some(match value {
            Value::Null => Data::Null,
            Value::Boolean(value) => Data::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Data::U64(number),
                (None, Some(number)) => Data::I64(number),
                (None, None) => Data::F64(number.as_f64()?),
            },
            Value::String(text) => Data::String(text.clone().into()),
            Value::Enum(name) => Data::String(name.to_string().into()),
            Value::Binary(_) => return None,
            Value::List(items) => Data::Array(items.iter().map(|item| self.data(item)).collect::<Option<_>>()?),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| Some((self.key(key)?, self.data(value)?)));
                Data::Object(fields.collect::<Option<_>>()?)
            }
        })
    }

    fn key(&mut self, key: &str) -> Option<&'static str> {
        if let Some(known) = self.names.get(key).or_else(|| self.aliases.get(key)) {
            return Some(known);
        }
        let fits = self.aliases.len() < MAX_ALIASES && key.len() <= MAX_ALIAS_LENGTH;
        let key = fits.then(|| leak(key.to_owned()))?;
        self.aliases.insert(key);
        Some(key)
    }
}

fn leak(key: String) -> &'static str {
    Box::leak(key.into_boxed_str())
}

/// An error response, which hive-router's circuit breaker does not count. The breaker is for subgraphs that hang, which
/// those of this process do not; but a client that keeps the process busy could open it for all.
fn error_response(message: &str, code: &str) -> SubgraphResponse<'static> {
    let error = GraphQLError::from_message_and_code(message, code);
    SubgraphResponse { errors: Some(vec![error]), ..SubgraphResponse::default() }
}

fn variables(request: &SubgraphExecutionRequest<'_>) -> Result<Variables, SubgraphExecutorError> {
    let mut variables = Variables::default();
    for (name, value) in request.variables.iter().flatten() {
        variables.insert(Name::new(name), read(name, sonic_rs::from_value(value))?);
    }
    // `representations`, which the router has already serialized as JSON.
    for (name, json) in request.raw_variable_values.iter().flatten() {
        variables.insert(Name::new(name), read(name, sonic_rs::from_slice(json))?);
    }
    Ok(variables)
}

fn read(name: &str, value: sonic_rs::Result<Value>) -> Result<Value, SubgraphExecutorError> {
    value.map_err(|error| SubgraphExecutorError::VariablesSerializationFailure(name.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn a_response_is_handed_over_as_its_json_would_be() {
        let data = value!({
            "text": "\"quoted\", \u{1F600} and\nlines",
            "enum": (Value::Enum(Name::new("STUDENT"))),
            "numbers": [0, 1, -1, 1.5, 9_007_199_254_740_993i64, u64::MAX],
            "flags": [true, false, null],
            "nested": [[], {}, { "again": { "text": "" } }, null],
        });
        let response = Response::new(data);

        let direct = convert(&response, &HashSet::new()).expect("it has neither errors nor extensions");
        let by_json = convert_by_json(&response, None).expect("it is JSON");

        assert_eq!(format!("{:?}", direct.data), format!("{:?}", by_json.data));
    }

    #[test]
    fn errors_extensions_and_nothing_at_all_go_as_json() {
        let error = async_graphql::ServerError::new("no", None);
        let is_direct = |response: &Response| convert(response, &HashSet::new()).is_some();

        assert!(is_direct(&Response::new(value!({ "a": 1 }))));
        assert!(!is_direct(&Response::new(value!({ "a": 1 })).extension("trace", value!(1))));
        assert!(!is_direct(&Response::new(Value::Null)));
        assert!(!is_direct(&Response::from_errors(vec![error])));
    }

    #[test]
    fn no_client_makes_it_keep_more_and_more() {
        let (names, mut aliases) = (HashSet::from(["title"]), HashSet::new());
        let mut keys = KeyInterner { names: &names, aliases: &mut aliases };
        let kept = (0..2 * MAX_ALIASES).filter(|number| keys.key(&format!("alias{number}")).is_some()).count();

        assert_eq!(kept, MAX_ALIASES);
        assert!(keys.key("alias1").is_some());
        assert!(keys.key("title").is_some(), "nor takes the schema's own names away");
        assert!(
            KeyInterner { names: &names, aliases: &mut HashSet::new() }
                .key(&"k".repeat(MAX_ALIAS_LENGTH + 1))
                .is_none()
        );
    }
}

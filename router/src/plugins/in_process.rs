//! Calls the subgraphs of this process by function instead of over HTTP, on the thread that answers the client: no other
//! one has to be woken up.

use std::{collections::HashMap, panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Name, Request, Value, Variables};
use bytes::Bytes;
use futures::{FutureExt as _, stream::BoxStream};
use hive_router::{
    GraphQLError, async_trait,
    executor::executors::{
        common::{SubgraphExecutionRequest, SubgraphExecutor, SubgraphExecutorBoxedArc},
        error::SubgraphExecutorError,
    },
    executor::response::subgraph_response::SubgraphResponse,
    plugins::{
        hooks::{
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_context::PluginRequestState,
        plugin_trait::{RouterPlugin, StartHookPayload},
    },
};
use http::Uri;
use subgraph_kit::{Subgraph, spans};

use super::handed_over;

/// How the subgraphs of this process are called, by name.
pub type Executors = HashMap<&'static str, SubgraphExecutorBoxedArc>;

pub fn executors(subgraphs: &[Subgraph]) -> Executors {
    let executor = |subgraph: &Subgraph| InProcessExecutor::new(subgraph.clone()).to_boxed_arc();
    subgraphs.iter().map(|subgraph| (subgraph.name(), executor(subgraph))).collect()
}

pub struct InProcess {
    executors: Executors,
}

#[async_trait]
impl RouterPlugin for InProcess {
    type Config = handed_over::Config;

    fn plugin_name() -> &'static str {
        "in_process"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let parts = payload.config()?.parts().ok_or("no subgraphs were handed over")?;
        payload.initialize_plugin(Self { executors: parts.executors })
    }

    async fn on_subgraph_execute<'exec>(
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
    endpoint: Uri,
}

impl InProcessExecutor {
    fn new(subgraph: Subgraph) -> Self {
        Self { subgraph, endpoint: Uri::from_static("/") }
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
        let headers = spans::told(&request.headers);
        let call = self.subgraph.execute(&headers, Request::new(request.query).variables(variables(&request)?));
        // What goes wrong with it is not to end what others wait for.
        let call = AssertUnwindSafe(call).catch_unwind();
        let response = match timeout {
            Some(timeout) => tokio::time::timeout(timeout, call).await,
            None => Ok(call.await),
        };
        let response = match response {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => return Ok(failed("the call broke off", "SUBREQUEST_MALFORMED_RESPONSE")),
            Err(_) => return Ok(failed("the call took too long", "SUBGRAPH_REQUEST_TIMEOUT")),
        };

        let json = sonic_rs::to_vec(&response)
            .map_err(|error| SubgraphExecutorError::ResponseDeserializationFailure(error, None))?;
        SubgraphResponse::deserialize_from_bytes(Bytes::from(json), request.custom_scalar_paths)
    }

    // hive-router asks for subscriptions by itself, over HTTP.
    async fn subscribe<'a>(
        &self,
        _request: SubgraphExecutionRequest<'a>,
        _timeout: Option<Duration>,
    ) -> Result<BoxStream<'static, Result<SubgraphResponse<'static>, SubgraphExecutorError>>, SubgraphExecutorError>
    {
        Err(SubgraphExecutorError::HttpCallbackNoSingle)
    }
}

/// An answer, so that hive-router's circuit breaker does not count it. It is for subgraphs that hang, which those of this
/// process do not; but whoever keeps the process busy would make it give up a subgraph for everybody.
fn failed(message: &str, code: &str) -> SubgraphResponse<'static> {
    let error = GraphQLError::from_message_and_code(message, code);
    SubgraphResponse { errors: Some(vec![error]), ..SubgraphResponse::default() }
}

fn variables(request: &SubgraphExecutionRequest<'_>) -> Result<Variables, SubgraphExecutorError> {
    let mut variables = Variables::default();
    for (name, value) in request.variables.iter().flatten() {
        variables.insert(Name::new(name), read(name, sonic_rs::from_value(value))?);
    }
    // `representations`, which the router has written as JSON already.
    for (name, json) in request.raw_variable_values.iter().flatten() {
        variables.insert(Name::new(name), read(name, sonic_rs::from_slice(json))?);
    }
    Ok(variables)
}

fn read(name: &str, value: sonic_rs::Result<Value>) -> Result<Value, SubgraphExecutorError> {
    value.map_err(|error| SubgraphExecutorError::VariablesSerializationFailure(name.to_owned(), error))
}

//! An operation's trace (`docs/trace.md`), recorded during execution. Of request and response data it holds nothing but
//! sizes and counts.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::stream::BoxStream;
use hive_router::{
    async_trait,
    executor::{
        executors::{
            common::{SubgraphExecutionRequest, SubgraphExecutor, SubgraphExecutorBoxedArc},
            error::SubgraphExecutorError,
        },
        response::{subgraph_response::SubgraphResponse, value::Value},
    },
    plugins::plugin_context::PluginRequestState,
};
use http::Uri;
use serde::{Deserialize, Serialize};
use telemetry::{
    trace as subgraph,
    trace::{Statement, micros},
};

use crate::explain::ShownStatements;

const VERSION: u8 = 1;

type SubgraphResult = Result<SubgraphResponse<'static>, SubgraphExecutorError>;

/// The timeline of an operation. Times are microseconds since the request arrived.
#[derive(Serialize)]
pub struct Trace {
    version: u8,
    total: u64,
    phases: Vec<Phase>,
    fetches: Vec<Fetch>,
}

/// A phase of the router's own work.
#[derive(Serialize)]
pub struct Phase {
    name: &'static str,
    start: u64,
    duration: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
}

/// A request to a subgraph.
#[derive(Serialize)]
struct Fetch {
    subgraph: String,
    kind: Kind,
    types: BTreeSet<String>,
    representations: usize,
    start: u64,
    duration: u64,
    bytes: usize,
    errors: usize,
    failed: bool,
    #[serde(rename = "inside")]
    subgraph_duration: Option<u64>,
    statements: Vec<TracedStatement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<usize>,
}

#[derive(Serialize)]
struct TracedStatement {
    /// By which it can be explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(flatten)]
    statement: Statement,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Query,
    Mutation,
    Entities,
}

/// An entity reference. Its key is not read.
#[derive(Deserialize)]
struct Representation {
    #[serde(rename = "__typename")]
    type_name: String,
}

impl Phase {
    /// Sets whether the result came from a cache.
    pub fn cached(self, cached: bool) -> Self {
        Self { cached: Some(cached), ..self }
    }
}

/// Records the trace of one request.
pub struct Recorder {
    arrived: Instant,
    /// Where its statements can be explained.
    shown: Option<Arc<ShownStatements>>,
    recording: Mutex<Option<Recording>>,
}

#[derive(Default)]
struct Recording {
    phases: Vec<Phase>,
    preparing: Option<Phase>,
    fetches: Vec<Fetch>,
}

impl Recorder {
    /// Starts a recording when the request has just arrived.
    pub fn new(shown: Option<Arc<ShownStatements>>) -> Arc<Self> {
        Arc::new(Self { arrived: Instant::now(), shown, recording: Mutex::new(Some(Recording::default())) })
    }

    /// Whether the recording is still active.
    pub fn is_recording(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// Discards the recording and stops it.
    pub fn discard(&self) {
        self.take();
    }

    /// Begins a phase.
    pub fn begin(&self, name: &'static str) -> Phase {
        Phase { name, start: self.now(), duration: 0, cached: None }
    }

    /// Ends a phase and records it.
    pub fn end(&self, mut phase: Phase) {
        phase.duration = self.now().saturating_sub(phase.start);
        self.with(|recording| recording.phases.push(phase));
    }

    /// Begins the phase that normalizes the document, verifies the token and coerces the variables.
    pub fn begin_prepare(&self) {
        let phase = self.begin("prepare");
        self.with(|recording| recording.preparing = Some(phase));
    }

    /// Ends that phase.
    pub fn end_prepare(&self) {
        if let Some(phase) = self.with(|recording| recording.preparing.take()).flatten() {
            self.end(phase);
        }
    }

    /// Takes the trace, once.
    pub fn trace(&self) -> Option<Trace> {
        let Recording { phases, mut fetches, .. } = self.take()?;
        fetches.sort_by_key(|fetch| fetch.start);
        if let Some(shown) = &self.shown {
            for fetch in &mut fetches {
                fetch.remember(shown);
            }
        }
        Some(Trace { version: VERSION, total: self.now(), phases, fetches })
    }

    fn now(&self) -> u64 {
        micros(self.arrived.elapsed())
    }

    fn with<T>(&self, what: impl FnOnce(&mut Recording) -> T) -> Option<T> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(what)
    }

    fn take(&self) -> Option<Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Wraps a subgraph executor and records each request.
pub struct Traced {
    subgraph: String,
    executor: SubgraphExecutorBoxedArc,
    recorder: Arc<Recorder>,
}

impl Traced {
    pub fn boxed(
        subgraph: &str,
        executor: SubgraphExecutorBoxedArc,
        recorder: Arc<Recorder>,
    ) -> SubgraphExecutorBoxedArc {
        Self { subgraph: subgraph.to_owned(), executor, recorder }.to_boxed_arc()
    }
}

#[async_trait]
impl SubgraphExecutor for Traced {
    fn executor_name(&self) -> &str {
        self.executor.executor_name()
    }

    fn endpoint(&self) -> &Uri {
        self.executor.endpoint()
    }

    async fn execute<'a>(
        &self,
        request: SubgraphExecutionRequest<'a>,
        timeout: Option<Duration>,
        plugins: Option<&'a PluginRequestState<'a>>,
    ) -> SubgraphResult {
        let fetch = Fetch::begin(&self.subgraph, &request, self.recorder.now());
        let mut response = self.executor.execute(request, timeout, plugins).await;
        let fetch = fetch.end(&mut response, self.recorder.now());
        self.recorder.with(|recording| recording.fetches.push(fetch));
        response
    }

    async fn subscribe<'a>(
        &self,
        request: SubgraphExecutionRequest<'a>,
        timeout: Option<Duration>,
    ) -> Result<BoxStream<'static, SubgraphResult>, SubgraphExecutorError> {
        self.executor.subscribe(request, timeout).await
    }
}

impl Fetch {
    fn begin(subgraph: &str, request: &SubgraphExecutionRequest<'_>, start: u64) -> Self {
        let entities: Vec<_> = request.raw_variable_values.iter().flatten().flat_map(|(_, json)| read(json)).collect();
        Self {
            subgraph: subgraph.to_owned(),
            kind: match request.raw_variable_values {
                Some(_) => Kind::Entities,
                None if request.query.trim_start().starts_with("mutation") => Kind::Mutation,
                None => Kind::Query,
            },
            representations: entities.len(),
            types: entities.into_iter().map(|entity| entity.type_name).collect(),
            start,
            duration: 0,
            bytes: 0,
            errors: 0,
            failed: false,
            subgraph_duration: None,
            statements: Vec::new(),
            omitted: None,
        }
    }

    fn end(mut self, response: &mut SubgraphResult, now: u64) -> Self {
        self.duration = now.saturating_sub(self.start);
        match response {
            Ok(response) => self.read(response),
            Err(_) => self.failed = true,
        }
        self
    }

    fn read(&mut self, response: &mut SubgraphResponse<'static>) {
        self.bytes = response.bytes.as_ref().map_or(0, Bytes::len);
        self.errors = response.errors.as_ref().map_or(0, Vec::len);
        let Some(subgraph_trace) = take_subgraph_trace(&mut response.extensions) else { return };
        self.bytes = self.bytes.saturating_sub(subgraph_trace.len() + r#","extensions":{"lyceumTrace":}"#.len());
        let Ok(subgraph_trace) = sonic_rs::from_str::<subgraph::Trace>(&subgraph_trace) else { return };
        self.subgraph_duration = Some(subgraph_trace.duration);
        self.omitted = (subgraph_trace.omitted > 0).then_some(subgraph_trace.omitted);
        // When it reached the subgraph is unknown: clocks differ.
        let later = |statement: Statement| TracedStatement {
            id: None,
            statement: Statement { start: self.start + statement.start, ..statement },
        };
        self.statements = subgraph_trace.statements.into_iter().map(later).collect();
    }

    fn remember(&mut self, shown: &ShownStatements) {
        for traced in &mut self.statements {
            traced.id = shown.remember(&self.subgraph, &traced.statement);
        }
    }
}

fn read(representations: &[u8]) -> Vec<Representation> {
    sonic_rs::from_slice(representations).unwrap_or_default()
}

/// Removes the subgraph's trace, as JSON, from the response's extensions; the response is then as without tracing.
fn take_subgraph_trace(extensions: &mut Option<Value<'static>>) -> Option<String> {
    let Some(Value::Object(entries)) = extensions else { return None };
    let (traces, others): (Vec<_>, Vec<_>) =
        mem::take(entries).into_iter().partition(|(name, _)| *name == subgraph::EXTENSION);
    *extensions = (!others.is_empty()).then_some(Value::Object(others));
    sonic_rs::to_string(&traces.into_iter().next()?.1).ok()
}

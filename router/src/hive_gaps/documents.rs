//! hive-router's parser keeps a parse error beyond the text that it borrows from, and prints freed memory; it knows
//! neither `\u{…}` nor surrogate pairs nor descriptions in operations (as of 2025); and its validation lets `{ __typename
//! { a } }` and subscriptions with two root fields through. So no client's document reaches it: apollo-compiler parses
//! and validates each, and hive-router gets the operation that is to run, in its plainest form: merged, with the conditions
//! decided ([`super::conditions`]) and with response keys and variables that it does not take for something else
//! ([`super::response_keys`], [`super::variable_names`]).
//!
//! No upstream issue is known. `upstream_cannot_parse_what_clients_may_send` fails once its parser can.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    mem,
    net::IpAddr,
    sync::{Arc, LazyLock, PoisonError, RwLock, Weak},
    thread::available_parallelism,
    time::Duration,
};

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema, ast,
    collections::HashSet,
    executable::{Operation, OperationMap},
    parser::Parser,
    schema::ExtendedType,
    validation::{DiagnosticList, Valid},
};
use graphql_tools::{
    parser::{Pos, parse_query},
    validation::utils::ValidationError,
};
use hive_router::{
    GraphQLError,
    http::{Method, StatusCode},
    ntex::{util::Bytes, web::types::Query},
    plugins::{
        hooks::{
            on_graphql_params::{GraphQLParams, OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
            on_supergraph_load::{OnSupergraphLoadStartHookPayload, OnSupergraphLoadStartHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
    query_planner::state::supergraph_state::SupergraphState,
};
use moka::sync::Cache;
use serde::Deserialize;
use sonic_rs::Value;
use subgraph_kit::fair_queue::FairQueue;
use tokio::{runtime::Runtime, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{
    answers::{self, Asked},
    conditions::{self, Conditions},
    errors_below_null::ClientOperation,
    fragment_expansion, idle_caches, mutation_order,
    response_keys::{self, ResponseKeys},
    variable_names, variables,
};
use crate::{
    STACK_BYTES,
    cost::{Estimate, OperationCost},
    plugins::{client_address::network, concurrency_limit},
};

/// Of what hive-router gets: with what is escaped in it, a document can have become six times as long, and hive-router's
/// caches count documents, whatever their length.
pub const MAX_REWRITTEN_BYTES: usize = 64 * 1024;
/// apollo-compiler counts white space, commas and comments, too; `limits.max_tokens` counts what is left.
pub const MAX_LEXED_TOKENS: usize = 16_000;
/// Selections, lists and objects within one another. The router's own limits are stricter.
pub const MAX_PARSER_DEPTH: usize = 64;
/// A longer request is read elsewhere, even if its operation is known.
const MAX_INLINE_BYTES: usize = 2_048;
/// A document that is wrong in a hundred places does not get a hundred errors.
const MAX_ERRORS: usize = 10;
/// What the known documents of one graph may take, all together.
const MAX_CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// As in hive-router's caches.
const TIME_TO_IDLE: Duration = Duration::from_secs(20);
/// How many times its text a parsed document takes, and its forms with it.
const PARSED_SIZE: usize = 20;
/// Operations that are kept: as many as in hive-router's caches.
const MAX_OPERATIONS: u64 = 200;
/// Nobody has a turn for longer: an operation that waits for an equal one is not planned.
const MAX_TURN: Duration = Duration::from_millis(250);
const TOO_DEEP: &str = "Query depth limit exceeded.";
/// Valid in every graph.
const NOTHING: &str = "{ __typename }";

/// Parses and validates what clients send, and hands hive-router what it can deal with.
pub struct Documents {
    graph: RwLock<Option<Arc<Graph>>>,
    rewriter: Rewriter,
    /// What an operation costs is known when it has been parsed. So networks take turns with operations that are not
    /// known, until they are planned.
    turns: FairQueue<Option<IpAddr>>,
}

/// Makes of a client's operation one that hive-router can deal with.
#[derive(Clone)]
pub struct Rewriter {
    limits: Config,
    /// Keyed, and nobody knows the key.
    hasher: RandomState,
}

/// What becomes of no document.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// A long text belongs into a variable. None where clients send no documents, but ids of known ones.
    pub max_bytes: Option<usize>,
    /// In microseconds, where everybody's operations have a limit: what costs more is kept nowhere.
    pub max_cost: Option<u64>,
}

/// What documents are validated against, and those that are known to be valid. Nothing that was rejected is kept.
pub struct Graph {
    schema: Valid<Schema>,
    /// What fields are called, in all types.
    field_names: HashSet<Name>,
    /// What they weigh; unknown in some tests.
    weights: Option<Arc<SupergraphState>>,
    documents: Cache<String, Arc<Document>>,
    operations: Cache<Form, Arc<RouterOperation>>,
}

/// A valid document.
pub struct Document {
    executable: Valid<ExecutableDocument>,
}

/// Which operation of which document is run, and how its conditions are decided.
#[derive(PartialEq, Eq, Hash)]
struct Form {
    document: String,
    operation: Option<Name>,
    conditions: Conditions,
}

/// An operation as hive-router gets it.
pub struct RouterOperation {
    pub text: String,
    response_keys: Option<Arc<ResponseKeys>>,
    /// What the variable is called whose name hive-router takes.
    pub variable_name: Option<Name>,
    pub cost: Option<Arc<OperationCost>>,
    /// hive-router's caches are to have it once, whether or not the client says which of one it means.
    name: Option<Name>,
}

/// Why a request cannot be executed.
pub type RequestErrors = Vec<ValidationError>;

/// The threads that parse.
static PARSERS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut parsers = tokio::runtime::Builder::new_multi_thread();
    parsers.worker_threads(1).max_blocking_threads(parser_concurrency());
    parsers
        .thread_name("router:parser")
        .thread_stack_size(STACK_BYTES)
        .enable_time()
        .build()
        .expect("threads can be started")
});

/// As many as there are processors.
fn parser_concurrency() -> usize {
    available_parallelism().map_or(1, usize::from)
}

pub type Rewritten = Result<(Arc<Document>, Arc<RouterOperation>), RequestErrors>;

/// In a request's context.
struct Prepared {
    text: String,
    name: Option<String>,
    variables: HashMap<String, Value>,
    operation: Rewritten,
    /// Of an operation that was not known: until it is planned.
    turn: Option<AbortOnDropHandle<()>>,
}

/// In the context of a request that hive-router may be able to read, and this plugin is not.
struct Unreadable;

/// A request that has its document's text.
struct DocumentRequest {
    text: String,
    name: Option<String>,
    params: GraphQLParams,
}

/// Where a request has its operation.
enum Source {
    Body(Bytes),
    /// What follows the question mark.
    Address(String),
}

/// The parameters in an address.
#[derive(Deserialize)]
struct AddressParams {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
}

/// In the context of a request that cannot be executed.
struct Rejected(Arc<RequestErrors>);

impl Documents {
    pub fn on_supergraph_reload(
        &self,
        payload: OnSupergraphLoadStartHookPayload,
    ) -> OnSupergraphLoadStartHookResult<'_> {
        payload.on_end(|payload| match Graph::new(&payload.new_supergraph.public_schema.sdl) {
            Ok(graph) => {
                let graph = graph.with_weights(&payload.new_supergraph.planner.supergraph);
                let graph = Arc::new(graph);
                PARSERS.spawn(evict_idle(Arc::downgrade(&graph)));
                *self.graph.write().unwrap_or_else(PoisonError::into_inner) = Some(graph);
                payload.proceed()
            }
            Err(errors) => {
                let error = GraphQLError::from_message_and_code(errors.to_string(), "SUPERGRAPH_RUNTIME_ERROR");
                payload.end_with_graphql_error(error, StatusCode::INTERNAL_SERVER_ERROR)
            }
        })
    }

    pub fn on_http_request(payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
        payload.on_end(|payload| {
            let asked = payload.context.get_ref::<Arc<Asked>>().map(|asked| Arc::clone(&asked));
            match asked {
                Some(asked) => payload.map_response(|response| answers::rewrite(response, asked)).proceed(),
                None => payload.proceed(),
            }
        })
    }

    pub fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        // At the end the text of a persisted document is there, too.
        payload.on_end(|mut payload| {
            self.replace_document(&mut payload.graphql_params, payload.context);
            payload.proceed()
        })
    }

    pub fn on_query_plan(payload: OnQueryPlanStartHookPayload<'_>) -> OnQueryPlanStartHookResult<'_> {
        match end_turn(payload.context) {
            Some(turn) => payload.on_end(|payload| {
                drop(turn);
                payload.proceed()
            }),
            None => payload.proceed(),
        }
    }

    // Errors that are returned from here get the form and the status that the client's `Accept` asks for.
    pub fn on_graphql_validation(
        mut payload: OnGraphQLValidationStartHookPayload<'_>,
    ) -> OnGraphQLValidationStartHookResult<'_> {
        if let Some(rejected) = payload.context.get_ref::<Rejected>() {
            payload.errors = Some(Arc::clone(&rejected.0));
        }
        payload.proceed()
    }
}

impl Documents {
    pub fn new(limits: Config) -> Self {
        Self { graph: RwLock::default(), rewriter: Rewriter::new(limits), turns: FairQueue::new(parser_concurrency()) }
    }

    fn graph(&self) -> Option<Arc<Graph>> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn prepare(&self, payload: &OnGraphQLParamsStartHookPayload<'_>) {
        match self.parse(Source::of(payload), payload.context).await {
            Ok(Some(prepared)) => drop(payload.context.insert(prepared)),
            Ok(None) => {}
            Err(unreadable) => drop(payload.context.insert(unreadable)),
        }
    }

    /// A thread that answers requests has many connections, so what takes long is done in another one. None where the
    /// request has an id in place of a document: those of a manifest are known to be good.
    async fn parse(&self, source: Source, context: &PluginContext) -> Result<Option<Prepared>, Unreadable> {
        let Some(graph) = self.graph() else { return Ok(None) };
        let rewriter = self.rewriter.clone();
        if rewriter.limits.max_bytes.is_none() {
            return Ok(None);
        }
        if source.len() <= MAX_INLINE_BYTES {
            let Some(request) = source.read()? else { return Ok(None) };
            if let Some(operation) = request.known(&graph) {
                return Ok(Some(request.prepared(operation)));
            }
        }
        // Its network's other requests need not wait for that.
        concurrency_limit::release(context);
        let turn = self.turns.acquire(network(context)).await;
        let prepare = move || {
            // Until it is planned, or its client is gone; but not before it is parsed.
            let turn = PARSERS.spawn(async move {
                let _turn = turn;
                sleep(MAX_TURN).await;
            });
            let turn = AbortOnDropHandle::new(turn);
            let Some(request) = source.read()? else { return Ok(None) };
            if let Some(operation) = request.known(&graph) {
                return Ok(Some(request.prepared(operation)));
            }
            let operation = rewriter.operation(&graph, &request.text, request.name.as_deref(), &request.params);
            Ok(Some(Prepared { turn: Some(turn), ..request.prepared(operation) }))
        };
        PARSERS.spawn_blocking(prepare).await.unwrap_or(Err(Unreadable))
    }

    /// What becomes of a request, as hive-router has read it.
    fn operation(&self, text: &str, name: Option<&str>, params: &GraphQLParams, context: &PluginContext) -> Rewritten {
        let unreadable = || Err(vec![problem("The request cannot be read.", "BAD_USER_INPUT")]);
        if let Some(mut prepared) = context.get_mut::<Prepared>() {
            return prepared.take(text, name, params).unwrap_or_else(unreadable);
        }
        if context.get_ref::<Unreadable>().is_some() {
            return unreadable();
        }
        match self.graph() {
            Some(graph) => self.rewriter.operation(&graph, text, name, params),
            None => Err(vec![problem("the graph is not known yet", "NO_SUPERGRAPH_AVAILABLE")]),
        }
    }

    fn replace_document(&self, params: &mut GraphQLParams, context: &PluginContext) {
        let Some(text) = params.query.take() else { return };
        let name = operation_name(params);
        match self.operation(&text, name.as_deref(), params, context) {
            Ok((document, operation)) => {
                if let Some(name) = &operation.variable_name {
                    variable_names::rename_value(&mut params.variables, name);
                }
                if let Some(cost) = &operation.cost {
                    let estimate = cost.estimate(&params.variables);
                    context.insert(Estimate { cost: estimate, operation: Arc::clone(cost) });
                    if self.rewriter.limits.max_cost.is_some_and(|most| estimate > most) {
                        // The plugin `cost` refuses it by its estimate.
                        params.query = Some(NOTHING.to_owned());
                        return;
                    }
                }
                let response_keys = operation.response_keys.clone();
                let client = ClientOperation { document, name: name.as_deref().and_then(|name| Name::new(name).ok()) };
                context.insert(Arc::new(Asked { operation: client, response_keys }));
                params.query = Some(operation.text.clone());
                params.operation_name = operation.name.as_ref().map(Name::to_string);
            }
            Err(errors) => {
                context.insert(Rejected(Arc::new(errors)));
                params.query = Some(NOTHING.to_owned());
            }
        }
    }
}

impl Rewriter {
    pub fn new(limits: Config) -> Self {
        Self { limits, hasher: RandomState::new() }
    }

    /// What hive-router gets for a client's request.
    pub fn operation(&self, graph: &Graph, text: &str, name: Option<&str>, params: &GraphQLParams) -> Rewritten {
        if let Some(most) = self.limits.max_bytes {
            check_length(text, most)?;
        }
        if let Some(known) = graph.known(text, name, params) {
            return known;
        }
        let document = graph.document(text)?;
        let (operation, conditions) = document.operation(name, params, &graph.schema)?;
        let rewritten = Arc::new(self.rewrite(graph, &document.executable, operation, &conditions)?);
        if self.is_allowed(&rewritten, params) {
            let form = Form { document: text.to_owned(), operation: operation.name.clone(), conditions };
            graph.operations.insert(form, Arc::clone(&rewritten));
            graph.documents.insert(text.to_owned(), Arc::clone(&document));
        }
        Ok((document, rewritten))
    }

    /// Whether somebody may run it.
    fn is_allowed(&self, operation: &RouterOperation, params: &GraphQLParams) -> bool {
        let Some((most, cost)) = self.limits.max_cost.zip(operation.cost.as_ref()) else { return true };
        let mut variables = Cow::Borrowed(&params.variables);
        if let Some(name) = &operation.variable_name {
            variable_names::rename_value(variables.to_mut(), name);
        }
        cost.estimate(&variables) <= most
    }

    fn rewrite(
        &self,
        graph: &Graph,
        document: &ExecutableDocument,
        operation: &Operation,
        conditions: &Conditions,
    ) -> Result<RouterOperation, RequestErrors> {
        let mut keys = ResponseKeys::of(document, &graph.field_names);
        let mut executable = conditions::rewrite(document, operation, conditions, &keys, &graph.schema);
        let variable_name = variable_names::rename(&mut executable);
        let priced = graph.weights.as_deref().zip(executable.operations.iter().next());
        let cost = priced.map(|(weights, operation)| OperationCost::of(operation, &executable.fragments, weights));
        keys.add_separators(mutation_order::separate(&mut executable, &graph.schema));
        let mut text = executable.serialize().no_indent().to_string();
        // hive-router's caches go by the text's hash, which anybody can compute: a comment that nobody can foresee
        // keeps documents apart that somebody has made to have the same one.
        let seal = self.hasher.hash_one(&text);
        text.extend([" #", &format!("{seal:016x}")]);
        check_length(&text, MAX_REWRITTEN_BYTES)?;
        // Its errors must never be printed: they borrow from a text that hive-router has given back by then.
        if parse_query::<String>(&text).is_err() {
            return Err(vec![problem(TOO_DEEP, "MAX_DEPTH_EXCEEDED")]);
        }
        Ok(RouterOperation {
            text,
            response_keys: keys.into_used().map(Arc::new),
            variable_name,
            cost: cost.map(Arc::new),
            name: operation.name.clone(),
        })
    }
}

/// Evicts what is idle, for as long as there is the graph.
async fn evict_idle(graph: Weak<Graph>) {
    while let Some(graph) = graph.upgrade() {
        graph.evict_idle();
        drop(graph);
        sleep(idle_caches::PERIOD).await;
    }
}

impl Source {
    fn of(payload: &OnGraphQLParamsStartHookPayload<'_>) -> Self {
        let request = payload.router_http_request;
        match (request.method, request.uri.query()) {
            (&Method::GET, Some(query)) => Self::Address(query.to_owned()),
            _ => Self::Body(payload.body.clone()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Body(body) => body.len(),
            Self::Address(query) => query.len(),
        }
    }

    /// None without a document.
    fn read(&self) -> Result<Option<DocumentRequest>, Unreadable> {
        let mut params = self.params().ok_or(Unreadable)?;
        let Some(text) = params.query.take() else { return Ok(None) };
        let name = operation_name(&mut params);
        Ok(Some(DocumentRequest { text, name, params }))
    }

    fn params(&self) -> Option<GraphQLParams> {
        match self {
            Self::Body(body) => sonic_rs::from_slice(body).ok(),
            Self::Address(query) => {
                let Query(AddressParams { query, operation_name, variables }) = Query::from_query(query).ok()?;
                let variables: Option<HashMap<_, _>> = match variables {
                    Some(text) if !text.is_empty() => sonic_rs::from_str(&text).ok()?,
                    _ => None,
                };
                let variables = variables.unwrap_or_default();
                Some(GraphQLParams { query, operation_name, variables, extensions: None })
            }
        }
    }
}

impl DocumentRequest {
    fn known(&self, graph: &Graph) -> Option<Rewritten> {
        graph.known(&self.text, self.name.as_deref(), &self.params)
    }

    fn prepared(self, operation: Rewritten) -> Prepared {
        Prepared { text: self.text, name: self.name, variables: self.params.variables, operation, turn: None }
    }
}

impl Prepared {
    /// The operation, if hive-router has read the same request.
    fn take(&mut self, text: &str, name: Option<&str>, params: &GraphQLParams) -> Option<Rewritten> {
        let is_same = self.text == text && self.name.as_deref() == name && are_same(&self.variables, &params.variables);
        is_same.then(|| mem::replace(&mut self.operation, Err(Vec::new())))
    }
}

/// Whether they read the same. Comparing values themselves takes exponentially long where names occur twice.
fn are_same(values: &HashMap<String, Value>, others: &HashMap<String, Value>) -> bool {
    let is_same = |(name, value): (&String, &Value)| {
        others.get(name).is_some_and(|other| sonic_rs::to_string(value).ok() == sonic_rs::to_string(other).ok())
    };
    values.len() == others.len() && values.iter().all(is_same)
}

/// Ends the turn that a request has, if it has one: others may have theirs.
pub fn end_turn(context: &PluginContext) -> Option<AbortOnDropHandle<()>> {
    context.get_mut::<Prepared>().and_then(|mut prepared| prepared.turn.take())
}

/// Clients that fill in a form have an empty name where they mean none.
fn operation_name(params: &mut GraphQLParams) -> Option<String> {
    params.operation_name.take().filter(|name| !name.is_empty())
}

impl Graph {
    /// Reads the API schema.
    pub fn new(sdl: &str) -> Result<Self, DiagnosticList> {
        let schema = api_schema(sdl)?;
        let fields = schema.types.values().flat_map(response_keys::field_names).cloned().collect();
        let weigh = |text: &String, _: &Arc<Document>| u32::try_from(text.len() * PARSED_SIZE).unwrap_or(u32::MAX);
        let documents =
            Cache::builder().weigher(weigh).max_capacity(MAX_CACHE_BYTES).time_to_idle(TIME_TO_IDLE).build();
        let operations = Cache::builder().max_capacity(MAX_OPERATIONS).time_to_idle(TIME_TO_IDLE).build();
        Ok(Self { schema, field_names: fields, weights: None, documents, operations })
    }

    /// Operations have costs from now on.
    pub fn with_weights(self, supergraph: &Arc<SupergraphState>) -> Self {
        Self { weights: Some(Arc::clone(supergraph)), ..self }
    }

    #[cfg(any(test, fuzzing))]
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    #[cfg(test)]
    pub fn field_names(&self) -> &HashSet<Name> {
        &self.field_names
    }

    /// A document that is known, or valid.
    pub fn document(&self, text: &str) -> Result<Arc<Document>, RequestErrors> {
        if let Some(known) = self.documents.get(text) {
            return Ok(known);
        }
        let executable = parse(text)?.to_executable_validate(&self.schema);
        let executable = executable.map_err(|invalid| problems(&invalid.errors, "GRAPHQL_VALIDATION_FAILED"))?;
        Ok(Arc::new(Document { executable }))
    }

    /// What becomes of an operation that is known.
    fn known(&self, text: &str, name: Option<&str>, params: &GraphQLParams) -> Option<Rewritten> {
        let document = self.documents.get(text)?;
        let (operation, conditions) = match document.operation(name, params, &self.schema) {
            Ok(known) => known,
            Err(errors) => return Some(Err(errors)),
        };
        let form = Form { document: text.to_owned(), operation: operation.name.clone(), conditions };
        let operation = self.operations.get(&form)?;
        Some(Ok((document, operation)))
    }

    /// Evicts what is idle.
    fn evict_idle(&self) {
        self.documents.run_pending_tasks();
        self.operations.run_pending_tasks();
    }
}

impl Document {
    pub fn executable(&self) -> &ExecutableDocument {
        &self.executable
    }

    /// The operation that is to run, and how its conditions are decided.
    fn operation(
        &self,
        name: Option<&str>,
        params: &GraphQLParams,
        schema: &Valid<Schema>,
    ) -> Result<(&Node<Operation>, Conditions), RequestErrors> {
        let operation = self.named(name)?;
        variables::check(schema, operation, &params.variables)?;
        let conditions = Conditions::decide(&self.executable, operation, &params.variables)?;
        Ok((operation, conditions))
    }

    fn named(&self, name: Option<&str>) -> Result<&Node<Operation>, RequestErrors> {
        let operations = &self.executable.operations;
        operations.get(name).map_err(|_| {
            let places = operations.iter().filter_map(|one| one.line_column_range(&self.executable.sources));
            let locations = places.map(|place| Pos { line: place.start.line, column: place.start.column }).collect();
            let message = why_no_operation(operations, name).to_owned();
            vec![ValidationError { locations, message, error_code: "BAD_USER_INPUT" }]
        })
    }
}

/// The API schema as hive-router has it, which has types and fields of introspection among the others.
pub fn api_schema(sdl: &str) -> Result<Valid<Schema>, DiagnosticList> {
    let builder = Schema::builder().ignore_builtin_redefinitions().parse(sdl, "api.graphql");
    let mut schema = builder.build().map_err(|invalid| invalid.errors)?;
    for kind in schema.types.values_mut() {
        if let ExtendedType::Object(object) = kind {
            object.make_mut().fields.retain(|name, _| !name.starts_with("__"));
        }
    }
    schema.validate().map_err(|invalid| invalid.errors)
}

/// Within the limits of what is lexed, parsed and spread out.
pub fn parse(text: &str) -> Result<ast::Document, RequestErrors> {
    let mut parser = Parser::new().token_limit(MAX_LEXED_TOKENS).recursion_limit(MAX_PARSER_DEPTH);
    let parsed = parser.parse_ast(text, "operation.graphql");
    if parser.tokens_reached() > MAX_LEXED_TOKENS {
        return Err(vec![problem("Token limit exceeded.", "TOKEN_LIMIT_EXCEEDED")]);
    }
    if parser.recursion_reached() > MAX_PARSER_DEPTH {
        return Err(vec![problem(TOO_DEEP, "MAX_DEPTH_EXCEEDED")]);
    }
    let document = parsed.map_err(|invalid| vec![syntax_error(&invalid.errors)])?;
    fragment_expansion::check(&document)?;
    Ok(document)
}

fn check_length(text: &str, most: usize) -> Result<(), RequestErrors> {
    if text.len() <= most {
        return Ok(());
    }
    let message = format!("The document is longer than {most} bytes. Send long texts as values of variables.");
    Err(vec![problem(message, "TOKEN_LIMIT_EXCEEDED")])
}

fn why_no_operation(operations: &OperationMap, name: Option<&str>) -> &'static str {
    match name {
        Some(_) => "The document has no operation of the name that `operationName` says.",
        None if operations.is_empty() => "The document has no operation.",
        None => "The document has several operations: say with `operationName` which one to run.",
    }
}

/// An error of the request as a whole.
pub fn problem(message: impl Into<String>, code: &'static str) -> ValidationError {
    ValidationError { locations: Vec::new(), message: message.into(), error_code: code }
}

/// The first place that is wrong: what the parser says of later ones follows from it. The text there is not quoted, since
/// it may be a password.
fn syntax_error(errors: &DiagnosticList) -> ValidationError {
    let mut errors = problems(errors, "GRAPHQL_PARSE_FAILED");
    errors.sort_by_key(|error| error.locations.first().map(|place| (place.line, place.column)));
    let Some(mut first) = errors.into_iter().next() else { return problem("Syntax error.", "GRAPHQL_PARSE_FAILED") };
    let told = first.message.trim_start_matches("syntax error: ");
    let told = told.split(", got ").next().and_then(|told| told.split(['"', '`']).next()).unwrap_or_default();
    let told: Vec<_> = told.split_whitespace().map(punctuation).collect();
    first.message = format!("Syntax error: {}.", told.join(" "));
    first
}

/// What the parser calls by a name.
fn punctuation(word: &str) -> &str {
    match word {
        "L_CURLY" => "\"{\"",
        "R_CURLY" => "\"}\"",
        "L_PAREN" => "\"(\"",
        "R_PAREN" => "\")\"",
        "L_BRACK" => "\"[\"",
        "R_BRACK" => "\"]\"",
        word => word,
    }
}

fn problems(errors: &DiagnosticList, code: &'static str) -> RequestErrors {
    let problem = |error: apollo_compiler::response::GraphQLError| ValidationError {
        locations: error.locations.iter().map(|place| Pos { line: place.line, column: place.column }).collect(),
        message: error.message,
        error_code: code,
    };
    errors.iter().take(MAX_ERRORS).map(|error| problem(error.to_json())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents() -> (Documents, Graph) {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        (Documents::new(Config { max_bytes: Some(32_768), max_cost: None }), graph)
    }

    #[test]
    fn as_many_operations_are_known_for_as_long_as_in_hive_routers_caches() {
        let config: serde_json::Value =
            serde_yaml_ng::from_str(include_str!("../../router.config.yaml")).expect("it is valid");
        let plans = &config["cache"]["supergraph"]["query_plans"];

        assert_eq!(plans["max_entries"], MAX_OPERATIONS);
        assert_eq!(plans["time_to_idle"], format!("{}s", TIME_TO_IDLE.as_secs()));
    }

    #[test]
    fn nothing_that_is_rejected_is_kept() {
        let (documents, graph) = documents();
        let params = GraphQLParams::default();
        for text in
            ["query A { __typename } query B { __typename }", "query ($a: Int!) { courses(first: $a) { totalCount } }"]
        {
            assert!(documents.rewriter.operation(&graph, text, None, &params).is_err(), "{text}");
        }
        let known = "{ courses { totalCount } }";
        assert!(graph.known(known, None, &params).is_none());
        assert!(documents.rewriter.operation(&graph, known, None, &params).is_ok());
        assert!(graph.known(known, None, &params).is_some());
        graph.evict_idle();
        assert_eq!((graph.documents.entry_count(), graph.operations.entry_count()), (1, 1));
    }

    fn run(text: &str, name: Option<&str>, variables: &serde_json::Value) -> Result<String, RequestErrors> {
        let (documents, graph) = documents();
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let params = GraphQLParams { variables, ..GraphQLParams::default() };
        let (_, operation) = documents.rewriter.operation(&graph, text, name, &params)?;
        let (text, _) = operation.text.rsplit_once(" #").expect("it is sealed");
        Ok(text.to_owned())
    }

    fn code(text: &str) -> &'static str {
        run(text, None, &json!({})).expect_err("it is wrong").first().expect("an error").error_code
    }

    #[test]
    fn upstream_cannot_parse_what_clients_may_send() {
        let parse_query = parse_query::<String>;

        assert!(parse_query(r#"{ courses(filter: { search: "\uD83D\uDE00" }) { totalCount } }"#).is_err());
        assert!(parse_query(r#"{ courses(filter: { search: "\u{1F600}" }) { totalCount } }"#).is_err());
        assert!(parse_query(r#""What it is." query Q { courses { totalCount } }"#).is_err());
    }

    #[test]
    fn the_schema_as_the_router_has_it_can_be_read() {
        use hive_router::query_planner::{
            planner::{Planner, QueryPlannerOptions},
            utils::parsing::safe_parse_schema,
        };

        for supergraph in
            [include_str!("../../../supergraph.graphql"), include_str!("../../tests/it/supergraph.graphql")]
        {
            let supergraph = safe_parse_schema(supergraph).expect("it is a schema");
            let planner = Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default());
            let schema = planner.expect("it can be planned on").consumer_schema.document.to_string();

            if let Err(errors) = Graph::new(&schema) {
                panic!("{errors}");
            }
        }
    }

    #[test]
    fn strings_reach_the_router_as_characters() {
        for escaped in [r"\uD83D\uDE00", r"\u{1F600}", "😀"] {
            let text = format!(r#"{{ courses(filter: {{ search: "{escaped}" }}) {{ totalCount }} }}"#);

            let sent = run(&text, None, &json!({})).expect("it is valid");

            assert!(sent.contains(r#""😀""#), "{sent}");
            assert!(parse_query::<String>(&sent).is_ok());
        }
    }

    #[test]
    fn descriptions_are_accepted_and_left_out() {
        let text = r#"
            "What it is."
            query Q("How many." $first: Int = 1) { courses(first: $first) { ...F } }
            """What it shows."""
            fragment F on CourseConnection { nodes { title } }"#;

        let sent = run(text, None, &json!({})).expect("it is valid");

        assert!(!sent.contains("What") && !sent.contains("How"), "{sent}");
    }

    #[test]
    fn one_operation_is_left_and_its_fragments_are_in_place() {
        let text = "query A { courses { ...F } } query B { me { ...G } } \
                    fragment F on CourseConnection { totalCount } fragment G on User { name }";

        let sent = run(text, Some("B"), &json!({})).expect("it is valid");

        assert_eq!(sent, "query B { me { name } }");
    }

    #[test]
    fn what_is_wrong_is_told_by_code_and_place() {
        assert_eq!(code("query($i:ID! !){a}"), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code(""), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code("{ __typename { a } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ weather }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me @unknown { name } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me @skip(if: true) @skip(if: true) { name } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me { ...F } } fragment F on User { ...F }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me { ...on Course { title } } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(
            code("subscription { notificationAdded { id } b: notificationAdded { id } }"),
            "GRAPHQL_VALIDATION_FAILED"
        );
        assert_eq!(code("query A { me { name } } query B { me { name } }"), "BAD_USER_INPUT");
        assert_eq!(code(&format!("{{ me {{ name }} }} {}", "# \n".repeat(20_000))), "TOKEN_LIMIT_EXCEEDED");
        assert_eq!(code(&"{ me ".repeat(1_000)), "MAX_DEPTH_EXCEEDED");
        let errors = run("{\n  weather\n}", None, &json!({})).expect_err("it is wrong");
        assert_eq!((errors[0].locations[0].line, errors[0].locations[0].column), (2, 3));
    }

    /// hive-router's caches keep a thousand of them.
    #[test]
    fn a_document_of_which_a_thousand_would_fill_the_memory_is_refused() {
        let with = |text: &str, times: usize| {
            format!("{{ courses(filter: {{ search: \"{}\" }}) {{ totalCount }} }}", text.repeat(times))
        };

        assert!(run(&with("x", 32_000), None, &json!({})).is_ok());
        assert_eq!(code(&with("x", 33_000)), "TOKEN_LIMIT_EXCEEDED");
        // Each of these letters has six in what hive-router gets.
        assert_eq!(code(&with("\u{7}", 32_000)), "TOKEN_LIMIT_EXCEEDED");
    }

    #[test]
    fn what_the_routers_parser_would_not_take_does_not_reach_it() {
        let introspection = |depth: usize| {
            format!("{{ __schema {{ types {} {{ name }} {} }} }}", "{ ofType ".repeat(depth), "}".repeat(depth))
        };

        assert!(run(&introspection(20), None, &json!({})).is_ok());
        assert_eq!(code(&introspection(55)), "MAX_DEPTH_EXCEEDED");
    }

    #[test]
    fn a_syntax_error_says_the_first_place_and_quotes_nothing() {
        for (text, told) in [
            ("{ me { id ", "Syntax error: expected \"}\"."),
            ("{ me(a: \"secret\" \"secret\") { id } }", "Syntax error: expected \")\"."),
            ("{ me { id } } \"secret", ""),
            ("secret", ""),
        ] {
            let errors = run(text, None, &json!({})).expect_err("it is wrong");

            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(!errors[0].message.contains("secret"), "{errors:?}");
            assert!(told.is_empty() || errors[0].message == told, "{errors:?}");
            assert_eq!(errors[0].locations.len(), 1, "{errors:?}");
        }
    }

    #[test]
    fn each_form_of_a_document_is_made_once() {
        let (documents, graph) = documents();
        let text = "query($a: Boolean!) { me { name @include(if: $a) } }";
        let with = |value: bool| {
            let params =
                GraphQLParams { variables: [("a".to_owned(), value.into())].into(), ..GraphQLParams::default() };
            documents.rewriter.operation(&graph, text, None, &params).expect("it is valid").1
        };

        assert!(Arc::ptr_eq(&with(true), &with(true)));
        assert_ne!(with(true).text, with(false).text);
    }
}

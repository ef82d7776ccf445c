//! hive-router's parser keeps a parse error beyond the text that it borrows from, and prints freed memory; it does not
//! support `\u{…}`, surrogate pairs, or descriptions in operations (2025 specification); and its validation accepts `{
//! __typename { a } }` and subscriptions with two root fields. So no client's document reaches it: apollo-compiler
//! parses and validates each, and hive-router gets the requested operation in its simplest form: merged, with its
//! conditions evaluated ([`super::conditions`]) and with response keys and variables that it does not confuse with
//! others ([`super::response_keys`], [`super::variable_names`]).
//!
//! No upstream issue is known. `upstream_cannot_parse_what_clients_may_send` fails once its parser can.

pub mod graph;
mod operation_selection;
pub mod parser;
pub mod parser_queue;
mod request;
pub mod rewriter;

use std::{
    mem,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use apollo_compiler::Name;
use graphql_tools::static_graphql::query::Document as QueryDocument;
use hive_router::{
    GraphQLError,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_graphql_params::{GraphQLParams, OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
            on_supergraph_load::{OnSupergraphLoadStartHookPayload, OnSupergraphLoadStartHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};
use telemetry::metrics;
use tokio::time::sleep;

use self::{
    graph::{Document, Graph, Rewritten, RouterOperation},
    parser_queue::{ParserQueue, ParserSlot, take_slot},
    request::{DocumentRequest, Source, Unreadable, operation_name},
    rewriter::{DocumentLimits, Rewriter},
};
use super::{
    errors_below_null::ClientOperation,
    idle_caches,
    request_errors::{RequestErrors, request_error},
    responses::{self, ClientRequest},
    variable_names,
};
use crate::{
    Settings,
    cost::estimate::Estimate,
    persisted_queries::{PersistedQueries, Reference},
    plugins::{client_address::network, concurrency_limit},
};

/// A longer request is parsed on another thread, even if its operation is cached.
const MAX_INLINE_BYTES: usize = 2_048;
/// Replaces a document that must not be executed: valid in every graph.
const PLACEHOLDER: &str = "{ __typename }";

/// Parses and validates clients' documents, and rewrites them for hive-router.
pub struct Documents {
    graph: RwLock<Option<Arc<Graph>>>,
    rewriter: Rewriter,
    queue: ParserQueue,
    persisted: PersistedQueries,
}

/// The parsed request, in a request's context. One that hive-router may be able to parse, and this plugin is not, is
/// [`Unreadable`].
struct Prepared {
    request: DocumentRequest,
    operation: Rewritten,
}

/// The errors of a request that cannot be executed, in its context.
struct Rejected(Arc<RequestErrors>);

/// The document to be validated in place of the one to be executed, in a request's context.
struct Validated(Arc<QueryDocument>);

impl Documents {
    pub fn on_supergraph_reload(
        &self,
        payload: OnSupergraphLoadStartHookPayload,
    ) -> OnSupergraphLoadStartHookResult<'_> {
        payload.on_end(|payload| match Graph::new(&payload.new_supergraph.public_schema.sdl) {
            Ok(graph) => {
                let graph = graph.with_weights(&payload.new_supergraph.planner.supergraph);
                let graph = Arc::new(graph);
                parser_queue::spawn(evict_idle(Arc::downgrade(&graph)));
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
            let request = payload.context.get_ref::<Arc<ClientRequest>>().map(|request| Arc::clone(&request));
            match request {
                Some(request) => payload.map_response(|response| responses::rewrite(response, request)).proceed(),
                None => payload.proceed(),
            }
        })
    }

    pub fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        // At the end hook, the text of a persisted document is available, too.
        payload.on_end(|mut payload| {
            self.replace_document(&mut payload.graphql_params, payload.context);
            payload.proceed()
        })
    }

    pub fn on_query_plan(payload: OnQueryPlanStartHookPayload<'_>) -> OnQueryPlanStartHookResult<'_> {
        match take_slot(payload.context) {
            Some(slot) => payload.on_end(|payload| {
                drop(slot);
                payload.proceed()
            }),
            None => payload.proceed(),
        }
    }

    // Errors returned from here get the form and the status that the client's `Accept` requires.
    pub fn on_graphql_validation(
        mut payload: OnGraphQLValidationStartHookPayload<'_>,
    ) -> OnGraphQLValidationStartHookResult<'_> {
        if let Some(validated) = payload.context.get_ref::<Validated>() {
            payload.document = Arc::clone(&validated.0);
        }
        if let Some(rejected) = payload.context.get_ref::<Rejected>() {
            payload.errors = Some(Arc::clone(&rejected.0));
        }
        payload.proceed()
    }
}

impl Documents {
    /// With a Valkey for persisted queries, it has to be called within the runtime that drives the connection.
    pub fn new(settings: &Settings, valkey: Option<redis::Client>) -> Self {
        let rewriter = Rewriter::new(DocumentLimits::of(settings));
        let valkey = valkey.filter(|_| rewriter.takes_documents());
        let persisted = PersistedQueries::new(settings.document.persisted_query_bytes, valkey);
        Self { graph: RwLock::default(), rewriter, queue: ParserQueue::new(), persisted }
    }

    pub fn graph(&self) -> Option<Arc<Graph>> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The API schema; `None` until it is loaded.
    pub fn sdl(&self) -> Option<String> {
        Some(self.graph()?.schema().to_string())
    }

    pub async fn prepare(&self, payload: &OnGraphQLParamsStartHookPayload<'_>) {
        let mut parsed = self.parse(Source::of(payload), None, payload.context).await;
        if let Ok(Some(Prepared { request, .. })) = &parsed
            && let Reference::Missing(_) = request.reference
            // Boxed, so that this future stays small without Valkey.
            && let Some(fetched) = Box::pin(self.persisted.fetch(&request.params)).await
        {
            parsed = Box::pin(self.parse(Source::of(payload), Some(fetched), payload.context)).await;
        }
        match parsed {
            Ok(Some(prepared)) => {
                record_reference(&prepared.request.reference);
                payload.context.insert(prepared);
            }
            Ok(None) => {}
            Err(unreadable) => drop(payload.context.insert(unreadable)),
        }
    }

    // When the operation has passed validation and the cost limit.
    pub fn on_graphql_analysis(&self, payload: &OnGraphqlAnalysisHookPayload<'_>) {
        let Some(prepared) = payload.context.get_ref::<Prepared>() else { return };
        match &prepared.request.reference {
            Reference::New(hash) => {
                if self.persisted.store(*hash, &prepared.request.text, network(payload.context)) {
                    metrics::record_persisted_query("stored");
                }
            }
            Reference::Found(hash, text) => self.persisted.keep(*hash, text, network(payload.context)),
            Reference::Text | Reference::Missing(_) | Reference::Invalid(_) => {}
        }
    }

    /// `None` if the request has an id instead of a document: a manifest's documents are trusted.
    async fn parse(
        &self,
        source: Source,
        fetched: Option<Reference>,
        context: &PluginContext,
    ) -> Result<Option<Prepared>, Unreadable> {
        let Some(graph) = self.graph().filter(|_| self.rewriter.takes_documents()) else { return Ok(None) };
        if source.len() <= MAX_INLINE_BYTES {
            let Some(request) = source.read(&self.persisted, fetched.as_ref())? else { return Ok(None) };
            if let Some(operation) = request.cached(&graph) {
                return Ok(Some(Prepared { request, operation }));
            }
        }
        // Parsing must not block other requests of the network address.
        concurrency_limit::release(context);
        let (rewriter, persisted) = (self.rewriter.clone(), self.persisted.clone());
        let prepare = move |slot: ParserSlot| {
            let Some(request) = source.read(&persisted, fetched.as_ref())? else { return Ok(None) };
            if let Some(operation) = request.cached(&graph) {
                return Ok(Some((Prepared { request, operation }, None)));
            }
            let operation = rewriter.operation(&graph, &request.text, request.name.as_deref(), &request.params);
            Ok(Some((Prepared { request, operation }, Some(slot))))
        };
        let prepared = self.queue.run(network(context), prepare).await.unwrap_or(Err(Unreadable))?;
        Ok(prepared.map(|(prepared, slot)| {
            if let Some(slot) = slot {
                slot.hold(context);
            }
            prepared
        }))
    }

    /// Rewrites a request, as hive-router has parsed it.
    fn operation(&self, text: &str, name: Option<&str>, params: &GraphQLParams, context: &PluginContext) -> Rewritten {
        let unreadable = || Err(vec![request_error("The request cannot be read.", "BAD_USER_INPUT")]);
        if let Some(mut prepared) = context.get_mut::<Prepared>() {
            return prepared.take(text, name, params).unwrap_or_else(unreadable);
        }
        if context.get_ref::<Unreadable>().is_some() {
            return unreadable();
        }
        match self.graph() {
            Some(graph) => self.rewriter.operation(&graph, text, name, params),
            None => Err(vec![request_error("The supergraph is not loaded yet.", "NO_SUPERGRAPH_AVAILABLE")]),
        }
    }

    fn replace_document(&self, params: &mut GraphQLParams, context: &PluginContext) {
        let sent = params.query.take();
        let Some(text) = persisted_text(context).or(sent) else { return };
        let name = operation_name(params);
        let replacement = match self.operation(&text, name.as_deref(), params, context) {
            Ok((document, operation)) => self.replacement(params, context, document, name.as_deref(), &operation),
            Err(errors) => {
                context.insert(Rejected(Arc::new(errors)));
                None
            }
        };
        params.query = Some(replacement.unwrap_or_else(|| PLACEHOLDER.to_owned()));
    }

    /// The text for hive-router. `None` if its estimated cost is above the maximum: the plugin `cost` will reject it.
    fn replacement(
        &self,
        params: &mut GraphQLParams,
        context: &PluginContext,
        document: Arc<Document>,
        name: Option<&str>,
        operation: &RouterOperation,
    ) -> Option<String> {
        if let Some(name) = &operation.variable_name {
            variable_names::rename_value(&mut params.variables, name);
        }
        let nodes = operation.nodes.as_ref().map(|nodes| {
            nodes.insert_ids(&mut params.variables);
            nodes.of_request(&params.variables)
        });
        if let Some(cost) = &operation.cost {
            let estimate = cost.estimate(&params.variables);
            context.insert(Estimate { cost: estimate, operation: Arc::clone(cost) });
            if self.rewriter.is_too_expensive(estimate) {
                return None;
            }
        }
        let client = ClientOperation { document, name: name.and_then(|name| Name::new(name).ok()) };
        if let Some(validated) = &operation.validated {
            context.insert(Validated(Arc::clone(validated)));
        }
        context.insert(Arc::new(ClientRequest {
            operation: client,
            response_keys: operation.response_keys.clone(),
            nodes,
        }));
        params.operation_name = operation.name.as_ref().map(Name::to_string);
        Some(operation.text.clone())
    }
}

impl Prepared {
    /// The prepared operation, if hive-router has parsed the same request.
    fn take(&mut self, text: &str, name: Option<&str>, params: &GraphQLParams) -> Option<Rewritten> {
        let is_same = self.request.is_same(text, name, params);
        is_same.then(|| mem::replace(&mut self.operation, Err(Vec::new())))
    }
}

/// The text of a request that refers to it by its hash alone; empty if there is none.
fn persisted_text(context: &PluginContext) -> Option<String> {
    let prepared = context.get_ref::<Prepared>()?;
    let is_by_hash = match &prepared.request.reference {
        Reference::Found(..) | Reference::Missing(_) => true,
        Reference::Invalid(_) => prepared.request.text.is_empty(),
        Reference::Text | Reference::New(_) => false,
    };
    is_by_hash.then(|| prepared.request.text.clone())
}

fn record_reference(reference: &Reference) {
    match reference {
        Reference::Text | Reference::New(_) => {}
        Reference::Found(..) => metrics::record_persisted_query("found"),
        Reference::Missing(_) => metrics::record_persisted_query("missing"),
        Reference::Invalid(_) => metrics::record_persisted_query("invalid"),
    }
}

/// Evicts idle entries for as long as the graph exists.
async fn evict_idle(graph: Weak<Graph>) {
    while let Some(graph) = graph.upgrade() {
        graph.evict_idle();
        drop(graph);
        sleep(idle_caches::INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_with_a_safelist_does_not_connect_to_valkey() {
        let client = redis::Client::open("redis://127.0.0.1:1").expect("a URL");
        let settings = Settings { safelist: Some("manifest.json".into()), ..Settings::default() };

        // There is no runtime here that it could connect on.
        let _documents = Documents::new(&settings, Some(client));
    }
}

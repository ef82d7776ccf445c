//! A subgraph that executes requests: the same by function call and over HTTP.

use std::{
    future::Future,
    mem,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::{
    ObjectType, Request, Response, SDLExportOptions, SubscriptionType, ValidationMode, Variables,
    dataloader::DataLoader,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};
use auth::token::{Authenticated, Verifier};
use axum::Router;
use chrono::{DateTime, Utc};
use contracts::{claims::needs_no_token, money::Money};
use db::{DbPool, address::is_read_only, database, pool_metrics};
use futures::{
    Stream, StreamExt as _,
    future::{self, BoxFuture, join_all},
    stream::{self, BoxStream},
};
use http::HeaderMap;
use messaging::{DeliveryError, EventBus, EventSettings, EventWorker, Handler, Inbox};
use subgraph_kit::{
    ClientIp, Error, UserAgent,
    batch::BatchScheduler,
    entities::{self, Entities},
    report,
    response_limit::{ResponseLimit, ResponseMeter, ResponseSettings},
    scans::{ScanClient, ScanContext},
    timeouts::{self, Deadline},
};
use telemetry::{
    metrics::{self, OpenStream, RequestTimer},
    spans, trace,
};
use tokio::{
    join,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    Credentials,
    documents::Documents,
    erasure::{ErasedUsers, Eraser, Erasures},
    variables::remove_absent_variables,
};

const MAX_REPRESENTATIONS: usize = 1_000;

/// The timeout of the readiness check's query.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

/// A subgraph's schema.
pub type Schema<Q, M, S> = async_graphql::Schema<Entities<Q>, M, S>;

/// The builder of a subgraph's schema.
pub type SchemaBuilder<Q, M, S> = async_graphql::SchemaBuilder<Entities<Q>, M, S>;

/// A federated schema, with the library's own types described for callers.
///
/// The router has validated the documents already. An invalid value costs only the field that it is an argument of:
/// the library's strict validation would reject the whole request.
pub fn build<Q, M, S>(query: Q, mutation: M, subscription: S) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    Schema::build(Entities(query), mutation, subscription)
        .validation_mode(ValidationMode::Fast)
        .extension(ResponseLimit)
        .enable_federation()
        .enable_subscription_in_federation()
        .override_output_type_description::<Q>("The queries of the graph.")
        .override_output_type_description::<M>("The mutations of the graph.")
        .override_output_type_description::<DateTime<Utc>>(
            "A point in time in UTC, as an RFC 3339 string with milliseconds, such as `2026-01-31T12:00:00.000Z`.",
        )
        .override_output_type_description::<Money>("An exact decimal number, encoded as a string such as `\"49.99\"`.")
}

/// The SDL of a schema, as composition reads it.
#[must_use]
pub fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let text = schema.sdl_with_options(SDLExportOptions::new().federation().compose_directive());
    format!("{}\n", text.trim_end())
}

/// A schema with its database, verifier, and background tasks.
#[derive(Clone)]
pub struct Subgraph {
    name: &'static str,
    /// The names in its responses, except for aliases.
    names: Arc<[String]>,
    db: DbPool,
    /// A separate pool for the readiness check, so that high load does not look like an unavailable database.
    probe: DbPool,
    verifier: Verifier,
    run: Run,
    stream: Streaming,
    responses: ResponseSettings,
    documents: Documents,
    inbox: Option<Inbox>,
    /// The transport of events, once it runs in the background.
    event_bus: Arc<OnceLock<EventBus>>,
    tasks: Vec<Task>,
    erased_users: ErasedUsers,
    public_routes: Router,
}

type Task = Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>;
type Run = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;
type Streaming = Arc<dyn Fn(Request) -> BoxStream<'static, Response> + Send + Sync>;

const TOKEN_EXPIRED: Error =
    Error::Unauthenticated("the access token has expired: refresh the session and subscribe again");

const ACCOUNT_DELETED: Error = Error::Unauthenticated("the account of this access token was deleted");

impl Subgraph {
    /// A subgraph whose resolvers find their request's `Arc<DataLoader<L>>` in the context, made from `loader`.
    pub fn new<Q, M, S, L>(
        name: &'static str,
        schema: Schema<Q, M, S>,
        loader: L,
        db: impl Into<DbPool>,
        verifier: Verifier,
    ) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
        L: Clone + Send + Sync + 'static,
    {
        let (db, names) = (db.into(), schema.names().into());
        // A stream's events are resolved independently, so its loader batches by time.
        let stream = {
            let (schema, loader) = (schema.clone(), loader.clone());
            move |request: Request| {
                let spawn = move |load| tokio::spawn(trace::in_background_scope(name, load));
                let loader = Arc::new(DataLoader::new(loader.clone(), spawn));
                schema.execute_stream(request.data(loader)).boxed()
            }
        };
        let run = move |request: Request| {
            let (schema, loader) = (schema.clone(), loader.clone());
            let answer = async move {
                let scheduler = BatchScheduler::default();
                let loader: Arc<DataLoader<L>> = Arc::new(scheduler.loader(loader));
                scheduler.run(schema.execute(request.data(loader).data(scheduler.poll_budget()))).await
            };
            Box::pin(answer) as BoxFuture<'static, Response>
        };
        Self {
            name,
            names,
            probe: database::probe_pool(&db),
            db,
            verifier,
            run: Arc::new(run),
            stream: Arc::new(stream),
            responses: ResponseSettings::default(),
            documents: Documents::default(),
            inbox: None,
            event_bus: Arc::default(),
            tasks: Vec::new(),
            erased_users: ErasedUsers::default(),
            public_routes: Router::new(),
        }
    }

    /// Sets the limits of its responses.
    #[must_use]
    pub fn with_response_limits(mut self, responses: ResponseSettings) -> Self {
        self.responses = responses;
        self
    }

    /// Adds a handler for the events of other services.
    #[must_use]
    pub fn with_event_handler(mut self, handler: impl Handler) -> Self {
        self.inbox = Some(Inbox::new(self.name, self.db.clone(), handler));
        self
    }

    /// Adds a handler for the events of other services, and erases users whose accounts were deleted.
    #[must_use]
    pub fn with_erasures<E: Eraser>(mut self, erasures: &Erasures<E>, handler: impl Handler) -> Self {
        self.erased_users = erasures.users().clone();
        let (erasures, db) = (erasures.clone(), self.db.clone());
        self.with_event_handler(erasures.handler(handler)).with_task(move |stop| erasures.clone().run(db.clone(), stop))
    }

    /// Adds a background task, which has to end when its token is cancelled.
    #[must_use]
    pub fn with_task<F>(mut self, task: impl Fn(CancellationToken) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(Arc::new(move |stop| Box::pin(task(stop))));
        self
    }

    /// Adds routes that are served without the router's signature: they have to authenticate their callers themselves, and
    /// to limit the bodies that they read.
    #[must_use]
    pub fn with_public_routes(mut self, routes: Router) -> Self {
        self.public_routes = self.public_routes.merge(routes);
        self
    }

    /// Its routes that are served without the router's signature.
    pub(crate) fn public_routes(&self) -> Router {
        self.public_routes.clone()
    }

    /// Runs the background tasks, and delivers and handles events, until `stop` is cancelled.
    pub async fn run_background(&self, event_bus: EventBus, settings: EventSettings, stop: CancellationToken) {
        let events = EventWorker { service: self.name, db: self.db.clone(), inbox: self.inbox.clone() };
        pool_metrics::observe_pool(self.name, &self.db);
        let _ = self.event_bus.set(event_bus.clone());
        let tasks = self.tasks.iter().map(|task| trace::in_background_scope(self.name, task(stop.clone())));
        tokio::join!(events.run(&event_bus, &settings, &stop), join_all(tasks));
    }

    /// Stores an event in the inbox.
    ///
    /// # Errors
    /// [`DeliveryError`]: rejected, or unavailable if it cannot be stored now.
    pub async fn receive(&self, event: &[u8]) -> Result<(), DeliveryError> {
        let Some(inbox) = &self.inbox else {
            return Err(DeliveryError::Rejected(format!("{} does not consume events", self.name)));
        };
        inbox.receive(event).await
    }

    /// The inbox, if the subgraph consumes events.
    #[must_use]
    pub fn inbox(&self) -> Option<&Inbox> {
        self.inbox.as_ref()
    }

    /// The name in `supergraph.yaml`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The names of the schema's types and fields.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The subgraph's database.
    #[must_use]
    pub fn db(&self) -> &DbPool {
        &self.db
    }

    /// The reason why the subgraph is not ready, if it is not.
    pub async fn not_ready_reason(&self) -> Option<&'static str> {
        if !self.verifier.has_keys() {
            return Some("identity's public keys are not known");
        }
        match self.probe.check_writable(READINESS_TIMEOUT).await {
            Ok(()) => None,
            Err(error) if is_read_only(&error) => {
                // Whatever has made it read-only, the pool's connections may lead to a former primary.
                self.db.close_idle();
                Some("the database is read-only")
            }
            Err(_) => Some("the database does not answer"),
        }
    }

    /// The reason why events between services stand still, if it is known. The subgraph is ready all the same: they are
    /// delivered later.
    #[must_use]
    pub fn event_problem(&self) -> Option<&'static str> {
        self.event_bus.get()?.problem()
    }

    /// Closes the connections to the database.
    pub async fn close(&self) {
        join!(self.probe.close(), self.db.close());
    }

    /// Verifies the token in `headers` and executes a request. The response has a trace if the headers request one.
    pub fn execute(&self, headers: &HeaderMap, request: Request) -> impl Future<Output = Response> + Send + 'static {
        let is_traced = headers.contains_key(trace::HEADER);
        let (span, timer) = (spans::request(self.name, headers), RequestTimer::start(self.name));
        let answer = trace::traced(self.name, is_traced, self.clone().answer(headers.clone(), request));
        // A large future, which is moved several times.
        let answer = Box::pin(answer.instrument(span.clone()));
        async move {
            let answer = answer.await;
            let codes = report::codes(&answer);
            if let Some(code) = codes.first() {
                spans::record_failure(&span, code);
            }
            timer.finish(&codes);
            answer
        }
    }

    async fn answer(self, headers: HeaderMap, mut request: Request) -> Response {
        let deadline = Deadline::for_new_request();
        let answer = async {
            let authenticated = self.authenticate(&headers, &mut request).await?;
            let meter = Arc::new(ResponseMeter::new(self.responses));
            let scan_client = ScanClient::of(authenticated.viewer, ClientIp::of(&headers));
            let scan = ScanContext::new(scan_client, deadline);
            let request =
                with_caller(request, &authenticated, &headers, scan_client).data(deadline).data(Arc::clone(&meter));
            let response = meter.limit(scan.scope((self.run)(request))).await.ok_or(Error::ResponseTooLarge)?;
            Ok(report::finalize_errors(response))
        };
        let answer = timeout(timeouts::SUBGRAPH_REQUEST, answer)
            .await
            .unwrap_or_else(|late| Err(Error::Unavailable(Arc::new(late))));
        answer.unwrap_or_else(|error| report::error_response(&error))
    }

    /// Verifies the token in `headers` and executes a request that may be a subscription, until the token expires, or its
    /// user's account is deleted.
    pub fn subscribe(
        &self,
        headers: &HeaderMap,
        mut request: Request,
    ) -> impl Stream<Item = Response> + Send + use<> + 'static {
        let (name, span) = (self.name, spans::request(self.name, headers));
        let (subgraph, headers) = (self.clone(), headers.clone());
        let responses = async move {
            match subgraph.authenticate(&headers, &mut request).await {
                Ok(authenticated) => {
                    let scan_client = ScanClient::of(authenticated.viewer, ClientIp::of(&headers));
                    let request = with_caller(request, &authenticated, &headers, scan_client);
                    let end = access_end(&authenticated, subgraph.erased_users.clone());
                    until(end, (subgraph.stream)(request).map(report::finalize_errors).boxed())
                }
                Err(error) => stream::iter([report::error_response(&error)]).boxed(),
            }
        };
        let open = OpenStream::new(name);
        let answers = trace::in_stream_scope(name, span, stream::once(responses).flatten().boxed());
        answers.inspect(move |answer| {
            // Counted as open for the lifetime of this closure.
            let _ = &open;
            metrics::record_errors(name, &report::codes(answer));
        })
    }

    async fn authenticate(&self, headers: &HeaderMap, request: &mut Request) -> Result<Authenticated, Error> {
        let authenticated = self.verifier.authenticate(headers).await;
        let mut variables = mem::take(&mut request.variables);
        entities::number(&mut variables);
        self.documents.parse(request);
        let authenticated = match authenticated {
            // The router has dropped an invalid token already, unless the key was deleted since.
            Err(Error::Unauthenticated(_)) if request.parsed_query().is_ok_and(proves_itself) => {
                Authenticated::ANONYMOUS
            }
            authenticated => authenticated?,
        };
        let authenticated = match authenticated.viewer.id() {
            Some(user) if self.erased_users.contains(user) => {
                if !request.parsed_query().is_ok_and(proves_itself) {
                    return Err(ACCOUNT_DELETED);
                }
                Authenticated::ANONYMOUS
            }
            _ => authenticated,
        };
        // A document that cannot be parsed fails at execution.
        let asked = request.parsed_query().map_or(0, |document| representations(document, &variables));
        request.variables = variables;
        if asked > MAX_REPRESENTATIONS {
            return Err(Error::invalid("representations", format!("must have at most {MAX_REPRESENTATIONS} items")));
        }
        remove_absent_variables(request);
        Ok(authenticated)
    }
}

/// Adds the caller to the request's data, for its resolvers.
fn with_caller(
    request: Request,
    authenticated: &Authenticated,
    headers: &HeaderMap,
    scan_client: ScanClient,
) -> Request {
    let request = request.data(authenticated.viewer).data(authenticated.session).data(Credentials::of(headers));
    request.data(ClientIp::of(headers)).data(UserAgent::of(headers)).data(scan_client)
}

/// Whether a document has only mutations whose input proves who asks.
fn proves_itself(document: &ExecutableDocument) -> bool {
    let is_self_proving = |operation: &OperationDefinition| {
        let selections = &operation.selection_set.node.items;
        operation.ty == OperationType::Mutation
            && selections.iter().all(|selection| match &selection.node {
                Selection::Field(field) => needs_no_token(&field.node.name.node),
                Selection::InlineFragment(_) | Selection::FragmentSpread(_) => false,
            })
    };
    document.operations.iter().all(|(_, operation)| is_self_proving(&operation.node))
}

/// Waits until the token does not count any more, and returns the reason.
fn access_end(authenticated: &Authenticated, erased: ErasedUsers) -> BoxFuture<'static, Error> {
    let expires_at = authenticated.time_left().map(|time| Instant::now() + time);
    let user = authenticated.viewer.id();
    let expired = async move {
        match expires_at {
            Some(time) => sleep_until(time).await,
            None => future::pending().await,
        }
    };
    let deleted = async move {
        match user {
            Some(user) => erased.wait_for(user).await,
            None => future::pending().await,
        }
    };
    Box::pin(async {
        tokio::select! {
            () = expired => TOKEN_EXPIRED,
            () = deleted => ACCOUNT_DELETED,
        }
    })
}

/// The responses until `end`, then an error with the reason.
fn until(end: BoxFuture<'static, Error>, responses: BoxStream<'static, Response>) -> BoxStream<'static, Response> {
    let next = |open: Option<(BoxStream<'static, Response>, BoxFuture<'static, Error>)>| async {
        let (mut responses, mut end) = open?;
        tokio::select! {
            biased;
            reason = &mut end => Some((report::error_response(&reason), None)),
            response = responses.next() => response.map(|response| (response, Some((responses, end)))),
        }
    };
    stream::unfold(Some((responses, end)), next).boxed()
}

/// The number of entities that a document requests.
fn representations(document: &ExecutableDocument, variables: &Variables) -> usize {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).map(|selections| representations_in(selections, variables)).sum()
}

fn representations_in(selections: &SelectionSet, variables: &Variables) -> usize {
    let in_selection = |selection: &Selection| match selection {
        Selection::Field(field) if field.node.name.node == "_entities" => {
            field.node.get_argument("representations").map_or(0, |argument| length(&argument.node, variables))
        }
        Selection::InlineFragment(fragment) => representations_in(&fragment.node.selection_set.node, variables),
        Selection::Field(_) | Selection::FragmentSpread(_) => 0,
    };
    selections.items.iter().map(|selection| in_selection(&selection.node)).sum()
}

fn length(argument: &Value, variables: &Variables) -> usize {
    match argument {
        Value::List(items) => items.len(),
        Value::Variable(name) => match variables.get(name) {
            Some(ConstValue::List(items)) => items.len(),
            _ => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn count(document: &str, variables: serde_json::Value) -> usize {
        let document = parse_query(document).expect("a document");
        representations(&document, &Variables::from_json(variables))
    }

    #[test]
    fn representations_are_counted_wherever_they_hide() {
        assert_eq!(count("{ courses(filter: { ids: [1, 2] }) { id } }", json!({ "list": [1, 2, 3] })), 0);
        assert_eq!(count("query ($r: [_Any!]!) { _entities(representations: $r) { id } }", json!({ "r": [1, 2] })), 2);
        assert_eq!(
            count("{ a: _entities(representations: [1]) { id } _entities(representations: [2]) { id } }", json!({})),
            2
        );
        assert_eq!(
            count(
                "{ ... on Query { ...F } } fragment F on Query { _entities(representations: [1]) { id } }",
                json!({})
            ),
            1
        );
        assert_eq!(count("{ ... { _entities(representations: [1, 2, 3]) { id } } }", json!({})), 3);
    }
}

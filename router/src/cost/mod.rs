//! Cost limits: an operation above the limit is rejected before it runs, and each client has a budget.
//!
//! hive-router's own demand control prices each fetch separately, with a constant for the number of its entities, so it
//! is wrong by factors for an operation over several subgraphs. So the client's operation is priced as a whole, by the
//! same directives.

mod budget;
pub mod estimate;
pub mod operation;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use auth::secret::Secret;
use hive_router::{
    GraphQLError, PlanExecutionOutput,
    executor::execution::client_request_details::JwtRequestDetails,
    http::{HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION},
    ntex::http::HeaderMap,
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_graphql_validation::OnGraphQLValidationStartHookPayload,
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};
use moka::sync::Cache;
use serde::Serialize;
use sonic_rs::JsonValueTrait as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use self::{
    budget::{Balance, BudgetKey, Budgets, Exhausted, PendingCharge, Valkey, WINDOW},
    estimate::Estimate,
};
use crate::{
    CostSettings,
    hive_gaps::{documents::parser_queue::take_slot, dry_run},
    plugins::{client_address::network, concurrency_limit, credentials::IgnoredToken, errors},
};

/// The request header by which a client requests its operation's cost.
const COST_HEADER: HeaderName = HeaderName::from_static("lyceum-cost");
/// The cost's key in `extensions`.
const EXTENSION: &str = "cost";
const MICROS: f64 = 1_000.0;
/// Microseconds from which on a query is expensive: it needs one of its client's permits.
const EXPENSIVE_MICROS: u64 = 10_000;
/// The maximum of a client's expensive queries in progress.
const MAX_EXPENSIVE_QUERIES: usize = 4;
/// A query that waits longer is rejected. Shorter than hive-router's timeout for query planning.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// The maximum of clients whose permits are tracked.
const MAX_CLIENTS: u64 = 10_000;
const TIME_TO_IDLE: Duration = Duration::from_mins(1);

pub struct Cost {
    limits: Limits,
    budgets: Budgets,
    /// The permits for expensive queries.
    permits: Cache<BudgetKey, Arc<Semaphore>>,
}

/// Maximum costs of one operation in microseconds; 0 for no limit.
#[derive(Clone, Copy)]
struct Limits {
    user: u64,
    anonymous: u64,
}

/// The charge, in the context of a request; also one that the budget did not cover.
#[derive(Clone)]
struct Charge {
    key: BudgetKey,
    outcome: Result<Option<Balance>, Exhausted>,
    pending: Option<PendingCharge>,
    /// Whether planning or execution is in progress: if the request is cancelled meanwhile, the whole charge stays.
    is_running: bool,
}

/// The permit, in the context of an expensive query until there is a response.
struct ExpensivePermit(Option<OwnedSemaphorePermit>);

#[derive(Serialize)]
struct ReportedCost {
    estimated: f64,
    /// `None` when nothing was executed.
    actual: Option<f64>,
    limit: Option<f64>,
    remaining: Option<f64>,
}

impl Cost {
    /// Has to be called within the runtime that drives the connection to Valkey, if there is one.
    pub fn new(settings: &CostSettings, valkey: Option<redis::Client>) -> Self {
        let micros = |millis: u32| u64::from(millis) * 1_000;
        let limits = Limits { user: micros(settings.cost_limit), anonymous: micros(settings.anonymous_cost_limit) };
        let (user, anonymous) = (micros(settings.cost_budget), micros(settings.anonymous_cost_budget));
        let budgets = Budgets::new(user, anonymous, valkey.map(Valkey::connect));
        let permits = Cache::builder().max_capacity(MAX_CLIENTS).time_to_idle(TIME_TO_IDLE).build();
        Self { limits, budgets, permits }
    }

    pub fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookResult<'req> {
        let wants_cost = wants_cost(payload.router_http_request.headers());
        payload.on_end(move |payload| {
            drop(payload.context.get_mut::<ExpensivePermit>().and_then(|mut permit| permit.0.take()));
            // Nothing was executed: the request was rejected, deduplicated, or a dry run.
            if !is_running(payload.context) {
                self.settle(payload.context, 0);
            }
            let balance = payload.context.get_ref::<Charge>().and_then(|charge| charge.balance());
            let estimate = payload.context.get_ref::<Estimate>().map(|estimate| estimate.cost);
            let planned = estimate.filter(|_| wants_cost);
            let planned = planned.map(|estimated| self.report(payload.context, estimated, None, balance));
            payload
                .map_response(|mut response| {
                    if let Some(balance) = balance {
                        set_rate_limit_headers(balance, response.headers_mut());
                    }
                    match planned {
                        Some(cost) => dry_run::add_extension(response, EXTENSION, &cost),
                        None => response,
                    }
                })
                .proceed()
        })
    }

    // Identical queries in flight share one execution, also across anonymous clients: so a rejection of one client is
    // decided before.
    pub async fn on_graphql_validation(&self, payload: &OnGraphQLValidationStartHookPayload<'_>) {
        // Also for a query that waits for an equal one.
        if is_expensive(payload.context) {
            concurrency_limit::release(payload.context);
        }
        let headers = payload.router_http_request.headers;
        let is_anonymous = !headers.contains_key(AUTHORIZATION);
        let key = BudgetKey::Network(network(payload.context));
        let is_rejected = is_anonymous && !self.charge(payload.context, key).await;
        // No other client's equal query may wait behind this client's others.
        let has_to_wait =
            is_anonymous && !is_rejected && is_expensive(payload.context) && !self.try_acquire_permit(payload.context);
        if is_rejected || has_to_wait || wants_cost(headers) {
            payload.add_inbound_dedupe_partition(rand::random());
        }
    }

    // After `credentials`, so that only a valid token has a budget.
    pub async fn on_graphql_analysis(
        &self,
        payload: &mut OnGraphqlAnalysisHookPayload<'_>,
    ) -> Result<(), PlanExecutionOutput> {
        let limit = self.limits.of(&payload.client_request_details.jwt);
        let estimated = payload.context.get_ref::<Estimate>().map_or(0, |estimate| estimate.cost);
        if limit > 0 && estimated > limit {
            return errors::reject(payload.context, StatusCode::BAD_REQUEST, too_expensive(estimated, limit));
        }
        if let Some(user) = user(&payload.client_request_details.jwt) {
            self.charge(payload.context, BudgetKey::User(user)).await;
        } else if payload.context.get_ref::<IgnoredToken>().is_some() {
            // With a token in its header it was not charged before, like others who are anonymous.
            self.charge(payload.context, BudgetKey::Network(network(payload.context))).await;
        }
        let exhausted = payload.context.get_ref::<Charge>().and_then(|charge| charge.outcome.err());
        if let Some(exhausted) = exhausted {
            return errors::reject(payload.context, StatusCode::TOO_MANY_REQUESTS, budget_exhausted(exhausted));
        }
        if is_expensive(payload.context)
            && !self.try_acquire_permit(payload.context)
            && !self.acquire_permit(payload.context).await
        {
            return errors::reject(payload.context, StatusCode::TOO_MANY_REQUESTS, too_many_expensive());
        }
        Ok(())
    }

    pub fn on_query_plan(payload: OnQueryPlanStartHookPayload<'_>) -> OnQueryPlanStartHookResult<'_> {
        let context = payload.context;
        set_running(context, true);
        payload.on_end(|payload| {
            set_running(context, false);
            payload.proceed()
        })
    }

    pub fn on_execute<'exec>(
        &'exec self,
        payload: OnExecuteStartHookPayload<'exec>,
    ) -> OnExecuteStartHookResult<'exec> {
        let (context, variables) = (payload.context, payload.variable_values);
        let wants_cost = wants_cost(payload.router_http_request.headers);
        set_running(context, true);
        payload.on_end(move |mut executed| {
            set_running(context, false);
            // Cloned, not held: changing another entry of the context meanwhile would deadlock.
            let Some(estimate) = context.get_ref::<Estimate>().map(|estimate| Estimate::clone(&estimate)) else {
                return executed.proceed();
            };
            let none = HashMap::default();
            let actual = estimate.operation.actual(&executed.data, variables.as_ref().unwrap_or(&none));
            let balance = self.settle(context, actual);
            if wants_cost {
                executed.add_extension(EXTENSION, self.report(context, estimate.cost, Some(actual), balance));
            }
            executed.proceed()
        })
    }
}

impl Cost {
    /// Charges the estimate; whether the budget covered it.
    async fn charge(&self, context: &PluginContext, key: BudgetKey) -> bool {
        let Some(cost) = context.get_ref::<Estimate>().map(|estimate| estimate.cost) else { return true };
        let charged = self.budgets.charge(&key, cost, Instant::now()).await;
        let outcome = charged.map(|pending| pending.map(|pending| pending.balance));
        context.insert(Charge { key, outcome, pending: charged.ok().flatten(), is_running: false });
        outcome.is_ok()
    }

    fn permits(&self, context: &PluginContext) -> Option<Arc<Semaphore>> {
        let key = context.get_ref::<Charge>().map(|charge| charge.key.clone())?;
        Some(self.permits.get_with(key, || Arc::new(Semaphore::new(MAX_EXPENSIVE_QUERIES))))
    }

    /// Whether this query has a permit, or gets one without waiting.
    fn try_acquire_permit(&self, context: &PluginContext) -> bool {
        if context.get_ref::<ExpensivePermit>().is_some() {
            return true;
        }
        let Some(permit) = self.permits(context).and_then(|permits| permits.try_acquire_owned().ok()) else {
            return false;
        };
        context.insert(ExpensivePermit(Some(permit)));
        true
    }

    /// Waits for a permit; whether it got one in time.
    async fn acquire_permit(&self, context: &PluginContext) -> bool {
        let Some(permits) = self.permits(context) else { return true };
        // The client's other operations can be parsed meanwhile.
        drop(take_slot(context));
        let Ok(Ok(permit)) = timeout(MAX_WAIT, permits.acquire_owned()).await else { return false };
        context.insert(ExpensivePermit(Some(permit)));
        true
    }

    /// Replaces the charged estimate by the actual cost.
    fn settle(&self, context: &PluginContext, used: u64) -> Option<Balance> {
        let mut charge = context.get_mut::<Charge>()?;
        if let Some(pending) = charge.pending.take() {
            charge.outcome = Ok(Some(self.budgets.settle(&charge.key, pending, used, Instant::now())));
        }
        charge.balance()
    }

    fn report(
        &self,
        context: &PluginContext,
        estimated: u64,
        actual: Option<u64>,
        balance: Option<Balance>,
    ) -> ReportedCost {
        let limit = self.limits.for_request(context);
        ReportedCost {
            estimated: millis(estimated),
            actual: actual.map(millis),
            limit: (limit > 0).then(|| millis(limit)),
            remaining: balance.map(|balance| millis(balance.remaining)),
        }
    }
}

impl Limits {
    fn of(self, verified: &JwtRequestDetails) -> u64 {
        if user(verified).is_some() { self.user } else { self.anonymous }
    }

    fn for_request(self, context: &PluginContext) -> u64 {
        match context.get_ref::<Charge>().map(|charge| charge.key.clone()) {
            Some(BudgetKey::User(_)) => self.user,
            _ => self.anonymous,
        }
    }
}

impl Charge {
    fn balance(&self) -> Option<Balance> {
        match self.outcome {
            Ok(balance) => balance,
            Err(exhausted) => Some(exhausted.balance),
        }
    }
}

/// The client of the Valkey where the budgets are stored, if not in this router's memory.
///
/// # Errors
/// If the setting is not a Valkey or Redis URL, or requires TLS without verification.
pub fn valkey_client(settings: &CostSettings) -> anyhow::Result<Option<redis::Client>> {
    let url = settings.cost_budget_url.as_ref().map(Secret::reveal).filter(|url| !url.is_empty());
    url.map(budget::client).transpose()
}

fn is_expensive(context: &PluginContext) -> bool {
    context
        .get_ref::<Estimate>()
        .is_some_and(|estimate| estimate.cost >= EXPENSIVE_MICROS && estimate.operation.is_query())
}

fn is_running(context: &PluginContext) -> bool {
    context.get_ref::<Charge>().is_some_and(|charge| charge.is_running)
}

fn set_running(context: &PluginContext, is_running: bool) {
    if let Some(mut charge) = context.get_mut::<Charge>() {
        charge.is_running = is_running;
    }
}

fn user(verified: &JwtRequestDetails) -> Option<String> {
    match verified {
        JwtRequestDetails::Authenticated { claims, .. } => claims.get("sub").as_str().map(str::to_owned),
        JwtRequestDetails::Unauthenticated => None,
    }
}

fn wants_cost(headers: &HeaderMap) -> bool {
    headers.get(&COST_HEADER).is_some_and(|value| value.as_bytes() == b"1")
}

fn too_expensive(estimated: u64, limit: u64) -> GraphQLError {
    let (estimated, limit) = (millis(estimated), millis(limit));
    let message = format!(
        "The estimated cost of the operation is {estimated} ms, above the limit of {limit} ms. Request shorter pages, or \
         fewer nested fields."
    );
    let mut error = GraphQLError::from_message_and_code(message, "COST_ESTIMATED_TOO_EXPENSIVE");
    error.extensions.set(EXTENSION.to_owned(), sonic_rs::json!({ "estimated": estimated, "limit": limit }));
    error
}

fn too_many_expensive() -> GraphQLError {
    let message = format!(
        "You already have {MAX_EXPENSIVE_QUERIES} expensive queries running. Try again when they have finished."
    );
    errors::rate_limited(message, 1)
}

fn budget_exhausted(exhausted: Exhausted) -> GraphQLError {
    let seconds = exhausted.retry_after.as_secs() + 1;
    let budget = millis(exhausted.balance.budget);
    let message = format!("Your cost budget of {budget} ms per minute is used up. Try again in {seconds} s.");
    errors::rate_limited(message, seconds)
}

/// Sets the headers of the IETF draft `draft-ietf-httpapi-ratelimit-headers` and those of GitHub, in milliseconds.
fn set_rate_limit_headers(Balance { budget, remaining }: Balance, headers: &mut HeaderMap) {
    let (budget, remaining) = (budget / 1_000, remaining / 1_000);
    let used = budget - remaining;
    let resets_in = (used * WINDOW.as_secs()).div_ceil(budget.max(1));
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + resets_in;
    for (name, value) in [
        ("ratelimit-policy", format!("\"cost\";q={budget};w={}", WINDOW.as_secs())),
        ("ratelimit", format!("\"cost\";r={remaining};t={resets_in}")),
        ("x-ratelimit-limit", budget.to_string()),
        ("x-ratelimit-remaining", remaining.to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", at.to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value.into());
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 285 years")]
fn millis(micros: u64) -> f64 {
    micros as f64 / MICROS
}

//! What operations may cost: one that is too dear is refused before it runs, and each client has a budget.
//!
//! hive-router's own demand control prices each fetch by itself, and takes a constant for the number of entities that a
//! fetch is about, so an operation over several subgraphs is told wrongly by factors. So the client's operation is
//! priced as a whole, by the same directives.

mod budget;
mod operation;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use hive_router::{
    GraphQLError, async_trait,
    executor::execution::client_request_details::JwtRequestDetails,
    http::{HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION},
    ntex::http::HeaderMap,
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_graphql_analysis::{OnGraphqlAnalysisHookPayload, OnGraphqlAnalysisHookResult},
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, RouterPlugin, StartHookPayload as _},
    },
};
use serde::{Deserialize, Serialize};
use sonic_rs::JsonValueTrait as _;
use subgraph_kit::Client;

pub use operation::OperationCost;

use self::budget::{Balance, Budgets, Overdrawn, Payer, WINDOW};
use crate::plugins::{client_address::Address, errors};

/// With it a client asks what its operation costs.
const ASK: HeaderName = HeaderName::from_static("lyceum-cost");
/// Where an answer's extensions say it.
const EXTENSION: &str = "cost";
const MICROS: f64 = 1_000.0;

pub struct Cost {
    limits: Limits,
    budgets: Budgets,
}

/// In microseconds; 0 has no end.
#[derive(Clone, Copy)]
struct Limits {
    user: u64,
    anonymous: u64,
}

/// In milliseconds; 0 has no end.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Config {
    pub user_limit: u64,
    pub anonymous_limit: u64,
    pub user_budget: u64,
    pub anonymous_budget: u64,
}

/// In the context of a request whose operation is known.
#[derive(Clone)]
pub struct Estimate {
    /// In microseconds.
    pub cost: u64,
    /// What it is the estimate of.
    pub operation: Arc<OperationCost>,
}

/// In the context of a request that was paid for, or could not be.
#[derive(Clone)]
struct Payment {
    payer: Payer,
    outcome: Result<Option<Balance>, Overdrawn>,
    /// What was taken and nothing was run for yet.
    held: u64,
}

#[derive(Serialize)]
struct Told {
    estimated: f64,
    actual: f64,
    limit: Option<f64>,
    remaining: Option<f64>,
}

#[async_trait]
impl RouterPlugin for Cost {
    type Config = Config;

    fn plugin_name() -> &'static str {
        "cost"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let Config { user_limit, anonymous_limit, user_budget, anonymous_budget } = payload.config()?;
        let micros = |millis: u64| millis.saturating_mul(1_000);
        let limits = Limits { user: micros(user_limit), anonymous: micros(anonymous_limit) };
        let budgets = Budgets::new(micros(user_budget), micros(anonymous_budget));
        payload.initialize_plugin(Self { limits, budgets })
    }

    fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            payload.on_end(|payload| {
                // Nothing was run: it was refused, or answered together with an equal one.
                self.settle(payload.context, 0);
                let balance = payload.context.get_ref::<Payment>().and_then(|payment| payment.balance());
                let Some(balance) = balance else { return payload.proceed() };
                payload
                    .map_response(|mut response| {
                        tell(balance, response.headers_mut());
                        response
                    })
                    .proceed()
            })
        })
    }

    // Equal queries at the same moment are executed once. Those of anonymous clients have one answer for all of them,
    // so what is this client's own is settled before.
    async fn on_graphql_validation<'exec>(
        &'exec self,
        payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        let headers = payload.router_http_request.headers;
        let is_anonymous = !headers.contains_key(AUTHORIZATION);
        let is_refused = is_anonymous && !self.pay(payload.context, network(payload.context));
        if is_refused || is_asked_for(headers) {
            payload.add_inbound_dedupe_partition(rand::random());
        }
        payload.proceed()
    }

    // After `credentials`: who has no good token has no budget.
    async fn on_graphql_analysis<'exec>(
        &'exec self,
        payload: &mut OnGraphqlAnalysisHookPayload<'exec>,
    ) -> OnGraphqlAnalysisHookResult {
        let limit = self.limits.of(&payload.client_request_details.jwt);
        let estimated = payload.context.get_ref::<Estimate>().map_or(0, |estimate| estimate.cost);
        if limit > 0 && estimated > limit {
            return errors::refuse(payload.context, StatusCode::BAD_REQUEST, too_dear(estimated, limit));
        }
        if let Some(user) = user(&payload.client_request_details.jwt) {
            self.pay(payload.context, Payer::User(user));
        }
        let overdrawn = payload.context.get_ref::<Payment>().and_then(|payment| payment.outcome.err());
        match overdrawn {
            Some(overdrawn) => errors::refuse(payload.context, StatusCode::TOO_MANY_REQUESTS, spent(overdrawn)),
            None => OnGraphqlAnalysisHookResult::Proceed,
        }
    }

    async fn on_execute<'exec>(
        &'exec self,
        payload: OnExecuteStartHookPayload<'exec>,
    ) -> OnExecuteStartHookResult<'exec> {
        let (context, variables) = (payload.context, payload.variable_values);
        let limit = self.limits.for_payer(context);
        let is_asked_for = is_asked_for(payload.router_http_request.headers);
        payload.on_end(move |mut executed| {
            // Not held while something else of the context is changed: that would wait for itself.
            let Some(estimate) = context.get_ref::<Estimate>().map(|estimate| Estimate::clone(&estimate)) else {
                return executed.proceed();
            };
            let none = HashMap::default();
            let actual = estimate.operation.actual(&executed.data, variables.as_ref().unwrap_or(&none));
            let balance = self.settle(context, actual);
            if is_asked_for {
                let remaining = balance.map(|balance| millis(balance.remaining));
                let limit = (limit > 0).then(|| millis(limit));
                let told = Told { estimated: millis(estimate.cost), actual: millis(actual), limit, remaining };
                executed.add_extension(EXTENSION, told);
            }
            executed.proceed()
        })
    }
}

impl Cost {
    /// Whether there was enough.
    fn pay(&self, context: &PluginContext, payer: Payer) -> bool {
        let Some(cost) = context.get_ref::<Estimate>().map(|estimate| estimate.cost) else { return true };
        let outcome = self.budgets.pay(&payer, cost, Instant::now());
        let held = outcome.ok().flatten().map_or(0, |balance| cost.min(balance.budget));
        context.insert(Payment { payer, outcome, held });
        outcome.is_ok()
    }

    /// Gives back what is held and was not used.
    fn settle(&self, context: &PluginContext, used: u64) -> Option<Balance> {
        let mut payment = context.get_mut::<Payment>()?;
        if payment.held > 0 {
            let balance = self.budgets.settle(&payment.payer, payment.held, used, Instant::now());
            (payment.held, payment.outcome) = (0, Ok(balance));
        }
        payment.balance()
    }
}

impl Limits {
    fn of(self, verified: &JwtRequestDetails) -> u64 {
        if user(verified).is_some() { self.user } else { self.anonymous }
    }

    fn for_payer(self, context: &PluginContext) -> u64 {
        match context.get_ref::<Payment>().map(|payment| payment.payer.clone()) {
            Some(Payer::User(_)) => self.user,
            _ => self.anonymous,
        }
    }
}

impl Payment {
    fn balance(&self) -> Option<Balance> {
        match self.outcome {
            Ok(balance) => balance,
            Err(overdrawn) => Some(overdrawn.balance),
        }
    }
}

fn network(context: &PluginContext) -> Payer {
    let address = context.get_ref::<Address>().map(|address| address.0);
    Payer::Network(Client(address).network())
}

fn user(verified: &JwtRequestDetails) -> Option<String> {
    match verified {
        JwtRequestDetails::Authenticated { claims, .. } => claims.get("sub").as_str().map(str::to_owned),
        JwtRequestDetails::Unauthenticated => None,
    }
}

fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(&ASK).is_some_and(|value| value.as_bytes() == b"1")
}

fn too_dear(estimated: u64, limit: u64) -> GraphQLError {
    let (estimated, limit) = (millis(estimated), millis(limit));
    let message = format!(
        "The operation may cost {estimated} ms of work, and {limit} ms are allowed. Ask for shorter pages, or for less \
         in each of their items."
    );
    let mut error = GraphQLError::from_message_and_code(message, "COST_ESTIMATED_TOO_EXPENSIVE");
    error.extensions.set(EXTENSION.to_owned(), sonic_rs::json!({ "estimated": estimated, "limit": limit }));
    error
}

fn spent(overdrawn: Overdrawn) -> GraphQLError {
    let seconds = overdrawn.retry_after.as_secs() + 1;
    let budget = millis(overdrawn.balance.budget);
    let message =
        format!("Your requests have cost the {budget} ms of work that you have each minute. Try again in {seconds} s.");
    errors::rate_limited(message, seconds)
}

/// In the words of the draft of IETF (`draft-ietf-httpapi-ratelimit-headers`) and in those of GitHub, in milliseconds.
fn tell(Balance { budget, remaining }: Balance, headers: &mut HeaderMap) {
    let (budget, left) = (budget / 1_000, remaining / 1_000);
    let used = budget - left;
    let full = (used * WINDOW.as_secs()).div_ceil(budget.max(1));
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + full;
    for (name, value) in [
        ("ratelimit-policy", format!("\"cost\";q={budget};w={}", WINDOW.as_secs())),
        ("ratelimit", format!("\"cost\";r={left};t={full}")),
        ("x-ratelimit-limit", budget.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", at.to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value.into());
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts the microseconds of centuries")]
fn millis(micros: u64) -> f64 {
    micros as f64 / MICROS
}

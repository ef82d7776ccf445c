//! Cost budgets: charges, and budgets that two routers share by a Redis server.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use router::{ClientAddressSettings, CostSettings};
use serde_json::json;
use subgraph_testing::{redis::RedisServer, token};
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{
    App, Options, Own, Transport, changed_config, changed_supergraph, claims_of, hanging, impatient_config,
};

/// Costs 100 ms, and 300 ms with a user, which an anonymous client does not get.
const ME: &str = "{ me { id } }";
const BUDGET: u32 = 1_000;
const ADDRESS: &str = "x-test-address";

/// A router with budgets on this server.
fn router(server: &RedisServer) -> Own {
    let cost = CostSettings { cost_budget_url: Some(server.url().into()), ..budgets() };
    let weights =
        [("type Query", "type Query @cost(weight: 100000)"), ("type User", "type User @cost(weight: 300000)")];
    let supergraph = Some(changed_supergraph(&weights));
    let client_address = ClientAddressSettings { header: Some(ADDRESS.to_owned()), ..ClientAddressSettings::default() };
    App::own(Transport::InProcess, Options { client_address, cost, supergraph, ..Options::default() })
}

fn budgets() -> CostSettings {
    CostSettings { cost_budget: BUDGET, anonymous_cost_budget: BUDGET, ..CostSettings::default() }
}

/// A client with a full budget.
#[derive(Clone, Copy)]
enum Somebody {
    User(Uuid),
    Anonymous(Ipv4Addr),
}

impl Somebody {
    fn signed_in() -> Self {
        Self::User(Uuid::now_v7())
    }

    fn anonymous() -> Self {
        Self::Anonymous(Ipv4Addr::from_bits(rand::random()))
    }

    /// The status of a response, and the remaining budget.
    async fn ask(self, app: &App) -> (StatusCode, u32) {
        self.ask_for(ME, app).await
    }

    async fn ask_for(self, document: &str, app: &App) -> (StatusCode, u32) {
        let request = app.post().json(&json!({ "query": document }));
        let request = match self {
            Self::User(id) => request.bearer_auth(token(&claims_of(id))),
            Self::Anonymous(address) => request.header(ADDRESS, address.to_string()),
        };
        let answer = request.send().await.expect("the router answers");
        let header = |name: &str| answer.headers()[name].to_str().expect("ASCII").to_owned();
        assert_eq!(header("ratelimit-policy"), format!("\"cost\";q={BUDGET};w=60"));
        let remaining = header("x-ratelimit-remaining");
        assert!(header("ratelimit").starts_with(&format!("\"cost\";r={remaining};")), "{}", header("ratelimit"));
        (answer.status(), remaining.parse().expect("a number"))
    }
}

/// Checks the remaining budget, with a tolerance for its refill.
fn assert_left(remaining: u32, of: u32) {
    assert!((of..of + 90).contains(&remaining), "{remaining}, not {of}");
}

/// Spends two operations at the first router; returns the response to a third at the second one.
async fn left_at_the_other(somebody: Somebody, first: &App, second: &App) -> (StatusCode, u32) {
    for _ in 0..2 {
        assert_eq!(somebody.ask(first).await.0, StatusCode::OK);
    }
    // The refund of the unused cost is asynchronous.
    sleep(Duration::from_millis(200)).await;
    somebody.ask(second).await
}

/// A router charges its own memory while this machine is too busy for the server to respond in time.
async fn until_they_share(first: &App, second: &App) {
    let started = Instant::now();
    loop {
        let user = left_at_the_other(Somebody::signed_in(), first, second).await;
        let anonymous = left_at_the_other(Somebody::anonymous(), first, second).await;
        if user.0 == StatusCode::TOO_MANY_REQUESTS && anonymous.1 < 800 {
            assert_left(user.1, 200);
            assert_left(anonymous.1, 700);
            assert_eq!(anonymous.0, StatusCode::OK);
            return;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "each router has budgets of its own");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_a_few_expensive_operations_executed_at_a_time() {
    let supergraph = Some(changed_supergraph(&[("type Query", "type Query @cost(weight: 10000)")]));
    let client_address = ClientAddressSettings { header: Some(ADDRESS.to_owned()), ..ClientAddressSettings::default() };
    let options = Options { client_address, cost: budgets(), supergraph, ..Options::default() };
    let Own { app, .. } = &App::own(Transport::InProcess, options);
    let hang = |number: usize| {
        let document = format!("{{ a{number}: echo(value: {{ text: \"hang expensive\" }}) }}");
        tokio::spawn(app.post().header(ADDRESS, "192.0.2.1").json(&json!({ "query": document })).send())
    };

    let hanging_ones: Vec<_> = (0..6).map(hang).collect();
    let started = Instant::now();
    while hanging("expensive") < 4 {
        assert!(started.elapsed() < Duration::from_mins(1), "only {} are executed", hanging("expensive"));
        sleep(Duration::from_millis(10)).await;
    }

    assert_eq!(Somebody::anonymous().ask(app).await.0, StatusCode::OK);
    assert_eq!(hanging("expensive"), 4);
    for answered in hanging_ones {
        answered.await.expect("it ends").expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_answered_in_time_costs_what_was_estimated() {
    let weights =
        [("type Query", "type Query @cost(weight: 100000)"), ("  slow: Int", "  slow: Int @cost(weight: 300000)")];
    let impatient_router = changed_config("    request_timeout: 20s\n", "    request_timeout: 1s\n");
    for (config, status) in [(impatient_config(), StatusCode::OK), (impatient_router, StatusCode::GATEWAY_TIMEOUT)] {
        let supergraph = Some(changed_supergraph(&weights));
        let options = Options { config: Some(config), cost: budgets(), supergraph, ..Options::default() };
        let Own { app, .. } = &App::own(Transport::InProcess, options);

        let (answered, left) = Somebody::signed_in().ask_for("{ slow }", app).await;

        assert_eq!(answered, status);
        assert_left(left, 600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_share_budgets_while_their_server_is_there() {
    let mut redis = RedisServer::start();
    let (one, other) = (router(&redis), router(&redis));
    let (first, second) = (&one.app, &other.app);
    until_they_share(first, second).await;
    assert_eq!(Somebody::signed_in().ask(second).await.0, StatusCode::OK);

    redis.kill();
    let (user, anonymous) = (Somebody::signed_in(), Somebody::anonymous());
    for app in [first, second] {
        for remaining in [600, 200] {
            let (status, left) = user.ask(app).await;
            assert_eq!(status, StatusCode::OK);
            assert_left(left, remaining);
        }
        assert_eq!(user.ask(app).await.0, StatusCode::TOO_MANY_REQUESTS);
        assert_left(anonymous.ask(app).await.1, 900);
    }

    redis.start_again();
    until_they_share(first, second).await;
}

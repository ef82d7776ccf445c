//! What tests and developers switch, decide and see. Nobody is authenticated: the provider is for one machine.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ledger::{ChargeStatus, RefundStatus},
    provider::Provider,
    switches::Switches,
};

/// What becomes of a charge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    status: Option<ChargeStatus>,
    refund: Option<RefundStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Release {
    reversed: bool,
}

pub fn routes() -> Router<Provider> {
    Router::new()
        .route("/control", get(state).put(set_switches))
        .route("/control/charges/{id}", post(decide))
        .route("/control/release", post(release))
}

async fn state(State(provider): State<Provider>) -> Json<Value> {
    let (charges, requests) = {
        let ledger = provider.ledger();
        (ledger.charges(), ledger.requests())
    };
    Json(json!({
        "switches": provider.switches(),
        "charges": charges,
        "requests": requests,
        "webhooks": provider.webhooks.statuses(),
    }))
}

async fn set_switches(State(provider): State<Provider>, Json(switches): Json<Switches>) -> StatusCode {
    provider.set_switches(switches);
    StatusCode::NO_CONTENT
}

/// Decides a charge or its refund, and tells the merchant.
async fn decide(
    State(provider): State<Provider>,
    Path(id): Path<Uuid>,
    Json(Decision { status, refund }): Json<Decision>,
) -> StatusCode {
    let decided = provider.ledger().decide(id, status, refund);
    let Ok(charge) = decided else { return StatusCode::NOT_FOUND };
    let switches = provider.switches();
    if status.is_some() {
        provider.webhooks.charge_decided(&charge, &switches);
    }
    if refund.is_some() {
        provider.webhooks.refund_decided(&charge, &switches);
    }
    StatusCode::NO_CONTENT
}

async fn release(State(provider): State<Provider>, Json(Release { reversed }): Json<Release>) -> StatusCode {
    provider.webhooks.release(reversed).await;
    StatusCode::NO_CONTENT
}

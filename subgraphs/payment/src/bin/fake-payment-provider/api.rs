//! What the merchant asks: charge, refund, and what became of a charge.

use std::{io, process, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    ledger::{Charge, Refusal},
    provider::Provider,
    switches::Switches,
};

#[derive(Deserialize)]
struct ChargeRequest {
    id: Uuid,
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
struct RefundRequest {
    charge: Uuid,
}

pub fn routes() -> Router<Provider> {
    Router::new()
        .route("/v1/charges", post(charge))
        .route("/v1/charges/{id}", get(find))
        .route("/v1/refunds", post(refund))
}

/// Rejects requests without the secret, executes the others, and answers as the switches say.
async fn answer(
    provider: &Provider,
    headers: &HeaderMap,
    execute: impl FnOnce(&Switches) -> Result<Value, Refusal>,
) -> Response {
    let expected = format!("Bearer {}", provider.secret);
    if headers.get(AUTHORIZATION).is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        return failure(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let switches = provider.switches();
    if switches.unavailable {
        return failure(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    }
    let outcome = execute(&switches);
    sleep(Duration::from_millis(switches.delay_ms)).await;
    if switches.lose_answers {
        // The head is sent, and then the connection is closed.
        let broken = stream::iter([Err::<Vec<u8>, _>(io::Error::other("the response is lost"))]);
        return Body::from_stream(broken).into_response();
    }
    match outcome {
        Ok(body) => Json(body).into_response(),
        Err(Refusal::NotFound) => failure(StatusCode::NOT_FOUND, "charge_not_found"),
        Err(Refusal::Conflict) => failure(StatusCode::CONFLICT, "another_charge_has_this_id"),
        Err(Refusal::NotCharged) => failure(StatusCode::CONFLICT, "charge_not_completed"),
    }
}

fn failure(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

async fn charge(State(provider): State<Provider>, headers: HeaderMap, Json(wanted): Json<ChargeRequest>) -> Response {
    let execute = |switches: &Switches| {
        let ChargeRequest { id, amount, currency } = wanted;
        let wanted = Charge { id, amount, currency, status: switches.charge, refund: None };
        let (charge, is_new) = provider.ledger().charge(wanted)?;
        if is_new {
            crash(switches);
            provider.webhooks.charge_decided(&charge, switches);
        }
        Ok(charge_json(&charge, switches))
    };
    answer(&provider, &headers, execute).await
}

async fn find(State(provider): State<Provider>, headers: HeaderMap, Path(id): Path<Uuid>) -> Response {
    answer(&provider, &headers, |switches| Ok(charge_json(&provider.ledger().find(id)?, switches))).await
}

async fn refund(State(provider): State<Provider>, headers: HeaderMap, Json(wanted): Json<RefundRequest>) -> Response {
    let execute = |switches: &Switches| {
        let (charge, is_new) = provider.ledger().refund(wanted.charge, switches.refund)?;
        if is_new {
            crash(switches);
            provider.webhooks.refund_decided(&charge, switches);
        }
        Ok(json!({ "charge": charge.id, "status": charge.refund }))
    };
    answer(&provider, &headers, execute).await
}

fn charge_json(charge: &Charge, switches: &Switches) -> Value {
    let amount = switches.amount.as_ref().unwrap_or(&charge.amount);
    json!({
        "id": charge.id,
        "amount": amount,
        "currency": charge.currency,
        "status": charge.status,
        "refund": charge.refund,
    })
}

/// As `kill -9` would, between a charge and its answer.
fn crash(switches: &Switches) {
    if switches.crash {
        process::abort();
    }
}

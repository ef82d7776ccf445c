//! What the payment provider notifies this service of, over HTTP: it is signed, may come twice, late, and in any order.

pub mod store;
mod workflow;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use auth::webhook::{self, WebhookKeys};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use chrono::Utc;
use contracts::{PaymentId, money::Money};
use serde::Deserialize;
use subgraph_kit::timeouts;
use telemetry::{metrics, trace};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::payments::Payments;

/// The subgraph that statements are counted for.
const SUBGRAPH: &str = "payment";

/// The path at which webhooks are received.
const PATH: &str = "/webhooks/payment-provider";

/// The maximum length of a body. An event has a few hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The maximum length of an event's id, as in the table.
const MAX_ID_LENGTH: usize = 255;

/// The receiver of the provider's webhooks.
#[derive(Clone)]
pub struct Webhooks {
    payments: Payments,
    keys: WebhookKeys,
    currency: String,
    warnings: Arc<WarningLimit>,
}

/// Lets one warning a second through: strangers decide how many there would be, and the metric counts them all.
#[derive(Debug, Default)]
struct WarningLimit {
    last_second: AtomicU64,
}

impl WarningLimit {
    fn allows(&self, second: u64) -> bool {
        self.last_second.swap(second, Ordering::Relaxed) != second
    }
}

/// An event of the provider that this service acts on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProviderEvent {
    id: String,
    r#type: EventType,
    data: EventData,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct EventData {
    charge: PaymentId,
    amount: Money,
    currency: String,
}

/// The types of events that this service acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum EventType {
    #[serde(rename = "charge.completed")]
    ChargeCompleted,
    #[serde(rename = "charge.declined")]
    ChargeDeclined,
    #[serde(rename = "refund.completed")]
    RefundCompleted,
    #[serde(rename = "refund.rejected")]
    RefundRejected,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::ChargeCompleted => "charge.completed",
            Self::ChargeDeclined => "charge.declined",
            Self::RefundCompleted => "refund.completed",
            Self::RefundRejected => "refund.rejected",
        }
    }
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed the payment.
    Applied,
    /// The payment was in that state already, or in a later one.
    Unchanged,
    /// The event was handled before.
    Duplicate,
    /// An event of a type that this service does not act on.
    Ignored,
    /// It contradicts a final state of the payment.
    Contradiction,
    /// Its amount or currency is not the payment's.
    Mismatch,
    /// Another event was handled under its id.
    ReusedId,
    /// There is no such payment.
    UnknownPayment,
    /// The signature is missing, expired, or does not match.
    Forged,
    /// The body is too long or no event.
    Malformed,
    /// The event could not be stored.
    Unavailable,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Contradiction => "contradiction",
            Self::Mismatch => "mismatch",
            Self::ReusedId => "reused_id",
            Self::UnknownPayment => "unknown_payment",
            Self::Forged => "forged",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
        }
    }

    /// The response's status. The provider sends the event again unless it is a success.
    fn status(self) -> StatusCode {
        match self {
            Self::Applied | Self::Unchanged | Self::Duplicate | Self::Ignored | Self::Contradiction => {
                StatusCode::NO_CONTENT
            }
            Self::Mismatch | Self::ReusedId => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UnknownPayment => StatusCode::NOT_FOUND,
            Self::Forged => StatusCode::UNAUTHORIZED,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Webhooks {
    /// Creates the receiver of webhooks that are signed with one of these keys, and in this currency.
    pub fn new(payments: Payments, keys: WebhookKeys, currency: String) -> Self {
        Self { payments, keys, currency, warnings: Arc::default() }
    }

    async fn outcome(&self, headers: &HeaderMap, body: Body) -> Outcome {
        let forged = |error| {
            if self.warnings.allows(Utc::now().timestamp().unsigned_abs()) {
                warn!(reason = %error, "webhook signature rejected");
            }
            Outcome::Forged
        };
        // Before the body is buffered, which an unsigned request must not cause.
        if let Err(error) = webhook::check_timestamp(headers) {
            return forged(error);
        }
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else { return Outcome::Malformed };
        if let Err(error) = self.keys.verify(headers, &body) {
            return forged(error);
        }
        match read(&body) {
            Ok(Some(event)) => self.handle(&event).await,
            Ok(None) => Outcome::Ignored,
            Err(reason) => {
                warn!(reason, "malformed webhook rejected");
                Outcome::Malformed
            }
        }
    }

    async fn handle(&self, event: &ProviderEvent) -> Outcome {
        let (id, payment, kind) = (&event.id, event.data.charge, event.r#type.as_str());
        let handled = timeout(timeouts::SUBGRAPH_REQUEST, self.payments.apply(event, &self.currency)).await;
        let outcome = match handled {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                warn!(payment.id = %payment, event.id = id, error = %error, "webhook not handled, the provider retries");
                return Outcome::Unavailable;
            }
            Err(late) => {
                warn!(payment.id = %payment, event.id = id, error = %late, "webhook not handled, the provider retries");
                return Outcome::Unavailable;
            }
        };
        match outcome {
            Outcome::Mismatch => error!(
                payment.id = %payment, event.id = id, event.type = kind,
                "webhook with another amount or currency rejected, manual action needed"
            ),
            Outcome::ReusedId => error!(
                payment.id = %payment, event.id = id, event.type = kind,
                "webhook with the id of another event rejected, manual action needed"
            ),
            Outcome::Contradiction => error!(
                payment.id = %payment, event.id = id, event.type = kind,
                "webhook contradicts a settled payment, manual action needed"
            ),
            Outcome::UnknownPayment => warn!(
                payment.id = %payment, event.id = id, event.type = kind, "webhook for an unknown payment rejected"
            ),
            Outcome::Applied => info!(payment.id = %payment, event.id = id, event.type = kind, "webhook applied"),
            _ => {}
        }
        outcome
    }
}

/// Begins the series of the outcomes that an alert is about, whether or not there is a provider.
pub fn begin_metrics() {
    for outcome in [Outcome::Mismatch, Outcome::ReusedId, Outcome::Contradiction, Outcome::UnknownPayment] {
        metrics::record_payment_webhooks(outcome.as_str(), 0);
    }
}

/// The routes that receive webhooks.
pub fn routes(webhooks: Webhooks) -> Router {
    Router::new().route(PATH, post(receive)).with_state(webhooks)
}

/// Responds without a body: who is not the provider learns nothing.
async fn receive(State(webhooks): State<Webhooks>, headers: HeaderMap, body: Body) -> Response {
    let outcome = trace::in_background_scope(SUBGRAPH, async move { webhooks.outcome(&headers, body).await });
    let outcome = outcome.await;
    metrics::record_payment_webhooks(outcome.as_str(), 1);
    outcome.status().into_response()
}

/// Parses a body; none if it is an event of another type, which has any form. The error does not repeat the body.
fn read(body: &[u8]) -> Result<Option<ProviderEvent>, &'static str> {
    #[derive(Deserialize)]
    struct Header {
        id: String,
        r#type: String,
    }

    let Header { id, r#type: kind } = serde_json::from_slice(body).map_err(|_| "no JSON object with id and type")?;
    let is_id = !id.is_empty() && id.len() <= MAX_ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_id {
        return Err("the id needs 1 to 255 visible ASCII characters");
    }
    let types =
        [EventType::ChargeCompleted, EventType::ChargeDeclined, EventType::RefundCompleted, EventType::RefundRejected];
    if !types.iter().any(|known| known.as_str() == kind) {
        return Ok(None);
    }
    serde_json::from_slice(body).map(Some).map_err(|_| "data needs charge, amount and currency")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(amount: &str) -> String {
        format!(r#"{{"charge":"00000000-0000-0000-0000-000000000001","amount":{amount},"currency":"EUR"}}"#)
    }

    fn event(id: &str, kind: &str, data: &str) -> Result<Option<ProviderEvent>, &'static str> {
        read(format!(r#"{{"id":{id},"type":"{kind}","data":{data},"new":1}}"#).as_bytes())
    }

    #[test]
    fn one_warning_a_second_is_logged() {
        let limit = WarningLimit::default();

        assert_eq!([7, 7, 7, 8, 8, 9].map(|second| limit.allows(second)), [true, false, false, true, false, true]);
    }

    #[test]
    fn every_type_is_read_by_its_own_name() {
        for kind in ["charge.completed", "charge.declined", "refund.completed", "refund.rejected"] {
            let read = event(r#""evt_1""#, kind, &data(r#""49.9""#)).expect("an event").expect("a known one");
            assert_eq!((read.r#type.as_str(), read.data.amount.to_string()), (kind, "49.90".to_owned()));
        }
    }

    #[test]
    fn other_types_may_have_any_form() {
        for kind in ["", "customer.created", "charge", "charge.completed.v2"] {
            assert_eq!(event(r#""evt_1""#, kind, "null"), Ok(None), "{kind}");
        }
    }

    #[test]
    fn what_is_no_event_is_rejected() {
        for id in ["\"\"", "1", "null", "\"a b\"", "\"\\u0000\"", "\"é\"", &format!("\"{}\"", "x".repeat(256))] {
            assert!(event(id, "charge.completed", &data(r#""1""#)).is_err(), "{id}");
        }
        let id = r#""evt_1""#;
        for amount in ["null", r#""""#, r#""1.001""#, r#""1e400""#, r#""NaN""#, "{}"] {
            assert!(event(id, "charge.completed", &data(amount)).is_err(), "{amount}");
        }
        for data in ["null", "{}", r#"{"charge":"1","amount":"1","currency":"EUR"}"#] {
            assert!(event(id, "refund.completed", data).is_err(), "{data}");
        }
        for body in ["", "null", "[]", "{}", "{", r#"{"id":"evt_1"}"#] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read(b"\xff").is_err());
    }
}

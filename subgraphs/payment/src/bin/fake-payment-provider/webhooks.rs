//! What the provider tells the merchant: signed, and sent again until it is accepted.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    ledger::{Charge, ChargeStatus, RefundStatus},
    switches::Switches,
};

/// How often a webhook is sent that nobody accepts.
const MAX_ATTEMPTS: u32 = 12;

/// The sender of webhooks. Clones share it.
#[derive(Clone)]
pub struct Sender {
    http: Client,
    url: Arc<str>,
    key: Hmac<Sha256>,
    retry_delay: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    held: Vec<Value>,
    statuses: Vec<u16>,
}

impl Sender {
    pub fn new(url: String, secret: &str, retry_delay: Duration) -> Self {
        let key = Hmac::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
        let http = Client::builder().timeout(Duration::from_secs(10)).build().expect("a client without special needs");
        Self { http, url: url.into(), key, retry_delay, state: Arc::default() }
    }

    /// Tells what became of a charge, unless that is not decided yet.
    pub fn charge_decided(&self, charge: &Charge, switches: &Switches) {
        match charge.status {
            ChargeStatus::Pending => {}
            ChargeStatus::Completed => self.tell("charge.completed", charge, switches),
            ChargeStatus::Declined => self.tell("charge.declined", charge, switches),
        }
    }

    /// Tells what became of a refund, unless that is not decided yet.
    pub fn refund_decided(&self, charge: &Charge, switches: &Switches) {
        match charge.refund {
            None | Some(RefundStatus::Pending) => {}
            Some(RefundStatus::Completed) => self.tell("refund.completed", charge, switches),
            Some(RefundStatus::Rejected) => self.tell("refund.rejected", charge, switches),
        }
    }

    /// Sends the webhooks that were held, one after the other, whatever the answers.
    pub async fn release(&self, is_reversed: bool) {
        let mut held = mem::take(&mut self.state().held);
        if is_reversed {
            held.reverse();
        }
        for event in held {
            if !self.send_once(&event).await {
                self.retry(event);
            }
        }
    }

    /// The status of each response so far; 0 if there was none.
    pub fn statuses(&self) -> Vec<u16> {
        self.state().statuses.clone()
    }

    fn tell(&self, kind: &str, charge: &Charge, switches: &Switches) {
        if switches.drop_webhooks {
            return;
        }
        let event = json!({
            "id": format!("evt_{}", Uuid::now_v7().simple()),
            "type": kind,
            "data": {
                "charge": charge.id,
                "amount": switches.amount.as_ref().unwrap_or(&charge.amount),
                "currency": charge.currency,
            },
        });
        if switches.hold_webhooks {
            self.state().held.push(event);
            return;
        }
        for _ in 0..switches.copies {
            let (sender, event) = (self.clone(), event.clone());
            tokio::spawn(async move {
                if !sender.send_once(&event).await {
                    sender.retry(event);
                }
            });
        }
    }

    fn retry(&self, event: Value) {
        let sender = self.clone();
        tokio::spawn(async move {
            for attempt in 0..MAX_ATTEMPTS {
                sleep(sender.retry_delay * 2_u32.pow(attempt)).await;
                if sender.send_once(&event).await {
                    return;
                }
            }
        });
    }

    /// Whether the event was accepted. Each attempt has a signature of its own time.
    async fn send_once(&self, event: &Value) -> bool {
        let body = event.to_string();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
        let mut mac = self.key.clone();
        mac.update(format!("{time}.{body}").as_bytes());
        let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
        let request = self.http.post(&*self.url).header("content-type", "application/json");
        let sent = request.header("x-webhook-signature", signature).body(body).send().await;
        let status = sent.map_or(0, |response| response.status().as_u16());
        self.state().statuses.push(status);
        (200..300).contains(&status)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

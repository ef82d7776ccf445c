//! The payment subgraph with a provider over HTTP, whose webhooks it receives.

use std::{
    ops::Deref,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use auth::signature::RouterAuth;
use hmac::{Hmac, KeyInit as _, Mac as _};
use payment::provider_settings::ProviderSettings;
use serde_json::{Value, json};
use service::{ClientTimeouts, Shutdown, serve};
use sha2::Sha256;
use sqlx::PgPool;
use subgraph_testing::reqwest::Client;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    fake_provider_process::{API_SECRET, FakeProviderProcess, WEBHOOK_SECRET},
    shop::Shop,
};

/// Another secret than the one that webhooks are signed with.
pub const OTHER_SECRET: &str = "nobody signs webhooks with this secret";

pub struct OnlineShop {
    shop: Shop,
    pub provider: FakeProviderProcess,
    pub webhooks: String,
}

impl Deref for OnlineShop {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl OnlineShop {
    pub async fn open(db: PgPool) -> Self {
        Self::open_with(db, None, |_| ()).await
    }

    /// The same, with a provider that keeps its charges in a file, and with other settings.
    pub async fn open_with(db: PgPool, state: Option<&Path>, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let webhooks = format!("http://{}/webhooks/payment-provider", listener.local_addr().expect("an address"));
        let provider = FakeProviderProcess::start("127.0.0.1:0", &webhooks, state).await;
        let mut settings = settings(&provider.url);
        change(&mut settings);
        let shop = Shop::open_with(db, Some(settings)).await;
        // The router's signature is required, except from the provider.
        let auth = RouterAuth::Signed("the routers of these tests sign with this".parse().expect("a secret"));
        let routes = serve::routes(shop.subgraph.clone(), auth);
        tokio::spawn(serve::serve(listener, routes, ClientTimeouts::default(), Shutdown::default()));
        Self { shop, provider, webhooks }
    }

    /// Waits until a payment has this status.
    pub async fn wait_for(&self, payment: Uuid, status: &str) {
        wait_until(async || self.status(payment).await == status).await;
    }

    /// Sends a signed event as the provider would; returns the answer's status.
    pub async fn tell(&self, event: &Value) -> u16 {
        let body = event.to_string();
        self.post(&signature(WEBHOOK_SECRET, now(), &body), body).await
    }

    /// Sends a body with this signature; the answer's body is always empty.
    pub async fn post(&self, signature: &str, body: impl Into<Vec<u8>>) -> u16 {
        let request = Client::new().post(&self.webhooks).header("x-webhook-signature", signature).body(body.into());
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        assert_eq!(response.text().await.expect("a body"), "");
        status
    }
}

/// Waits for what another process does.
pub async fn wait_until(is_done: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_done().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("it is done in time");
}

/// The settings of a subgraph for a provider with this URL.
pub fn settings(url: &str) -> ProviderSettings {
    ProviderSettings {
        payment_provider_url: Some(url.to_owned()),
        payment_provider_secret: Some(API_SECRET.into()),
        payment_webhook_secret: Some(WEBHOOK_SECRET.into()),
        ..ProviderSettings::default()
    }
}

pub fn event(id: &str, kind: &str, payment: Uuid, amount: &str) -> Value {
    json!({ "id": id, "type": kind, "data": { "charge": payment, "amount": amount, "currency": "EUR" } })
}

pub fn signature(secret: &str, time: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs()
}

//! A payment provider over HTTP; `docs/payment-provider.md` describes its protocol.

use auth::secret::Secret;
use contracts::{PaymentId, events::Purchase, money::Money};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderValue, StatusCode, header::AUTHORIZATION};
use reqwest::{Client, RequestBuilder, Response, Url, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use subgraph_kit::timeouts;
use tracing::error;

use crate::provider::{ChargeOutcome, PaymentProvider, ProviderUnavailable, RefundOutcome};

/// The maximum length of a response that is read.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// The code of an error that says that the provider knows no such charge. A 404 without it may come from anybody.
const CHARGE_NOT_FOUND: &str = "charge_not_found";

/// A provider over HTTP. Each request has the payment's id as its idempotency key.
#[derive(Clone)]
pub struct HttpProvider {
    http: Client,
    url: Url,
    authorization: HeaderValue,
    currency: String,
}

/// A charge, as the provider describes it.
#[derive(Deserialize)]
struct Charge {
    id: PaymentId,
    amount: Money,
    currency: String,
    status: ChargeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeStatus {
    Pending,
    Completed,
    Declined,
}

/// A refund, as the provider describes it.
#[derive(Deserialize)]
struct Refund {
    charge: PaymentId,
    status: RefundStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Pending,
    Completed,
    Rejected,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

impl HttpProvider {
    /// Creates a provider with this base URL. None if the secret cannot be sent in a header.
    ///
    /// # Panics
    /// Never: the client has no special needs.
    #[must_use]
    pub fn try_new(mut url: Url, secret: &Secret, currency: String) -> Option<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", secret.reveal())).ok()?;
        authorization.set_sensitive(true);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        // A redirect could send the secret elsewhere.
        let http = Client::builder().redirect(Policy::none());
        let http = http.timeout(timeouts::PROVIDER).pool_idle_timeout(timeouts::IDLE);
        // So would a proxy of the environment, which reads whatever is not encrypted.
        let http = if url.scheme() == "https" { http } else { http.no_proxy() };
        let http = http.build().expect("a client without special needs");
        Some(Self { http, url, authorization, currency })
    }

    /// The currency of all charges.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The URL of an endpoint.
    fn at(&self, path: &str) -> Url {
        self.url.join(path).expect("a path of letters, digits and hyphens")
    }

    /// Sends a request. None if the provider knows no such charge.
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Option<T>, ProviderUnavailable> {
        let request = request.header(AUTHORIZATION, &self.authorization);
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let body = read(response).await?;
        if status == StatusCode::NOT_FOUND && is_charge_not_found(&body) {
            return Ok(None);
        }
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            let reason = format!("it rejects LYCEUM_PAYMENT_PROVIDER_SECRET with HTTP status {status}");
            return Err(ProviderUnavailable(reason));
        }
        if !status.is_success() {
            return Err(ProviderUnavailable(format!("it responded with HTTP status {status}")));
        }
        let malformed = |error: serde_json::Error| {
            ProviderUnavailable(format!("its response is malformed ({:?})", error.classify()))
        };
        serde_json::from_slice(&body).map(Some).map_err(malformed)
    }

    fn outcome(&self, purchase: &Purchase, charge: &Charge) -> Result<ChargeOutcome, ProviderUnavailable> {
        let is_same = charge.id == purchase.payment_id && charge.amount == purchase.amount;
        if !is_same || charge.currency != self.currency {
            error!(payment.id = %purchase.payment_id, "payment provider has another amount or currency, manual action needed");
            return Err(ProviderUnavailable("it has another charge under this id".to_owned()));
        }
        Ok(match charge.status {
            ChargeStatus::Pending => ChargeOutcome::Pending,
            ChargeStatus::Completed => ChargeOutcome::Completed,
            ChargeStatus::Declined => ChargeOutcome::Declined,
        })
    }
}

impl PaymentProvider for HttpProvider {
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>> {
        let id = purchase.payment_id;
        let body = json!({
            "id": id,
            "amount": purchase.amount,
            "currency": self.currency,
            "customer": purchase.student_id,
            "description": purchase.course_title,
        });
        let request = self.http.post(self.at("v1/charges")).header("idempotency-key", id.to_string()).json(&body);
        async move {
            match self.send(request).await? {
                Some(charge) => self.outcome(purchase, &charge),
                None => Err(ProviderUnavailable("it does not know its own charge".to_owned())),
            }
        }
        .boxed()
    }

    fn find<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<Option<ChargeOutcome>, ProviderUnavailable>> {
        let id = purchase.payment_id;
        async move {
            let charge = self.send(self.http.get(self.at(&format!("v1/charges/{id}")))).await?;
            charge.map(|charge| self.outcome(purchase, &charge)).transpose()
        }
        .boxed()
    }

    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>> {
        let body = json!({ "charge": payment });
        let request = self.http.post(self.at("v1/refunds")).header("idempotency-key", payment.to_string()).json(&body);
        async move {
            let refund: Option<Refund> = self.send(request).await?;
            Ok(match refund {
                Some(refund) if refund.charge != payment => {
                    return Err(ProviderUnavailable("its response is about another charge".to_owned()));
                }
                Some(Refund { status: RefundStatus::Completed, .. }) => RefundOutcome::Done,
                Some(Refund { status: RefundStatus::Pending, .. }) => RefundOutcome::Pending,
                // It never charged this payment: an imported one, say.
                Some(Refund { status: RefundStatus::Rejected, .. }) | None => RefundOutcome::Refused,
            })
        }
        .boxed()
    }
}

/// Reads a response's body, up to its maximum length.
async fn read(mut response: Response) -> Result<Vec<u8>, ProviderUnavailable> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(ProviderUnavailable("its response is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_charge_not_found(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|Failure { error }| error == CHARGE_NOT_FOUND)
}

fn transport(error: reqwest::Error) -> ProviderUnavailable {
    if error.is_timeout() {
        return ProviderUnavailable("no response in time".to_owned());
    }
    let error = error.without_url();
    // The causes say why.
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    ProviderUnavailable(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

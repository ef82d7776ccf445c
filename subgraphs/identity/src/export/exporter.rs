//! Collects users' data in the background, of each other service by a query on behalf of the user.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use contracts::UserId;
use db::{DbPool, availability::BACKGROUND_TIMEOUT};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Map, Value, json};
use service::{Credentials, Peers};
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::store;
use crate::{Keys, user::store as users};

/// How often requests are looked for.
const INTERVAL: Duration = Duration::from_secs(1);

/// By service.
const DOCUMENTS: [(&str, &str); 4] = [
    ("course", include_str!("../../../../operations/services/identity/course/CourseData.graphql")),
    ("enrollment", include_str!("../../../../operations/services/identity/enrollment/EnrollmentData.graphql")),
    ("payment", include_str!("../../../../operations/services/identity/payment/PaymentData.graphql")),
    ("notification", include_str!("../../../../operations/services/identity/notification/NotificationData.graphql")),
];

/// What the data are collected with.
#[derive(Clone)]
pub struct Exporter {
    /// The database.
    pub db: DbPool,
    /// The other services.
    pub peers: Peers,
    /// The keys to ask them on behalf of the user.
    pub keys: Keys,
}

impl Exporter {
    /// Runs until `stop` is cancelled. Several may run at once.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match timeout(BACKGROUND_TIMEOUT, self.round()).await {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => warn!(error = %error, "data export failed, retrying"),
                Err(late) => warn!(error = %late, "data export failed, retrying"),
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Deletes what has expired, and collects the data of one user. False if nobody waits.
    async fn round(&self) -> Result<bool, Error> {
        store::delete_expired(&self.db).await?;
        let Some(due) = store::claim_next_due(&self.db).await? else { return Ok(false) };
        match collect(self, due.user).await {
            Ok(content) => store::finish(&self.db, due, &content).await?,
            Err(error) => warn!(export.id = %due.id, error = %error, "data export failed, retrying"),
        }
        Ok(true)
    }
}

/// Returns the data of all services as one JSON text, with the services' tables by name.
///
/// # Errors
/// [`Error::Unavailable`] if a service is unavailable; [`Error::Internal`] if the account was deleted meanwhile.
async fn collect(exporter: &Exporter, id: UserId) -> Result<String, Error> {
    let user = users::find(&exporter.db, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let (token, _) = exporter.keys.access_token(&user, None)?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(Error::internal)?;
    bearer.set_sensitive(true);
    let credentials = Credentials::of(&HeaderMap::from_iter([(AUTHORIZATION, bearer)]));
    let mut data = json!({
        "exportedAt": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "identity": parse(&store::data_of(&exporter.db, id).await?)?,
    });
    for (service, document) in DOCUMENTS {
        let answer: Map<String, Value> = exporter.peers.query(service, &credentials, document, json!({})).await?;
        let text = answer.values().next().and_then(Value::as_str).unwrap_or("null");
        data[service] = parse(text)?;
    }
    serde_json::to_string_pretty(&data).map_err(Error::internal)
}

fn parse(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

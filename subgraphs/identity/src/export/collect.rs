//! Collects a user's data, of each other service by a query on behalf of the user.

use chrono::{SecondsFormat, Utc};
use contracts::UserId;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Map, Value, json};
use service::Credentials;
use subgraph_kit::Error;

use super::{Exporter, store};
use crate::user::store as users;

/// By service.
const DOCUMENTS: [(&str, &str); 4] = [
    ("course", include_str!("../../../../operations/services/identity/course/CourseData.graphql")),
    ("enrollment", include_str!("../../../../operations/services/identity/enrollment/EnrollmentData.graphql")),
    ("payment", include_str!("../../../../operations/services/identity/payment/PaymentData.graphql")),
    ("notification", include_str!("../../../../operations/services/identity/notification/NotificationData.graphql")),
];

/// Returns the data of all services as one JSON text, with the services' tables by name.
///
/// # Errors
/// [`Error::Unavailable`] if a service is unavailable; [`Error::Internal`] if the account was deleted meanwhile.
pub(super) async fn collect(exporter: &Exporter, id: UserId) -> Result<String, Error> {
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

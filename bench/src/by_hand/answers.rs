//! The JSON responses, with the fields that the operations select.

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use uuid::Uuid;

#[derive(Serialize)]
pub struct Data<T> {
    pub data: T,
}

#[derive(Serialize)]
pub struct Me<T> {
    pub me: T,
}

#[derive(Serialize)]
pub struct Courses<T> {
    pub courses: T,
}

#[derive(Serialize)]
pub struct Nodes<T> {
    pub nodes: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted<T> {
    pub total_count: i64,
    pub nodes: Vec<T>,
}

pub fn me<T>(me: T) -> axum::Json<Data<Me<T>>> {
    axum::Json(Data { data: Me { me } })
}

pub fn courses<T>(courses: T) -> axum::Json<Data<Courses<T>>> {
    axum::Json(Data { data: Courses { courses } })
}

/// Serialized as the graph's `DateTime`.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Moment(DateTime<Utc>);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[derive(Clone, Serialize, sqlx::FromRow)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

#[derive(Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    id: Uuid,
    r#type: String,
    title: String,
    is_read: bool,
    created_at: Moment,
}

#[derive(Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    id: Uuid,
    amount: Decimal,
    status: String,
    created_at: Moment,
}

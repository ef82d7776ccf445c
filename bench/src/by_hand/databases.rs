//! The five databases, the viewer of a request, and the response to a database error.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

/// The pool size of a subgraph.
const CONNECTIONS: u32 = 5;

/// The five databases, and the public keys that verify access tokens.
#[derive(Clone)]
pub struct Databases(pub(super) Arc<Inner>);

pub struct Inner {
    pub identity: PgPool,
    pub course: PgPool,
    pub enrollment: PgPool,
    pub payment: PgPool,
    pub notification: PgPool,
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl Databases {
    /// Connects to the databases at these URLs, by subgraph.
    ///
    /// # Errors
    /// When one cannot be reached, or has no URL.
    pub async fn connect(urls: &HashMap<String, String>, keys: &JwkSet) -> anyhow::Result<Self> {
        let pool = async |name: &str| {
            let url = urls.get(name).ok_or_else(|| anyhow::anyhow!("the database of {name} is not configured"))?;
            let options = PgPoolOptions::new().min_connections(CONNECTIONS).max_connections(CONNECTIONS);
            anyhow::Ok(options.connect(url).await?)
        };
        let keys = keys.keys.iter().filter_map(|key| {
            let id = key.common.key_id.clone()?;
            Some((id, DecodingKey::from_jwk(key).ok()?))
        });
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&["lyceum"]);
        validation.set_audience(&["lyceum"]);
        Ok(Self(Arc::new(Inner {
            identity: pool("identity").await?,
            course: pool("course").await?,
            enrollment: pool("enrollment").await?,
            payment: pool("payment").await?,
            notification: pool("notification").await?,
            keys: keys.collect(),
            validation,
        })))
    }

    /// The user of an access token.
    fn viewer(&self, token: &str) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Claims {
            sub: Uuid,
        }
        let key = self.0.keys.get(&decode_header(token).ok()?.kid?)?;
        Some(decode::<Claims>(token, key, &self.0.validation).ok()?.claims.sub)
    }
}

/// The signed-in user.
pub struct Viewer(pub Uuid);

impl FromRequestParts<Databases> for Viewer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, databases: &Databases) -> Result<Self, StatusCode> {
        let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| databases.viewer(token)).map(Self).ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// A database error, as a response.
pub struct DatabaseError(sqlx::Error);

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for DatabaseError {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}

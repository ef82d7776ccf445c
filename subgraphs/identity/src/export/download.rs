//! The public route at which a link gets its file.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use db::DbPool;

use super::store;

/// The path of a link, before its token.
pub const PATH: &str = "/data-exports/";

/// The database, once it is open. Clones share it.
#[derive(Clone, Default)]
pub struct Downloads(Arc<OnceLock<DbPool>>);

impl Downloads {
    /// Serves from this database from now on.
    pub(crate) fn open(&self, db: &DbPool) {
        // Opened once a process.
        _ = self.0.set(db.clone());
    }

    /// `GET /data-exports/TOKEN`. A `HEAD`, with which some programs look first, must not use the link up.
    pub(crate) fn routes(&self) -> Router {
        let one = get(download).head(async || StatusCode::METHOD_NOT_ALLOWED);
        Router::new().route(&format!("{PATH}{{token}}"), one).with_state(self.clone())
    }
}

/// 404 for every link that is not valid, whatever the reason.
async fn download(State(downloads): State<Downloads>, Path(token): Path<String>) -> Response {
    let Some(db) = downloads.0.get() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match store::take(db, &token).await {
        Ok(Some(content)) => {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CONTENT_DISPOSITION, "attachment; filename=\"my-data.json\""),
                (CACHE_CONTROL, "no-store"),
                (REFERRER_POLICY, "no-referrer"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, content).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "this link is not valid any more: create another one").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

//! Missing: extensions of plugins in the response to a dry run (`hive-expose-query-plan: dry-run`). Nothing is executed
//! then, and only the hook `on_execute` can add one. So the response's text is changed.
//!
//! Upstream: no issue known; `ExposeQueryPlanMode::DryRun` in `pipeline/execution.rs`.
//! `cost::a_plan_says_what_the_operation_would_cost` fails once it is fixed: it finds the cost twice.

use hive_router::{
    http::header::CONTENT_LENGTH,
    ntex::{
        http::body::{Body, ResponseBody},
        util::Bytes,
        web::WebResponse,
    },
};
use serde::Serialize;

/// The start of the response to a dry run.
const DRY_RUN: &str = r#"{"extensions":{"#;

/// Adds an extension to the response to a dry run, and to no other.
pub fn add_extension(response: WebResponse, name: &str, value: &impl Serialize) -> WebResponse {
    response.map_body(|head, body| match body {
        ResponseBody::Body(Body::Bytes(bytes)) | ResponseBody::Other(Body::Bytes(bytes)) => {
            let extended = extend(&bytes, name, value);
            if extended.is_some() {
                head.headers_mut().remove(CONTENT_LENGTH);
            }
            ResponseBody::Body(Body::Bytes(extended.map_or(bytes, Bytes::from)))
        }
        body => body,
    })
}

fn extend(response: &[u8], name: &str, value: &impl Serialize) -> Option<String> {
    let extensions = str::from_utf8(response).ok()?.strip_prefix(DRY_RUN)?;
    let value = sonic_rs::to_string(value).ok()?;
    Some(format!("{DRY_RUN}\"{name}\":{value},{extensions}"))
}

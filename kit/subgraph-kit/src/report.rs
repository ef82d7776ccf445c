//! The public form of errors. Unclassified errors are hidden.

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use tracing::{error, warn};

use crate::{Error, text};

/// Sets each error's code, and logs and hides internal ones.
#[must_use]
pub fn finalize_errors(mut response: Response) -> Response {
    for error in &mut response.errors {
        finalize_error(error);
    }
    response
}

/// The response to a request that fails as a whole.
#[must_use]
pub fn error_response(error: &Error) -> Response {
    let mut failed = ServerError::new(error.to_string(), None);
    log(error);
    extend(&mut failed, error);
    Response::from_errors(vec![failed])
}

/// The codes of a response's errors.
pub fn codes(response: &Response) -> Vec<&str> {
    response.errors.iter().filter_map(code).collect()
}

fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn finalize_error(failed: &mut ServerError) {
    if let Some(error) = failed.source::<Error>().cloned() {
        log(&error);
        extend(failed, &error);
    } else if failed.source.is_some() {
        error!(error = text::redact_values(&failed.message), "unclassified error");
        "internal server error".clone_into(&mut failed.message);
        set_code(failed, "INTERNAL_SERVER_ERROR");
    } else {
        // The library's own errors.
        failed.message = text::redact_values(&failed.message);
        set_code(failed, if failed.path.is_empty() { "GRAPHQL_VALIDATION_FAILED" } else { "BAD_USER_INPUT" });
    }
    failed.source = None;
}

fn extend(failed: &mut ServerError, error: &Error) {
    set_code(failed, error.code());
    let Some(extensions) = &mut failed.extensions else { return };
    match error {
        Error::Invalid { field, .. } => extensions.set("field", *field),
        Error::RateLimited { retry_after } => extensions.set("retryAfter", *retry_after),
        _ => {}
    }
}

fn set_code(failed: &mut ServerError, code: &str) {
    failed.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
}

fn log(error: &Error) {
    match error {
        Error::Internal(source) => error!(error = error_chain(source.as_ref()), "internal error"),
        Error::Unavailable(source) => warn!(error = error_chain(source.as_ref()), "unavailable"),
        _ => {}
    }
}

/// Formats an error with its chain of sources.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

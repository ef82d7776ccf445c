//! The one place where errors get their public form. Whatever nobody classified is hidden.

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use tracing::{error, warn};

use crate::Error;

/// Gives each error its code, logs the ones that are ours, and hides their text.
#[must_use]
pub fn publish(mut response: Response) -> Response {
    for error in &mut response.errors {
        publish_error(error);
    }
    response
}

/// The answer to a request that fails as a whole.
#[must_use]
pub fn failure(error: &Error) -> Response {
    let mut failed = ServerError::new(error.to_string(), None);
    log(error);
    set_code(&mut failed, error.code());
    Response::from_errors(vec![failed])
}

fn publish_error(failed: &mut ServerError) {
    if let Some(error) = failed.source::<Error>() {
        log(error);
        let code = error.code();
        set_code(failed, code);
    } else if failed.source.is_some() {
        error!(error = %failed.message, "unclassified error");
        failed.message = "something went wrong on our side".to_owned();
        set_code(failed, "INTERNAL_SERVER_ERROR");
    } else if failed.path.is_empty() {
        set_code(failed, "GRAPHQL_VALIDATION_FAILED");
    } else {
        set_code(failed, "BAD_USER_INPUT");
    }
    failed.source = None;
}

fn set_code(failed: &mut ServerError, code: &str) {
    failed.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
}

fn log(error: &Error) {
    match error {
        Error::Internal(source) => error!(error = chain(source.as_ref()), "internal error"),
        Error::Unavailable(source) => warn!(error = chain(source.as_ref()), "unavailable"),
        _ => {}
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

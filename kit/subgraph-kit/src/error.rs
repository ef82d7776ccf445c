//! The error type of all subgraphs. It distinguishes only what callers must handle differently.

use std::sync::Arc;

use async_graphql::SimpleObject;
use contracts::user_error_code::Code;
use db::availability;

/// The reason why a request, or one of its fields, failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Authentication is missing or failed.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The viewer lacks the permission.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The document or an argument is invalid, in any state.
    #[error("{field}: {message}")]
    Invalid {
        /// The invalid argument or input field.
        field: &'static str,
        /// The rule that it violates.
        message: String,
    },
    /// Valid, but rejected in the current state: becomes the payload's `userErrors`.
    #[error("{}", .0.iter().map(|rejection| rejection.message.as_str()).collect::<Vec<_>>().join("; "))]
    Rejected(Vec<Rejection>),
    /// A rate limit is exceeded: retry later.
    #[error("too many attempts: try again in {retry_after} s")]
    RateLimited {
        /// The delay before a retry, in seconds.
        retry_after: u64,
    },
    /// A database or a peer is unavailable: a retry can succeed.
    #[error("the service is unavailable: try again later")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The response to the whole request exceeds its limit.
    #[error("the response would be too large: request fewer items or fields")]
    ResponseTooLarge,
    /// The process shuts down, which ends a subscription.
    #[error("the server is restarting: subscribe again")]
    Restarting,
    /// An internal failure, whose cause is hidden from the caller.
    #[error("internal server error")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The value of `extensions.code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::Invalid { .. } | Self::Rejected(_) => "BAD_USER_INPUT",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Unavailable(_) | Self::Restarting => "SERVICE_UNAVAILABLE",
            Self::ResponseTooLarge => "RESPONSE_TOO_LARGE",
            Self::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// An invalid argument.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// An internal failure.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(source))
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(vec![rejection])
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let is_unavailable = availability::is_unavailable(&error) || matches!(error, sqlx::Error::Tls(_));
        let source = Arc::new(error);
        if is_unavailable { Self::Unavailable(source) } else { Self::Internal(source) }
    }
}

/// A user error, before it has its GraphQL form.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The reason as a code, for programs.
    pub code: Code,
    /// The reason for people, in English.
    pub message: String,
    /// The field of `input`, by its GraphQL name; `None` if no single field is invalid.
    pub field: Option<&'static str>,
}

impl Rejection {
    /// A rejection without a field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// A rejection of an invalid input field.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message).at(field)
    }

    /// A rejection because the entity of an input field does not exist, or the caller may not see it.
    #[must_use]
    pub fn not_found(entity: &str, field: &'static str) -> Self {
        Self::new(Code::NotFound, format!("{entity} not found")).at(field)
    }

    /// Sets the input's field, by its GraphQL name.
    #[must_use]
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

/// A reason why a mutation was rejected, which the caller can act on. The payload's other fields are then null.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct UserError {
    /// The machine-readable reason.
    pub code: Code,
    /// A human-readable message, in English.
    pub message: String,
    /// The path of the wrong field in the input, such as `["input", "email"]`; empty if no single field is wrong.
    pub field: Vec<String>,
}

impl From<Rejection> for UserError {
    fn from(rejection: Rejection) -> Self {
        Self {
            code: rejection.code,
            message: rejection.message,
            field: rejection.field.map(|field| vec!["input".to_owned(), field.to_owned()]).unwrap_or_default(),
        }
    }
}

/// Splits a mutation's outcome into the payload's own field and its `userErrors`; other errors stay errors.
///
/// # Errors
/// Every [`Error`] except [`Error::Rejected`], which becomes user errors.
pub fn into_payload<T>(outcome: Result<T, Error>) -> Result<(Option<T>, Vec<UserError>), Error> {
    match outcome {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Rejected(rejections)) => Ok((None, rejections.into_iter().map(UserError::from).collect())),
        Err(error) => Err(error),
    }
}

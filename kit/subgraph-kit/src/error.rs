//! The one error type of the subgraphs. It tells apart only what a caller must act on differently.

use std::sync::Arc;

use async_graphql::SimpleObject;
use contracts::user_error_code::Code;
use db::availability;

/// Why a request, or one field of it, failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// We do not know who is asking.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// We know who is asking, and they may not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The document or an argument is wrong in itself.
    #[error("{field}: {message}")]
    Invalid {
        /// The argument or input field to blame.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// Fine in itself, but not in the present state: becomes the payload's `userErrors`.
    #[error("{}", .0.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
    /// Too often, or too much at once; trying again makes sense after a while.
    #[error("too many attempts; try again in {retry_after} s")]
    RateLimited {
        /// In seconds.
        retry_after: u64,
    },
    /// A database or a peer is unavailable; trying again makes sense.
    #[error("the service is not available at the moment; try again")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The answer to the whole request would be larger than it may be.
    #[error("the answer would be too large; ask for less at once")]
    ResponseTooLarge,
    /// The process ends, and with it a subscription.
    #[error("the server is restarting; subscribe again")]
    Restarting,
    /// Ours. The caller learns nothing but that.
    #[error("something went wrong on our side")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The value of `extensions.code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::Invalid { .. } | Self::Refused(_) => "BAD_USER_INPUT",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Unavailable(_) | Self::Restarting => "SERVICE_UNAVAILABLE",
            Self::ResponseTooLarge => "RESPONSE_TOO_LARGE",
            Self::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// A wrong argument.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// A failure of ours.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(source))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let is_unavailable = availability::is_unavailable(&error) || matches!(error, sqlx::Error::Tls(_));
        let source = Arc::new(error);
        if is_unavailable { Self::Unavailable(source) } else { Self::Internal(source) }
    }
}

/// A failure that the caller can act on.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The reason in a form for programs.
    pub code: Code,
    /// What a person reads.
    pub message: String,
    /// Path into `input`, without the leading `input`; empty when no single field is to blame.
    pub field: Option<&'static str>,
}

impl Refusal {
    /// A refusal with no single field to blame.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// An input field that breaks a rule.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message).at(field)
    }

    /// The thing that an input field names does not exist, or not for this caller.
    #[must_use]
    pub fn not_found(entity: &str, field: &'static str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {entity}")).at(field)
    }

    /// Blames a field of the input, by its GraphQL name.
    #[must_use]
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

/// A reason why a mutation was rejected, which the caller can act on. The payload's result is null.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct UserError {
    /// The reason in a form for programs.
    pub code: Code,
    /// The reason in a form for people, in English.
    pub message: String,
    /// The path of the wrong field in the input, such as `["input", "email"]`; empty if no single field is wrong.
    pub field: Vec<String>,
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code,
            message: refusal.message,
            field: refusal.field.map(|field| vec!["input".to_owned(), field.to_owned()]).unwrap_or_default(),
        }
    }
}

/// Splits a mutation's outcome into the payload's own field and its `userErrors`; what is no
/// refusal stays an error.
///
/// # Errors
/// Every [`Error`] except [`Error::Refused`], which becomes user errors.
pub fn into_payload<T>(outcome: Result<T, Error>) -> Result<(Option<T>, Vec<UserError>), Error> {
    match outcome {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Refused(refusals)) => Ok((None, refusals.into_iter().map(UserError::from).collect())),
        Err(error) => Err(error),
    }
}

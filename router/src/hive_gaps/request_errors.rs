//! Request errors, in the form of hive-router's validation.

use apollo_compiler::{response::GraphQLError, validation::DiagnosticList};
use graphql_tools::{parser::Pos, validation::utils::ValidationError};

pub type RequestErrors = Vec<ValidationError>;

/// The maximum number of errors, however many a document has.
const MAX_ERRORS: usize = 10;

/// An error of the request as a whole.
pub fn request_error(message: impl Into<String>, code: &'static str) -> ValidationError {
    ValidationError { locations: Vec::new(), message: message.into(), error_code: code }
}

pub fn too_deep() -> RequestErrors {
    vec![request_error("Query depth limit exceeded.", "MAX_DEPTH_EXCEEDED")]
}

/// Converts the first diagnostics of apollo-compiler.
pub fn from_diagnostics(diagnostics: &DiagnosticList, code: &'static str) -> RequestErrors {
    let error = |error: GraphQLError| ValidationError {
        locations: error.locations.iter().map(|place| Pos { line: place.line, column: place.column }).collect(),
        message: error.message,
        error_code: code,
    };
    diagnostics.iter().take(MAX_ERRORS).map(|diagnostic| error(diagnostic.to_json())).collect()
}

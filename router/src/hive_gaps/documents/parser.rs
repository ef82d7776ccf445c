//! apollo-compiler's parser, with limits for tokens, depth and fragment expansion.

use apollo_compiler::{ast::Document, parser::Parser, validation::DiagnosticList};
use graphql_tools::validation::utils::ValidationError;

use crate::hive_gaps::{
    fragment_expansion,
    request_errors::{RequestErrors, from_diagnostics, request_error, too_deep},
};

/// apollo-compiler also counts white space, commas and comments; `limits.max_tokens` does not.
pub const MAX_LEXED_TOKENS: usize = 16_000;
/// The maximum nesting of selections, lists and objects. The router's own limits are stricter.
pub const MAX_PARSER_DEPTH: usize = 64;

pub fn parse(text: &str) -> Result<Document, RequestErrors> {
    let mut parser = Parser::new().token_limit(MAX_LEXED_TOKENS).recursion_limit(MAX_PARSER_DEPTH);
    let parsed = parser.parse_ast(text, "operation.graphql");
    if parser.tokens_reached() > MAX_LEXED_TOKENS {
        return Err(vec![request_error("Token limit exceeded.", "TOKEN_LIMIT_EXCEEDED")]);
    }
    if parser.recursion_reached() > MAX_PARSER_DEPTH {
        return Err(too_deep());
    }
    let document = parsed.map_err(|invalid| vec![syntax_error(&invalid.errors)])?;
    fragment_expansion::check(&document)?;
    Ok(document)
}

/// The first syntax error: later ones are consequences. Its text is not quoted, since it may be a password.
fn syntax_error(diagnostics: &DiagnosticList) -> ValidationError {
    const CODE: &str = "GRAPHQL_PARSE_FAILED";
    let mut errors = from_diagnostics(diagnostics, CODE);
    errors.sort_by_key(|error| error.locations.first().map(|place| (place.line, place.column)));
    let Some(mut first) = errors.into_iter().next() else { return request_error("Syntax error.", CODE) };
    let message = first.message.trim_start_matches("syntax error: ");
    let message = message.split(", got ").next().and_then(|text| text.split(['"', '`']).next()).unwrap_or_default();
    let message: Vec<_> = message.split_whitespace().map(punctuation).collect();
    first.message = format!("Syntax error: {}.", message.join(" "));
    first
}

/// The punctuator of a token name of the parser.
fn punctuation(word: &str) -> &str {
    match word {
        "L_CURLY" => "\"{\"",
        "R_CURLY" => "\"}\"",
        "L_PAREN" => "\"(\"",
        "R_PAREN" => "\")\"",
        "L_BRACK" => "\"[\"",
        "R_BRACK" => "\"]\"",
        word => word,
    }
}

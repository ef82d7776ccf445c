//! Selects the operation of a request, and evaluates its conditions.

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    executable::{Operation, OperationMap},
    validation::Valid,
};
use graphql_tools::{parser::Pos, validation::utils::ValidationError};
use hive_router::plugins::hooks::on_graphql_params::GraphQLParams;

use crate::hive_gaps::{conditions::Conditions, request_errors::RequestErrors, variables};

/// Selects the requested operation and validates its variables.
pub fn select<'document>(
    document: &'document Valid<ExecutableDocument>,
    name: Option<&str>,
    params: &GraphQLParams,
    schema: &Valid<Schema>,
) -> Result<(&'document Node<Operation>, Conditions), RequestErrors> {
    let operation = named(document, name)?;
    variables::check(schema, operation, &params.variables)?;
    let conditions = Conditions::evaluate(document, operation, &params.variables, schema)?;
    Ok((operation, conditions))
}

fn named<'document>(
    document: &'document ExecutableDocument,
    name: Option<&str>,
) -> Result<&'document Node<Operation>, RequestErrors> {
    let operations = &document.operations;
    operations.get(name).map_err(|_| {
        let ranges = operations.iter().filter_map(|one| one.line_column_range(&document.sources));
        let locations = ranges.map(|range| Pos { line: range.start.line, column: range.start.column }).collect();
        let message = selection_error_message(operations, name).to_owned();
        vec![ValidationError { locations, message, error_code: "BAD_USER_INPUT" }]
    })
}

fn selection_error_message(operations: &OperationMap, name: Option<&str>) -> &'static str {
    match name {
        Some(_) => "The document has no operation named as `operationName`.",
        None if operations.is_empty() => "The document has no operation.",
        None => "The document has several operations: set `operationName`.",
    }
}

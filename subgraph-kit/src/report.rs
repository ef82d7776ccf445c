//! The one place where errors get their public form. Whatever nobody classified is hidden.

use async_graphql::{ErrorExtensionValues, Name, PathSegment, Response, ServerError, Value, indexmap::IndexMap};
use tracing::{error, warn};

use crate::{Error, text};

/// Gives each error its code, logs the ones that are ours, and hides their text.
#[must_use]
pub fn publish(mut response: Response) -> Response {
    for error in &mut response.errors {
        publish_error(error);
    }
    place_among_entities(&mut response);
    response
}

/// async-graphql leaves an entity's index out of the path of its errors, and without it a router
/// cannot say where in its own answer the error belongs. So each such error is put at the next of
/// the entities that have nothing where its path leads.
fn place_among_entities(response: &mut Response) {
    let Value::Object(data) = &response.data else { return };
    let mut placed: Vec<(Vec<PathSegment>, usize)> = Vec::new();
    for error in &mut response.errors {
        let Some((entities, path)) = path_without_index(data, &error.path) else { continue };
        let next = placed.iter().filter(|(taken, _)| taken == path).map(|(_, index)| index + 1).max().unwrap_or(0);
        let missing =
            |wanted: Missing| (next..entities.len()).find(|index| missing(&entities[*index], path) == Some(wanted));
        let Some(index) = missing(Missing::Field).or_else(|| missing(Missing::Parent)) else { continue };
        placed.push((path.to_vec(), index));
        error.path.insert(1, PathSegment::Index(index));
    }
}

/// The entities that a path leads through, and how it goes on in one of them, if it does not say
/// in which.
fn path_without_index<'a>(
    data: &'a IndexMap<Name, Value>,
    path: &'a [PathSegment],
) -> Option<(&'a [Value], &'a [PathSegment])> {
    let [PathSegment::Field(root), rest @ ..] = path else { return None };
    let Some(Value::List(entities)) = data.get(root.as_str()) else { return None };
    matches!(rest, [PathSegment::Field(_), ..]).then_some((entities, rest))
}

/// What is not there: the field itself, or something on the way to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Field,
    Parent,
}

fn missing(value: &Value, path: &[PathSegment]) -> Option<Missing> {
    let Some((segment, rest)) = path.split_first() else { return (*value == Value::Null).then_some(Missing::Field) };
    match (value, segment) {
        (Value::Object(fields), PathSegment::Field(name)) => match fields.get(name.as_str()) {
            Some(value) => missing(value, rest),
            None => Some(Missing::Field),
        },
        (Value::List(items), PathSegment::Index(index)) => missing(items.get(*index)?, rest),
        (Value::Null, _) => Some(Missing::Parent),
        _ => None,
    }
}

/// The answer to a request that fails as a whole.
#[must_use]
pub fn failure(error: &Error) -> Response {
    let mut failed = ServerError::new(error.to_string(), None);
    log(error);
    extend(&mut failed, error);
    Response::from_errors(vec![failed])
}

/// The codes of an answer's errors.
pub(crate) fn codes(response: &Response) -> Vec<&str> {
    response.errors.iter().filter_map(code).collect()
}

fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn publish_error(failed: &mut ServerError) {
    if let Some(error) = failed.source::<Error>().cloned() {
        log(&error);
        extend(failed, &error);
    } else if failed.source.is_some() {
        error!(error = text::without_values(&failed.message), "unclassified error");
        "something went wrong on our side".clone_into(&mut failed.message);
        set_code(failed, "INTERNAL_SERVER_ERROR");
    } else {
        // The library's own.
        failed.message = text::without_values(&failed.message);
        set_code(failed, if failed.path.is_empty() { "GRAPHQL_VALIDATION_FAILED" } else { "BAD_USER_INPUT" });
    }
    failed.source = None;
}

fn extend(failed: &mut ServerError, error: &Error) {
    set_code(failed, error.code());
    if let (Error::RateLimited { retry_after }, Some(extensions)) = (error, &mut failed.extensions) {
        extensions.set("retryAfter", *retry_after);
    }
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

/// What an error says, and all that caused it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(data: serde_json::Value, errors: &[serde_json::Value]) -> Vec<serde_json::Value> {
        let mut response = Response::new(Value::from_json(data).expect("data"));
        for path in errors {
            let mut error = ServerError::new("no", None);
            error.path = serde_json::from_value(path.clone()).expect("a path");
            response.errors.push(error);
        }
        place_among_entities(&mut response);
        response.errors.iter().map(|error| json!(error.path)).collect()
    }

    #[test]
    fn an_error_of_an_entity_names_the_entity() {
        let data = json!({ "_entities": [null, { "list": {} }, { "list": null }, { "list": null }] });
        let error = json!(["_entities", "list"]);

        assert_eq!(
            paths(data, &[error.clone(), error]),
            [json!(["_entities", 2, "list"]), json!(["_entities", 3, "list"])]
        );
    }

    #[test]
    fn an_error_deep_in_an_entity_names_the_entity() {
        let data =
            json!({ "_entities": [{ "list": [{ "a": 1 }, { "a": 2 }] }, { "list": [{ "a": 1 }, { "a": null }] }] });

        assert_eq!(paths(data, &[json!(["_entities", "list", 1, "a"])]), [json!(["_entities", 1, "list", 1, "a"])]);
    }

    #[test]
    fn an_entity_that_has_nothing_else_is_gone_as_a_whole() {
        let data = json!({ "_entities": [{ "list": {} }, null] });

        assert_eq!(paths(data, &[json!(["_entities", "list"])]), [json!(["_entities", 1, "list"])]);
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        let data = json!({ "user": { "list": null }, "users": [{ "list": null }] });
        let errors = [json!(["user", "list"]), json!(["users", 0, "list"]), json!(["gone"]), json!(["_entities"])];

        assert_eq!(paths(data, &errors), errors);
    }
}

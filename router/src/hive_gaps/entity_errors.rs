//! hive-router replaces `_entities` and an index, in the path of a subgraph's error, by the places that its client knows,
//! but only if there is such an index, and a list of entities in the response, under `_entities` or an alias of it. An
//! error that makes the list null, and one that names no entity, reaches the client without a path. So a list that is null
//! is made an empty one, which has no entities either; the only entity of a fetch gets an index; and what remains gets the
//! path of the fetch, up to the first list, as does a second error for the entities that are gone with another one.
//!
//! Upstream: no issue known; graphql-hive/router#243 is the replacement.
//! `hive_gaps::an_error_of_entities_that_are_null_has_no_path` fails once it is fixed.

use std::collections::HashMap;

use hive_router::{
    GraphQLError,
    executor::response::{
        graphql_error::{GraphQLErrorPath, GraphQLErrorPathSegment as Segment},
        subgraph_response::SubgraphResponse,
        value::Value,
    },
    plugins::{
        hooks::{
            on_graphql_error::OnGraphQLErrorHookPayload,
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};
use serde::de::IgnoredAny;

pub fn on_subgraph_execute(payload: OnSubgraphExecuteStartHookPayload<'_>) -> OnSubgraphExecuteStartHookResult<'_> {
    let Some(representations) = &payload.execution_request.raw_variable_values else { return payload.proceed() };
    let fetch = EntityFetch::of(payload.execution_request.query, representations);
    payload.on_end(move |mut payload| {
        fetch.complete(&mut payload.execution_result);
        payload.proceed()
    })
}

// Before `errors`, which removes the path of the fetch.
pub fn on_graphql_error(payload: &mut OnGraphQLErrorHookPayload<'_>) {
    replace_path(&mut payload.error);
}

/// A request for entities.
struct EntityFetch<'exec> {
    query: &'exec str,
    /// The variables that have one representation.
    single: Vec<&'exec str>,
}

impl<'exec> EntityFetch<'exec> {
    fn of(query: &'exec str, representations: &[(&'exec str, Vec<u8>)]) -> Self {
        // Stops after the first.
        let is_single = |json: &[u8]| serde_json::from_slice::<[IgnoredAny; 1]>(json).is_ok();
        let single = representations.iter().filter(|(_, json)| is_single(json)).map(|(name, _)| *name).collect();
        Self { query, single }
    }

    /// Makes the errors of a response such that hive-router can find their places.
    fn complete(&self, response: &mut SubgraphResponse<'exec>) {
        // Of thousands of errors, most have the same few keys.
        let mut lists = HashMap::new();
        let mut of_whole_lists = Vec::new();
        for error in response.errors.iter_mut().flatten() {
            let Some(path) = error.path.as_mut().filter(|path| is_of_router(path)) else { continue };
            let Some(Segment::String(key)) = path.segments.first() else { continue };
            let list = match lists.get(key) {
                Some(list) => *list,
                None => *lists.entry(key.clone()).or_insert(self.list(key)),
            };
            let Some((key, variable)) = list else { continue };
            let (has_index, is_single) =
                (matches!(path.segments.get(1), Some(Segment::Index(_))), self.single.contains(&variable));
            if is_single && !has_index {
                path.segments.insert(1, Segment::Index(0));
            }
            if ensure_list(&mut response.data, key) && has_index && !is_single {
                // The other entities are gone with it.
                let segments = vec![Segment::String(key.to_owned())];
                of_whole_lists.push(GraphQLError { path: Some(GraphQLErrorPath { segments }), ..error.clone() });
            }
        }
        response.errors.iter_mut().for_each(|errors| errors.append(&mut of_whole_lists));
    }

    /// The response key of a list of entities, as it is in the query, and the variable with its representations.
    fn list(&self, key: &str) -> Option<(&'exec str, &'exec str)> {
        let end = |(start, _)| start + key.len();
        let is_whole = |end: &usize| self.query[*end..].starts_with([':', '(']);
        let end = self.query.match_indices(key).map(end).find(is_whole)?;
        let (_, argument) = self.query[end..].split_once('$')?;
        let variable = argument.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        Some((&self.query[end - key.len()..end], variable))
    }
}

/// Adds a list without entities, if there is none. Returns whether there was none.
fn ensure_list<'exec>(data: &mut Value<'exec>, key: &'exec str) -> bool {
    if data.is_null() {
        *data = Value::Object(Vec::new());
    }
    let Value::Object(lists) = data else { return false };
    match Value::object_get_mut(lists, key) {
        Some(list) if list.is_null() => *list = Value::Array(Vec::new()),
        Some(_) => return false,
        None => lists.push((key, Value::Array(Vec::new()))),
    }
    true
}

/// Whether a path begins with a key of hive-router's own: no alias that begins like that reaches it
/// ([`super::response_keys`]).
fn is_of_router(path: &GraphQLErrorPath) -> bool {
    matches!(path.segments.first(), Some(Segment::String(key)) if key.starts_with('_') && !key.starts_with("__"))
}

fn replace_path(error: &mut GraphQLError) {
    if error.path.as_ref().is_some_and(is_of_router) {
        error.path = error.extensions.affected_path.as_deref().and_then(certain_path);
    }
}

/// The path of a fetch, `courses.@.teacher|[User]`, up to the first list; `None` if nothing is left.
fn certain_path(fetch: &str) -> Option<GraphQLErrorPath> {
    let keys = fetch.split('.').map(|step| step.split('|').next().unwrap_or_default());
    let segments: Vec<_> =
        keys.take_while(|key| !key.is_empty() && *key != "@").map(|key| Segment::String(key.to_owned())).collect();
    (!segments.is_empty()).then_some(GraphQLErrorPath { segments })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const BATCH: &str = "query($__batch_reps_0:[_Any!]!, $__batch_reps_10:[_Any!]!){_e1: _entities(representations: \
                         $__batch_reps_10){...on User{name}} _e10: _entities(representations: $__batch_reps_0){...on \
                         Course{title}}}";
    const ALONE: &str =
        "query($representations:[_Any!]!){_entities(representations: $representations){...on User{name}}}";

    /// The path and the data that hive-router gets.
    fn completed(query: &str, path: &Json, data: &str) -> (Json, String) {
        let one = br#"[{"__typename":"User","id":"a,]"}]"#.to_vec();
        let representations =
            [("representations", one.clone()), ("__batch_reps_0", b"[{}, {}]".to_vec()), ("__batch_reps_10", one)];
        let fetch = EntityFetch::of(query, &representations);
        let text = format!(r#"{{"data":{data},"errors":[{{"message":"no","path":{path}}},{{"message":"no"}}]}}"#);
        let mut response: SubgraphResponse<'_> = sonic_rs::from_str(&text).expect("a response");
        fetch.complete(&mut response);
        let errors = response.errors.expect("errors");
        let path = serde_json::to_value(&errors[0].path).expect("JSON");
        (path, sonic_rs::to_string(&response.data).expect("JSON"))
    }

    #[test]
    fn a_list_of_entities_that_is_null_is_an_empty_one() {
        let path = json!(["_entities", 3, "name"]);
        let empty = r#"{"_entities":[]}"#;
        assert_eq!(completed(ALONE, &path, "null"), (path.clone(), empty.to_owned()));
        assert_eq!(completed(ALONE, &path, r#"{"_entities":null}"#), (path.clone(), empty.to_owned()));
        let full = r#"{"_entities":[{"name":null}]}"#;
        assert_eq!(completed(ALONE, &path, full), (path, full.to_owned()));

        let path = json!(["_e10", 1, "title"]);
        let data = completed(BATCH, &path, r#"{"_e1":[{"name":"a"}],"_e10":null}"#);
        assert_eq!(data, (path, r#"{"_e1":[{"name":"a"}],"_e10":[]}"#.to_owned()));
        let path = json!(["unknown", 1, "title"]);
        assert_eq!(completed(BATCH, &path, "null"), (path, "null".to_owned()));
    }

    #[test]
    fn the_only_entity_of_a_fetch_has_an_index() {
        let index_of = |query: &str, path: Json| completed(query, &path, "null").0;

        assert_eq!(index_of(ALONE, json!(["_entities", "name"])), json!(["_entities", 0, "name"]));
        assert_eq!(index_of(ALONE, json!(["_entities"])), json!(["_entities", 0]));
        assert_eq!(index_of(BATCH, json!(["_e1", "name"])), json!(["_e1", 0, "name"]));
        assert_eq!(index_of(BATCH, json!(["_e10", "title"])), json!(["_e10", "title"]), "it has two");
    }

    #[test]
    fn a_path_ends_where_it_is_not_certain() {
        let replaced = |path: Json, fetch: Option<&str>| {
            let mut error: GraphQLError =
                serde_json::from_value(json!({ "message": "no", "path": path })).expect("an error");
            error.extensions.affected_path = fetch.map(str::to_owned);
            replace_path(&mut error);
            json!(error.path)
        };

        let entities = || json!(["_entities", "name"]);
        assert_eq!(replaced(entities(), Some("me.teacher|[User|Admin].course")), json!(["me", "teacher", "course"]));
        assert_eq!(replaced(entities(), Some("courses.nodes.@.teacher")), json!(["courses", "nodes"]));
        assert_eq!(replaced(json!(["_e0", 7, "name"]), Some("courses.@|[Course].teacher")), json!(["courses"]));
        assert_eq!(replaced(entities(), Some("|[Query].me")), Json::Null);
        assert_eq!(replaced(entities(), None), Json::Null);
        for other in [json!(["me", "name"]), json!(["__typename"]), Json::Null] {
            assert_eq!(replaced(other.clone(), Some("me")), other);
        }
    }
}

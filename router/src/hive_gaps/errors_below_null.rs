//! hive-router queries several subgraphs for an entity concurrently, and reports the errors of one even if another one
//! returns null because the entity does not exist: the client then gets a null that is not a failure, with errors below
//! it. So errors below a null that they cannot have caused are removed.
//!
//! No upstream issue is known; `upstream_tells_errors_of_an_entity_that_is_gone` fails once it is fixed.

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::Type,
    executable::{Field, FragmentMap, Selection, SelectionSet},
    validation::Valid,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::json::Entries;

/// The client's operation, before it is rewritten.
pub struct ClientOperation {
    pub document: Arc<Valid<ExecutableDocument>>,
    pub name: Option<Name>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    path: Vec<Value>,
}

impl ClientOperation {
    /// The response without such errors; `None` if it has no errors.
    pub fn without_errors_below_null(&self, response: &str) -> Option<String> {
        if !response.contains("\"errors\":") {
            return None;
        }
        let mut rewritten = String::with_capacity(response.len());
        self.rewrite(&serde_json::from_str(response).ok()?, &mut rewritten)?;
        Some(rewritten)
    }

    fn rewrite(&self, response: &Entries<'_>, rewritten: &mut String) -> Option<()> {
        // Apollo's multipart protocol.
        if let Some(payload) = response.get("payload") {
            let mut inner = String::new();
            self.rewrite(&serde_json::from_str(payload.get()).ok()?, &mut inner)?;
            response.write_with("payload", &inner, rewritten);
            return Some(());
        }
        let data: Value = serde_json::from_str(response.get("data")?.get()).ok()?;
        let errors: Vec<&RawValue> = serde_json::from_str(response.get("errors")?.get()).ok()?;
        let kept: Vec<_> =
            errors.iter().filter(|error| !self.is_below_null(error, &data)).map(|error| error.get()).collect();
        if kept.len() == errors.len() {
            return None;
        }
        match kept.as_slice() {
            [] => response.clone().filtered(|name| name != "errors").write_with(
                "data",
                response.get("data")?.get(),
                rewritten,
            ),
            kept => response.write_with("errors", &format!("[{}]", kept.join(",")), rewritten),
        }
        Some(())
    }

    fn is_below_null(&self, error: &RawValue, data: &Value) -> bool {
        let Ok(Error { path }) = serde_json::from_str(error.get()) else { return false };
        let depth = depth_of_null(&path, data);
        depth.is_some_and(|depth| self.may_be_null_below(&path, depth) == Some(true))
    }

    /// Whether a field between `path[..depth]` and the end of `path` is nullable, so that a null there propagates no
    /// further.
    fn may_be_null_below(&self, path: &[Value], depth: usize) -> Option<bool> {
        let operation = self.document.operations.get(self.name.as_deref()).ok()?;
        let mut sets = vec![&operation.selection_set];
        let mut kind: Option<&Type> = None;
        for (position, segment) in path.iter().enumerate() {
            match segment {
                Value::String(key) => {
                    let fields = fields(&sets, key, &self.document.fragments);
                    kind = Some(fields.first()?.ty());
                    sets = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
                }
                _ => kind = kind.map(item_type),
            }
            if position >= depth && !kind?.is_non_null() {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// The depth at which the path reaches a null before its end.
fn depth_of_null(path: &[Value], data: &Value) -> Option<usize> {
    let mut value = data;
    for (depth, segment) in path.iter().enumerate() {
        if value.is_null() {
            return Some(depth);
        }
        value = match segment {
            Value::String(key) => value.get(key),
            index => value.get(usize::try_from(index.as_u64()?).ok()?),
        }?;
    }
    None
}

fn item_type(list: &Type) -> &Type {
    match list {
        Type::List(item) | Type::NonNullList(item) => item,
        named => named,
    }
}

/// The fields of a response key.
fn fields<'a>(sets: &[&'a SelectionSet], key: &str, fragments: &'a FragmentMap) -> Vec<&'a Node<Field>> {
    let mut found = Vec::new();
    let mut to_search = sets.to_vec();
    while let Some(set) = to_search.pop() {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if field.response_name() == key => found.push(field),
                Selection::Field(_) => {}
                Selection::InlineFragment(fragment) => to_search.push(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    to_search.extend(fragments.get(&spread.fragment_name).map(|fragment| &fragment.selection_set));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{super::documents::graph::Graph, *};

    fn operation(text: &str) -> ClientOperation {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        ClientOperation { document: graph.document(text).expect("it is valid"), name: None }
    }

    #[test]
    fn an_error_below_a_null_that_it_cannot_have_caused_is_left_out() {
        let client_operation = operation(
            "{ courses { nodes { ...F teacher { name payments { totalCount } } } } } \
             fragment F on Course { teacher { enrollments { totalCount } } }",
        );
        let without = |path: &str| {
            let response = format!(
                r#"{{"errors":[{{"message":"a","path":{path}}},{{"message":"b"}}],"data":{{"courses":{{"nodes":[{{"teacher":null}}]}}}},"extensions":1.0}}"#
            );
            client_operation.without_errors_below_null(&response)
        };

        for below in [
            r#"["courses","nodes",0,"teacher","payments"]"#,
            r#"["courses","nodes",0,"teacher","enrollments","totalCount"]"#,
        ] {
            assert_eq!(
                without(below).as_deref(),
                Some(
                    r#"{"errors":[{"message":"b"}],"data":{"courses":{"nodes":[{"teacher":null}]}},"extensions":1.0}"#
                )
            );
        }
        for cause in [
            r#"["courses","nodes",0,"teacher","name"]"#,
            r#"["courses","nodes",0,"teacher"]"#,
            r#"["courses","nodes",7,"teacher","payments"]"#,
            r#"["courses","nodes",0,"teacher","unknown"]"#,
            "null",
        ] {
            assert_eq!(without(cause), None, "{cause}");
        }
    }

    #[test]
    fn the_last_error_goes_with_its_list_in_events_too() {
        let client_operation = operation("{ courses { nodes { teacher { payments { totalCount } } } } }");
        let response = r#"{"data":{"courses":{"nodes":[{"teacher":null}]}},"errors":[{"message":"a","path":["courses","nodes",0,"teacher","payments"]}]}"#;
        let right = r#"{"data":{"courses":{"nodes":[{"teacher":null}]}}}"#;

        assert_eq!(client_operation.without_errors_below_null(response).as_deref(), Some(right));
        assert_eq!(
            client_operation.without_errors_below_null(&format!(r#"{{"payload":{response}}}"#)),
            Some(format!(r#"{{"payload":{right}}}"#))
        );
        assert_eq!(client_operation.without_errors_below_null(right), None);
        assert_eq!(client_operation.without_errors_below_null("\"errors\":"), None);
    }
}

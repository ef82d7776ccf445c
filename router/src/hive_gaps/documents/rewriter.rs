//! Rewrites a client's operation to one that hive-router handles correctly.

use std::{
    borrow::Cow,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use apollo_compiler::{ExecutableDocument, Name, executable::Operation};
use graphql_tools::{
    parser::{self, parse_query},
    static_graphql::query::Document as QueryDocument,
};
use hive_router::plugins::hooks::on_graphql_params::GraphQLParams;

use super::{
    graph::{Graph, MAX_PLANNED_BYTES, MAX_REWRITTEN_BYTES, OperationKey, Rewritten, RouterOperation},
    operation_selection::select,
};
use crate::{
    Settings,
    hive_gaps::{
        conditions::{self, Conditions},
        mutation_order,
        request_errors::{RequestErrors, request_error, too_deep},
        response_keys::ResponseKeys,
        variable_names,
    },
    node_fields::{self, NodeFields},
};

#[derive(Clone)]
pub struct Rewriter {
    limits: DocumentLimits,
    /// Randomly keyed, so that clients cannot predict its hashes.
    hasher: RandomState,
}

/// Documents above these limits are rejected or not cached.
#[derive(Clone, Copy, Debug)]
pub struct DocumentLimits {
    /// The maximum length: long text belongs in variables. `None` where clients send only ids of trusted documents.
    pub max_bytes: Option<usize>,
    /// Microseconds, if every client's operations are limited: an operation above the highest limit is not cached.
    pub max_cost: Option<u64>,
}

impl DocumentLimits {
    pub fn of(settings: &Settings) -> Self {
        let costs = [settings.cost.cost_limit, settings.cost.anonymous_cost_limit];
        Self {
            max_bytes: settings.safelist.is_none().then_some(settings.document.max_document_bytes),
            max_cost: (!costs.contains(&0)).then(|| u64::from(costs[0].max(costs[1])) * 1_000),
        }
    }
}

impl Rewriter {
    pub fn new(limits: DocumentLimits) -> Self {
        Self { limits, hasher: RandomState::new() }
    }

    /// Whether clients may send documents, not only ids of trusted ones.
    pub fn takes_documents(&self) -> bool {
        self.limits.max_bytes.is_some()
    }

    /// Whether the cost is above every client's limit.
    pub fn is_too_expensive(&self, cost: u64) -> bool {
        self.limits.max_cost.is_some_and(|max| cost > max)
    }

    /// The rewritten operation of a client's request.
    pub fn operation(&self, graph: &Graph, text: &str, name: Option<&str>, params: &GraphQLParams) -> Rewritten {
        if let Some(max) = self.limits.max_bytes {
            check_length(text, max)?;
        }
        if let Some(cached) = graph.cached(text, name, params) {
            return cached;
        }
        let document = graph.document(text)?;
        let (operation, conditions) = select(&document, name, params, graph.schema())?;
        let (conditions, rewritten) = if let Some(planned) = self.planned(graph, &document, operation, &conditions) {
            planned
        } else {
            let rewritten = self.rewrite(graph, &document, operation, &conditions)?;
            (conditions, rewritten)
        };
        let rewritten = Arc::new(rewritten);
        if self.is_allowed(&rewritten, params) {
            let key = OperationKey { document: text.to_owned(), operation: operation.name.clone(), conditions };
            graph.cache(key, &document, &rewritten);
        }
        Ok((document, rewritten))
    }

    /// The operation for several numbers of ids, unless that is too long.
    fn planned(
        &self,
        graph: &Graph,
        document: &ExecutableDocument,
        operation: &Operation,
        conditions: &Conditions,
    ) -> Option<(Conditions, RouterOperation)> {
        let planned = conditions.planned()?;
        let rewritten = self.rewrite(graph, document, operation, &planned).ok()?;
        (rewritten.text.len() <= MAX_PLANNED_BYTES).then_some((planned, rewritten))
    }

    /// Whether at least one client's limit allows it.
    fn is_allowed(&self, operation: &RouterOperation, params: &GraphQLParams) -> bool {
        let Some(cost) = operation.cost.as_ref().filter(|_| self.limits.max_cost.is_some()) else { return true };
        let mut variables = Cow::Borrowed(&params.variables);
        if let Some(name) = &operation.variable_name {
            variable_names::rename_value(variables.to_mut(), name);
        }
        if let Some(nodes) = &operation.nodes {
            nodes.insert_ids(variables.to_mut());
        }
        !self.is_too_expensive(cost.estimate(&variables))
    }

    fn rewrite(
        &self,
        graph: &Graph,
        document: &ExecutableDocument,
        operation: &Operation,
        conditions: &Conditions,
    ) -> Result<RouterOperation, RequestErrors> {
        let mut keys = ResponseKeys::of(document, graph.field_names());
        let mut executable = conditions::rewrite(document, operation, conditions, &mut keys, graph.schema());
        let variable_name = variable_names::rename(&mut executable);
        let (mut executable, validated, nodes) =
            match expand_nodes(&executable, conditions, variable_name.as_ref(), &keys, graph)? {
                Some((expanded, nodes)) => {
                    let text = executable.serialize().no_indent().to_string();
                    (expanded, Some(Arc::new(readable(&text)?)), Some(Arc::new(nodes)))
                }
                None => (executable, None, None),
            };
        let cost = graph.cost(&executable);
        keys.add_separators(mutation_order::separate(&mut executable, graph.schema()));
        let text = self.serialize(&executable, nodes.is_some());
        if nodes.is_some() && text.len() > MAX_REWRITTEN_BYTES {
            return Err(node_fields::too_many());
        }
        check_length(&text, MAX_REWRITTEN_BYTES)?;
        readable(&text)?;
        Ok(RouterOperation {
            text,
            validated,
            nodes,
            response_keys: keys.into_used().map(Arc::new),
            variable_name,
            cost: cost.map(Arc::new),
            name: operation.name.clone(),
        })
    }

    /// hive-router's caches use an unkeyed hash of the text: an unpredictable comment keeps documents apart that are
    /// crafted to collide, and one that is validated as another text from one that is validated as it is.
    fn serialize(&self, executable: &ExecutableDocument, is_validated_as_another: bool) -> String {
        let mut text = executable.serialize().no_indent().to_string();
        let suffix = self.hasher.hash_one((&text, is_validated_as_another));
        text.extend([" #", &format!("{suffix:016x}")]);
        text
    }
}

/// Rewrites `node` and `nodes`, if the operation has them.
fn expand_nodes(
    executable: &ExecutableDocument,
    conditions: &Conditions,
    renamed: Option<&Name>,
    keys: &ResponseKeys,
    graph: &Graph,
) -> Result<Option<(ExecutableDocument, NodeFields)>, RequestErrors> {
    let count = |variable: &Name| {
        let of_client = if Some(variable) == renamed { variable_names::RESERVED } else { variable.as_str() };
        conditions.id_count(of_client)
    };
    node_fields::expand(executable, count, keys.unused_prefix(), graph.schema())
}

/// The document as hive-router's parser reads it. The parser's errors must never be printed: they borrow from a text that
/// hive-router has freed by then.
fn readable(text: &str) -> Result<QueryDocument, RequestErrors> {
    parse_query::<String>(text).map(parser::query::Document::into_static).map_err(|_| too_deep())
}

fn check_length(text: &str, max: usize) -> Result<(), RequestErrors> {
    if text.len() <= max {
        return Ok(());
    }
    let message = format!("The document is longer than {max} bytes. Send long texts as values of variables.");
    Err(vec![request_error(message, "TOKEN_LIMIT_EXCEEDED")])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rewriter() -> (Rewriter, Graph) {
        let graph = Graph::new(include_str!("../../../../api.graphql")).expect("the schema is valid");
        (Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None }), graph)
    }

    fn run(text: &str, name: Option<&str>, variables: &serde_json::Value) -> Result<String, RequestErrors> {
        let (rewriter, graph) = rewriter();
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let params = GraphQLParams { variables, ..GraphQLParams::default() };
        let (_, operation) = rewriter.operation(&graph, text, name, &params)?;
        let (text, _) = operation.text.rsplit_once(" #").expect("it has a suffix");
        Ok(text.to_owned())
    }

    fn code(text: &str) -> &'static str {
        run(text, None, &json!({})).expect_err("it is wrong").first().expect("an error").error_code
    }

    #[test]
    fn upstream_cannot_parse_what_clients_may_send() {
        let parse_query = parse_query::<String>;

        assert!(parse_query(r#"{ courses(filter: { search: "\uD83D\uDE00" }) { totalCount } }"#).is_err());
        assert!(parse_query(r#"{ courses(filter: { search: "\u{1F600}" }) { totalCount } }"#).is_err());
        assert!(parse_query(r#""What it is." query Q { courses { totalCount } }"#).is_err());
    }

    #[test]
    fn strings_reach_the_router_as_characters() {
        for escaped in [r"\uD83D\uDE00", r"\u{1F600}", "😀"] {
            let text = format!(r#"{{ courses(filter: {{ search: "{escaped}" }}) {{ totalCount }} }}"#);

            let sent = run(&text, None, &json!({})).expect("it is valid");

            assert!(sent.contains(r#""😀""#), "{sent}");
            assert!(parse_query::<String>(&sent).is_ok());
        }
    }

    #[test]
    fn descriptions_are_accepted_and_left_out() {
        let text = r#"
            "What it is."
            query Q("How many." $first: Int = 1) { courses(first: $first) { ...F } }
            """What it shows."""
            fragment F on CourseConnection { nodes { title } }"#;

        let sent = run(text, None, &json!({})).expect("it is valid");

        assert!(!sent.contains("What") && !sent.contains("How"), "{sent}");
    }

    #[test]
    fn one_operation_is_left_and_its_fragments_are_in_place() {
        let text = "query A { courses { ...F } } query B { me { ...G } } \
                    fragment F on CourseConnection { totalCount } fragment G on User { name }";

        let sent = run(text, Some("B"), &json!({})).expect("it is valid");

        assert_eq!(sent, "query B { me { name } }");
    }

    #[test]
    fn errors_have_a_code_and_a_location() {
        assert_eq!(code("query($i:ID! !){a}"), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code(""), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code("{ __typename { a } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ weather }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me @unknown { name } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me @skip(if: true) @skip(if: true) { name } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me { ...F } } fragment F on User { ...F }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code("{ me { ...on Course { title } } }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(
            code("subscription { notificationAdded { id } b: notificationAdded { id } }"),
            "GRAPHQL_VALIDATION_FAILED"
        );
        assert_eq!(code("query A { me { name } } query B { me { name } }"), "BAD_USER_INPUT");
        assert_eq!(code(&format!("{{ me {{ name }} }} {}", "# \n".repeat(20_000))), "TOKEN_LIMIT_EXCEEDED");
        assert_eq!(code(&"{ me ".repeat(1_000)), "MAX_DEPTH_EXCEEDED");
        let errors = run("{\n  weather\n}", None, &json!({})).expect_err("it is wrong");
        assert_eq!((errors[0].locations[0].line, errors[0].locations[0].column), (2, 3));
    }

    /// hive-router's caches keep a thousand of them.
    #[test]
    fn a_document_of_which_a_thousand_would_fill_the_memory_is_rejected() {
        let with = |text: &str, times: usize| {
            format!("{{ courses(filter: {{ search: \"{}\" }}) {{ totalCount }} }}", text.repeat(times))
        };

        assert!(run(&with("x", 32_000), None, &json!({})).is_ok());
        assert_eq!(code(&with("x", 33_000)), "TOKEN_LIMIT_EXCEEDED");
        // Each of these characters is escaped to six.
        assert_eq!(code(&with("\u{7}", 32_000)), "TOKEN_LIMIT_EXCEEDED");
    }

    #[test]
    fn what_the_routers_parser_would_not_take_does_not_reach_it() {
        let introspection = |depth: usize| {
            format!("{{ __schema {{ types {} {{ name }} {} }} }}", "{ ofType ".repeat(depth), "}".repeat(depth))
        };

        assert!(run(&introspection(20), None, &json!({})).is_ok());
        assert_eq!(code(&introspection(55)), "MAX_DEPTH_EXCEEDED");
    }

    #[test]
    fn a_syntax_error_says_the_first_place_and_quotes_nothing() {
        for (text, message) in [
            ("{ me { id ", "Syntax error: expected \"}\"."),
            ("{ me(a: \"secret\" \"secret\") { id } }", "Syntax error: expected \")\"."),
            ("{ me { id } } \"secret", ""),
            ("secret", ""),
        ] {
            let errors = run(text, None, &json!({})).expect_err("it is wrong");

            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(!errors[0].message.contains("secret"), "{errors:?}");
            assert!(message.is_empty() || errors[0].message == message, "{errors:?}");
            assert_eq!(errors[0].locations.len(), 1, "{errors:?}");
        }
    }

    #[test]
    fn each_form_of_a_document_is_made_once() {
        let (rewriter, graph) = rewriter();
        let text = "query($a: Boolean!) { me { name @include(if: $a) } }";
        let with = |value: bool| {
            let params =
                GraphQLParams { variables: [("a".to_owned(), value.into())].into(), ..GraphQLParams::default() };
            rewriter.operation(&graph, text, None, &params).expect("it is valid").1
        };

        assert!(Arc::ptr_eq(&with(true), &with(true)));
        assert_ne!(with(true).text, with(false).text);
    }
}

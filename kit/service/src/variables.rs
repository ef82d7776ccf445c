//! Absent variables: declared by an operation, without a value in the request.
//!
//! An argument or input field whose variable has neither a value nor a default counts as omitted (GraphQL
//! specification, 6.4.1), so that its own default applies. async-graphql 7.2 coerces it to null instead
//! (async-graphql/async-graphql#170, #1486), which a non-null type rejects. So such arguments and fields are removed
//! from the document before execution. When upstream fixes this, the test
//! `the_library_still_takes_a_variable_that_is_left_out_for_null` fails, and this file can go.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, Request, Variables,
    parser::types::{Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet, VariableDefinition},
};
use async_graphql_value::Value;

type Arguments = Vec<(Positioned<Name>, Positioned<Value>)>;

/// Removes arguments and input fields with an absent variable from a request's document. A document that cannot be
/// parsed is left unchanged: its execution fails.
pub(crate) fn remove_absent_variables(request: &mut Request) {
    let variables = std::mem::take(&mut request.variables);
    let absent = request.parsed_query().map(|document| absent(document, &variables)).unwrap_or_default();
    request.variables = variables;
    if absent.is_empty() {
        return;
    }
    let Ok(document) = request.parsed_query() else { return };
    let mut document = document.clone();
    remove(&mut document, &absent);
    request.set_parsed_query(document);
}

/// The variables that are absent in every operation: usually none.
fn absent(document: &ExecutableDocument, variables: &Variables) -> HashSet<Name> {
    let definitions = || document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    let is_absent = |definition: &&Positioned<VariableDefinition>| {
        !variables.contains_key(&definition.node.name.node) && may_be_absent(&definition.node)
    };
    // One of several operations may require a variable that is optional in another: the library reports it.
    let needed: HashSet<_> = definitions()
        .filter(|definition| !may_be_absent(&definition.node))
        .map(|definition| &definition.node.name.node)
        .collect();
    let absent = definitions().filter(is_absent).map(|definition| &definition.node.name.node);
    absent.filter(|name| !needed.contains(name)).cloned().collect()
}

fn may_be_absent(definition: &VariableDefinition) -> bool {
    definition.var_type.node.nullable && definition.default_value.is_none()
}

fn remove(document: &mut ExecutableDocument, absent: &HashSet<Name>) {
    for operation in operations(document) {
        operation.variable_definitions.retain(|definition| !absent.contains(&definition.node.name.node));
        remove_from_directives(&mut operation.directives, absent);
        remove_from_selections(&mut operation.selection_set.node, absent);
    }
    for fragment in document.fragments.values_mut() {
        remove_from_directives(&mut fragment.node.directives, absent);
        remove_from_selections(&mut fragment.node.selection_set.node, absent);
    }
}

fn operations(document: &mut ExecutableDocument) -> Vec<&mut OperationDefinition> {
    use async_graphql::parser::types::DocumentOperations::{Multiple, Single};
    match &mut document.operations {
        Single(operation) => vec![&mut operation.node],
        Multiple(operations) => operations.values_mut().map(|operation| &mut operation.node).collect(),
    }
}

fn remove_from_selections(selections: &mut SelectionSet, absent: &HashSet<Name>) {
    for selection in &mut selections.items {
        match &mut selection.node {
            Selection::Field(field) => {
                remove_from_arguments(&mut field.node.arguments, absent);
                remove_from_directives(&mut field.node.directives, absent);
                remove_from_selections(&mut field.node.selection_set.node, absent);
            }
            Selection::InlineFragment(fragment) => {
                remove_from_directives(&mut fragment.node.directives, absent);
                remove_from_selections(&mut fragment.node.selection_set.node, absent);
            }
            Selection::FragmentSpread(spread) => remove_from_directives(&mut spread.node.directives, absent),
        }
    }
}

fn remove_from_directives(directives: &mut [Positioned<Directive>], absent: &HashSet<Name>) {
    for directive in directives {
        remove_from_arguments(&mut directive.node.arguments, absent);
    }
}

fn remove_from_arguments(arguments: &mut Arguments, absent: &HashSet<Name>) {
    arguments.retain(|(_, value)| !is_absent(&value.node, absent));
    for (_, value) in arguments {
        remove_from_value(&mut value.node, absent);
    }
}

fn remove_from_value(value: &mut Value, absent: &HashSet<Name>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !is_absent(value, absent));
            fields.values_mut().for_each(|value| remove_from_value(value, absent));
        }
        Value::List(items) => {
            for item in items {
                // A list keeps its length.
                if is_absent(item, absent) {
                    *item = Value::Null;
                }
                remove_from_value(item, absent);
            }
        }
        _ => {}
    }
}

fn is_absent(value: &Value, absent: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}

#[cfg(test)]
mod tests {
    use async_graphql::{
        EmptyMutation, EmptySubscription, InputObject, Object, Schema, ValidationMode, parser::parse_query,
    };
    use serde_json::{Value as Json, json};

    use super::*;

    struct Query;

    #[derive(InputObject)]
    struct Input {
        #[graphql(default = 7)]
        number: i32,
        nullable: Option<i32>,
        #[graphql(default)]
        inner: Vec<Inner>,
        list: Option<Vec<Option<i32>>>,
    }

    #[derive(InputObject)]
    struct Inner {
        #[graphql(default = true)]
        flag: bool,
    }

    #[Object]
    impl Query {
        async fn field(&self, #[graphql(default = 5)] number: i32, nullable: Option<i32>) -> String {
            format!("{number} {nullable:?}")
        }

        async fn object(&self, input: Input) -> String {
            let inner: Vec<_> = input.inner.iter().map(|inner| inner.flag).collect();
            format!("{} {:?} {inner:?} {:?}", input.number, input.nullable, input.list)
        }

        async fn inner(&self) -> Query {
            Query
        }

        async fn outer(&self) -> Option<Query> {
            Some(Query)
        }

        async fn optional(&self, #[graphql(default = 5)] number: i32) -> Option<String> {
            Some(number.to_string())
        }
    }

    fn request(document: &str, variables: Json) -> Request {
        Request::new(document).variables(Variables::from_json(variables))
    }

    async fn run(request: Request) -> Json {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        serde_json::to_value(schema.execute(request).await).expect("an answer is JSON")
    }

    async fn answer(document: &str, variables: Json) -> Json {
        let mut request = request(document, variables);
        remove_absent_variables(&mut request);
        run(request).await
    }

    async fn data(document: &str, variables: Json) -> Json {
        let answer = answer(document, variables).await;
        assert!(answer.get("errors").is_none(), "{document}: {answer}");
        answer["data"].clone()
    }

    #[tokio::test]
    async fn the_library_still_takes_a_variable_that_is_left_out_for_null() {
        let answer = run(request("query ($n: Int) { field(number: $n) }", json!({}))).await;

        assert!(answer["data"].is_null() && answer["errors"].is_array(), "this file can go: {answer}");
    }

    #[tokio::test]
    async fn an_argument_gets_its_own_default() {
        assert_eq!(data("query ($n: Int) { field(number: $n) }", json!({})).await, json!({ "field": "5 None" }));
        assert_eq!(
            data("query ($n: Int, $m: Int) { field(number: $n, nullable: $m) }", json!({ "m": 1 })).await,
            json!({ "field": "5 Some(1)" })
        );
        assert_eq!(
            data("query Q($n: Int) { inner { ...F } } fragment F on Query { inner { field(number: $n) ... { other: field(number: $n) } } }", json!({})).await,
            json!({ "inner": { "inner": { "field": "5 None", "other": "5 None" } } })
        );
    }

    #[tokio::test]
    async fn an_input_field_gets_its_own_default_however_deep_it_is() {
        let document = "query ($n: Int, $m: Int, $f: Boolean, $i: Int) {
            object(input: { number: $n, nullable: $m, inner: [{ flag: $f }, {}, { flag: false }], list: [1, $i] })
        }";

        assert_eq!(
            data(document, json!({})).await,
            json!({ "object": "7 None [true, true, false] Some([Some(1), None])" })
        );
        assert_eq!(
            data(document, json!({ "n": 1, "m": 2, "f": false, "i": 3 })).await,
            json!({ "object": "1 Some(2) [false, true, false] Some([Some(1), Some(3)])" })
        );
    }

    #[tokio::test]
    async fn null_is_a_value_and_a_default_is_the_variables_own() {
        assert_eq!(data("query ($n: Int = 3) { field(number: $n) }", json!({})).await, json!({ "field": "3 None" }));
        let null = answer("query ($n: Int) { field(number: $n) }", json!({ "n": null })).await;
        assert!(null["data"].is_null() && null["errors"].is_array(), "{null}");
    }

    #[tokio::test]
    async fn a_variable_that_is_required_is_still_missed() {
        let missing = answer("query ($n: Int!) { field(number: $n) }", json!({})).await;
        assert!(missing["data"].is_null() && missing["errors"].is_array(), "{missing}");

        // Optional in one operation, required in the executed one.
        let document = "query A($n: Int!) { field(number: $n) } query B($n: Int) { field(number: $n) }";
        let mut two = request(document, json!({})).operation_name("A");
        remove_absent_variables(&mut two);
        let missing = run(two).await;
        assert!(missing["data"].is_null() && missing["errors"].is_array(), "{missing}");
    }

    #[test]
    fn a_document_is_copied_only_where_something_is_left_out() {
        for (document, variables) in [
            ("{ field }", json!({})),
            ("query ($n: Int!) { field(number: $n) }", json!({})),
            ("query ($n: Int = 1) { field(number: $n) }", json!({})),
            ("query ($n: Int) { field(number: $n) }", json!({ "n": null })),
        ] {
            let parsed = parse_query(document).expect("a document");
            assert_eq!(absent(&parsed, &Variables::from_json(variables)).len(), 0, "{document}");
        }
        let mut broken = request("{", json!({}));
        remove_absent_variables(&mut broken);
        assert!(broken.parsed_query().is_err());
    }

    /// When this fails, `no_argument_below_the_roots_can_fail_by_itself` can go, too.
    #[tokio::test]
    async fn the_library_still_lets_the_error_of_an_argument_pass_by_its_field() {
        let schema =
            Schema::build(Query, EmptyMutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish();
        let document = "query ($n: Int) { outer { optional(number: $n) } }";
        let answer = schema.execute(request(document, json!({ "n": null }))).await;
        let answer = serde_json::to_value(answer).expect("an answer is JSON");

        assert_eq!(answer["data"], json!({ "outer": null }), "the rule can go: {answer}");
    }
}

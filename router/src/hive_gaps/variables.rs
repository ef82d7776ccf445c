//! hive-router returns and logs the value of a variable of the wrong type, which can be a password. So values are
//! validated before, by the same rules, with messages that contain only the expected type.
//!
//! No upstream issue is known. `upstream_says_the_value_of_a_variable` fails once it is fixed.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node, Schema,
    ast::VariableDefinition,
    executable::{Operation, Type},
    schema::{ExtendedType, InputObjectType, InputValueDefinition},
    validation::Valid,
};
use sonic_rs::{JsonContainerTrait as _, JsonNumberTrait as _, JsonValueTrait as _, Value};

use super::request_errors::{RequestErrors, request_error};

/// The maximum number of errors, however many variables are wrong.
const MAX_ERRORS: usize = 10;

/// Validates variables against their definitions.
pub fn check(
    schema: &Valid<Schema>,
    operation: &Operation,
    values: &HashMap<String, Value>,
) -> Result<(), RequestErrors> {
    let wrong = operation.variables.iter().filter_map(|variable| check_variable(schema, variable, values).err());
    let errors: Vec<_> = wrong.take(MAX_ERRORS).map(|message| request_error(message, "BAD_USER_INPUT")).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn check_variable(
    schema: &Schema,
    variable: &Node<VariableDefinition>,
    values: &HashMap<String, Value>,
) -> Result<(), String> {
    let mismatch = match values.get(variable.name.as_str()) {
        Some(value) => check_value(schema, &variable.ty, value).err(),
        None if variable.ty.is_non_null() && variable.default_value.is_none() => {
            Some(Mismatch::new(format!("a value of type \"{}\" is required", variable.ty)))
        }
        None => None,
    };
    mismatch.map_or(Ok(()), |mismatch| Err(mismatch.message(&variable.name)))
}

/// The expected type and its path, from the inside out.
#[derive(Debug)]
struct Mismatch {
    expected: String,
    path: Vec<String>,
}

impl Mismatch {
    fn new(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), path: Vec::new() }
    }

    fn within(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }

    fn message(mut self, variable: &Name) -> String {
        self.path.reverse();
        let place = self.path.concat();
        format!("Variable \"${variable}{place}\": {}.", self.expected)
    }
}

fn check_value(schema: &Schema, kind: &Type, value: &Value) -> Result<(), Mismatch> {
    if value.is_null() {
        let required = || Mismatch::new(format!("a value of type \"{kind}\" must not be null"));
        return if kind.is_non_null() { Err(required()) } else { Ok(()) };
    }
    match kind {
        Type::Named(name) | Type::NonNullNamed(name) => check_named(schema, name, value),
        Type::List(item) | Type::NonNullList(item) => match value.as_array() {
            Some(items) => items.iter().enumerate().try_for_each(|(index, value)| {
                check_value(schema, item, value).map_err(|mismatch| mismatch.within(format!("[{index}]")))
            }),
            // A single value coerces to a list of it.
            None => check_value(schema, item, value),
        },
    }
}

fn check_named(schema: &Schema, name: &Name, value: &Value) -> Result<(), Mismatch> {
    match schema.types.get(name) {
        Some(ExtendedType::Enum(kind)) => {
            let is_known = value.as_str().is_some_and(|value| kind.values.contains_key(value));
            if is_known { Ok(()) } else { Err(Mismatch::new(format!("a value of the enum \"{name}\" is expected"))) }
        }
        Some(ExtendedType::InputObject(kind)) => check_object(schema, kind, value),
        _ if is_scalar(name, value) => Ok(()),
        _ => Err(Mismatch::new(format!("a value of type \"{name}\" is expected"))),
    }
}

/// What the text of a custom scalar must be is validated by its subgraph, which does not know the variable's name.
fn is_scalar(name: &str, value: &Value) -> bool {
    let is_integer = |value: &Value| value.as_number().is_some_and(|number| number.is_i64() || number.is_u64());
    match name {
        "String" => value.is_str(),
        "Boolean" => value.is_boolean(),
        "Float" => value.is_number(),
        "Int" => value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()) && is_integer(value),
        "ID" => value.is_str() || is_integer(value),
        "Decimal" | "DateTime" => value.is_str() || value.is_number(),
        _ => true,
    }
}

fn check_object(schema: &Schema, kind: &InputObjectType, value: &Value) -> Result<(), Mismatch> {
    let Some(object) = value.as_object() else {
        return Err(Mismatch::new(format!("an object of type \"{}\" is expected", kind.name)));
    };
    for (name, field) in &kind.fields {
        check_field(schema, field, object.get(&name.as_str()))
            .map_err(|mismatch| mismatch.within(format!(".{name}")))?;
    }
    let is_known = |name: &str| kind.fields.contains_key(name);
    if object.iter().any(|(name, _)| !is_known(name)) {
        let known: Vec<_> = kind.fields.keys().map(Name::as_str).collect();
        return Err(Mismatch::new(format!("\"{}\" has no fields but {}", kind.name, known.join(", "))));
    }
    Ok(())
}

fn check_field(schema: &Schema, field: &InputValueDefinition, value: Option<&Value>) -> Result<(), Mismatch> {
    match value {
        Some(value) => check_value(schema, &field.ty, value),
        None if field.is_required() => Err(Mismatch::new(format!("a value of type \"{}\" is required", field.ty))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ExecutableDocument;
    use hive_router::{
        executor::{introspection::schema::SchemaWithMetadata as _, variables::collect_variables},
        query_planner::{
            ast::normalization::normalize_operation,
            planner::{Planner, QueryPlannerOptions},
            utils::parsing::{safe_parse_operation, safe_parse_schema},
        },
    };
    use serde_json::json;

    use super::{super::documents::graph::Graph, *};

    const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { userErrors { code } } }";

    fn message(text: &str, variables: &serde_json::Value) -> Option<String> {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let schema = graph.schema();
        let document = ExecutableDocument::parse_and_validate(schema, text, "test").expect("a valid document");
        let operation = document.operations.get(None).expect("one operation");
        let values = sonic_rs::from_str(&variables.to_string()).expect("an object");
        check(schema, operation, &values).err().map(|errors| errors[0].message.clone())
    }

    fn assert_wrong(text: &str, variables: &serde_json::Value, expected: &str) {
        assert_eq!(message(text, variables).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn upstream_says_the_value_of_a_variable() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let document = safe_parse_operation(LOGIN).expect("a document");
        let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
        let mut values = sonic_rs::from_str(r#"{"input":{"email":"a@b.example","password":12345678}}"#).expect("JSON");

        let result = collect_variables(&operation, &mut values, &planner.consumer_schema.schema_metadata());

        assert!(result.expect_err("it is no text").to_string().contains("12345678"));
    }

    #[test]
    fn what_is_expected_is_said_and_what_came_is_not() {
        assert_wrong(
            LOGIN,
            &json!({ "input": { "email": "a@b.example", "password": 12_345_678 } }),
            "Variable \"$input.password\": a value of type \"String\" is expected.",
        );
        assert_wrong(LOGIN, &json!({}), "Variable \"$input\": a value of type \"LoginInput!\" is required.");
        assert_wrong(
            LOGIN,
            &json!({ "input": null }),
            "Variable \"$input\": a value of type \"LoginInput!\" must not be null.",
        );
        assert_wrong(
            LOGIN,
            &json!({ "input": "secret" }),
            "Variable \"$input\": an object of type \"LoginInput\" is expected.",
        );
        assert_wrong(
            LOGIN,
            &json!({ "input": { "email": "a" } }),
            "Variable \"$input.password\": a value of type \"String!\" is required.",
        );
        assert_wrong(
            LOGIN,
            &json!({ "input": { "email": "a", "password": "b", "secret": 1 } }),
            "Variable \"$input\": \"LoginInput\" has no fields but email, password, secondFactorCode.",
        );
        assert_wrong(
            "query($order: CourseOrder!) { courses(orderBy: $order) { totalCount } }",
            &json!({ "order": "SECRET" }),
            "Variable \"$order\": a value of the enum \"CourseOrder\" is expected.",
        );
    }

    #[test]
    fn numbers_and_times_are_text_or_numbers() {
        let create = "mutation($input: CreateCourseInput!) { createCourse(input: $input) { userErrors { code } } }";
        for right in [json!("19.90"), json!(19.9), json!(20), json!(null)] {
            assert_eq!(message(create, &json!({ "input": { "title": "a", "price": right } })), None, "{right}");
        }
        for wrong in [json!(true), json!([]), json!({})] {
            assert_wrong(
                create,
                &json!({ "input": { "title": "a", "price": wrong } }),
                "Variable \"$input.price\": a value of type \"Decimal\" is expected.",
            );
        }
    }

    #[test]
    fn scalars_are_what_the_specification_says() {
        let first = "query($first: Int) { courses(first: $first) { totalCount } }";
        let by_id = "query($id: ID!) { user(id: $id) { name } }";

        for right in [json!({}), json!({ "first": null }), json!({ "first": 1 }), json!({ "more": 1 })] {
            assert_eq!(message(first, &right), None, "{right}");
        }
        for wrong in [
            json!({ "first": 1.5 }),
            json!({ "first": 2_147_483_648_u64 }),
            json!({ "first": "1" }),
            json!({ "first": true }),
            json!({ "first": [1, 2] }),
        ] {
            assert!(message(first, &wrong).is_some(), "{wrong}");
        }
        for right in [json!({ "id": "1" }), json!({ "id": 1 })] {
            assert_eq!(message(by_id, &right), None, "{right}");
        }
        for wrong in [json!({}), json!({ "id": 1.5 }), json!({ "id": true }), json!({ "id": {} })] {
            assert!(message(by_id, &wrong).is_some(), "{wrong}");
        }
    }
}

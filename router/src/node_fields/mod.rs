//! `node` and `nodes`: an object of any type by its id.
//!
//! No subgraph knows the ids of another one, so `node` is rewritten before it is planned: to the field by id of each type
//! that its selection can apply to, such as `user` and `course`, under keys that no client has requested. Of their
//! values, the one that is not null is the node. So permissions, statements and costs are those of the fields by id. A
//! type is asked if a fragment applies to it, and all are if a field of the interface itself is selected. `nodes` is a
//! `node` for each of its ids.
//!
//! The object type `Course` is asked by the field `course(id:)`; a test names a type that has no such field. In another
//! graph whose nodes have none, the two fields have a subgraph of their own, and stay as they are.

mod expansion;
mod fields;
mod ids;
mod merge;
mod schema;

#[cfg(test)]
pub use self::ids::PADDING_ID;
pub use self::{
    expansion::{expand, too_many},
    fields::{NodeFields, RequestedNodes},
    ids::{count_ids, is_padding_id, planned_ids},
    schema::ids_variable,
};

#[cfg(test)]
mod tests {
    use std::{
        collections::{HashMap, HashSet},
        sync::Arc,
    };

    use hive_router::{
        plugins::hooks::on_graphql_params::GraphQLParams,
        query_planner::{
            ast::normalization::normalize_operation,
            graph::PlannerOverrideContext,
            planner::{Planner, QueryPlannerOptions},
            utils::{
                cancellation::CancellationToken,
                parsing::{safe_parse_operation, safe_parse_schema},
            },
        },
    };
    use serde_json::{Value as JsonValue, json};
    use sonic_rs::{JsonValueTrait as _, Value as Json};

    use super::{
        ids::{MAX_IDS, is_padding_id},
        schema::{INTERFACE, field_by_id},
    };
    use crate::hive_gaps::documents::{
        graph::{Graph, RouterOperation},
        rewriter::{DocumentLimits, Rewriter},
    };

    fn graph() -> Graph {
        Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid")
    }

    fn rewrite(text: &str, variables: &JsonValue) -> Result<Arc<RouterOperation>, String> {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let variables = sonic_rs::from_str(&variables.to_string()).expect("an object");
        let params = GraphQLParams { variables, ..GraphQLParams::default() };
        let rewritten =
            rewriter.operation(&graph(), text, None, &params).map_err(|errors| errors[0].message.clone())?;
        Ok(rewritten.1)
    }

    /// The rewritten document; each `type0_n` is a `#`.
    fn rewritten(text: &str) -> String {
        let operation = rewrite(text, &json!({})).expect("it is valid");
        operation.text.rsplit_once(" #").expect("it has a suffix").0.replace("type0_n", "#")
    }

    #[test]
    fn the_fragments_say_whom_to_ask() {
        assert_eq!(rewritten("{ node(id: 1) { ... on Course { title } } }"), "{ #0_0_0: course(id: 1) { title } }",);
        assert_eq!(
            rewritten(
                "{ node(id: 1) { ...T ... on User { name ... on Node { __typename } } } } fragment T on Course { title }"
            ),
            "{ #0_0_0: course(id: 1) { title } #0_0_1: user(id: 1) { name __typename } }",
        );
    }

    #[test]
    fn a_field_of_the_interface_is_asked_of_all_types() {
        assert_eq!(
            rewritten("{ node(id: 1) { id ... on Course { title } __typename } }"),
            "{ #0_0_0: course(id: 1) { id title __typename } #0_0_1: enrollment(id: 1) { id __typename } \
             #0_0_2: notification(id: 1) { id __typename } #0_0_3: payment(id: 1) { id __typename } \
             #0_0_4: user(id: 1) { id __typename } }",
        );
        // An object is `{}` if all is skipped.
        assert_eq!(rewritten("{ node(id: 1) { ... on User { id @skip(if: true) } } }").matches("@skip").count(), 5);
    }

    #[test]
    fn a_key_of_several_types_is_each_types_own() {
        let text = rewritten("{ node(id: 1) { ... on Course { name: title } ... on User { name } } }");

        assert!(text.starts_with("{ #0_0_0: course(id: 1) { alias0_name: title } #0_0_1: user(id: 1) { "), "{text}");
        assert!(text.ends_with("name } }"), "{text}");
    }

    #[test]
    fn each_occurrence_has_its_place_among_the_other_fields() {
        assert_eq!(
            rewritten(
                "query Q($no: Boolean! = false) { a: node(id: 1) { ...F } courses { totalCount } \
                 ... on Query { node(id: 2) { ...F } } c: node(id: 3) @include(if: $no) { id } a: node(id: 1) { ...F } } \
                 fragment F on User { name }"
            ),
            "query Q { #0_0_0: user(id: 1) { name } courses { totalCount } #1_0_0: user(id: 2) { name } }",
        );
    }

    #[test]
    fn no_key_and_no_variable_is_one_of_the_clients() {
        let operation = rewrite(
            "query ($id0_0: ID!, $ids: [ID!]!) { type0_n0_0_0: user(id: $id0_0) { name } \
             nodes(ids: $ids) { ... on User { name } } }",
            &json!({ "id0_0": "a", "ids": ["b"] }),
        );
        let text = &operation.expect("it is valid").text;

        assert!(
            text.contains("type0_n0_0_0: user(id: $id0_0) { name } type1_n0_0_0: user(id: $id1_0) { name }"),
            "{text}"
        );
        assert!(text.contains("$id1_0: ID!"), "{text}");
    }

    #[test]
    fn each_id_of_a_list_is_an_argument() {
        assert_eq!(
            rewritten("{ nodes(ids: [1, \"2\"]) { ... on User { name } } }"),
            "{ #0_0_0: user(id: 1) { name } #0_1_0: user(id: \"2\") { name } }",
        );
        assert_eq!(rewritten("{ nodes(ids: 1) { ... on User { name } } }"), "{ #0_0_0: user(id: 1) { name } }");
        assert_eq!(rewritten("{ nodes(ids: []) { ... on User { name } } }"), "{ #0_0_0: __typename }");
        assert_eq!(
            rewritten("query ($ids: [ID!] = [1, 2]) { nodes(ids: $ids) { ... on User { name } } }"),
            "query ($ids: [ID!] = [1, 2]) { #0_0_0: user(id: 1) { name } #0_1_0: user(id: 2) { name } }"
                .replace("query ", "query"),
        );
    }

    #[test]
    fn each_id_of_a_variable_is_a_variable() {
        for name in ["ids", "representations"] {
            let text = format!("query (${name}: [ID!]!) {{ nodes(ids: ${name}) {{ ... on User {{ name }} }} }}");
            let operation = rewrite(&text, &json!({ name: ["a", "b"] })).expect("it is valid");
            let kept = operation.variable_name.as_ref().map_or(name, |name| name.as_str());
            let mut values: HashMap<String, Json> =
                sonic_rs::from_str(&json!({ kept: ["a", "b"], "id0_0": "other" }).to_string()).expect("an object");

            operation.nodes.as_ref().expect("there are nodes").insert_ids(&mut values);

            assert!(operation.text.contains("$id0_0: ID!, $id0_1: ID!"), "{}", operation.text);
            assert!(operation.text.contains("_n0_0_0: user(id: $id0_0)"), "{}", operation.text);
            assert!(operation.text.contains("_n0_1_0: user(id: $id0_1)"), "{}", operation.text);
            assert_eq!(values["id0_0"].as_str(), Some("a"));
            assert_eq!(values["id0_1"].as_str(), Some("b"));
        }
    }

    fn variables(variables: &JsonValue) -> HashMap<String, Json> {
        sonic_rs::from_str(&variables.to_string()).expect("an object")
    }

    #[test]
    fn an_id_that_nobody_has_sent_is_a_padding_id() {
        let text = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Course { id } ... on User { id } } }";
        let ids = json!({ "ids": ["a", "b", "c"] });
        let operation = rewrite(text, &ids).expect("it is valid");
        let nodes = operation.nodes.as_ref().expect("there are nodes");
        let mut values = variables(&ids);

        nodes.insert_ids(&mut values);

        assert!(
            operation.text.contains("course(id: $id0_4)") && !operation.text.contains("$id0_5"),
            "{}",
            operation.text
        );
        assert_eq!(values["id0_2"].as_str(), Some("c"));
        assert!(is_padding_id(&values["id0_3"]) && values["id0_3"] == values["id0_4"]);
        let padding_id = values["id0_3"].as_str().expect("a string");
        assert_eq!(padding_id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "a UUID: {padding_id}");
        let response = r#"{"data":{"type0_n0_0_0":{"id":"a"},"type0_n0_1_0":null,"type0_n0_1_1":{"id":"b"},"type0_n0_3_0":null},"errors":[{"message":"m","path":["type0_n0_3_0"]},{"message":"n","path":["type0_n0_2_1"]}]}"#;
        assert_eq!(
            nodes.of_request(&values).merge(response),
            r#"{"data":{"nodes":[{"id":"a"},{"id":"b"},null]},"errors":[{"message":"n","path":["nodes",2]}]}"#
        );
    }

    #[test]
    fn there_are_a_hundred_ids_at_most() {
        let ids = |count: usize| json!({ "ids": vec!["a"; count] });
        let variable = "query ($ids: [ID!] = [1]) { nodes(ids: $ids) { id } }";
        let literal = |count: usize| format!("{{ nodes(ids: [{}]) {{ id }} }}", "1,".repeat(count));

        assert!(rewrite(variable, &ids(100)).is_ok());
        assert!(rewrite(&literal(100), &json!({})).is_ok());
        let too_many = Some("`ids` must have at most 100 items, and has 101.".to_owned());
        assert_eq!(rewrite(variable, &ids(101)).err(), too_many);
        assert_eq!(rewrite(&literal(101), &json!({})).err(), too_many);
        assert_eq!(rewrite(variable, &json!({ "ids": null })).err().as_deref(), Some("`ids` must not be null."));
        let much = "name ".to_owned() + &"n: name nn: name nnn: name nnnn: name ".repeat(20);
        let much = format!(
            "query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on User {{ {much} }} ... on Course {{ title description }} }} }}"
        );
        assert!(rewrite(&much, &ids(1)).is_ok());
        let too_long =
            much.replace("title", &(0..60).map(|n| format!("title{n}: title")).collect::<Vec<_>>().join(" "));
        assert!(
            rewrite(&too_long, &ids(100)).err().is_some_and(|message| message.starts_with("`nodes` has too many ids"))
        );
    }

    #[test]
    fn numbers_of_ids_share_a_few_operations() {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let graph = graph();
        let with = |count: usize| {
            let variables = sonic_rs::from_str(&json!({ "ids": vec!["a"; count] }).to_string()).expect("an object");
            let params = GraphQLParams { variables, ..GraphQLParams::default() };
            let text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
            rewriter.operation(&graph, text, None, &params).expect("it is valid").1
        };

        let texts: HashSet<_> = (0..=MAX_IDS).map(|count| with(count).text.clone()).collect();
        assert_eq!(texts.len(), 8);
        assert!(Arc::ptr_eq(&with(26), &with(50)));
        assert_ne!(with(25).text, with(26).text);
    }

    /// Where the rest would be too much, a number has a plan of its own.
    #[test]
    fn no_operation_is_too_large_for_ids_that_nobody_has_sent() {
        let two = "query ($a: [ID!]!, $b: [ID!]!) { a: nodes(ids: $a) { id } b: nodes(ids: $b) { id } }";
        let operation = |a: usize, b: usize| rewrite(two, &json!({ "a": vec!["a"; a], "b": vec!["b"; b] }));

        let exact = operation(60, 40).expect("it is valid");
        assert_eq!(exact.text.matches("course(id:").count(), 100);
        assert!(operation(60, 41).is_err());
        let planned = operation(20, 3).expect("it is valid");
        assert_eq!(planned.text.matches("course(id:").count(), 30);

        let much = (0..25).map(|n| format!("title{n}: title")).collect::<Vec<_>>().join(" ");
        let much = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Course {{ {much} }} }} }}");
        let operation = rewrite(&much, &json!({ "ids": vec!["a"; 70] })).expect("it is valid");
        assert_eq!(operation.text.matches("course(id:").count(), 70);
    }

    #[test]
    fn what_has_no_nodes_stays_as_it_is() {
        for text in
            ["{ courses { nodes { id } } }", "mutation { markAllNotificationsRead { count } }", "{ __typename }"]
        {
            let operation = rewrite(text, &json!({})).expect("it is valid");

            assert!(operation.nodes.is_none() && operation.validated.is_none(), "{text}");
        }
    }

    #[test]
    fn nodes_without_fields_by_id_have_a_subgraph_of_their_own() {
        let rewriter = Rewriter::new(DocumentLimits { max_bytes: Some(32_768), max_cost: None });
        let text = "query Q($ids: [ID!]!) { node(id: 1) { id } nodes(ids: $ids) { id } }";
        let rewritten = |query: &str| {
            let sdl = format!(
                "interface Node {{ id: ID! }} type Course implements Node {{ id: ID! }} type User implements Node {{ id: ID! }} \
                 type Query {{ {query} }}"
            );
            let graph = Graph::new(&sdl).expect("the schema is valid");
            let params =
                GraphQLParams { variables: variables(&json!({ "ids": vec!["a"; 200] })), ..GraphQLParams::default() };
            rewriter.operation(&graph, text, None, &params).map(|(_, operation)| operation.nodes.is_some())
        };
        let node = "node(id: ID!): Node nodes(ids: [ID!]!): [Node]!";

        for other in [
            "",
            "course(id: ID!): Course",
            "course(id: ID!): Course user: User",
            "course(id: ID!): Course user(name: ID!): User",
            "course(id: ID!): Course user(id: ID!): [User]",
            "course(id: ID!): Course user(id: ID!): Course",
        ] {
            assert_eq!(rewritten(&format!("{node} {other}")).ok(), Some(false), "{other}");
        }
        // There are too many ids for a field of ours.
        assert!(rewritten(&format!("{node} course(id: ID!): Course user(id: ID!): User")).is_err());
    }

    #[test]
    fn every_type_has_a_field_by_its_id() {
        let graph = graph();
        let schema = graph.schema();
        let nodes: Vec<_> = schema.types.keys().filter(|name| schema.is_subtype(INTERFACE, name)).collect();

        assert_eq!(nodes.len(), 5);
        for object in nodes {
            let field = field_by_id(object, schema).expect("it has a field by id");
            let field = schema.type_field("Query", &field).expect("it is a field");
            assert_eq!(field.ty.inner_named_type(), object);
            assert_eq!(field.arguments.iter().map(|argument| argument.name.as_str()).collect::<Vec<_>>(), ["id"]);
        }
    }

    fn merged(text: &str, response: &str) -> String {
        let operation = rewrite(text, &json!({})).expect("it is valid");
        operation.nodes.as_ref().expect("there are nodes").of_request(&HashMap::new()).merge(response)
    }

    #[test]
    fn the_value_that_is_not_null_is_the_node() {
        let text = "{ __typename a: node(id: 1) { ... on Course { id } ... on User { id } } courses { totalCount } node(id: 2) { ... on User { name } } }";

        assert_eq!(
            merged(
                text,
                r#"{"data":{"__typename":"Query","type0_n0_0_0":null,"type0_n0_0_1":{"id":"u"},"courses":{"totalCount":1.0},"type0_n1_0_0":null},"extensions":{"type0_n0_0_0":null}}"#
            ),
            r#"{"data":{"__typename":"Query","a":{"id":"u"},"courses":{"totalCount":1.0},"node":null},"extensions":{"type0_n0_0_0":null}}"#,
        );
        assert_eq!(merged(text, r#"{"data":null}"#), r#"{"data":null}"#);
        assert_eq!(merged(text, "no JSON"), "no JSON");
    }

    #[test]
    fn a_list_has_an_item_for_each_id() {
        assert_eq!(
            merged(
                "{ nodes(ids: [1, 2, 1]) { ... on Course { id } ... on User { id } } none: nodes(ids: []) { id } }",
                r#"{"data":{"type0_n0_0_0":{"id":"c"},"type0_n0_0_1":null,"type0_n0_1_0":null,"type0_n0_1_1":null,"type0_n0_2_0":null,"type0_n0_2_1":{"id":"u"},"type0_n1_0_0":"Query"}}"#,
            ),
            r#"{"data":{"nodes":[{"id":"c"},null,{"id":"u"}],"none":[]}}"#,
        );
    }

    #[test]
    fn errors_are_about_what_the_client_has_asked_for() {
        let text = "{ a: nodes(ids: [1, 2]) { ... on Course { id title } ... on User { id name } } }";
        let error = |path: &str| format!(r#"{{"message":"m","path":{path},"extensions":{{"code":"C"}}}}"#);
        let with = |errors: &[&str], user: &str| {
            let errors: Vec<_> = errors.iter().map(|path| error(path)).collect();
            let response = format!(
                r#"{{"data":{{"type0_n0_0_0":null,"type0_n0_0_1":{user},"type0_n0_1_0":{{"id":"c"}},"type0_n0_1_1":null}},"errors":[{}]}}"#,
                errors.join(",")
            );
            let response: JsonValue = serde_json::from_str(&merged(text, &response)).expect("JSON");
            let errors = response["errors"].as_array().cloned().unwrap_or_default();
            errors.iter().map(|error| error["path"].clone()).collect::<Vec<_>>()
        };

        // Of the type that it has.
        assert_eq!(with(&[r#"["type0_n0_0_1","name"]"#], r#"{"name":null}"#), [json!(["a", 0, "name"])]);
        // Of another type.
        assert!(with(&[r#"["type0_n0_0_0"]"#, r#"["type0_n0_1_1"]"#], r#"{"name":"n"}"#).is_empty());
        // Nobody knows: once.
        assert_eq!(with(&[r#"["type0_n0_0_0"]"#, r#"["type0_n0_0_1"]"#], "null"), [json!(["a", 0])]);
        // It was there, and what it must have is not.
        assert_eq!(
            with(&[r#"["type0_n0_0_1","name"]"#, r#"["other"]"#], "null"),
            [json!(["a", 0, "name"]), json!(["other"])]
        );
        // Of a whole fetch.
        assert_eq!(with(&["null"], "null").len(), 1);
        assert_eq!(with(&["null"], r#"{"name":null}"#).len(), 1);
    }

    #[test]
    fn an_error_of_a_whole_fetch_is_about_nothing_if_nothing_is_null() {
        let response = |name: &str| {
            let data = format!(r#"{{"type0_n0_0_0":null,"type0_n0_0_1":{{"name":{name}}}}}"#);
            merged(
                "{ node(id: 1) { ... on Course { title } ... on User { name } } }",
                &format!(r#"{{"errors":[{{"message":"m"}}],"data":{data}}}"#),
            )
        };

        assert_eq!(response("\"n\""), r#"{"data":{"node":{"name":"n"}}}"#);
        assert_eq!(response("null"), r#"{"errors":[{"message":"m"}],"data":{"node":{"name":null}}}"#);
    }

    #[test]
    fn a_stream_of_one_event_is_merged_too() {
        assert_eq!(
            merged("{ node(id: 1) { ... on User { id } } }", r#"{"payload":{"data":{"type0_n0_0_0":null}}}"#),
            r#"{"payload":{"data":{"node":null}}}"#,
        );
    }

    /// The subgraphs of the fetches that a plan begins with, all at once.
    fn asked_at_once(plan: &JsonValue) -> Vec<&str> {
        let node = &plan["node"];
        let first = if node["kind"] == "Sequence" { &node["nodes"][0] } else { node };
        assert_eq!(first["kind"], "Parallel", "{plan}");
        let fetches = first["nodes"].as_array().expect("its nodes");
        assert!(fetches.iter().all(|fetch| fetch["kind"] == "Fetch"), "{plan}");
        let mut subgraphs: Vec<_> = fetches.iter().filter_map(|fetch| fetch["serviceName"].as_str()).collect();
        subgraphs.sort_unstable();
        subgraphs
    }

    #[test]
    fn as_many_nodes_as_there_may_be_take_one_fetch_of_each_subgraph() {
        let supergraph = safe_parse_schema(include_str!("../../../supergraph.graphql")).expect("it is a schema");
        let planner =
            Planner::new_from_supergraph(&supergraph, QueryPlannerOptions::default()).expect("it can be planned on");
        let plan_of = |selection: &str| {
            let text = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {selection} }} }}");
            let operation = rewrite(&text, &json!({ "ids": vec!["a"; 100] })).expect("it is valid");
            let document = safe_parse_operation(&operation.text).expect("a document");
            let operation = normalize_operation(&planner.supergraph, &document, None).expect("it is valid").operation;
            let overrides = PlannerOverrideContext::from_percentage(0.0);
            let plan = planner.plan_from_normalized_operation(&operation, overrides, &CancellationToken::new());
            serde_json::to_value(plan.expect("a plan")).expect("it is JSON")
        };

        for (selection, fetches) in [
            ("__typename id ... on Course { title }", 5),
            ("__typename id ... on User { name }", 5),
            // One more for the teachers of all courses.
            ("__typename id ... on Course { title teacher { name } }", 6),
        ] {
            let plan = plan_of(selection);
            assert_eq!(asked_at_once(&plan), ["course", "enrollment", "identity", "notification", "payment"]);
            assert_eq!(plan.to_string().matches("\"serviceName\"").count(), fetches, "{plan}");
        }
    }
}

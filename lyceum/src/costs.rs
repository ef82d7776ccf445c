//! Adds costs to a subgraph's schema: `@cost`, with the weights of `docs/costs.json`, and `@listSize`. async-graphql
//! supports neither, and declares federation 2.5, which lacks both.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, ensure};
use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, DirectiveList, Document, FieldDefinition, Type, Value},
};
use serde::Deserialize;

const COSTS: &str = include_str!("../../docs/costs.json");
const EXPORTED_FEDERATION: &str = "https://specs.apollo.dev/federation/v2.5";
/// The first version with the two directives.
const FEDERATION: &str = "https://specs.apollo.dev/federation/v2.9";
/// The default page size of connections.
const PAGE: i32 = 20;
/// The lengths of the lists that are no connections, at most or usually; all others usually have one item.
const LIST_LENGTHS: [(&str, i32); 3] = [("Sales.months", 24), ("User.notificationSettings", 5), ("User.sessions", 100)];

/// Weights in microseconds, by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Costs {
    /// Per place in a document.
    fields: BTreeMap<String, u32>,
    /// Per object.
    types: BTreeMap<String, u32>,
    /// Per input field that is given.
    input_fields: BTreeMap<String, u32>,
    /// Per argument that is given: `Type.field.argument`.
    arguments: BTreeMap<String, u32>,
}

/// Adds costs to a subgraph's schema.
pub fn annotate(schema: &str) -> Result<String> {
    let costs: Costs = serde_json::from_str(COSTS).context("docs/costs.json is malformed")?;
    costs.annotate(schema)
}

impl Costs {
    fn annotate(&self, schema: &str) -> Result<String> {
        let parsed = Document::parse(schema, "schema.graphql");
        let mut document = parsed.map_err(|invalid| anyhow!("{}", invalid.errors))?;
        let mut links = 0;
        for definition in &mut document.definitions {
            match definition {
                Definition::ObjectTypeDefinition(object) => {
                    let object = object.make_mut();
                    self.object(&object.name, &mut object.directives, &mut object.fields);
                }
                Definition::ObjectTypeExtension(object) => {
                    let object = object.make_mut();
                    self.object(&object.name, &mut object.directives, &mut object.fields);
                }
                Definition::InputObjectTypeDefinition(input) => {
                    let input = input.make_mut();
                    for field in &mut input.fields {
                        let weight = self.input_fields.get(&format!("{}.{}", input.name, field.name));
                        field.make_mut().directives.extend(weight.copied().map(cost));
                    }
                }
                Definition::SchemaExtension(extension) => {
                    links += link(&mut extension.make_mut().directives);
                }
                _ => {}
            }
        }
        ensure!(links == 1, "expected one link to {EXPORTED_FEDERATION}");
        Ok(document.to_string())
    }

    fn object(&self, name: &Name, directives: &mut DirectiveList, fields: &mut [Node<FieldDefinition>]) {
        directives.extend(self.types.get(name.as_str()).copied().map(cost));
        for field in fields {
            let coordinate = format!("{name}.{}", field.name);
            let weight = self.fields.get(&coordinate);
            let added = weight.copied().map(cost).into_iter().chain(list_size(name, field)).collect::<Vec<_>>();
            let field = field.make_mut();
            field.directives.extend(added);
            for argument in &mut field.arguments {
                let weight = self.arguments.get(&format!("{coordinate}.{}", argument.name));
                argument.make_mut().directives.extend(weight.copied().map(cost));
            }
        }
    }
}

fn cost(weight: u32) -> Node<Directive> {
    directive("cost", [("weight", Value::from(i32::try_from(weight).unwrap_or(i32::MAX)))])
}

fn is_connection(field: &FieldDefinition) -> bool {
    field.ty.inner_named_type().ends_with("Connection")
}

/// A connection's size is the requested page size.
fn list_size(parent: &Name, field: &FieldDefinition) -> Option<Node<Directive>> {
    let names = |names: &[&str]| Value::List(names.iter().map(|name| Node::new(Value::from(*name))).collect());
    if is_connection(field) && field.argument_by_name("first").is_some() {
        return Some(directive(
            "listSize",
            [
                ("assumedSize", Value::from(PAGE)),
                ("slicingArguments", names(&["first", "last"])),
                ("sizedFields", names(&["nodes", "edges"])),
                ("requireOneSlicingArgument", Value::from(false)),
            ],
        ));
    }
    let is_list = matches!(field.ty, Type::List(_) | Type::NonNullList(_));
    let is_page = field.name == "nodes" || field.name == "edges" || field.name.starts_with('_');
    let coordinate = format!("{parent}.{}", field.name);
    let length = LIST_LENGTHS.into_iter().find(|(name, _)| *name == coordinate).map_or(1, |(_, length)| length);
    (is_list && !is_page).then(|| directive("listSize", [("assumedSize", Value::from(length))]))
}

fn directive<const N: usize>(name: &str, arguments: [(&str, Value); N]) -> Node<Directive> {
    let named = |name| Name::new(name).expect("it is a name");
    let arguments =
        arguments.map(|(argument, value)| Node::new(Argument { name: named(argument), value: Node::new(value) }));
    Node::new(Directive { name: named(name), arguments: arguments.into() })
}

/// Upgrades the federation link; returns the number of upgraded links.
fn link(directives: &mut DirectiveList) -> usize {
    let mut renewed = 0;
    for directive in &mut directives.0 {
        if directive.name != "link" {
            continue;
        }
        for argument in &mut directive.make_mut().arguments {
            let value = argument.make_mut().value.make_mut();
            match value {
                Value::String(url) if url == EXPORTED_FEDERATION => {
                    FEDERATION.clone_into(url);
                    renewed += 1;
                }
                Value::List(names) => names.extend(["@cost", "@listSize"].map(|name| Node::new(Value::from(name)))),
                _ => {}
            }
        }
    }
    renewed
}

#[cfg(test)]
mod tests {
    use service::SubgraphDefinition;

    use super::*;
    use crate::subgraphs;

    fn exported(subgraph: &SubgraphDefinition) -> String {
        subgraphs::sdl(subgraph).expect("a schema")
    }

    #[test]
    fn the_exported_schemas_are_the_committed_ones() {
        for subgraph in subgraphs::ALL {
            let SubgraphDefinition { name, .. } = subgraph;
            let file = format!("{}/../subgraphs/{name}/schema.graphql", env!("CARGO_MANIFEST_DIR"));
            let committed = std::fs::read_to_string(file).expect("a schema");

            assert_eq!(
                exported(subgraph).trim_end(),
                committed.trim_end(),
                "run `cargo xtask generate` and commit what it writes"
            );
        }
    }

    #[test]
    fn only_what_is_in_the_graph_has_a_weight() {
        let costs: Costs = serde_json::from_str(COSTS).expect("costs");
        let known: Vec<_> = subgraphs::ALL.iter().flat_map(|one| coordinates(&exported(one))).collect();

        let lists = LIST_LENGTHS.map(|(name, _)| name.to_owned());
        let weights = [&costs.fields, &costs.types, &costs.input_fields, &costs.arguments];
        for name in weights.iter().flat_map(|weights| weights.keys()).chain(&lists) {
            assert!(known.contains(name), "{name}");
        }
    }

    #[test]
    fn the_arguments_of_every_connection_are_described() {
        let mut described = 0;
        for subgraph in subgraphs::ALL {
            for field in connections(&exported(subgraph)) {
                for argument in &field.arguments {
                    if ["first", "after", "last", "before"].contains(&argument.name.as_str()) {
                        assert!(
                            argument.description.is_some(),
                            "{}: {}({}:)",
                            subgraph.name,
                            field.name,
                            argument.name
                        );
                        described += 1;
                    }
                }
            }
        }
        assert!(described > 0, "there are connections");
    }

    /// The fields that return connections.
    fn connections(schema: &str) -> Vec<Node<FieldDefinition>> {
        let document = Document::parse(schema, "schema.graphql").expect("it is a schema");
        let fields = document.definitions.iter().flat_map(|definition| match definition {
            Definition::ObjectTypeDefinition(object) => object.fields.clone(),
            Definition::ObjectTypeExtension(object) => object.fields.clone(),
            Definition::InterfaceTypeDefinition(interface) => interface.fields.clone(),
            _ => Vec::new(),
        });
        fields.filter(|field| is_connection(field)).collect()
    }

    fn coordinates(schema: &str) -> Vec<String> {
        let document = Document::parse(schema, "schema.graphql").expect("it is a schema");
        let of = |name: &Name, fields: Vec<&Name>| {
            let fields = fields.into_iter().map(|field| format!("{name}.{field}"));
            fields.chain([name.to_string()]).collect::<Vec<_>>()
        };
        let arguments = |name: &Name, fields: &[Node<FieldDefinition>]| {
            let of = |field: &Node<FieldDefinition>| {
                let arguments = field.arguments.iter();
                arguments.map(|argument| format!("{name}.{}.{}", field.name, argument.name)).collect::<Vec<_>>()
            };
            fields.iter().flat_map(of).collect::<Vec<_>>()
        };
        let found = document.definitions.iter().flat_map(|definition| match definition {
            Definition::ObjectTypeDefinition(object) => [
                of(&object.name, object.fields.iter().map(|one| &one.name).collect()),
                arguments(&object.name, &object.fields),
            ]
            .concat(),
            Definition::ObjectTypeExtension(object) => {
                of(&object.name, object.fields.iter().map(|one| &one.name).collect())
            }
            Definition::InputObjectTypeDefinition(input) => {
                of(&input.name, input.fields.iter().map(|one| &one.name).collect())
            }
            _ => Vec::new(),
        });
        found.collect()
    }
}

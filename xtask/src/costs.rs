//! Writes into a subgraph's schema what its fields and types cost: `@cost`, with the weights of `docs/costs.json`, and
//! `@listSize`. async-graphql can write neither, and says that it speaks federation 2.5, which has neither.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, ensure};
use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, DirectiveList, Document, FieldDefinition, Type, Value},
};
use serde::Deserialize;

use crate::workspace::root;

const FILE: &str = "docs/costs.json";
const EXPORTED_FEDERATION: &str = "https://specs.apollo.dev/federation/v2.5";
/// The first one that knows the two directives.
const FEDERATION: &str = "https://specs.apollo.dev/federation/v2.9";
/// How many a connection has where nobody says.
const PAGE: i32 = 20;

/// Weights in microseconds, by what they are of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Costs {
    /// For each place in a document.
    fields: BTreeMap<String, u32>,
    /// For each object.
    types: BTreeMap<String, u32>,
    /// Where it is given.
    input_fields: BTreeMap<String, u32>,
}

impl Costs {
    /// Reads them.
    pub fn read() -> Result<Self> {
        let text = std::fs::read(root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        serde_json::from_slice(&text).with_context(|| format!("{FILE} is not as it should be"))
    }

    /// A subgraph's schema with its costs.
    pub fn annotate(&self, schema: &str, subgraph: &str) -> Result<String> {
        let parsed = Document::parse(schema, subgraph);
        let mut document = parsed.map_err(|invalid| anyhow!("the schema of {subgraph}: {}", invalid.errors))?;
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
                        field.make_mut().directives.extend(weight.map(cost));
                    }
                }
                Definition::SchemaExtension(extension) => {
                    links += link(&mut extension.make_mut().directives);
                }
                _ => {}
            }
        }
        ensure!(links == 1, "the schema of {subgraph} has no link to {EXPORTED_FEDERATION}");
        Ok(document.to_string())
    }

    /// Fails where something has a weight that no subgraph has.
    pub fn require_all_in(&self, schemas: &[String]) -> Result<()> {
        let coordinates = schemas.iter().map(|schema| coordinates(schema)).collect::<Result<Vec<_>>>()?.concat();
        let weighed = self.fields.keys().chain(self.types.keys()).chain(self.input_fields.keys());
        let unknown: Vec<_> = weighed.filter(|name| !coordinates.contains(name)).cloned().collect();
        ensure!(unknown.is_empty(), "{FILE} has weights of what is not in the graph: {}", unknown.join(", "));
        Ok(())
    }

    fn object(&self, name: &Name, directives: &mut DirectiveList, fields: &mut [Node<FieldDefinition>]) {
        directives.extend(self.types.get(name.as_str()).map(cost));
        for field in fields {
            let weight = self.fields.get(&format!("{name}.{}", field.name));
            let added = weight.map(cost).into_iter().chain(list_size(field)).collect::<Vec<_>>();
            field.make_mut().directives.extend(added);
        }
    }
}

fn coordinates(schema: &str) -> Result<Vec<String>> {
    let document = Document::parse(schema, "schema").map_err(|invalid| anyhow!("{}", invalid.errors))?;
    let mut found = Vec::new();
    for definition in &document.definitions {
        let Some(name) = definition.name() else { continue };
        let fields: Vec<_> = match definition {
            Definition::ObjectTypeDefinition(object) => object.fields.iter().map(|field| &field.name).collect(),
            Definition::ObjectTypeExtension(object) => object.fields.iter().map(|field| &field.name).collect(),
            Definition::InputObjectTypeDefinition(input) => input.fields.iter().map(|field| &field.name).collect(),
            _ => Vec::new(),
        };
        found.extend(fields.into_iter().map(|field| format!("{name}.{field}")));
        found.push(name.to_string());
    }
    Ok(found)
}

fn cost(weight: &u32) -> Node<Directive> {
    directive("cost", [("weight", Value::from(i32::try_from(*weight).unwrap_or(i32::MAX)))])
}

/// A connection is as long as it is asked for; that many can be wrong with an input is one thing at a time.
fn list_size(field: &FieldDefinition) -> Option<Node<Directive>> {
    let is_connection = field.ty.inner_named_type().ends_with("Connection");
    let names = |names: &[&str]| Value::List(names.iter().map(|name| Node::new(Value::from(*name))).collect());
    if is_connection && field.argument_by_name("first").is_some() {
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
    (is_list && !is_page).then(|| directive("listSize", [("assumedSize", Value::from(1))]))
}

fn directive<const N: usize>(name: &str, arguments: [(&str, Value); N]) -> Node<Directive> {
    let named = |name| Name::new(name).expect("it is a name");
    let arguments =
        arguments.map(|(argument, value)| Node::new(Argument { name: named(argument), value: Node::new(value) }));
    Node::new(Directive { name: named(name), arguments: arguments.into() })
}

/// The number of links that were renewed.
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

//! The fields of a schema that return an object by its id.

use apollo_compiler::{
    Name, Schema,
    ast::{FieldDefinition, OperationType},
    executable::Field,
};

pub(super) const INTERFACE: &str = "Node";
const ONE: &str = "node";
pub(super) const SEVERAL: &str = "nodes";

/// The variable that has the ids of a `nodes`, if one has them.
pub fn ids_variable<'a>(field: &'a Field, schema: &Schema) -> Option<&'a Name> {
    let ids = field.specified_argument_by_name("ids")?.as_variable()?;
    is_node_field(field, schema).then_some(ids)
}

/// Whether this is a `node` or `nodes` that is to be rewritten.
pub(super) fn is_node_field(field: &Field, schema: &Schema) -> bool {
    let argument = match field.name.as_str() {
        ONE => "id",
        SEVERAL => "ids",
        _ => return false,
    };
    let has_interface = field.definition.ty.inner_named_type() == INTERFACE;
    has_interface && has_only_argument(&field.definition, argument) && has_fields_by_id(schema)
}

fn has_fields_by_id(schema: &Schema) -> bool {
    let mut objects = node_types(schema).peekable();
    objects.peek().is_some() && objects.all(|object| field_by_id(object, schema).is_some())
}

/// The object types of the interface.
pub(super) fn node_types(schema: &Schema) -> impl Iterator<Item = &Name> {
    let objects = schema.types.iter().filter(|(_, kind)| kind.is_object());
    objects.map(|(name, _)| name).filter(|name| schema.is_subtype(INTERFACE, name))
}

/// The name of the field that returns an object of this type by its id.
pub(super) fn field_by_id(object: &Name, schema: &Schema) -> Option<Name> {
    let (first, rest) = object.split_at_checked(1)?;
    let name = Name::new(&(first.to_lowercase() + rest)).ok()?;
    let field = schema.type_field(schema.root_operation(OperationType::Query)?, &name).ok()?;
    let is_of_object = !field.ty.is_list() && field.ty.inner_named_type() == object;
    (is_of_object && has_only_argument(field, "id")).then_some(name)
}

fn has_only_argument(field: &FieldDefinition, name: &str) -> bool {
    matches!(field.arguments.as_slice(), [argument] if argument.name == name)
}

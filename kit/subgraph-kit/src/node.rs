//! The interface `Node`, which each subgraph declares for its own type.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, MetaTypeId, Registry},
};

const DESCRIPTION: &str = "\
An object that can be queried by its id alone, with `node` or `nodes`: a user, course, enrollment, payment or
notification. It is the interface of the Global Object Identification specification, which Relay and other clients use
to fetch an object again.";
const ID_DESCRIPTION: &str = "The id of the object, unique among all objects of all types.";

/// An object as a `Node`. Register it with the schema (`register_output_type`), so that its type implements the
/// interface.
pub struct Node<T>(pub T);

impl<T: ObjectType> OutputType for Node<T> {
    fn type_name() -> Cow<'static, str> {
        "Node".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Interface, |registry| {
            T::create_type_info(registry);
            registry.add_implements(&T::type_name(), &Self::type_name());
            let id = registry.types.get(&*T::type_name()).and_then(|object| object.field_by_name("id"));
            let mut id = id.expect("an object that can be queried by its id has one").clone();
            id.description = Some(ID_DESCRIPTION.to_owned());
            // A contract that has the field of the type need not have the interface.
            id.tags.clear();
            MetaType::Interface {
                name: Self::type_name().into_owned(),
                description: Some(DESCRIPTION.to_owned()),
                fields: [("id".to_owned(), id)].into_iter().collect(),
                possible_types: [T::type_name().into_owned()].into_iter().collect(),
                extends: false,
                keys: None,
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                rust_typename: Some(std::any::type_name::<Self>()),
                directive_invocations: Vec::new(),
                requires_scopes: Vec::new(),
            }
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

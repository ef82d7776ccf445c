//! Entity indexes in the paths of errors.
//!
//! async-graphql 7.2 omits an entity's index in the path of its errors, and without it a router cannot locate an error
//! in its own response. So representations are numbered before execution, and [`Entities`] adds the number to the path
//! of everything below. No upstream issue is known; when upstream fixes it,
//! `the_library_still_leaves_an_entitys_index_out` fails, and this file can go.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerResult, Value,
    Variables, parser::types::Field, registry::Registry, resolver_utils::resolve_container,
};

use crate::connection::describe_arguments;

/// The key of the index in a representation; no field has this name.
const INDEX: &str = "_index";

/// Numbers the representations in `variables`: the only objects in lists with a `__typename`.
pub fn number(variables: &mut Variables) {
    for value in variables.values_mut() {
        let Value::List(items) = value else { continue };
        for (index, item) in items.iter_mut().enumerate() {
            if let Value::Object(representation) = item
                && representation.contains_key("__typename")
            {
                representation.insert(Name::new(INDEX), index.into());
            }
        }
    }
}

fn index(representation: &Value) -> Option<usize> {
    let Value::Object(fields) = representation else { return None };
    let Value::Number(index) = fields.get(INDEX)? else { return None };
    index.as_u64()?.try_into().ok()
}

/// A subgraph's `Query`, with indexes of entities in the paths of errors.
pub struct Entities<Q>(pub Q);

impl<Q: ObjectType> ContainerType for Entities<Q> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        self.0.resolve_field(ctx).await
    }

    async fn find_entity(&self, ctx: &Context<'_>, representation: &Value) -> ServerResult<Option<Value>> {
        match index(representation) {
            Some(index) => self.0.find_entity(&ctx.with_index(index), representation).await,
            None => self.0.find_entity(ctx, representation).await,
        }
    }
}

impl<Q: ObjectType> OutputType for Entities<Q> {
    fn type_name() -> Cow<'static, str> {
        Q::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = Q::create_type_info(registry);
        describe_arguments(registry);
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<Q: ObjectType> ObjectType for Entities<Q> {}

#[cfg(test)]
mod tests {
    use async_graphql::{
        EmptyMutation, EmptySubscription, Error, ID, Object, Request, Response, Schema, SchemaBuilder,
    };
    use serde_json::json;

    use super::*;

    struct Query;

    struct Book(ID);

    #[Object]
    impl Query {
        #[graphql(entity)]
        async fn find_book_by_id(&self, id: ID) -> Book {
            Book(id)
        }

        async fn nothing(&self) -> Option<bool> {
            None
        }
    }

    #[Object]
    impl Book {
        async fn id(&self) -> &ID {
            &self.0
        }

        /// The later ones respond first, and every third has nothing without any error.
        async fn pages(&self) -> Result<Option<Vec<Option<Page>>>, Error> {
            let id: u32 = self.0.parse()?;
            for _ in id..400 {
                tokio::task::yield_now().await;
            }
            match id % 3 {
                0 => Ok(None),
                1 => Err("no".into()),
                _ => Ok(Some(vec![None, Some(Page)])),
            }
        }
    }

    struct Page;

    #[Object]
    impl Page {
        async fn text(&self) -> Result<Option<&str>, Error> {
            tokio::task::yield_now().await;
            Err("no".into())
        }
    }

    async fn execute(schema: SchemaBuilder<impl ObjectType + 'static, EmptyMutation, EmptySubscription>) -> Response {
        let books: Vec<_> = (0..100).map(|id| json!({ "__typename": "Book", "id": id.to_string() })).collect();
        let mut variables = Variables::from_json(json!({ "books": books }));
        number(&mut variables);
        let document = "query($books: [_Any!]!) {
            a: _entities(representations: $books) { ...on Book { pages { text } } }
            b: _entities(representations: $books) { ...on Book { pages { text } } }
        }";
        schema.finish().execute(Request::new(document).variables(variables)).await
    }

    #[tokio::test]
    async fn an_error_of_an_entity_names_the_entity() {
        let schema = Schema::build(Entities(Query), EmptyMutation, EmptySubscription).enable_federation();

        let response = execute(schema).await;

        let mut paths: Vec<_> = response.errors.iter().map(|error| json!(error.path)).collect();
        let mut expected: Vec<_> = ["a", "b"]
            .into_iter()
            .flat_map(|root| {
                (0..100).filter_map(move |index| match index % 3 {
                    1 => Some(json!([root, index, "pages"])),
                    2 => Some(json!([root, index, "pages", 1, "text"])),
                    _ => None,
                })
            })
            .collect();
        paths.sort_by_key(ToString::to_string);
        expected.sort_by_key(ToString::to_string);
        assert_eq!(paths, expected);
    }

    #[tokio::test]
    async fn the_library_still_leaves_an_entitys_index_out() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).enable_federation();

        let response = execute(schema).await;

        assert!(response.errors.iter().any(|error| json!(error.path) == json!(["a", "pages"])));
    }
}

//! Objects, resolved as by async-graphql, with less work per field: one that is ready at its first poll, as are most of
//! a list's, is not added to a `FuturesUnordered`.

use std::{borrow::Cow, collections::HashSet, slice, task::Poll};

use async_graphql::{
    ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerError, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::resolve_list,
};
use futures::{StreamExt as _, future::BoxFuture, poll, stream::FuturesUnordered};

use crate::response_limit::ResponseCharges;

/// A list of objects.
pub(crate) struct Objects<'a, T>(pub(crate) Vec<&'a T>);

impl<T: ObjectType> OutputType for Objects<'_, T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some(fields) = plain_fields(&ctx.item.node, &T::type_name()) else {
            return resolve_list(ctx, field, self.0.iter().copied(), Some(self.0.len())).await;
        };
        let contexts: Vec<_> = (0..self.0.len()).map(|index| ctx.with_index(index)).collect();
        Ok(Value::List(resolve(&contexts, &fields, &self.0, &ResponseCharges::of(ctx)).await))
    }
}

/// An object that a router requests by its key.
pub struct Entity<T>(pub T);

impl<T: ObjectType> OutputType for Entity<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some(fields) = plain_fields(&ctx.item.node, &T::type_name()) else {
            return self.0.resolve(ctx, field).await;
        };
        let values = resolve(slice::from_ref(ctx), &fields, &[&self.0], &ResponseCharges::of(ctx)).await;
        Ok(values.into_iter().next().unwrap_or_default())
    }
}

/// The selected fields of a type, if the selection is plain. Fragment spreads, directives and response keys to be
/// merged are left to the library.
fn plain_fields<'a>(selections: &'a SelectionSet, type_name: &str) -> Option<Vec<&'a Positioned<Field>>> {
    let mut fields = Vec::with_capacity(selections.items.len());
    let is_plain = push_plain_fields(selections, type_name, &mut fields);
    let mut keys = HashSet::with_capacity(fields.len());
    (is_plain && fields.iter().all(|field| keys.insert(&field.node.response_key().node))).then_some(fields)
}

fn push_plain_fields<'a>(
    selections: &'a SelectionSet,
    type_name: &str,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    selections.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            fields.push(field);
            field.node.directives.is_empty()
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            fragment.node.directives.is_empty()
                && condition.is_none_or(|condition| condition.node.on.node == type_name)
                && push_plain_fields(&fragment.node.selection_set.node, type_name, fields)
        }
        Selection::FragmentSpread(_) => false,
    })
}

type Resolving<'a> = BoxFuture<'a, ServerResult<Value>>;

/// Resolves each object's fields. As in the library, a failed field is reported and left out.
async fn resolve<T: ObjectType>(
    contexts: &[ContextSelectionSet<'_>],
    fields: &[&Positioned<Field>],
    objects: &[&T],
    charges: &ResponseCharges<'_>,
) -> Vec<Value> {
    let mut values = Vec::with_capacity(objects.len());
    let mut waiting = FuturesUnordered::new();
    for (index, (ctx, object)) in contexts.iter().zip(objects).enumerate() {
        charges.item().await;
        let mut resolved = IndexMap::with_capacity(fields.len());
        for field in fields {
            let key = &field.node.response_key().node;
            if field.node.name.node == "__typename" {
                resolved.insert(key.clone(), object.introspection_type_name().into_owned().into());
                continue;
            }
            charges.field(key).await;
            let mut resolving: Resolving<'_> = Box::pin(resolve_field(ctx, field, *object));
            match poll!(&mut resolving) {
                Poll::Ready(value) => add(&mut resolved, ctx, key, value, charges).await,
                Poll::Pending => waiting.push(async move { (index, key, resolving.await) }),
            }
        }
        values.push(resolved);
    }
    while let Some((index, key, value)) = waiting.next().await {
        add(&mut values[index], &contexts[index], key, value, charges).await;
    }
    values.into_iter().map(|resolved| if resolved.is_empty() { Value::Null } else { Value::Object(resolved) }).collect()
}

async fn resolve_field<T: ObjectType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    object: &T,
) -> ServerResult<Value> {
    // No value, not even null: the router requests a field of another version of this subgraph.
    let unknown = || {
        let message =
            format!("Cannot query field \"{}\" on type \"{}\".", field.node.response_key().node, T::type_name());
        ServerError::new(message, Some(field.pos))
    };
    object.resolve_field(&ctx.with_field(field)).await?.ok_or_else(unknown)
}

async fn add(
    resolved: &mut IndexMap<Name, Value>,
    ctx: &ContextSelectionSet<'_>,
    key: &Name,
    value: ServerResult<Value>,
    charges: &ResponseCharges<'_>,
) {
    charges.value(value.as_ref().map(Some)).await;
    match value {
        Ok(value) => {
            resolved.insert(key.clone(), value);
        }
        Err(error) => ctx.add_error(error),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Error, ID, Object, Response, Schema, ValidationMode};
    use serde_json::{Value as Json, json};
    use tokio::task::yield_now;

    use super::*;
    use crate::{entities::Entities, response_limit::ResponseLimit};

    struct Query(Vec<Book>);

    struct Book(i32);

    #[Object]
    impl Query {
        /// As the library resolves them.
        async fn by_library(&self) -> Vec<&Book> {
            self.0.iter().collect()
        }

        async fn by_us(&self) -> Objects<'_, Book> {
            Objects(self.0.iter().collect())
        }

        #[graphql(entity)]
        async fn find_book_by_id(&self, id: ID) -> Option<Entity<Book>> {
            Some(Entity(Book(id.parse().ok()?)))
        }
    }

    #[Object]
    impl Book {
        async fn id(&self) -> ID {
            self.0.into()
        }

        async fn title(&self, #[graphql(default = 1)] times: usize) -> String {
            "title ".repeat(times)
        }

        async fn slow(&self) -> i32 {
            for _ in self.0..5 {
                yield_now().await;
            }
            self.0
        }

        async fn fails(&self) -> Option<Result<i32, Error>> {
            match self.0 % 3 {
                0 => Some(Err("no".into())),
                1 => None,
                _ => Some(Ok(self.0)),
            }
        }

        async fn fails_late(&self) -> Result<i32, Error> {
            yield_now().await;
            if self.0 % 2 == 0 { Err("late".into()) } else { Ok(1) }
        }

        async fn next(&self) -> Option<Objects<'_, Self>> {
            (self.0 % 2 == 0).then(|| Objects(vec![self, self]))
        }
    }

    async fn execute(document: &str) -> Response {
        let books = (0..7).map(Book).collect();
        let schema = Schema::build(Entities(Query(books)), EmptyMutation, EmptySubscription)
            .validation_mode(ValidationMode::Fast)
            .extension(ResponseLimit)
            .enable_federation()
            .finish();
        schema.execute(document).await
    }

    /// The response with sorted errors: their order is unspecified.
    fn comparable(response: &Response) -> (Json, Vec<String>) {
        let response = json!(response);
        let errors = response["errors"].as_array().cloned().unwrap_or_default();
        let mut errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        errors.sort();
        (response["data"]["books"].clone(), errors)
    }

    #[tokio::test]
    async fn selections_resolve_as_in_the_library() {
        let selections = [
            "id",
            "id title other: title(times: 3) __typename kind: __typename",
            "slow id slower: slow",
            "fails",
            "failsLate id fails",
            "failsLate",
            "nosuch id",
            "alias: nosuch",
            "next { id next { fails slow } } title",
            "next { id } next { title }",
            "id id title: id",
            "... on Book { id slow } title",
            "... { id failsLate } ... on Book { ... on Book { title } }",
            "...F title",
            "... on Book @include(if: false) { id } title",
            "id @skip(if: true) title @include(if: true)",
            "title @skip(if: true)",
        ];
        for selection in selections {
            let document = |field: &str| {
                let fragment = if selection.contains("...F") { "fragment F on Book { id next { slow } }" } else { "" };
                format!("{{ books: {field}\n{{ {selection} }} }} {fragment}")
            };
            let library = comparable(&execute(&document("byLibrary")).await);
            let ours = comparable(&execute(&document("byUs")).await);

            assert_eq!(ours, library, "{selection}");
            assert_ne!(library.0, Json::Null, "{selection}");
        }
    }

    #[tokio::test]
    async fn an_entity_resolves_like_a_list_item() {
        let response = execute(
            r#"{ _entities(representations: [{ __typename: "Book", id: "2" }, { __typename: "Book", id: "3" }]) {
                ... on Book { id fails slow }
            } }"#,
        );
        let response = json!(response.await);

        assert_eq!(response["data"]["_entities"][0], json!({ "id": "2", "fails": 2, "slow": 2 }));
        assert_eq!(response["data"]["_entities"][1]["slow"], 3);
        assert_eq!(response["errors"].as_array().map(Vec::len), Some(1));
    }
}

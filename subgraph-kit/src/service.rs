//! A subgraph, ready to answer: by function call or behind HTTP, it is the same.

use std::{future::Future, sync::Arc};

use async_graphql::{
    ObjectType, Request, Response, SDLExportOptions, Schema, SubscriptionType, Value, dataloader::DataLoader,
};
use futures::future::BoxFuture;
use http::HeaderMap;
use sqlx::PgPool;

use crate::{Error, Viewer, batch::Batches, report, token::Verifier};

const MOST_REPRESENTATIONS: usize = 1_000;

/// The text of a schema, as the router's composition reads it.
#[must_use]
pub fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let text = schema.sdl_with_options(SDLExportOptions::new().federation().compose_directive());
    format!("{}\n", text.trim_end())
}

/// A schema with what it needs to answer.
#[derive(Clone)]
pub struct Subgraph {
    name: &'static str,
    db: PgPool,
    verifier: Verifier,
    run: Run,
}

type Run = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

impl Subgraph {
    /// A subgraph whose resolvers find an `Arc<DataLoader<L>>` of their own request in the
    /// context, made from `loader`.
    pub fn new<Q, M, S, L>(
        name: &'static str,
        schema: Schema<Q, M, S>,
        loader: L,
        db: PgPool,
        verifier: Verifier,
    ) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
        L: Clone + Send + Sync + 'static,
    {
        let run = move |request: Request| {
            let (schema, loader) = (schema.clone(), loader.clone());
            let answer = async move {
                let batches = Batches::default();
                let loader: Arc<DataLoader<L>> = Arc::new(batches.loader(loader));
                batches.drive(schema.execute(request.data(loader))).await
            };
            Box::pin(answer) as BoxFuture<'static, Response>
        };
        Self { name, db, verifier, run: Arc::new(run) }
    }

    /// The name in `supergraph.yaml`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its database.
    #[must_use]
    pub fn db(&self) -> &PgPool {
        &self.db
    }

    /// Verifies the token in `headers` and runs one request.
    pub fn execute(&self, headers: &HeaderMap, request: Request) -> impl Future<Output = Response> + Send + 'static {
        let (subgraph, headers) = (self.clone(), headers.clone());
        async move {
            match subgraph.admit(&headers, &request).await {
                Ok(viewer) => report::publish((subgraph.run)(request.data(viewer)).await),
                Err(error) => report::failure(&error),
            }
        }
    }

    async fn admit(&self, headers: &HeaderMap, request: &Request) -> Result<Viewer, Error> {
        let viewer = self.verifier.viewer(headers).await?;
        let too_many =
            |value: &async_graphql::Value| matches!(value, Value::List(items) if items.len() > MOST_REPRESENTATIONS);
        if request.variables.values().any(too_many) {
            return Err(Error::invalid("representations", format!("at most {MOST_REPRESENTATIONS} at once")));
        }
        Ok(viewer)
    }
}

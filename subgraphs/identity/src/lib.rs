//! The identity subgraph: users, sign-up and sign-in, and the keys that access tokens are signed with.

pub mod account;
pub mod admin;
mod email_token;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod keys;
pub mod mail;
pub mod password;
pub mod session;
mod settings;
pub mod throttle;
pub mod user;

use async_graphql::{EmptySubscription, MergedObject};
use axum::{Json, Router, http::header::CACHE_CONTROL, routing::get};
use db::{DbPool, database::Migrations};
use service::{Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List};

use crate::{
    account::{Accounts, graphql::AccountMutation},
    mail::Mailer,
    session::{Sessions, graphql::SessionMutation},
    user::graphql::{UserMutation, UserQuery},
};
pub use crate::{
    keys::{KeyError, Keys, rotate},
    settings::{IdentitySettings, TokenSettings},
};

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "identity",
    about: "Users and sessions.",
    port: 8001,
    database_port: 5433,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::of::<IdentitySettings>(),
    open: |db, context| Box::pin(subgraph(db, context.require(), context, context.require())),
    public_routes: Some(|context| public_keys(context.require())),
};

/// A cache must not hide a new key from verifiers that poll for it.
const MAX_AGE: &str = "public, max-age=10";

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/identity"), tuned: Some(migrate!("../../migrations/identity/tuned")) }
}

/// Mutations.
#[derive(MergedObject)]
pub struct Mutation(SessionMutation, AccountMutation, UserMutation);

/// Builds the schema without a database, for its export.
fn schema() -> Schema<UserQuery, Mutation, EmptySubscription> {
    builder().finish()
}

/// Opens the subgraph over its migrated database. It signs tokens with `keys`.
///
/// # Errors
/// Also if TLS cannot be set up for the SMTP server.
pub async fn subgraph(
    db: impl Into<DbPool>,
    keys: &Keys,
    context: &ServiceContext,
    settings: &IdentitySettings,
) -> Result<Subgraph, sqlx::Error> {
    let db = db.into();
    let users = Table::<user::User>::open(db.clone()).await?;
    let mailer = Mailer::new(&settings.mail).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    let sessions = Sessions::new(db.clone(), keys.clone(), settings, mailer.clone());
    let accounts = Accounts::new(db.clone(), sessions.clone(), mailer);
    let schema = builder().data(List::open(&users).await?).data(sessions).data(accounts.clone()).finish();
    Ok(Subgraph::new(DEFINITION.name, schema, users, db, context.verifier.clone())
        .with_task(move |stop| accounts.clone().run(stop)))
}

/// Serves the public keys at `/.well-known/jwks.json`, without a database.
fn public_keys(keys: &Keys) -> Router {
    let keys = keys.clone();
    let jwks = move || async move { ([(CACHE_CONTROL, MAX_AGE)], Json(keys.jwks())) };
    Router::new().route("/.well-known/jwks.json", get(jwks))
}

fn builder() -> SchemaBuilder<UserQuery, Mutation, EmptySubscription> {
    service::build(UserQuery, Mutation(SessionMutation, AccountMutation, UserMutation), EmptySubscription)
        .override_output_type_description::<Connection<user::User>>("One page of a list of users.")
}

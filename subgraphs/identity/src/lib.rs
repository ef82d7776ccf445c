//! The identity subgraph: users, sign-up and sign-in, and the keys that access tokens are signed with.

pub mod account;
pub mod admin;
mod email_token;
pub mod erasure;
pub mod export;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod keys;
pub mod mail;
pub mod password;
pub mod second_factor;
pub mod session;
mod settings;
pub mod throttle;
pub mod user;

use async_graphql::{EmptySubscription, MergedObject};
use auth::token::LEEWAY_SECONDS;
use axum::{Json, Router, http::header::CACHE_CONTROL, routing::get};
use chrono::TimeDelta;
use db::{DbPool, database::Migrations};
use service::{Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List};

use crate::{
    account::{Accounts, graphql::AccountMutation},
    erasure::{
        graphql::{Deletions, ErasureMutation, ErasureQuery},
        handlers::{IdentityEraser, ReceiptHandler},
    },
    export::{
        download::Downloads,
        exporter::Exporter,
        graphql::{ExportMutation, ExportQuery},
    },
    mail::Mailer,
    second_factor::{SecondFactorCodes, SecondFactors, graphql::SecondFactorMutation},
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
    public_routes: Some(|context| {
        let downloads = context.own.get::<Downloads>().map(Downloads::routes);
        public_keys(context.require()).merge(downloads.unwrap_or_default())
    }),
};

/// A cache must not hide a new key from verifiers that poll for it.
const MAX_AGE: &str = "public, max-age=10";

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/identity"), tuned: Some(migrate!("../../migrations/identity/tuned")) }
}

/// Mutations.
#[derive(MergedObject)]
pub struct Mutation(
    SessionMutation,
    AccountMutation,
    SecondFactorMutation,
    UserMutation,
    ErasureMutation,
    ExportMutation,
);

/// Queries.
#[derive(MergedObject)]
pub struct Query(UserQuery, ErasureQuery, ExportQuery);

/// Builds the schema without a database, for its export.
fn schema() -> Schema<Query, Mutation, EmptySubscription> {
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
    let storage_keys = context.seals.storage_keys();
    let second_factor_codes = SecondFactorCodes::new(storage_keys.clone(), mailer.clone());
    let sessions = Sessions::new(db.clone(), keys.clone(), settings, mailer.clone(), second_factor_codes);
    let second_factors = SecondFactors::new(db.clone(), sessions.clone());
    let accounts = Accounts::new(db.clone(), sessions.clone(), mailer);
    let erasures = Erasures::new(IdentityEraser, context.seals.clone());
    let deletions = Deletions {
        erasures: erasures.clone(),
        token_lifetime: token_lifetime(&settings.tokens),
        db: db.clone(),
        peers: context.peers.clone(),
    };
    let users_list = List::open(&users).await?;
    let schema =
        builder().data(users_list).data(sessions).data(accounts.clone()).data(second_factors).data(deletions).finish();
    let receipts = ReceiptHandler { seals: context.seals.clone() };
    let exporter = Exporter { db: db.clone(), peers: context.peers.clone(), keys: keys.clone() };
    if let Some(downloads) = context.own.get::<Downloads>() {
        downloads.open(&db);
    }
    let rotated = (db.clone(), storage_keys);
    Ok(Subgraph::new(DEFINITION.name, schema, users, db, context.verifier.clone())
        .with_erasures(&erasures, receipts)
        .with_task(move |stop| accounts.clone().run(stop))
        .with_task(move |stop| exporter.clone().run(stop))
        .with_task(move |stop| second_factor::encrypt_anew(rotated.0.clone(), rotated.1.clone(), stop)))
}

/// How long an access token is accepted.
fn token_lifetime(settings: &TokenSettings) -> TimeDelta {
    TimeDelta::seconds(i64::from(settings.access_token_seconds) + LEEWAY_SECONDS.cast_signed())
}

/// Serves the public keys at `/.well-known/jwks.json`, without a database.
fn public_keys(keys: &Keys) -> Router {
    let keys = keys.clone();
    let jwks = move || async move { ([(CACHE_CONTROL, MAX_AGE)], Json(keys.jwks())) };
    Router::new().route("/.well-known/jwks.json", get(jwks))
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    service::build(
        Query(UserQuery, ErasureQuery, ExportQuery),
        Mutation(SessionMutation, AccountMutation, SecondFactorMutation, UserMutation, ErasureMutation, ExportMutation),
        EmptySubscription,
    )
    .override_output_type_description::<Connection<user::User>>("One page of a list of users.")
}

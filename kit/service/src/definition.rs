//! What a process knows of a subgraph before it runs it.

use std::fmt;

use axum::Router;
use clap::{ArgMatches, Args, Command};
use db::{DbPool, database::Migrations};
use futures::future::BoxFuture;
use http::Extensions;

use crate::{ServiceContext, Subgraph};

/// A subgraph, as its crate defines it: the command line, tests and tools iterate over these.
pub struct SubgraphDefinition {
    /// Its name in `supergraph.yaml`, which is also its database's.
    pub name: &'static str,
    /// What it holds, in a few words.
    pub about: &'static str,
    /// The port at which it answers, if nothing else is said.
    pub port: u16,
    /// The port of its embedded database, if nothing else is said.
    pub database_port: u16,
    /// Its database's migrations.
    pub migrations: fn() -> Migrations,
    /// Its schema, which needs no database.
    pub sdl: fn() -> String,
    /// Its own settings on the command line.
    pub settings: OwnSettings,
    /// Opens it over its migrated database.
    pub open: Open,
    /// Routes that need no signature and no database, beside those that every subgraph has.
    pub public_routes: Option<fn(&ServiceContext) -> Router>,
}

/// Opens a subgraph over its migrated database.
pub type Open = for<'a> fn(DbPool, &'a ServiceContext) -> BoxFuture<'a, Result<Subgraph, sqlx::Error>>;

impl SubgraphDefinition {
    /// These routes, and those that need no signature and no database.
    pub fn with_public_routes(&self, routes: Router, context: &ServiceContext) -> Router {
        match self.public_routes {
            Some(public) => routes.merge(public(context)),
            None => routes,
        }
    }
}

impl PartialEq for SubgraphDefinition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for SubgraphDefinition {}

impl fmt::Debug for SubgraphDefinition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The settings that one subgraph alone has: it finds them in its [`ServiceContext`].
pub struct OwnSettings {
    augment: fn(Command) -> Command,
    read: fn(&ArgMatches, &mut Extensions) -> Result<(), clap::Error>,
}

impl OwnSettings {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self { augment: |command| command, read: |_, _| Ok(()) }
    }

    /// Those of this type.
    #[must_use]
    pub const fn of<T: Args + Clone + Send + Sync + 'static>() -> Self {
        Self {
            augment: T::augment_args,
            read: |matches, settings| {
                settings.insert(T::from_arg_matches(matches)?);
                Ok(())
            },
        }
    }

    /// The command with their arguments.
    #[must_use]
    pub fn augment(&self, command: Command) -> Command {
        (self.augment)(command)
    }

    /// Reads them from the command line into `settings`.
    ///
    /// # Errors
    /// If a value is not valid.
    pub fn read(&self, matches: &ArgMatches, settings: &mut Extensions) -> Result<(), clap::Error> {
        (self.read)(matches, settings)
    }
}

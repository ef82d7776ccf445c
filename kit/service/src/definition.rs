//! The static definition of a subgraph, as a process needs it before it runs it.

use std::fmt;

use axum::Router;
use clap::{ArgMatches, Args, Command};
use db::{DbPool, database::Migrations};
use futures::future::BoxFuture;
use http::Extensions;

use crate::{ServiceContext, Subgraph};

/// A subgraph's definition, by its crate: the command line, tests and tools iterate over these.
pub struct SubgraphDefinition {
    /// The name in `supergraph.yaml`, and of the database.
    pub name: &'static str,
    /// A short description of its data.
    pub about: &'static str,
    /// The default port.
    pub port: u16,
    /// The default port of its embedded database.
    pub database_port: u16,
    /// The database's migrations.
    pub migrations: fn() -> Migrations,
    /// The schema as SDL; needs no database.
    pub sdl: fn() -> String,
    /// The subgraph's own settings on the command line.
    pub settings: SubgraphArgs,
    /// Opens the subgraph on its migrated database.
    pub open: Open,
    /// Additional routes that need no signature and no database.
    pub public_routes: Option<fn(&ServiceContext) -> Router>,
}

/// A function that opens a subgraph on its migrated database.
pub type Open = for<'a> fn(DbPool, &'a ServiceContext) -> BoxFuture<'a, Result<Subgraph, sqlx::Error>>;

impl SubgraphDefinition {
    /// Adds the public routes to `routes`.
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

/// An individual subgraph's settings, which it gets from its [`ServiceContext`].
pub struct SubgraphArgs {
    augment: fn(Command) -> Command,
    read: fn(&ArgMatches, &mut Extensions) -> Result<(), clap::Error>,
}

impl SubgraphArgs {
    /// No own settings.
    #[must_use]
    pub const fn none() -> Self {
        Self { augment: |command| command, read: |_, _| Ok(()) }
    }

    /// Settings of this type.
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

    /// Adds the settings' arguments to a command.
    #[must_use]
    pub fn augment(&self, command: Command) -> Command {
        (self.augment)(command)
    }

    /// Parses the command line's values into `settings`.
    ///
    /// # Errors
    /// If a value is invalid.
    pub fn read(&self, matches: &ArgMatches, settings: &mut Extensions) -> Result<(), clap::Error> {
        (self.read)(matches, settings)
    }
}

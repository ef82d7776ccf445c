//! A subgraph's own database: connecting and migrating.

use std::{borrow::Cow, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// Settings that all the databases share.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseSettings {
    /// Connections that a subgraph keeps open to its database.
    #[arg(long, env = "LYCEUM_DB_POOL_MIN", default_value_t = 5)]
    pub db_pool_min: u32,

    /// Connections that a subgraph opens to its database at most.
    #[arg(long, env = "LYCEUM_DB_POOL_MAX", default_value_t = 5)]
    pub db_pool_max: u32,

    /// Seconds that a request waits for a connection before it gives up.
    #[arg(long, env = "LYCEUM_DB_ACQUIRE_TIMEOUT", default_value_t = 3)]
    pub db_acquire_timeout: u64,

    /// `baseline` has the indexes of the specification, `tuned` those that it names as remedies, too.
    #[arg(long, env = "LYCEUM_DB_PROFILE", value_enum, default_value_t = Profile::Baseline)]
    pub db_profile: Profile,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { db_pool_min: 5, db_pool_max: 5, db_acquire_timeout: 3, db_profile: Profile::Baseline }
    }
}

/// Which indexes the databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Those of the specification, bottlenecks included.
    Baseline,
    /// The documented remedies on top.
    Tuned,
}

/// A database's migrations.
pub struct Migrations {
    /// Always run.
    pub base: Migrator,
    /// Run where the profile is `tuned`.
    pub tuned: Option<Migrator>,
}

/// A pool of connections; waits for the first ones.
///
/// # Errors
/// Those of the database.
pub async fn connect(url: &str, settings: &DatabaseSettings) -> Result<PgPool, sqlx::Error> {
    // A pool would say no more than that it timed out.
    let options: PgConnectOptions = url.parse()?;
    options.connect().await?.close().await?;

    PgPoolOptions::new()
        .min_connections(settings.db_pool_min)
        .max_connections(settings.db_pool_max)
        .acquire_timeout(Duration::from_secs(settings.db_acquire_timeout))
        .connect_with(options)
        .await
}

impl Migrations {
    /// Brings the database up to date. Safe to run again, and by several processes at once.
    ///
    /// # Errors
    /// Those of the database, and of a file that was edited after it had been applied.
    pub async fn run(&self, db: &PgPool, profile: Profile) -> Result<(), MigrateError> {
        self.base.run(db).await?;
        if let (Profile::Tuned, Some(tuned)) = (profile, &self.tuned) {
            let mut tuned = Migrator::with_migrations(tuned.iter().cloned().collect());
            tuned.dangerous_set_table_name(Cow::Borrowed("_sqlx_migrations_tuned"));
            tuned.run(db).await?;
        }
        Ok(())
    }
}

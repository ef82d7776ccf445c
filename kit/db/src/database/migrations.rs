//! The migrations of a database: which were applied, and with which versions their result is compatible.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection,
    migrate::{MigrateError, Migration, Migrator},
    query, query_as, query_scalar,
};
use tracing::warn;

use crate::DbPool;

/// Which indexes the databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// The indexes of the specification, including its known bottlenecks.
    Baseline,
    /// Also the indexes that the specification documents as remedies.
    Tuned,
}

/// A database's migrations.
pub struct Migrations {
    /// The migrations of every profile.
    pub base: Migrator,
    /// Additional migrations of the profile `tuned`.
    pub tuned: Option<Migrator>,
}

/// The reason why a database is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed.
    #[error(transparent)]
    Failed(#[from] MigrateError),
    /// A migration is pending, and this role may not apply it.
    #[error(
        "migration {0} is pending, and this role may not apply it: run `lyceum migrate` with the owner's database URL"
    )]
    Pending(i64),
    /// A newer version has applied a migration, and does not say that this version may work on its result.
    #[error(
        "migration {0} was applied by a newer version, and does not say that this version can work with it: start the \
         newer version, or restore a backup of before"
    )]
    Newer(i64),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

const APPLIED: &str = "_sqlx_migrations";
const APPLIED_TUNED: &str = "_sqlx_migrations_tuned";

impl Migrations {
    /// Applies pending migrations, or checks that none is pending if only the owner may apply them. Idempotent, and
    /// safe in concurrent processes.
    ///
    /// # Errors
    /// [`MigrationError`]: a migration failed, an applied file was edited, or migrations are pending and this role may
    /// not run them.
    pub async fn run(&self, db: impl Into<DbPool>, profile: Profile) -> Result<(), MigrationError> {
        // Outside the pool: its timeouts are disabled.
        let mut db = db.into().connect().await?;
        let tuned = self.tuned_of(profile);
        if let Some(newer) = require_compatible(&mut db, &self.base).await? {
            let known = newest(&self.base);
            warn!(migration = newer, known, "the database was migrated by a newer version, which is compatible");
        }
        if may_migrate(&mut db).await? {
            db.execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0").await?;
            // Those of a newer version are compatible with this one.
            let mut base = Migrator::with_migrations(self.base.iter().cloned().collect());
            base.set_ignore_missing(true);
            base.run(&mut db).await?;
            record_compatibility(&mut db, &self.base).await?;
            if let Some(tuned) = tuned {
                let mut tuned = Migrator::with_migrations(tuned.iter().cloned().collect());
                tuned.dangerous_set_table_name(Cow::Borrowed(APPLIED_TUNED));
                // They are indexes, of which a program need not know.
                tuned.set_ignore_missing(true);
                tuned.run(&mut db).await?;
            }
        } else {
            require_applied(&mut db, &self.base, APPLIED).await?;
            if let Some(tuned) = tuned {
                require_applied(&mut db, tuned, APPLIED_TUNED).await?;
            }
        }
        Ok(db.close().await?)
    }

    /// Checks that a database is up to date, and changes nothing. Returns the number of its newest migration if a newer,
    /// compatible version has applied it.
    ///
    /// # Errors
    /// [`MigrationError`]: a migration is pending, was edited, or is of a newer version that is not compatible.
    pub async fn check(&self, db: &mut PgConnection, profile: Profile) -> Result<Option<i64>, MigrationError> {
        let newer = require_compatible(db, &self.base).await?;
        require_applied(db, &self.base, APPLIED).await?;
        if let Some(tuned) = self.tuned_of(profile) {
            require_applied(db, tuned, APPLIED_TUNED).await?;
        }
        Ok(newer)
    }

    /// The names of the indexes that these migrations make, without those of primary keys and other constraints.
    #[must_use]
    pub fn indexes(&self, profile: Profile) -> BTreeSet<String> {
        let mut indexes = BTreeSet::new();
        for migration in self.base.iter().chain(self.tuned_of(profile).into_iter().flat_map(Migrator::iter)) {
            for statement in migration.sql.as_str().split(';') {
                follow_index(statement, &mut indexes);
            }
        }
        indexes
    }

    fn tuned_of(&self, profile: Profile) -> Option<&Migrator> {
        self.tuned.as_ref().filter(|_| profile == Profile::Tuned)
    }
}

/// Follows what a statement does to an index, in the few forms that our files have.
fn follow_index(statement: &str, indexes: &mut BTreeSet<String>) {
    let code = statement.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<_> = code.flat_map(str::split_whitespace).collect();
    for start in 0..words.len() {
        match &words[start..] {
            ["index", "if", "not", "exists", name, ..] => _ = indexes.insert((*name).to_owned()),
            ["drop", "index", "if", "exists", name, ..] => _ = indexes.remove(*name),
            ["alter", "index", old, "rename", "to", new, ..] => {
                indexes.remove(*old);
                indexes.insert((*new).to_owned());
            }
            _ => {}
        }
    }
}

/// What a migration's file says of the versions that can work on its result: those that know migration `055`.
const COMPATIBLE_SINCE: &str = "-- Compatible since: ";

fn compatible_since(migration: &Migration) -> Option<i64> {
    let lines = migration.sql.as_str().lines();
    lines.filter_map(|line| line.strip_prefix(COMPATIBLE_SINCE)).find_map(|number| number.trim().parse().ok())
}

/// Writes what the files say beside the migrations that were applied, where an older version, which does not have them,
/// reads it.
async fn record_compatibility(db: &mut PgConnection, migrator: &Migrator) -> Result<(), sqlx::Error> {
    if !records_compatibility(db).await? {
        let statement = format!("alter table {APPLIED} add column if not exists compatible_since bigint");
        db.execute(AssertSqlSafe(statement)).await?;
    }
    let update = format!(
        "update {APPLIED} set compatible_since = $2 where version = $1 and compatible_since is distinct from $2"
    );
    for migration in migrator.iter() {
        if let Some(since) = compatible_since(migration) {
            query(AssertSqlSafe(update.clone())).bind(migration.version).bind(since).execute(&mut *db).await?;
        }
    }
    Ok(())
}

async fn records_compatibility(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let statement = "select exists (
        select from pg_attribute where attrelid = to_regclass($1) and attname = 'compatible_since' and not attisdropped)";
    query_scalar(statement).bind(APPLIED).fetch_one(db).await
}

fn newest(migrator: &Migrator) -> Option<i64> {
    migrator.iter().map(|migration| migration.version).max()
}

/// Fails if a newer version has applied a migration whose result this version may not understand; returns the newest
/// one that it may.
async fn require_compatible(db: &mut PgConnection, migrator: &Migrator) -> Result<Option<i64>, MigrationError> {
    let Some(newest) = newest(migrator) else { return Ok(None) };
    let exists = "select to_regclass($1) is not null and has_table_privilege($1, 'select')";
    let is_readable: bool = query_scalar(exists).bind(APPLIED).fetch_one(&mut *db).await?;
    if !is_readable {
        return Ok(None);
    }
    let since = if records_compatibility(db).await? { "compatible_since" } else { "null::bigint" };
    let statement = format!("select version, {since} from {APPLIED} where version > $1 order by version");
    let newer: Vec<(i64, Option<i64>)> = query_as(AssertSqlSafe(statement)).bind(newest).fetch_all(db).await?;
    let is_compatible = |since: &Option<i64>| since.is_some_and(|since| since <= newest);
    if let Some((version, _)) = newer.iter().find(|(_, since)| !is_compatible(since)) {
        return Err(MigrationError::Newer(*version));
    }
    Ok(newer.last().map(|(version, _)| *version))
}

/// Whether this role owns the migration table, or may create it.
async fn may_migrate(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let statement = "select coalesce(
        (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass($1)),
        has_schema_privilege(current_schema(), 'create'),
        false
    )";
    query_scalar(statement).bind(APPLIED).fetch_one(db).await
}

async fn require_applied(db: &mut PgConnection, migrator: &Migrator, table: &str) -> Result<(), MigrationError> {
    let exists = query_scalar("select to_regclass($1) is not null and has_table_privilege($1, 'select')").bind(table);
    let is_readable = exists.fetch_one(&mut *db).await?;
    let applied: HashMap<i64, Vec<u8>> = if is_readable {
        let statement = AssertSqlSafe(format!("select version, checksum from {table} where success"));
        query_as(statement).fetch_all(db).await?.into_iter().collect()
    } else {
        HashMap::new()
    };
    for migration in migrator.iter() {
        match applied.get(&migration.version) {
            None => return Err(MigrationError::Pending(migration.version)),
            Some(checksum) if **checksum != *migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

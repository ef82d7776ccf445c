//! A subgraph's database: its server, its schema, and what it holds.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use db::database::{DatabaseSettings, Encryption, Inspected, MigrationError};
use messaging::BACKGROUND_CONNECTIONS;
use service::SubgraphDefinition;
use sqlx::{Connection as _, Executor as _, PgConnection, query_as, query_scalar};

use super::{events, report::Report, rows, settings::Settings};

/// How long a database has to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The oldest major version that has all that is used, and the one that is tested.
const MIN_VERSION: i32 = 14;
const TESTED_VERSION: i32 = 16;

/// How far clocks that are synchronized may be apart.
const MAX_USUAL_CLOCK_SKEW: TimeDelta = TimeDelta::seconds(2);
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);

const MAX_REPLICATION_LAG_SECONDS: f64 = 10.0;

const MIGRATIONS: &str = "migrations";
const INDEXES: &str = "indexes";

/// The connections of a process beside those for requests and events: it listens for notifications, looks whether it is
/// ready, and identity sends mail.
const OTHER_CONNECTIONS: u32 = 5;

pub async fn examine(subgraph: &'static SubgraphDefinition, settings: &Settings) -> Report {
    let mut report = Report::new(subgraph.name);
    match connect(subgraph, settings).await {
        Ok(inspected) => examine_connected(subgraph, settings, inspected, &mut report).await,
        Err(error) => {
            let variable = format!("{}_DATABASE_URL", subgraph.name.to_uppercase());
            let advice = format!("start the server, check the network between it and here, or correct {variable}");
            report.problem("connection", format!("cannot connect: {error:#}"), advice);
        }
    }
    report
}

/// To the database itself: a pooler says nothing of its server.
async fn connect(subgraph: &SubgraphDefinition, settings: &Settings) -> Result<Inspected> {
    let direct = settings.direct_urls.0.get(subgraph);
    let url = settings.access().url(subgraph, settings.urls.get(subgraph))?;
    let connections = settings.database.connections;
    if direct.is_some() {
        connections.connect(&url, CONNECT_TIMEOUT).await?.close().await?;
    }
    Ok(connections.inspect(direct.unwrap_or(&url), CONNECT_TIMEOUT).await?)
}

async fn examine_connected(
    subgraph: &SubgraphDefinition,
    settings: &Settings,
    inspected: Inspected,
    report: &mut Report,
) {
    let Inspected { mut connection, encryption, ignored_parameters } = inspected;
    let db = &mut connection;
    report.ok("connection", "accepted");
    examine_encryption(encryption, report);
    for parameter in ignored_parameters {
        report.warning("url", format!("the parameter `{parameter}` has no effect"), "remove it from the URL");
    }
    // Some of what follows reads whole tables.
    let limit = db.execute("set statement_timeout = '30s'").await.map(drop);
    report.warn_if_failed("connection", limit);

    let outcome = version(db, report).await;
    report.warn_if_failed("version", outcome);
    let outcome = writable(db, report).await;
    report.warn_if_failed("writable", outcome);
    let outcome = connections(db, &settings.database, report).await;
    report.warn_if_failed("connections", outcome);
    let outcome = replication(db, report).await;
    report.warn_if_failed("replication", outcome);
    let now = match clock(db, report).await {
        Ok(now) => now,
        Err(error) => return report.warn_if_failed("clock", Err(error)),
    };
    migrations(subgraph, &settings.database, db, report).await;
    if report.has_problem(MIGRATIONS) {
        // What follows depends on the tables.
        return;
    }
    let outcome = indexes(subgraph, &settings.database, db, report).await;
    report.warn_if_failed(INDEXES, outcome);
    let outcome = events::examine(subgraph, now, db, report).await;
    report.warn_if_failed("events", outcome);
    let outcome = rows::examine(subgraph, db, report).await;
    report.warn_if_failed("rows", outcome);
    // It ends with this process in any case.
    let _ = connection.close().await;
}

fn examine_encryption(encryption: Encryption, report: &mut Report) {
    let advice = "use `sslmode=verify-full` with `sslrootcert`";
    match encryption {
        Encryption::Local => report.ok("tls", "not encrypted, on this machine"),
        Encryption::Verified => report.ok("tls", "encrypted, with a verified certificate"),
        Encryption::Unverified => {
            report.warning(
                "tls",
                "encrypted, and the certificate is not verified: another server could answer",
                advice,
            );
        }
        Encryption::Missing => report.warning("tls", "not encrypted: others in the network may read it", advice),
    }
}

async fn version(db: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let statement = "select current_setting('server_version_num')::int / 10000, current_setting('server_version')";
    let (major, version): (i32, String) = query_as(statement).fetch_one(db).await?;
    let message = format!("PostgreSQL {version}");
    match major {
        ..MIN_VERSION => report.problem("version", message, format!("upgrade it to PostgreSQL {TESTED_VERSION}")),
        MIN_VERSION..TESTED_VERSION => {
            report.warning(
                "version",
                message,
                format!("Lyceum is tested with PostgreSQL {TESTED_VERSION}: upgrade it"),
            );
        }
        _ => report.ok("version", message),
    }
    Ok(())
}

async fn writable(db: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let read_only: String = query_scalar("show transaction_read_only").fetch_one(db).await?;
    if read_only == "on" {
        let advice = "name the primary in the URL, or all servers; or end what has made it read-only";
        report.problem("writable", "the server is read-only: a standby, or a former primary", advice);
    } else {
        report.ok("writable", "the server takes changes");
    }
    Ok(())
}

/// Whether the server has the connections that the processes may open.
async fn connections(
    db: &mut PgConnection,
    settings: &DatabaseSettings,
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    let statement = "select current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0),
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend')";
    let (available, used): (i32, i32) = query_as(statement).fetch_one(db).await?;
    let of_process = settings.db_pool_max.saturating_add(BACKGROUND_CONNECTIONS + OTHER_CONNECTIONS);
    let processes = available.unsigned_abs() / of_process.max(1);
    let message = format!(
        "{used} of {available} connections are in use; a process takes up to {of_process}, so {processes} processes fit"
    );
    let advice = "raise `max_connections`, lower LYCEUM_DB_POOL_MAX, run fewer replicas, or use PgBouncer";
    if processes == 0 || used >= available {
        report.problem("connections", message, advice);
    } else if i64::from(used) * 5 > i64::from(available) * 4 {
        report.warning("connections", message, advice);
    } else {
        report.ok("connections", message);
    }
    Ok(())
}

/// As far as this role may see it.
async fn replication(db: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let statement = "select coalesce(nullif(application_name, ''), 'a standby'),
            coalesce(state, 'unknown'), coalesce(extract(epoch from replay_lag), 0)::float8
        from pg_stat_replication where state is distinct from 'backup'";
    let standbys: Vec<(String, String, f64)> = query_as(statement).fetch_all(&mut *db).await?;
    for (name, state, lag) in standbys {
        let message = format!("{} is {state}, and {lag:.1} s behind", name.escape_debug());
        if lag > MAX_REPLICATION_LAG_SECONDS || !["streaming", "unknown"].contains(&&*state) {
            report.warning("replication", message, "check the standby, its disk and the network to it");
        } else {
            report.ok("replication", message);
        }
    }
    let statement = "select slot_name::text, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint
        from pg_replication_slots where not active and not pg_is_in_recovery()";
    let slots: Vec<(String, i64)> = query_as(statement).fetch_all(db).await?;
    for (name, bytes) in slots {
        let message = format!("nobody reads the slot {}, for which {} MB are kept", name.escape_debug(), bytes >> 20);
        report.warning("replication", message, "start its reader, or drop the slot before the disk is full");
    }
    Ok(())
}

/// Compares the server's clock with this machine's; returns the server's time.
async fn clock(db: &mut PgConnection, report: &mut Report) -> Result<DateTime<Utc>, sqlx::Error> {
    let before = Utc::now();
    let there: DateTime<Utc> = query_scalar("select clock_timestamp()").fetch_one(db).await?;
    let round_trip = Utc::now() - before;
    let difference = there - (before + round_trip / 2);
    let certain = difference.abs() - round_trip / 2;
    let side = if difference < TimeDelta::zero() { "behind" } else { "ahead of" };
    let message = format!("the server's clock is {:.1} s {side} this machine's", difference.abs().as_seconds_f64());
    let advice = "synchronize the clocks of both machines (NTP)";
    if certain > MAX_CLOCK_SKEW {
        report.problem("clock", message, advice);
    } else if certain > MAX_USUAL_CLOCK_SKEW {
        report.warning("clock", message, advice);
    } else {
        report.ok("clock", "the server's clock is this machine's");
    }
    Ok(there)
}

async fn migrations(
    subgraph: &SubgraphDefinition,
    settings: &DatabaseSettings,
    db: &mut PgConnection,
    report: &mut Report,
) {
    let name = subgraph.name;
    match (subgraph.migrations)().check(db, settings.db_profile).await {
        Ok(None) => report.ok(MIGRATIONS, "all are applied"),
        Ok(Some(newer)) => report.warning(
            MIGRATIONS,
            format!("{newer:03} was applied by a newer version, which is compatible"),
            "none, during a roll-out or after a roll-back; otherwise start the newer version",
        ),
        Err(MigrationError::Pending(pending)) => report.problem(
            MIGRATIONS,
            format!("{pending:03} is pending, or this role may not see that it was applied"),
            format!("run `lyceum migrate {name}` with the owner's database URL and this LYCEUM_DB_PROFILE"),
        ),
        Err(error @ MigrationError::Newer(_)) => {
            report.problem(MIGRATIONS, error.to_string(), "use this command of the version that runs");
        }
        Err(MigrationError::Failed(error)) => {
            report.problem(MIGRATIONS, error.to_string(), "restore the file that was applied, or a backup");
        }
    }
}

async fn indexes(
    subgraph: &SubgraphDefinition,
    settings: &DatabaseSettings,
    db: &mut PgConnection,
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    let statement = "select relname::text, indisvalid from pg_index join pg_class on pg_class.oid = indexrelid
        where relnamespace = current_schema()::regnamespace";
    let existing: BTreeMap<String, bool> =
        query_as::<_, (String, bool)>(statement).fetch_all(db).await?.into_iter().collect();
    let name = subgraph.name;
    for (index, _) in existing.iter().filter(|(_, is_valid)| !**is_valid) {
        let advice = format!("`reindex index concurrently {index}`");
        report.problem(INDEXES, format!("{index} is invalid, since building it was interrupted"), advice);
    }
    let expected = (subgraph.migrations)().indexes(settings.db_profile);
    for index in expected.iter().filter(|index| !existing.contains_key(*index)) {
        let advice = format!("run its `create index` of migrations/{name}/ again, with `concurrently`");
        report.problem(INDEXES, format!("{index} is missing"), advice);
    }
    if !report.has_problem(INDEXES) {
        report.ok(INDEXES, format!("all {} of the profile are there", expected.len()));
    }
    Ok(())
}

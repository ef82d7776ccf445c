//! `lyceum seed`: fills the databases with the data set that the platform's team tested with. The data set is generated
//! first (`plan`), then all tables are filled with its `rows` concurrently, each in one transaction.

mod copy;
mod course;
mod enrollment;
mod identity;
mod message;
mod notification;
mod payment;
mod plan;
mod progress;
mod rng;
mod row_counts;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod timeline;
mod vocabulary;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use db::DbPool;
use indicatif::HumanCount;
use service::SubgraphDefinition;
use tokio::task::JoinSet;

use self::copy::{Content, Load};
pub use self::identity::PASSWORD;
use self::plan::Plan;
pub use self::progress::Progress;
use self::table::Table;
pub use self::timeline::END;

/// A student with some forty enrollments, a dozen payments and unread notifications.
pub const SAMPLE_STUDENT: &str = "student1@lyceum.example";
/// A verified teacher of popular courses.
pub const SAMPLE_TEACHER: &str = "teacher1@lyceum.example";
/// A teacher who is not verified yet.
pub const UNVERIFIED_TEACHER: &str = "teacher2@lyceum.example";

const DEFAULT_SCALE: f64 = 1.0;
const DEFAULT_SEED: u64 = 20_260_101;
const SMALLEST_SCALE: f64 = 0.001;
const LARGEST_SCALE: f64 = 20.0;

/// What to fill the databases with.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// The size of the data set, from 0.001 to 20: 1 is 50,000 users, 100,000 courses, 200,000 enrollments and 50,000
    /// payments.
    #[arg(long, default_value_t = DEFAULT_SCALE, value_parser = parse_scale)]
    pub scale: f64,

    /// The seed of the random numbers: the same seed gives the same rows.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { scale: DEFAULT_SCALE, seed: DEFAULT_SEED }
    }
}

/// Parses a scale; also for other commands that take one.
pub fn parse_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (SMALLEST_SCALE..=LARGEST_SCALE).contains(&scale) => Ok(scale),
        _ => Err(format!("expected a number from {SMALLEST_SCALE} to {LARGEST_SCALE}")),
    }
}

/// The migrated databases to fill.
#[derive(Clone)]
pub struct SeedDatabases {
    pub identity: DbPool,
    pub course: DbPool,
    pub enrollment: DbPool,
    pub payment: DbPool,
    pub notification: DbPool,
}

impl SeedDatabases {
    /// Those of a system, whose databases `get` finds.
    pub fn of<'a>(get: impl Fn(&SubgraphDefinition) -> &'a DbPool) -> Self {
        Self {
            identity: get(&::identity::DEFINITION).clone(),
            course: get(&::course::DEFINITION).clone(),
            enrollment: get(&::enrollment::DEFINITION).clone(),
            payment: get(&::payment::DEFINITION).clone(),
            notification: get(&::notification::DEFINITION).clone(),
        }
    }

    fn tables(&self) -> [(&DbPool, Table); 5] {
        [
            (&self.identity, rows::USERS),
            (&self.course, rows::COURSES),
            (&self.enrollment, rows::ENROLLMENTS),
            (&self.payment, rows::PAYMENTS),
            (&self.notification, rows::NOTIFICATIONS),
        ]
    }
}

/// Fills empty tables, skips those that this seed has filled before, and rejects all else before it writes anything. So
/// an interrupted run is completed by running it again.
pub async fn run(databases: &SeedDatabases, options: &Options, progress: &Progress) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let preparing = progress.preparing();
    let plan = generate(*options).await?;
    let loads = loads(databases, &plan);
    for load in &loads {
        let found = load.inspect(&mut *load.pool.acquire().await?).await?;
        reject_other_data(load.table, found, options)?;
    }
    drop(preparing);

    let mut running = JoinSet::new();
    for load in loads {
        let (table, rows) = (load.table, load.ids.len());
        let bar = progress.table(table, rows);
        let plan = Arc::clone(&plan);
        running.spawn(async move { (table, rows, load.run(plan, bar).await) });
    }
    let mut tables = Vec::new();
    while let Some(finished) = running.join_next().await {
        let (table, rows, found) = finished.context("the writer of a table was aborted")?;
        let found = found
            .with_context(|| format!("seeding {} failed: run the same command again to complete it", table.database))?;
        reject_other_data(table, found, options)?;
        tables.push(TableSummary {
            database: table.database,
            table: table.name,
            rows,
            is_new: found == Content::Nothing,
        });
    }
    tables.sort_by_key(|done| databases.tables().iter().position(|(_, table)| table.name == done.table));
    Ok(Summary { tables, elapsed: started.elapsed() })
}

/// Whether `run` has work that overwrites nothing: all tables are empty, or this seed was interrupted. Cheap once every
/// table has rows.
pub async fn is_wanted(databases: &SeedDatabases, options: &Options) -> anyhow::Result<bool> {
    let tables = databases.tables();
    let mut empty = 0;
    for (pool, table) in tables {
        empty += usize::from(copy::is_empty(&mut *pool.acquire().await?, table).await?);
    }
    if empty == 0 {
        return Ok(false);
    }
    if empty == tables.len() {
        return Ok(true);
    }

    let plan = generate(*options).await?;
    for load in loads(databases, &plan) {
        if let Content::OtherData { .. } = load.inspect(&mut *load.pool.acquire().await?).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn generate(options: Options) -> anyhow::Result<Arc<Plan>> {
    parse_scale(&options.scale.to_string())
        .map_err(|reason| anyhow::anyhow!("the scale {}: {reason}", options.scale))?;
    let plan = tokio::task::spawn_blocking(move || Plan::generate(options.scale, options.seed))
        .await
        .context("cannot generate the data set")??;
    Ok(Arc::new(plan))
}

fn loads(databases: &SeedDatabases, plan: &Plan) -> [Load; 5] {
    let SeedDatabases { identity, course, enrollment, payment, notification } = databases.clone();
    [
        Load { table: rows::USERS, pool: identity, ids: plan.user_ids(), write: rows::user, then: None },
        Load { table: rows::COURSES, pool: course, ids: plan.course_ids(), write: rows::course, then: None },
        Load {
            table: rows::ENROLLMENTS,
            pool: enrollment,
            ids: plan.enrollment_ids(),
            write: rows::enrollment,
            then: Some(rows::PAYMENT_REDEMPTIONS),
        },
        Load { table: rows::PAYMENTS, pool: payment, ids: plan.payment_ids(), write: rows::payment, then: None },
        Load {
            table: rows::NOTIFICATIONS,
            pool: notification,
            ids: plan.notification_ids(),
            write: rows::notification,
            then: None,
        },
    ]
}

fn reject_other_data(table: Table, found: Content, options: &Options) -> anyhow::Result<()> {
    let Content::OtherData { rows } = found else { return Ok(()) };
    let Table { database, name, .. } = table;
    let Options { scale, seed } = options;
    bail!(
        "the table {name} of the database {database} holds other data: {} rows that are not exactly those of \
         --scale {scale} --seed {seed}. That table was left as it is. Seed empty databases, or use \
         the scale and the seed number that these were filled with.",
        HumanCount(rows.unsigned_abs())
    )
}

/// The result of `run`. Displayed as a small table.
#[derive(Debug)]
pub struct Summary {
    pub tables: Vec<TableSummary>,
    pub elapsed: Duration,
}

/// One table's part of a `Summary`.
#[derive(Debug)]
pub struct TableSummary {
    pub database: &'static str,
    pub table: &'static str,
    pub rows: usize,
    /// `false` where an earlier run wrote the rows.
    pub is_new: bool,
}

impl Summary {
    /// Whether nothing was written, because all rows existed.
    pub fn was_already_seeded(&self) -> bool {
        self.tables.iter().all(|table| !table.is_new)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:14} {:14} {:>11}", "database", "table", "rows")?;
        for TableSummary { database, table, rows, is_new } in &self.tables {
            let note = if *is_new { "" } else { "  (already there)" };
            writeln!(f, "{database:14} {table:14} {:>11}{note}", HumanCount(*rows as u64).to_string())?;
        }
        if self.was_already_seeded() {
            write!(f, "already seeded: nothing to do")
        } else {
            write!(f, "done in {:.1} seconds", self.elapsed.as_secs_f64())
        }
    }
}

//! Loads one table by `PostgreSQL`'s binary `COPY`: sqlx encodes each value, so nothing is escaped or parsed again.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use db::DbPool;
use sqlx::encode::IsNull;
use sqlx::postgres::{PgArgumentBuffer, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Encode, PgConnection};
use uuid::Uuid;

use super::plan::Plan;
use super::progress::Bar;
use super::table::Table;
use super::timeline::END;

/// Bytes that are sent to the server at a time.
const CHUNK: usize = 256 * 1024;
/// The header of a binary `COPY`: signature, flags, length of the extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The trailer: a row of -1 fields.
const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// A table with the rows to load.
pub struct Load {
    pub table: Table,
    pub pool: DbPool,
    pub ids: Vec<Uuid>,
    pub write: fn(&Plan, usize, &mut Row<'_>),
    /// SQL that derives other rows from these, in the same transaction.
    pub then: Option<&'static str>,
}

/// The content of a table before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Nothing,
    /// Every row of this seed, and perhaps newer rows.
    ThisSeed,
    /// `rows` rows that are not, or not all and only, those of this seed.
    OtherData {
        rows: i64,
    },
}

impl Load {
    /// Fills the table in one transaction, if it is empty; returns its content before.
    pub async fn run(self, plan: Arc<Plan>, bar: Bar) -> anyhow::Result<Content> {
        let name = self.table.name;
        let found = self.fill(&plan, &bar).await.with_context(|| format!("cannot fill the table {name}"))?;
        if found == Content::Nothing {
            // Not possible within a transaction. Also sets the visibility map and hint bits, which the first readers
            // would otherwise do.
            self.analyze().await.with_context(|| format!("cannot analyze {name}"))?;
        }
        bar.finish(self.ids.len(), found == Content::Nothing);
        Ok(found)
    }

    async fn analyze(&self) -> sqlx::Result<()> {
        // A dedicated connection: it has no statement timeout.
        let mut connection = self.pool.connect().await?;
        sqlx::raw_sql("set statement_timeout = 0").execute(&mut connection).await?;
        let statement = AssertSqlSafe(format!("vacuum (analyze) {}", self.table.name));
        sqlx::raw_sql(statement).execute(&mut connection).await?;
        connection.close().await
    }

    async fn fill(&self, plan: &Plan, bar: &Bar) -> anyhow::Result<Content> {
        let Table { name, columns, .. } = self.table;
        // A dedicated connection: an interrupted COPY leaves it unusable.
        let mut connection = self.pool.connect().await?;
        let mut tx = connection.begin().await?;
        // Locks out a second seed and other writers, not readers. COPY is a single statement, which a statement timeout
        // would abort.
        let lock = format!("set local statement_timeout = 0; lock table {name} in share row exclusive mode");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *tx).await?;
        let found = self.inspect(&mut tx).await?;
        if found != Content::Nothing {
            return Ok(found);
        }

        let statement = format!("copy {name} ({columns}) from stdin (format binary)");
        let mut copy = tx.copy_in_raw(&statement).await?;
        let mut buffer = PgArgumentBuffer::default();
        buffer.extend_from_slice(HEADER);
        for (done, index) in self.in_order_of_ids().into_iter().enumerate() {
            let mut row = Row::begin(&mut buffer);
            (self.write)(plan, index, &mut row);
            if buffer.len() >= CHUNK {
                copy.send(buffer.as_slice()).await?;
                buffer.clear();
                bar.reached(done + 1);
            }
        }
        buffer.extend_from_slice(TRAILER);
        copy.send(buffer.as_slice()).await?;
        let rows = copy.finish().await?;
        ensure!(rows == self.ids.len() as u64, "{name} received {rows} of {} rows", self.ids.len());
        if let Some(then) = self.then {
            sqlx::raw_sql(then).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        connection.close().await?;
        Ok(found)
    }

    /// Rows are stored in insertion order.
    fn in_order_of_ids(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        order.sort_unstable_by_key(|&index| self.ids[index]);
        order
    }

    /// Inspects the table by its ids: the seed's are of a past year, so rows that were added since have later ones.
    pub async fn inspect(&self, db: &mut PgConnection) -> anyhow::Result<Content> {
        let name = self.table.name;
        if is_empty(&mut *db, self.table).await? {
            return Ok(Content::Nothing);
        }
        let statement = format!(
            "select count(*), count(*) filter (where id < $1),
                    coalesce(bit_xor(('x' || encode(substring(uuid_send(id) from 9), 'hex'))::bit(64)::bigint)
                             filter (where id < $1), 0)
             from {name}"
        );
        let (rows, ours, fingerprint): (i64, i64, i64) =
            sqlx::query_as(AssertSqlSafe(statement)).bind(first_id_after_the_seed()).fetch_one(db).await?;

        let complete = usize::try_from(ours) == Ok(self.ids.len()) && fingerprint == fingerprint_of(&self.ids);
        Ok(if complete { Content::ThisSeed } else { Content::OtherData { rows } })
    }
}

/// Whether a table is empty.
pub async fn is_empty(db: &mut PgConnection, table: Table) -> anyhow::Result<bool> {
    let Table { database, name, .. } = table;
    let statement = AssertSqlSafe(format!("select not exists (select from {name})"));
    sqlx::query_scalar(statement)
        .fetch_one(db)
        .await
        .with_context(|| format!("cannot read the table {name} of the database {database}"))
}

fn first_id_after_the_seed() -> Uuid {
    let end = u64::try_from(END).expect("is after 1970");
    uuid::Builder::from_unix_timestamp_millis(end, &[0; 10]).into_uuid()
}

/// XOR of all ids' lower halves, which the database can compute, too.
fn fingerprint_of(ids: &[Uuid]) -> i64 {
    ids.iter().fold(0, |fingerprint, id| fingerprint ^ id.as_u64_pair().1.cast_signed())
}

/// A row that is being encoded.
pub struct Row<'a> {
    buffer: &'a mut PgArgumentBuffer,
    start: usize,
    fields: i16,
}

impl<'a> Row<'a> {
    fn begin(buffer: &'a mut PgArgumentBuffer) -> Self {
        let start = buffer.len();
        buffer.extend_from_slice(&0_i16.to_be_bytes());
        Self { buffer, start, fields: 0 }
    }

    /// Appends the next column's value.
    pub fn put<'v>(&mut self, value: impl Encode<'v, Postgres>) {
        let length_at = self.begin_field();
        let is_null = value.encode_by_ref(self.buffer).expect("the seed's values are within their columns' ranges");
        debug_assert!(matches!(is_null, IsNull::No), "see put_null");
        let length = i32::try_from(self.buffer.len() - length_at - 4).expect("the seed's texts are short");
        self.buffer[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// Appends null, encoded as length -1.
    pub fn put_null(&mut self) {
        let length_at = self.begin_field();
        self.buffer[length_at..].copy_from_slice(&(-1_i32).to_be_bytes());
    }

    /// Counts the field, and reserves space for its length.
    fn begin_field(&mut self) -> usize {
        self.fields += 1;
        self.buffer[self.start..self.start + 2].copy_from_slice(&self.fields.to_be_bytes());
        let length_at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        length_at
    }
}

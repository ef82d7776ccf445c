//! The results of a load: as text, tables, a chart, and JSON.

use std::{collections::BTreeMap, fmt, fmt::Write as _, fs, path::Path, sync::atomic::Ordering};

use anyhow::Result;
use goose::metrics::GooseMetrics;
use serde::Serialize;

use crate::{
    bottleneck::Ranking,
    ledger::Reconciliation,
    plan::{Plan, Profile},
    scenarios::Progress,
    search::SearchMeasurement,
    shape::Shape,
};

/// The maximum number of resources in the report.
const MAX_SHOWN: usize = 5;
const WIDTH: f64 = 960.0;
const NAME_WIDTH: f64 = 250.0;
const BAR_HEIGHT: f64 = 9.0;
const ROW_HEIGHT: f64 = 30.0;
const HEADER_HEIGHT: f64 = 56.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8c959f;stroke-opacity:.3}\
    .baseline{fill:#cf222e}.tuned{fill:#0969da}\
    @media(prefers-color-scheme:dark){text{fill:#9198a1}.baseline{fill:#ff7b72}.tuned{fill:#4493f8}}";

/// A load and its results.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The profile of the databases.
    pub profile: Profile,
    /// The number of users over time.
    pub shape: Shape,
    /// The maximum number of users.
    pub users: usize,
    /// The duration in seconds.
    pub seconds: usize,
    /// The measurements by request.
    pub rows: Vec<Row>,
    /// Failed requests by error.
    pub errors: BTreeMap<String, usize>,
    /// Failures before a request could be sent, by error.
    pub broken: BTreeMap<String, usize>,
    /// Deliveries to subscriptions.
    pub notifications: Notifications,
    /// The comparison with accounts.
    pub reconciliation: Reconciliation,
    /// The resources by cost.
    pub ranking: Ranking,
    /// Lines of the system's log that would trigger an alert.
    pub log: Vec<String>,
}

/// Deliveries of notifications to subscriptions.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Notifications {
    /// Distinct notifications that were received.
    pub received: u64,
    /// Notifications that were not received.
    pub missed: u64,
    /// Notifications that were received more than once.
    pub repeated: u64,
}

/// One kind of request of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The scenario and its request.
    pub name: String,
    /// The number of requests.
    pub requests: usize,
    /// The number of failed requests.
    pub errors: usize,
    /// Median response time in milliseconds.
    pub p50: f64,
    /// 95th percentile in milliseconds.
    pub p95: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
}

impl Row {
    /// One row per request.
    #[must_use]
    pub fn of(metrics: &GooseMetrics) -> Vec<Self> {
        let row = |counted: &goose::metrics::GooseRequestMetricAggregate| {
            #[expect(clippy::cast_precision_loss, reason = "microseconds of a request")]
            let percentile = |part| counted.raw_data.percentile_us(part) as f64 / 1_000.0;
            Self {
                name: counted.path.clone(),
                requests: counted.success_count + counted.fail_count,
                errors: counted.fail_count,
                p50: percentile(0.5),
                p95: percentile(0.95),
                p99: percentile(0.99),
            }
        };
        let mut rows: Vec<_> = metrics.requests.values().map(row).collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }
}

impl Outcome {
    /// Assembles the results of a load.
    #[must_use]
    pub fn new(
        plan: &Plan,
        counted: &GooseMetrics,
        progress: &Progress,
        reconciliation: Reconciliation,
        ranking: Ranking,
        log: Vec<String>,
    ) -> Self {
        let read = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
        let error = |error: &goose::metrics::GooseErrorMetricAggregate| {
            (format!("{}: {}", error.name, error.error), error.occurrences)
        };
        let broken = counted
            .transaction_errors
            .values()
            .map(|error| (format!("{}: {}", error.scenario_name, error.error), error.occurrences));
        Self {
            profile: plan.profile,
            shape: plan.shape,
            users: plan.users,
            seconds: counted.duration,
            rows: Row::of(counted),
            errors: counted.errors.values().map(error).collect(),
            broken: broken.collect(),
            notifications: Notifications {
                received: read(&progress.received),
                missed: read(&progress.missed),
                repeated: read(&progress.repeated),
            },
            reconciliation,
            ranking,
            log,
        }
    }

    /// The number of requests.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.rows.iter().map(|row| row.requests).sum()
    }

    /// The number of failed requests.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.rows.iter().map(|row| row.errors).sum()
    }

    fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = self.requests() as f64 / self.seconds.max(1) as f64;
        rate
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, shape, users, seconds, notifications, reconciliation, ranking, .. } = self;
        let shape = format!("{shape:?}").to_lowercase();
        writeln!(f, "\n{}, {shape}, {users} people, {seconds} s", profile.name())?;
        writeln!(
            f,
            "{:42} {:>8} {:>7} {:>9} {:>9} {:>9}",
            "request", "requests", "errors", "p50, ms", "p95, ms", "p99, ms"
        )?;
        for Row { name, requests, errors, p50, p95, p99 } in &self.rows {
            writeln!(f, "{name:42} {requests:8} {errors:7} {p50:9.1} {p95:9.1} {p99:9.1}")?;
        }
        writeln!(f, "{:42} {:8} {:7}  {:.1} a second", "all", self.requests(), self.failures(), self.per_second())?;
        for (error, count) in self.errors.iter().chain(&self.broken) {
            writeln!(f, "  {count} times {error}")?;
        }
        let Notifications { received, missed, repeated } = notifications;
        writeln!(f, "notifications: {received} received, {missed} missed, {repeated} twice")?;
        let Reconciliation { purchases, enrolled, gained, differences } = reconciliation;
        writeln!(
            f,
            "{purchases} purchases are {} payments; with {enrolled} free places they are {} enrollments",
            gained.payments, gained.enrollments
        )?;
        for difference in differences {
            writeln!(f, "  {difference}")?;
        }
        writeln!(f, "bottleneck: {}", ranking.sentence(ranking.bottleneck()))?;
        for resource in ranking.resources.iter().take(MAX_SHOWN).skip(1) {
            writeln!(f, "  then {}", ranking.sentence(resource))?;
        }
        for line in &self.log {
            writeln!(f, "log: {line}")?;
        }
        Ok(())
    }
}

/// All results.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// One outcome per profile.
    pub outcomes: Vec<Outcome>,
    /// Measurements of searches without other load.
    pub searches: Vec<SearchMeasurement>,
}

impl Report {
    /// Writes `load.json`, `load.md` and `load.svg`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("load.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join("load.md"), self.tables())?;
        fs::write(folder.join("load.svg"), self.chart())?;
        Ok(())
    }

    /// The rows of each request, by profile.
    fn by_name(&self) -> BTreeMap<&str, Vec<Option<&Row>>> {
        let mut by_name: BTreeMap<&str, Vec<Option<&Row>>> = BTreeMap::new();
        for (index, outcome) in self.outcomes.iter().enumerate() {
            for row in &outcome.rows {
                by_name.entry(&row.name).or_insert_with(|| vec![None; self.outcomes.len()])[index] = Some(row);
            }
        }
        by_name
    }

    fn tables(&self) -> String {
        let headers = |what: &str| {
            let headers: Vec<_> =
                self.outcomes.iter().map(|outcome| format!(" {}: {what} |", outcome.profile.name())).collect();
            headers.concat()
        };
        let columns = ["requests", "errors", "p50, ms", "p95, ms", "p99, ms"];
        let mut tables = format!(
            "| request |{}\n|{}\n",
            columns.map(headers).concat(),
            " --- |".repeat(1 + columns.len() * self.outcomes.len())
        );
        for (name, rows) in self.by_name() {
            let cells = |value: fn(&Row) -> String| {
                let cells: Vec<_> =
                    rows.iter().map(|row| format!(" {} |", row.map_or_else(String::new, value))).collect();
                cells.concat()
            };
            _ = writeln!(
                tables,
                "| {name} |{}{}{}{}{}",
                cells(|row| row.requests.to_string()),
                cells(|row| row.errors.to_string()),
                cells(|row| format!("{:.1}", row.p50)),
                cells(|row| format!("{:.1}", row.p95)),
                cells(|row| format!("{:.1}", row.p99)),
            );
        }
        for outcome in &self.outcomes {
            _ = writeln!(tables, "\n```text\n{}```", outcome.to_string().trim_start());
        }
        if !self.searches.is_empty() {
            tables += "\n| word | courses | total | requests/s | p50, ms | p99, ms |\n| --- | --- | --- | --- | --- | --- |\n";
        }
        for SearchMeasurement { word, courses, with_total, per_second, p50, p99, .. } in &self.searches {
            let total = if *with_total { "yes" } else { "no" };
            _ = writeln!(tables, "| {word} | {courses} | {total} | {per_second:.0} | {p50:.1} | {p99:.1} |");
        }
        tables
    }

    /// The 99th percentiles as bars, on a logarithmic scale from 1 ms to 10 s.
    fn chart(&self) -> String {
        let by_name = self.by_name();
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let height = HEADER_HEIGHT + by_name.len() as f64 * ROW_HEIGHT + 16.0;
        let scale = (WIDTH - NAME_WIDTH - 90.0) / 4.0;
        let x = |milliseconds: f64| NAME_WIDTH + milliseconds.clamp(1.0, 10_000.0).log10() * scale;
        let mut chart = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"99th percentile of each request under load, by profile\">\n<style>{STYLE}</style>\n\
             <text x=\"12\" y=\"20\">99th percentile, ms</text>\n"
        );
        for (index, outcome) in self.outcomes.iter().enumerate() {
            let (name, at) = (outcome.profile.name(), if index == 0 { NAME_WIDTH } else { NAME_WIDTH + 90.0 });
            _ = writeln!(
                chart,
                "<rect class=\"{name}\" x=\"{at}\" y=\"11\" width=\"{BAR_HEIGHT}\" height=\"{BAR_HEIGHT}\"/><text x=\"{}\" y=\"20\">{name}</text>",
                at + 14.0
            );
        }
        for milliseconds in [1.0, 10.0, 100.0, 1_000.0, 10_000.0] {
            let at = x(milliseconds);
            _ = writeln!(
                chart,
                "<path class=\"grid\" d=\"M{at:.1} {HEADER_HEIGHT}V{}\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{milliseconds}</text>",
                height - 12.0,
                HEADER_HEIGHT - 8.0
            );
        }
        let mut y = HEADER_HEIGHT + 8.0;
        for (name, rows) in by_name {
            _ = writeln!(
                chart,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                NAME_WIDTH - 8.0,
                y + 13.0
            );
            for (index, row) in rows.iter().enumerate() {
                let Some(Row { p99, .. }) = row else { continue };
                #[expect(clippy::cast_precision_loss, reason = "one of two")]
                let top = y + index as f64 * (BAR_HEIGHT + 1.0);
                let class = self.outcomes[index].profile.name();
                _ = writeln!(
                    chart,
                    "<rect class=\"{class}\" x=\"{NAME_WIDTH}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\">{p99:.0}</text>",
                    x(*p99) - NAME_WIDTH,
                    x(*p99) + 4.0,
                    top + BAR_HEIGHT
                );
            }
            y += ROW_HEIGHT;
        }
        chart + "</svg>\n"
    }
}

//! Finds the bottleneck of a load from `/metrics` alone.

use std::{collections::HashMap, fmt};

use serde::Serialize;

use crate::metrics::Metrics;

const STATEMENTS: &str = "db_client_operation_duration_seconds";
const CONNECTION_WAITS: &str = "db_client_connection_wait_time_seconds_sum";
const SCAN_WAITS: &str = "lyceum_scan_wait_time_seconds_sum";
/// The metric that is also sampled during the load.
pub const CONNECTIONS: &str = "db_client_connection_count";
const ANSWERS: &str = "lyceum_subgraph_request_duration_seconds_sum";
const POOL: &str = "db_client_connection_pool_name";

/// The resources by which time was spent during a load, most expensive first.
#[derive(Clone, Debug, Serialize)]
pub struct Ranking {
    /// The resources, most expensive first.
    pub resources: Vec<Resource>,
    /// Seconds of all statements together.
    pub databases: f64,
    /// Seconds of all subgraph responses together. Not the clients' waiting time: deduplicated requests share one
    /// response.
    pub answers: f64,
}

/// A consumer of time: a kind of statement on a database, or the subgraphs themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resource {
    /// The database; none for the subgraphs' own time.
    pub database: Option<String>,
    /// The kind of statement.
    pub what: String,
    /// Total seconds.
    pub seconds: f64,
    /// Number of executions.
    pub times: f64,
    /// Seconds that requests waited for a connection of that database, and in the queue for full scans.
    pub waits: (f64, f64),
    /// The share of its database's time.
    pub share: f64,
    /// Average number of that database's connections in use.
    pub connections: f64,
}

impl Resource {
    /// The cost in seconds: its own time, and its share of the waits for its database.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.seconds + self.share * (self.waits.0 + self.waits.1)
    }
}

impl Ranking {
    /// Ranks the resources by the time between the first and the last scrape.
    ///
    /// `None` for fewer than two scrapes.
    #[must_use]
    pub fn of(scrapes: &[Metrics]) -> Option<Self> {
        let [first, .., last] = scrapes else { return None };
        let grown = |name: &str, labels: &[&str]| {
            let before = first.sums(name, labels);
            let mut sums = last.sums(name, labels);
            for (group, sum) in &mut sums {
                *sum -= before.get(group).copied().unwrap_or_default();
            }
            sums
        };
        let of_statement = ["db_namespace", "db_query_summary"];
        let times = grown(&format!("{STATEMENTS}_count"), &of_statement);
        let seconds = grown(&format!("{STATEMENTS}_sum"), &of_statement);
        let by_database = by_first(&seconds);
        let (connection_waits, scan_waits) = (grown(CONNECTION_WAITS, &[POOL]), grown(SCAN_WAITS, &[POOL]));
        let used = connections(scrapes);
        let waited = |waits: &HashMap<Vec<String>, f64>, pool: &String| {
            waits.get(std::slice::from_ref(pool)).copied().unwrap_or_default()
        };

        let statements = seconds.iter().map(|(group, &seconds)| Resource {
            database: Some(group[0].clone()),
            what: group[1].clone(),
            seconds,
            times: times.get(group).copied().unwrap_or_default(),
            waits: (waited(&connection_waits, &group[0]), waited(&scan_waits, &group[0])),
            share: ratio(seconds, by_database[&group[0]]),
            connections: used.get(&group[0]).copied().unwrap_or_default(),
        });
        let mut resources: Vec<_> = statements.filter(|statement| statement.times > 0.0).collect();
        let databases: f64 = resources.iter().map(|statement| statement.seconds).sum();
        let waits: f64 = connection_waits.values().chain(scan_waits.values()).sum();
        let answers: f64 = grown(ANSWERS, &[]).values().sum();
        resources.push(processes(answers - databases - waits));
        resources.sort_by(|one, other| other.cost().total_cmp(&one.cost()));
        Some(Self { resources, databases, answers })
    }

    /// The most expensive resource.
    #[must_use]
    pub fn bottleneck(&self) -> &Resource {
        &self.resources[0]
    }

    /// A sentence about a resource's cost.
    #[must_use]
    pub fn sentence<'a>(&'a self, resource: &'a Resource) -> Sentence<'a> {
        Sentence { ranking: self, resource }
    }
}

/// The time of subgraphs beyond statements and queues: a lower bound, since a request's statements may run
/// concurrently, and event handlers run statements, too.
fn processes(seconds: f64) -> Resource {
    let what = "subgraphs, without their databases".to_owned();
    let seconds = seconds.max(0.0);
    Resource { database: None, what, seconds, times: 0.0, waits: (0.0, 0.0), share: 1.0, connections: 0.0 }
}

fn by_first(sums: &HashMap<Vec<String>, f64>) -> HashMap<String, f64> {
    let mut by_first: HashMap<String, f64> = HashMap::new();
    for (group, sum) in sums {
        *by_first.entry(group[0].clone()).or_default() += sum;
    }
    by_first
}

/// The average number of connections in use, by pool.
fn connections(scrapes: &[Metrics]) -> HashMap<String, f64> {
    let mut used: HashMap<String, f64> = HashMap::new();
    let samples = scrapes.iter().flat_map(|scrape| scrape.all(CONNECTIONS));
    for sample in samples.filter(|sample| sample.label("db_client_connection_state") == "used") {
        #[expect(clippy::cast_precision_loss, reason = "a few scrapes")]
        let part = sample.value / scrapes.len() as f64;
        *used.entry(sample.label(POOL).to_owned()).or_default() += part;
    }
    used
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Displays a resource and its cost.
pub struct Sentence<'a> {
    ranking: &'a Ranking,
    resource: &'a Resource,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ranking, resource } = self;
        let Some(database) = &resource.database else {
            let percent = 100.0 * ratio(resource.seconds, ranking.answers);
            return write!(f, "{}: {percent:.0} % of what subgraphs took", resource.what);
        };
        let percent = 100.0 * ratio(resource.seconds, ranking.databases);
        let each = 1_000.0 * ratio(resource.seconds, resource.times);
        let Resource { what, waits, connections, .. } = resource;
        write!(
            f,
            "{database}: {what}: {percent:.0} % of all database time, {each:.1} ms each; for {database}, requests \
             waited {:.1} s for a turn and {:.1} s for a connection, of which {connections:.1} were in use",
            waits.1, waits.0
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Three kinds of statements, with their counts and seconds, and the seconds of waits.
    fn scrape(statements: [(&str, &str, f64, f64); 3], waits: &[(&str, f64)], answers: f64) -> Metrics {
        let mut text = format!("{ANSWERS}{{subgraph=\"course\"}} {answers}\n");
        for (database, what, times, seconds) in statements {
            let labels = format!("{{db_namespace=\"{database}\",db_query_summary=\"{what}\"}}");
            _ = write!(text, "{STATEMENTS}_count{labels} {times}\n{STATEMENTS}_sum{labels} {seconds}\n");
        }
        for (pool, seconds) in waits {
            _ = writeln!(text, "{CONNECTION_WAITS}{{{POOL}=\"{pool}\"}} {seconds}");
            _ = writeln!(text, "{CONNECTIONS}{{{POOL}=\"{pool}\",db_client_connection_state=\"used\"}} 3");
        }
        Metrics::parse(&text).expect("metrics")
    }

    fn quiet() -> Metrics {
        let statements = [
            ("course", "SELECT courses search", 10.0, 900.0),
            ("payment", "INSERT payments", 10.0, 1.0),
            ("identity", "SELECT users", 10.0, 1.0),
        ];
        scrape(statements, &[("course", 5.0), ("payment", 5.0)], 1_000.0)
    }

    #[test]
    fn what_took_the_most_time_since_the_start_is_named() {
        let later = scrape(
            [
                ("course", "SELECT courses search", 110.0, 941.2),
                ("payment", "INSERT payments", 100.0, 5.0),
                ("identity", "SELECT users", 100.0, 6.0),
            ],
            &[("course", 6.2), ("payment", 5.0)],
            1_060.0,
        );

        let ranking = Ranking::of(&[quiet(), later]).expect("two scrapes");

        assert_eq!(
            ranking.sentence(ranking.bottleneck()).to_string(),
            "course: SELECT courses search: 82 % of all database time, 412.0 ms each; for course, requests waited 0.0 s \
             for a turn and 1.2 s for a connection, of which 3.0 were in use"
        );
    }

    #[test]
    fn what_others_wait_for_counts_with_whoever_is_in_their_way() {
        // The searches take more time, but no request waits for their database.
        let later = scrape(
            [
                ("course", "SELECT courses search", 110.0, 910.0),
                ("payment", "INSERT payments", 1_010.0, 9.0),
                ("identity", "SELECT users", 100.0, 6.0),
            ],
            &[("course", 5.0), ("payment", 25.0)],
            1_030.0,
        );

        let ranking = Ranking::of(&[quiet(), later]).expect("two scrapes");

        let bottleneck = ranking.bottleneck();
        assert_eq!((bottleneck.database.as_deref(), bottleneck.what.as_str()), (Some("payment"), "INSERT payments"));
        assert!((bottleneck.cost() - 28.0).abs() < 1e-9, "{bottleneck:?}");
    }

    #[test]
    fn where_statements_are_fast_it_is_the_subgraphs() {
        let later = scrape(
            [
                ("course", "SELECT courses search", 110.0, 901.0),
                ("payment", "INSERT payments", 100.0, 2.0),
                ("identity", "SELECT users", 100.0, 2.0),
            ],
            &[("course", 5.0), ("payment", 5.0)],
            1_010.0,
        );

        let ranking = Ranking::of(&[quiet(), later]).expect("two scrapes");

        assert_eq!(
            ranking.sentence(ranking.bottleneck()).to_string(),
            "subgraphs, without their databases: 70 % of what subgraphs took"
        );
    }

    #[test]
    fn one_moment_says_nothing() {
        assert!(Ranking::of(&[quiet()]).is_none());
    }
}

//! The measurements of gateways, and the goals.

use std::{fmt, fs, path::Path};

use anyhow::Result;
use bench::load::Measured;
use serde::Serialize;

use super::contender::{Cpu, Name};
use crate::report::median;

/// One measurement.
#[derive(Clone, Copy, Serialize)]
pub struct Sample {
    pub per_second: f64,
    /// Median in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
    /// CPU milliseconds per request.
    pub gateway_cpu: f64,
    pub subgraphs_cpu: f64,
    pub databases_cpu: f64,
}

impl Sample {
    pub fn new(measured: Measured, used: Cpu) -> Self {
        let of_each = |seconds: f64| seconds * 1_000.0 / measured.requests;
        Self {
            per_second: measured.per_second,
            p50: measured.p50,
            p99: measured.p99,
            gateway_cpu: of_each(used.gateway),
            subgraphs_cpu: of_each(used.subgraphs),
            databases_cpu: of_each(used.databases),
        }
    }

    /// Requests per CPU second of all processes.
    fn per_cpu_second(&self) -> f64 {
        1_000.0 / (self.gateway_cpu + self.subgraphs_cpu + self.databases_cpu)
    }

    fn per_gateway_cpu_second(&self) -> f64 {
        1_000.0 / self.gateway_cpu
    }
}

/// The measurements of a page.
#[derive(Serialize)]
pub struct Table {
    page: &'static str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: Name,
    samples: Vec<Sample>,
}

/// The minimum ratio of a measure between two contenders.
struct Goal {
    of: Name,
    over: Name,
    measure: (&'static str, fn(&Sample) -> f64),
    at_least: f64,
}

const PER_SECOND: (&str, fn(&Sample) -> f64) = ("requests/s", |it| it.per_second);
const PER_CPU_SECOND: (&str, fn(&Sample) -> f64) = ("requests per CPU second", Sample::per_cpu_second);
const PER_GATEWAY_CPU_SECOND: (&str, fn(&Sample) -> f64) =
    ("requests per CPU second of the gateway", Sample::per_gateway_cpu_second);

const GOALS: [Goal; 9] = [
    Goal { of: Name::Signing, over: Name::Up, measure: PER_CPU_SECOND, at_least: 0.6 },
    Goal { of: Name::Lyceum, over: Name::HiveRouter, measure: PER_SECOND, at_least: 0.95 },
    Goal { of: Name::Lyceum, over: Name::HiveRouter, measure: PER_CPU_SECOND, at_least: 0.95 },
    Goal { of: Name::Signing, over: Name::HiveRouter, measure: PER_SECOND, at_least: 0.95 },
    Goal { of: Name::Signing, over: Name::HiveRouter, measure: PER_CPU_SECOND, at_least: 0.95 },
    Goal { of: Name::Lyceum, over: Name::ApolloGateway, measure: PER_GATEWAY_CPU_SECOND, at_least: 5.0 },
    Goal { of: Name::Lyceum, over: Name::HiveGateway, measure: PER_GATEWAY_CPU_SECOND, at_least: 4.0 },
    Goal { of: Name::Lyceum, over: Name::ApolloGateway, measure: PER_CPU_SECOND, at_least: 1.0 },
    Goal { of: Name::Lyceum, over: Name::HiveGateway, measure: PER_CPU_SECOND, at_least: 1.0 },
];

impl Table {
    pub fn new(page: &'static str, names: impl Iterator<Item = Name>) -> Self {
        Self { page, rows: names.map(|name| Row { name, samples: Vec::new() }).collect() }
    }

    /// Adds a round: one sample per contender, in the order of the names.
    pub fn push(&mut self, round: Vec<Sample>) {
        for (row, sample) in self.rows.iter_mut().zip(round) {
            row.samples.push(sample);
        }
    }

    /// The median of the ratios per round.
    fn ratio(&self, of: Name, over: Name, measure: fn(&Sample) -> f64) -> Option<f64> {
        let samples = |name| self.rows.iter().find(|row| row.name == name).map(|row| &row.samples);
        let ratios = samples(of)?.iter().zip(samples(over)?).map(|(of, over)| measure(of) / measure(over));
        Some(median(ratios))
    }

    pub fn write(tables: &[Self], folder: &Path) -> Result<()> {
        Ok(fs::write(folder.join("gateways.json"), serde_json::to_string_pretty(tables)?)?)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:24} requests/s   p50 ms   p99 ms   CPU ms: gateway  subgraphs  databases   requests/CPU s  of `up`",
            self.page
        )?;
        for row in &self.rows {
            let middle = |value: fn(&Sample) -> f64| median(row.samples.iter().map(value));
            let of_up = self.ratio(row.name, Name::Up, Sample::per_cpu_second).unwrap_or(f64::NAN);
            writeln!(
                f,
                "{:24} {:10.0} {:8.1} {:8.1} {:17.2} {:10.2} {:10.2} {:16.0} {of_up:8.2}",
                row.name.as_str(),
                middle(|it| it.per_second),
                middle(|it| it.p50),
                middle(|it| it.p99),
                middle(|it| it.gateway_cpu),
                middle(|it| it.subgraphs_cpu),
                middle(|it| it.databases_cpu),
                middle(Sample::per_cpu_second),
            )?;
        }
        for Goal { of, over, measure: (what, measure), at_least } in GOALS {
            let Some(ratio) = self.ratio(of, over, measure) else { continue };
            let (of, over) = (of.as_str(), over.as_str());
            writeln!(f, "{of} : {over}, {what}: {ratio:.2} (goal {at_least})")?;
        }
        Ok(())
    }
}

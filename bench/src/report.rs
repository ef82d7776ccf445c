//! The measurements of pages.

use std::{fmt, fs, path::Path};

use anyhow::Result;
use bench::pages::Page;
use serde::Serialize;

/// One measurement.
#[derive(Clone, Copy, Serialize)]
pub struct Sample {
    pub per_second: f64,
    /// Median in milliseconds, with one connection.
    pub p50_alone: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
    /// CPU milliseconds of the process per request.
    pub cpu: f64,
    /// CPU milliseconds of the databases per request.
    pub databases_cpu: f64,
}

/// The samples of a page.
#[derive(Serialize)]
pub struct Row {
    page: &'static str,
    goal: f64,
    pub graph: Vec<Sample>,
    pub by_hand: Vec<Sample>,
}

#[derive(Default, Serialize)]
pub struct Report {
    pub rows: Vec<Row>,
}

impl Row {
    pub fn new(page: &Page) -> Self {
        Self { page: page.name, goal: page.goal, graph: Vec::new(), by_hand: Vec::new() }
    }
}

impl Report {
    pub fn write(&self, folder: &Path) -> Result<()> {
        Ok(fs::write(folder.join("performance.json"), serde_json::to_string_pretty(self)?)?)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let both = |value: fn(&Sample) -> f64| {
            let ratios = self.graph.iter().zip(&self.by_hand).map(|(graph, hand)| value(graph) / value(hand));
            (median(self.graph.iter().map(value)), median(self.by_hand.iter().map(value)), median(ratios))
        };
        let (rate, p50, p99) = (both(|it| it.per_second), both(|it| it.p50_alone), both(|it| it.p99));
        let (cpu, databases) = (both(|it| it.cpu), both(|it| it.databases_cpu));
        write!(
            f,
            "{:24} requests/s {:5.0} : {:5.0} = {:.2} (goal {:.2})   p50 alone {:.2} : {:.2} ms = {:.2}   \
             p99 {:.1} : {:.1} ms   CPU {:.2} : {:.2} ms = {:.2}   databases {:.2} : {:.2} ms",
            self.page,
            rate.0,
            rate.1,
            rate.2,
            self.goal,
            p50.0,
            p50.1,
            p50.2,
            p99.0,
            p99.1,
            cpu.0,
            cpu.1,
            cpu.2,
            databases.0,
            databases.1,
        )
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

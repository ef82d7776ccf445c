//! The dashboards of `deploy/monitoring`, as far as it can be told without Grafana that it shows them as they are meant.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::{process, python, workspace::root};

/// Grafana's own library. Its version is the second when it was made, in January 2026.
const GRAFANA_SDK: &str = "grafana-foundation-sdk==1769699241";

/// The data source's, in `grafana/provisioning`.
const DATA_SOURCE: &str = "prometheus";
/// A dashboard is so many columns wide.
const COLUMNS: u32 = 24;
/// Older ones are rewritten when Grafana loads them.
const SCHEMA_VERSION: u32 = 39;
/// What Grafana puts in the place of its own variables.
const RATE_WINDOW: &str = "1m";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// A number that one Grafana gave it has no place in a file.
    id: Option<u64>,
    uid: String,
    pub title: String,
    description: String,
    schema_version: u32,
    pub panels: Vec<Panel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    id: u32,
    r#type: String,
    pub title: String,
    description: String,
    datasource: DataSource,
    grid_pos: GridPosition,
    field_config: FieldConfig,
    options: serde_json::Value,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct DataSource {
    r#type: String,
    uid: String,
}

#[derive(Clone, Copy, Deserialize)]
struct GridPosition {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

#[derive(Deserialize)]
struct FieldConfig {
    defaults: Defaults,
    /// Grafana expects them, and no panel has any.
    overrides: [(); 0],
}

#[derive(Deserialize)]
struct Defaults {
    unit: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    ref_id: String,
    datasource: DataSource,
    expr: String,
    legend_format: String,
}

/// Lets Grafana's own library read all of them. What it does not know is lost on the way, and named.
pub async fn validate() -> Result<()> {
    let python = python::program(GRAFANA_SDK, "python3", "the check of dashboards").await?;
    process::run(Command::new(python).arg(root().join("xtask/src/dashboards.py")).args(files()?)).await
}

fn files() -> Result<Vec<PathBuf>> {
    let directory = root().join("deploy/monitoring/grafana/dashboards");
    let entries = directory.read_dir().with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// All of them, each as Grafana expects it.
pub fn read() -> Result<Vec<Dashboard>> {
    let mut dashboards = Vec::new();
    for file in files()? {
        let text = std::fs::read_to_string(&file)?;
        let dashboard: Dashboard = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
        dashboard.check().with_context(|| format!("{}", file.display()))?;
        dashboards.push(dashboard);
    }
    let uids: BTreeSet<_> = dashboards.iter().map(|dashboard| &dashboard.uid).collect();
    ensure!(uids.len() == dashboards.len(), "two dashboards have the same `uid`");
    Ok(dashboards)
}

impl Dashboard {
    fn check(&self) -> Result<()> {
        ensure!(self.id.is_none(), "a dashboard in a file must not have an `id`");
        ensure!(!self.uid.is_empty() && self.uid.len() <= 40, "a `uid` must have 1 to 40 characters");
        ensure!(!self.description.is_empty(), "it has no description");
        ensure!(self.schema_version >= SCHEMA_VERSION, "schemaVersion {} is old", self.schema_version);
        ensure!(!self.panels.is_empty(), "it has no panels");
        let mut ids = BTreeMap::new();
        for panel in &self.panels {
            if let Some(other) = ids.insert(panel.id, &panel.title) {
                anyhow::bail!("panels \"{other}\" and \"{}\" have the same id {}", panel.title, panel.id);
            }
            panel.check().with_context(|| format!("panel \"{}\"", panel.title))?;
        }
        for (index, panel) in self.panels.iter().enumerate() {
            if let Some(other) = self.panels[..index].iter().find(|other| panel.grid_pos.overlaps(other.grid_pos)) {
                anyhow::bail!("panels \"{}\" and \"{}\" overlap", other.title, panel.title);
            }
        }
        Ok(())
    }

    /// How many questions its panels ask.
    pub fn questions(&self) -> usize {
        self.panels.iter().map(|panel| panel.targets.len()).sum()
    }
}

impl Panel {
    /// What it asks Prometheus for.
    pub fn questions(&self) -> impl Iterator<Item = String> {
        self.targets.iter().map(|target| target.expr.replace("$__rate_interval", RATE_WINDOW))
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.title.is_empty(), "it has no title");
        ensure!(!self.description.is_empty(), "it has no description");
        ensure!(
            ["stat", "state-timeline", "timeseries"].contains(&self.r#type.as_str()),
            "its type is {}",
            self.r#type
        );
        ensure!(self.options.is_object(), "it has no options");
        ensure!(!self.field_config.defaults.unit.is_empty(), "it has no unit");
        let FieldConfig { overrides: [], .. } = self.field_config;
        ensure!(self.grid_pos.w > 0 && self.grid_pos.h > 0, "it has no size");
        ensure!(self.grid_pos.x + self.grid_pos.w <= COLUMNS, "it is wider than the dashboard");
        self.datasource.check()?;
        ensure!(!self.targets.is_empty(), "it has no queries");
        let names: BTreeSet<_> = self.targets.iter().map(|target| &target.ref_id).collect();
        ensure!(names.len() == self.targets.len(), "two of its queries have the same `refId`");
        for target in &self.targets {
            target.datasource.check()?;
            // One number needs none.
            ensure!(self.r#type == "stat" || !target.legend_format.is_empty(), "a line has no legend: {}", target.expr);
            ensure!(!target.expr.replace("$__rate_interval", "").contains('$'), "an unknown variable: {}", target.expr);
        }
        Ok(())
    }
}

impl DataSource {
    fn check(&self) -> Result<()> {
        ensure!(self.r#type == "prometheus" && self.uid == DATA_SOURCE, "its data source is not `{DATA_SOURCE}`");
        Ok(())
    }
}

impl GridPosition {
    fn overlaps(self, other: Self) -> bool {
        let (right, bottom) = (self.x + self.w, self.y + self.h);
        self.x < other.x + other.w && other.x < right && self.y < other.y + other.h && other.y < bottom
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_is_as_grafana_expects_it() {
        let dashboards = read().expect("they are in order");

        assert!(dashboards.len() >= 3);
    }

    #[test]
    fn the_data_source_is_the_provisioned_one() {
        let file = root().join("deploy/monitoring/grafana/provisioning/datasources/prometheus.yml");
        let provisioned = std::fs::read_to_string(file).expect("a data source");

        assert!(provisioned.lines().any(|line| line.trim() == format!("uid: {DATA_SOURCE}")), "{provisioned}");
    }

    /// What is wrong with a dashboard of two panels side by side, of which `change` changes the second.
    fn fault(change: impl FnOnce(&mut Value)) -> Option<String> {
        let source = json!({ "type": "prometheus", "uid": "prometheus" });
        let target = json!({ "refId": "A", "datasource": source, "expr": "up", "legendFormat": "{{process}}" });
        let panel = |id: u32, x: u32| {
            json!({
                "id": id, "type": "timeseries", "title": format!("Panel {id}"), "description": "Lines.", "datasource": source,
                "gridPos": { "x": x, "y": 0, "w": 12, "h": 8 }, "options": {}, "targets": [target],
                "fieldConfig": { "defaults": { "unit": "s" }, "overrides": [] },
            })
        };
        let mut second = panel(2, 12);
        change(&mut second);
        let dashboard = json!({
            "uid": "one", "title": "One", "description": "Two panels.", "schemaVersion": 41, "panels": [panel(1, 0), second],
        });
        let dashboard: Dashboard = serde_json::from_value(dashboard).expect("a dashboard");
        dashboard.check().err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn what_grafana_would_show_wrongly_is_found() {
        assert_eq!(fault(|_| {}), None);

        for (pointer, value, complaint) in [
            ("/id", json!(1), "the same id 1"),
            ("/gridPos/x", json!(11), "overlap"),
            ("/gridPos/x", json!(13), "wider than the dashboard"),
            ("/description", json!(""), "no description"),
            ("/fieldConfig/defaults/unit", json!(""), "no unit"),
            ("/datasource/uid", json!("another"), "data source"),
            ("/targets/0/legendFormat", json!(""), "no legend"),
            ("/targets/0/expr", json!("up{process=\"$process\"}"), "unknown variable"),
        ] {
            let found = fault(|panel| *panel.pointer_mut(pointer).expect("it is there") = value);
            assert!(found.as_ref().is_some_and(|found| found.contains(complaint)), "{pointer}: {found:?}");
        }
    }
}

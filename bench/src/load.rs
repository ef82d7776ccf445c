//! Load by `wrk`: a closed loop of requests.

use std::{fs, path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// Requests that are sent in turn.
pub struct Load {
    url: String,
    script: PathBuf,
    _directory: TempDir,
}

/// One request.
pub enum Request {
    /// An operation, by POST.
    Graph {
        /// The access token.
        token: String,
        /// The body.
        body: String,
    },
    /// A request to a handler.
    Get {
        /// The access token.
        token: String,
        /// The path with its query string.
        path: String,
    },
}

/// The results of a load.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Responses per second.
    pub per_second: f64,
    /// The number of responses.
    pub requests: f64,
    /// Median response time in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
}

impl Load {
    /// A load on this URL, whose path the requests may replace.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn new(url: String, requests: &[Request]) -> Result<Self> {
        let directory = TempDir::new()?;
        let script = directory.path().join("requests.lua");
        let requests: Vec<_> = requests.iter().map(Request::lua).collect();
        fs::write(
            &script,
            format!(
                "local requests = {{\n{}\n}}\nlocal turn = 0\nrequest = function()\n  turn = turn % #requests + 1\n  \
                 local it = requests[turn]\n  return wrk.format(it[1], it[2], it[3], it[4])\nend\n",
                requests.join(",\n")
            ),
        )?;
        Ok(Self { url, script, _directory: directory })
    }

    /// Sends requests for that many seconds, over that many connections.
    ///
    /// # Errors
    /// When `wrk` is missing, or a response has another status than 200.
    pub async fn run(&self, connections: u32, seconds: u32) -> Result<Measured> {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "--latency", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "30s", "-s"]);
        let output = wrk.arg(&self.script).arg(&self.url).stdin(Stdio::null()).output().await;
        let output = output.context("cannot run `wrk`: install it (Debian: `sudo apt-get install wrk`)")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "`wrk` failed: {}", String::from_utf8_lossy(&output.stderr));
        ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "some requests failed:\n{text}");
        let number = |pattern: &str| -> Result<f64> {
            let found = Regex::new(pattern)?.captures(&text).with_context(|| format!("`wrk` says:\n{text}"))?;
            Ok(found[1].parse()?)
        };
        Ok(Measured {
            per_second: number(r"Requests/sec:\s+([\d.]+)")?,
            requests: number(r"(\d+) requests in")?,
            p50: milliseconds(&text, "50%")?,
            p99: milliseconds(&text, "99%")?,
        })
    }
}

fn milliseconds(text: &str, percentile: &str) -> Result<f64> {
    let found = Regex::new(&format!(r"{percentile}\s+([\d.]+)(us|ms|s)"))?;
    let found = found.captures(text).with_context(|| format!("`wrk` says:\n{text}"))?;
    let factor = match &found[2] {
        "us" => 0.001,
        "ms" => 1.0,
        _ => 1_000.0,
    };
    Ok(found[1].parse::<f64>()? * factor)
}

impl Request {
    fn lua(&self) -> String {
        let (method, path, token, body) = match self {
            Self::Graph { token, body } => ("POST", "/graphql", token, body.as_str()),
            Self::Get { token, path } => ("GET", path.as_str(), token, ""),
        };
        let quoted = |text: &str| json!(text).to_string();
        format!(
            "{{{}, {}, {{[\"authorization\"] = {}, [\"content-type\"] = \"application/json\"}}, {}}}",
            quoted(method),
            quoted(path),
            quoted(&format!("Bearer {token}")),
            quoted(body)
        )
    }
}

//! Requests as fast as they are answered, by `wrk`.

use std::{fs, path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// Requests that a load sends in turn.
pub struct Load {
    url: String,
    script: PathBuf,
    _directory: TempDir,
}

/// One request.
pub enum Request {
    /// An operation.
    Graph {
        /// Who is signed in.
        token: String,
        /// The body.
        body: String,
    },
    /// Of a handler.
    Get {
        /// Who is signed in.
        token: String,
        /// With its parameters.
        path: String,
    },
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Answers in a second.
    pub per_second: f64,
    /// How many there were.
    pub requests: f64,
    /// Milliseconds that half of the answers take at the most.
    pub p50: f64,
    /// Milliseconds that 99 of 100 answers take at the most.
    pub p99: f64,
}

impl Load {
    /// The load on this URL, whose path the requests may replace.
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

    /// Sends them for so long, over so many connections.
    ///
    /// # Errors
    /// When `wrk` is not there, or an answer has another status than 200.
    pub async fn run(&self, connections: u32, seconds: u32) -> Result<Measured> {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "--latency", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "30s", "-s"]);
        let output = wrk.arg(&self.script).arg(&self.url).stdin(Stdio::null()).output().await;
        let output = output.context("`wrk` cannot be run: Debian has it as a package")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "`wrk` failed: {}", String::from_utf8_lossy(&output.stderr));
        ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "not all was answered:\n{text}");
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

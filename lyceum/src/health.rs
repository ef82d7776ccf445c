//! `lyceum health`: checks a process's health from within its container, which has no other HTTP client.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::terminal::line;

/// Longer than a process needs to find out that its database does not answer, so that it can say so.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The settings of `lyceum health`.
#[derive(Args)]
pub struct Settings {
    /// The URL to query: `/ready` of a process (it can serve requests), or `/health` (it is running).
    #[arg(long, env = "LYCEUM_HEALTH_URL", value_name = "URL", default_value = "http://127.0.0.1:4000/ready")]
    url: String,
}

/// Fails unless the response is a success.
pub async fn run(Settings { url }: &Settings) -> Result<()> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let answer = client.get(url).send().await.with_context(|| format!("{url} does not respond"))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    ensure!(status.is_success(), "{url} says {status}: {text}");
    line(text);
    Ok(())
}

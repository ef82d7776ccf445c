//! Several routers with one store allow a user what one router does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::visitors::Visitors;

const USER: &str = "student5@lyceum.example";
/// Costs much, without a large answer.
const DOCUMENT: &str =
    "{ courses(first: 100) { nodes { enrollmentCount teacher { courses(first: 5) { nodes { id } } } } } }";
/// A budget is refilled within a minute.
const REFILL: Duration = Duration::from_mins(1);
/// What the routers may add to it: some requests were on their way.
const TOLERANCE: f64 = 1.2;
const MAX_REQUESTS: usize = 5000;

/// Spends a user's budget, in milliseconds of work.
pub async fn run(visitors: &Visitors, budget: u32) -> Result<String> {
    let client = visitors.sign_in(USER).await?.with_header("lyceum-cost", "1");
    let (start, mut spent) = (Instant::now(), 0.0);
    for number in 0..MAX_REQUESTS {
        let reply = client.try_send(DOCUMENT, &json!({})).await?;
        if let Some(code) = reply.error() {
            ensure!(number > 0, "the first request is refused: {code}");
            let budget = f64::from(budget);
            let refilled = budget * start.elapsed().as_secs_f64() / REFILL.as_secs_f64();
            ensure!(
                spent <= (budget + refilled) * TOLERANCE,
                "{spent:.0} ms were allowed, of {budget} ms and {refilled:.0} ms"
            );
            return Ok(format!("{spent:.0} ms allowed, of {budget} ms and {refilled:.0} ms refilled meanwhile"));
        }
        spent += cost(&reply.json).with_context(|| format!("no cost: {reply}"))?;
    }
    anyhow::bail!("{spent:.0} ms were allowed, and no end")
}

fn cost(answer: &Value) -> Option<f64> {
    answer.pointer("/extensions/cost/actual").and_then(Value::as_f64)
}

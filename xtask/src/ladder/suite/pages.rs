//! Lists that are longer than a page.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use subgraph_testing::Client;

/// The nodes of the connection at `pointer`, up to a number of them. The document has a variable `$after`.
pub async fn list_all(client: &Client, document: &str, pointer: &str, limit: usize) -> Result<Vec<Value>> {
    let (mut nodes, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = client.try_data(document, &json!({ "after": after })).await?;
        let connection = data.pointer(pointer).with_context(|| format!("nothing at {pointer}: {data}"))?;
        nodes.extend(connection["nodes"].as_array().context("no nodes")?.iter().cloned());
        if connection["pageInfo"]["hasNextPage"] != true || nodes.len() >= limit {
            return Ok(nodes);
        }
        after = connection["pageInfo"]["endCursor"].clone();
    }
}

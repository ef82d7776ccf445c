//! `EXPLAIN` of the statements that traces show, for the playground.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use db::{DbPool, explain::ExplainError};
use router::{Explain, Explained};
use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};

use super::Settings;
use crate::subgraphs::{ALL, Databases};

/// For how long one waits for the others.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Explains by the subgraphs' own pools, as their roles, unless others reach the router by a proxy.
pub fn open(databases: &Databases, settings: &Settings) -> Option<Explain> {
    let pools: BTreeMap<_, _> = ALL.map(|subgraph| (subgraph.name, databases.get(subgraph).clone())).into();
    // One at a time: requests need the connections, too.
    let pools = Arc::new(Mutex::new(pools));
    let explain = move |statement| {
        let pools = Arc::clone(&pools);
        Box::pin(async move {
            let busy =
                || router::ExplainError::Unavailable("Other statements are being explained: try again.".to_owned());
            let pools = timeout(MAX_WAIT, pools.lock()).await.map_err(|_| busy())?;
            explain(&pools, &statement).await
        }) as _
    };
    settings.client_address.header.is_none().then(|| Explain::new(explain))
}

async fn explain(
    pools: &BTreeMap<&'static str, DbPool>,
    Explained { subgraph, sql }: &Explained,
) -> Result<Value, router::ExplainError> {
    let unknown = || router::ExplainError::Rejected(format!("There is no database of {subgraph}."));
    let plan = db::explain(pools.get(subgraph.as_str()).ok_or_else(unknown)?, sql)
        .await
        .map_err(|error| to_router_error(&error))?;
    serde_json::to_value(plan).map_err(|error| router::ExplainError::Rejected(error.to_string()))
}

fn to_router_error(error: &ExplainError) -> router::ExplainError {
    match error {
        ExplainError::Unavailable => {
            router::ExplainError::Unavailable("The database has not answered in time: try again.".to_owned())
        }
        ExplainError::NoPlan | ExplainError::Rejected(_) => {
            router::ExplainError::Rejected(format!("PostgreSQL has no plan of this statement: {error}"))
        }
    }
}

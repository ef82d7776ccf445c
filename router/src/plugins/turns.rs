//! Parsing takes the processor before it is known what a request costs. So as many long documents are parsed at a time as
//! there are processors, one of each client, and clients take turns: whoever sends many waits behind themselves. Short
//! ones wait for nobody.

use std::{net::IpAddr, thread::available_parallelism};

use hive_router::{
    async_trait,
    plugins::{
        hooks::{
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, RouterPlugin, StartHookPayload as _},
    },
};
use subgraph_kit::{
    Client,
    fair_queue::{FairQueue, Slot},
};

use super::{NoSettings, client_address::Address};
use crate::hive_gaps::documents::is_short;

pub struct Turns {
    processors: FairQueue<Option<IpAddr>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { processors: FairQueue::new(available_parallelism().map_or(1, usize::from)) }
    }
}

#[async_trait]
impl RouterPlugin for Turns {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "turns"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    async fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        if is_short(&payload.body) {
            return payload.proceed();
        }
        let turn = self.turn(payload.context).await;
        payload.on_end(|payload| {
            drop(turn);
            payload.proceed()
        })
    }
}

impl Turns {
    async fn turn(&self, context: &PluginContext) -> Slot {
        let address = context.get_ref::<Address>().map(|address| address.0);
        self.processors.acquire(Client(address).network()).await
    }
}

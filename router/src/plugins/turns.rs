//! Parsing and planning take the processor before it is known what a request costs. So as many documents are parsed and
//! planned at a time as there are processors, one of each client, and clients take turns: whoever sends many waits
//! behind themselves.

use std::{net::IpAddr, thread::available_parallelism};

use hive_router::{
    async_trait,
    plugins::{
        hooks::{
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
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
        let turn = self.turn(payload.context).await;
        payload.on_end(|payload| {
            drop(turn);
            payload.proceed()
        })
    }

    async fn on_query_plan<'exec>(
        &'exec self,
        payload: OnQueryPlanStartHookPayload<'exec>,
    ) -> OnQueryPlanStartHookResult<'exec> {
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

//! Our additions to hive-router: one plugin to hive-router, with one module per feature. This module defines which of
//! them run at a hook, and in which order.

mod chain;
pub mod client_address;
pub mod client_name;
pub mod concurrency_limit;
pub mod credentials;
mod data_exports;
pub mod dependencies;
mod diagnostics;
pub mod errors;
pub mod in_process;
mod playground;
mod response_limit;
pub mod retry_after;
mod schema_file;
mod sign;
mod site;
mod storefront;
pub mod streams;

use std::future;

use anyhow::Context as _;
use hive_router::{
    PlanExecutionOutput, PluginRegistry, async_trait,
    ntex::http::Response,
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_graphql_analysis::{OnGraphqlAnalysisHookPayload, OnGraphqlAnalysisHookResult},
            on_graphql_error::{OnGraphQLErrorHookPayload, OnGraphQLErrorHookResult},
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_graphql_parse::{OnGraphQLParseHookResult, OnGraphQLParseStartHookPayload},
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
            on_subgraph_http_request::{OnSubgraphHttpRequestHookPayload, OnSubgraphHttpRequestHookResult},
            on_supergraph_load::{OnSupergraphLoadStartHookPayload, OnSupergraphLoadStartHookResult},
        },
        plugin_trait::{RouterPlugin, StartHookPayload as _},
    },
};
use serde_json::{Value, json};

use self::{
    chain::Chain,
    client_address::ClientAddress,
    concurrency_limit::ConcurrencyLimit,
    data_exports::DataExports,
    dependencies::Dependencies,
    diagnostics::Diagnostics,
    errors::{Errors, RequestError},
    in_process::InProcess,
    playground::Playground,
    response_limit::ResponseLimit,
    schema_file::SchemaFile,
    sign::Sign,
    storefront::Storefront,
    streams::Streams,
};
use crate::{
    batches::Batches,
    contract::Contract,
    cost::Cost,
    hive_gaps::{
        auth_scheme, documents::Documents, entity_errors, get_parameters, inbound_dedupe::InboundDedupe,
        json_depth_limit, media_types, root_typename, single_results,
    },
    usage::Usage,
};

/// All of our plugins.
pub struct Plugins {
    playground: Playground,
    storefront: Storefront,
    data_exports: DataExports,
    schema_file: SchemaFile,
    batches: Batches,
    concurrency_limit: ConcurrencyLimit,
    documents: Documents,
    inbound_dedupe: InboundDedupe,
    client_address: ClientAddress,
    cost: Cost,
    streams: Streams,
    in_process: InProcess,
    diagnostics: Diagnostics,
    errors: Errors,
    sign: Sign,
    response_limit: ResponseLimit,
    usage: Usage,
}

pub fn registry() -> PluginRegistry {
    PluginRegistry::new().register::<Plugins>()
}

/// The section `plugins` of a configuration.
pub fn config(dependencies_key: u64, is_schema_public: bool, router: &Value) -> Value {
    let config = json!({
        "key": dependencies_key,
        "is_schema_public": is_schema_public,
        "jwks_url": router.pointer("/jwt/jwks_providers/0/url"),
        "request_timeout": router.pointer("/traffic_shaping/router/request_timeout"),
    });
    json!({ Plugins::plugin_name(): { "config": config } })
}

#[async_trait]
impl RouterPlugin for Plugins {
    type Config = dependencies::Config;

    fn plugin_name() -> &'static str {
        "lyceum"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let config = payload.config()?;
        let dependencies = config.dependencies().ok_or("no dependencies are registered")?;
        payload.initialize_plugin(Self::new(dependencies, &config)?)
    }

    fn on_supergraph_reload(&self, payload: OnSupergraphLoadStartHookPayload) -> OnSupergraphLoadStartHookResult<'_> {
        self.documents.on_supergraph_reload(payload)
    }

    fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookFuture<'req> {
        if let Some(download) = self.data_exports.download(&payload.router_http_request) {
            return Box::pin(async { payload.end_with_response(download.respond().await) });
        }
        if let Some((shown, id)) = self.diagnostics.explained(&payload.router_http_request) {
            return Box::pin(async { payload.end_with_response(Diagnostics::explain(shown, id).await) });
        }
        let result = Chain::new(payload)
            .then(|payload| self.playground.on_http_request(payload))
            .then(|payload| self.storefront.on_http_request(payload))
            .then(|payload| self.schema_file.on_http_request(payload, &self.documents))
            .then(client_name::on_http_request)
            .then(credentials::on_http_request)
            .then(auth_scheme::on_http_request)
            .then(get_parameters::on_http_request)
            .then(ConcurrencyLimit::on_http_request)
            .then(|payload| self.client_address.on_http_request(payload))
            .then(retry_after::on_http_request)
            .then(|payload| self.cost.on_http_request(payload))
            .then(|payload| self.streams.on_http_request(payload))
            .then(|payload| self.diagnostics.on_http_request(payload))
            .then(media_types::on_http_request)
            // After `media_types`, which normalizes them for hive-router.
            .then(single_results::on_http_request)
            .then(ResponseLimit::on_http_request)
            // Last: it rewrites the response before the others see it.
            .then(Documents::on_http_request)
            .end_in_reverse();
        Box::pin(future::ready(result))
    }

    async fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        match self.prepare(&payload).await {
            Ok(Some(response)) => payload.end_with_response(response),
            Ok(None) => Chain::new(payload)
                .then(|payload| self.documents.on_graphql_params(payload))
                // After `documents`, which parses the operation.
                .then(|payload| self.usage.on_graphql_params(payload, &self.documents))
                .then(|payload| self.inbound_dedupe.on_graphql_params(payload))
                .end(),
            Err(RequestError { error, status }) => payload.end_with_graphql_error(*error, status),
        }
    }

    async fn on_graphql_parse<'exec>(
        &'exec self,
        payload: OnGraphQLParseStartHookPayload<'exec>,
    ) -> OnGraphQLParseHookResult<'exec> {
        Diagnostics::on_graphql_parse(payload)
    }

    async fn on_graphql_validation<'exec>(
        &'exec self,
        payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        self.cost.on_graphql_validation(&payload).await;
        Chain::new(payload)
            .then(Documents::on_graphql_validation)
            .then(Streams::on_graphql_validation)
            .then(Diagnostics::on_graphql_validation)
            .end()
    }

    async fn on_graphql_analysis<'exec>(
        &'exec self,
        payload: &mut OnGraphqlAnalysisHookPayload<'exec>,
    ) -> OnGraphqlAnalysisHookResult {
        match self.analyze(payload).await {
            Ok(()) => OnGraphqlAnalysisHookResult::Proceed,
            Err(response) => OnGraphqlAnalysisHookResult::EndWithResponse(response),
        }
    }

    async fn on_query_plan<'exec>(
        &'exec self,
        payload: OnQueryPlanStartHookPayload<'exec>,
    ) -> OnQueryPlanStartHookResult<'exec> {
        Chain::new(payload)
            .then(Documents::on_query_plan)
            .then(Cost::on_query_plan)
            .then(Diagnostics::on_query_plan)
            .end()
    }

    async fn on_execute<'exec>(
        &'exec self,
        payload: OnExecuteStartHookPayload<'exec>,
    ) -> OnExecuteStartHookResult<'exec> {
        Chain::new(payload)
            .then(|payload| self.cost.on_execute(payload))
            .then(Diagnostics::on_execute)
            .then(|payload| self.response_limit.on_execute(payload))
            .end()
    }

    async fn on_subgraph_execute<'exec>(
        &'exec self,
        payload: OnSubgraphExecuteStartHookPayload<'exec>,
    ) -> OnSubgraphExecuteStartHookResult<'exec> {
        Chain::new(payload)
            .then(root_typename::on_subgraph_execute)
            .then(credentials::on_subgraph_execute)
            .then(ClientAddress::on_subgraph_execute)
            .then(Streams::on_subgraph_execute)
            .then(|payload| self.in_process.on_subgraph_execute(payload))
            // Measures the executor that was chosen before it.
            .then(Diagnostics::on_subgraph_execute)
            .then(|payload| self.response_limit.on_subgraph_execute(payload))
            .then(entity_errors::on_subgraph_execute)
            .end()
    }

    async fn on_subgraph_http_request<'exec>(
        &'exec self,
        payload: OnSubgraphHttpRequestHookPayload<'exec>,
    ) -> OnSubgraphHttpRequestHookResult<'exec> {
        // The last to change a request to a subgraph: it signs it.
        self.sign.on_subgraph_http_request(payload)
    }

    async fn on_shutdown<'exec>(&'exec self) {
        self.usage.on_shutdown().await;
    }

    fn on_graphql_error<'req>(
        &'req self,
        mut payload: OnGraphQLErrorHookPayload<'req>,
    ) -> OnGraphQLErrorHookResult<'req> {
        retry_after::on_graphql_error(&mut payload);
        entity_errors::on_graphql_error(&mut payload);
        self.errors.on_graphql_error(&mut payload);
        // After `errors`, which sets another content type.
        media_types::on_graphql_error(&mut payload);
        payload
    }
}

impl Plugins {
    fn new(dependencies: Dependencies, config: &dependencies::Config) -> anyhow::Result<Self> {
        let settings = &dependencies.settings;
        // Partners have none.
        let has_accounts = settings.contract != Some(Contract::Partner);
        Ok(Self {
            playground: Playground::load(settings)?,
            storefront: Storefront::load(settings)?,
            data_exports: DataExports::new(config.jwks_url.as_deref().filter(|_| has_accounts))?,
            schema_file: SchemaFile::new(config.is_schema_public),
            batches: Batches::new(
                dependencies.loopback.clone(),
                settings.responses.max_response_bytes,
                config.request_timeout,
            ),
            concurrency_limit: ConcurrencyLimit::new(settings.live.requests_per_client),
            inbound_dedupe: InboundDedupe::default(),
            streams: Streams::new(&dependencies),
            documents: Documents::new(settings, dependencies.documents_valkey),
            diagnostics: Diagnostics::new(settings),
            errors: Errors::new(settings.development),
            response_limit: ResponseLimit::new(settings.responses.max_response_bytes),
            client_address: ClientAddress::new(&settings.client_address, dependencies.proxy_key)?,
            cost: Cost::new(&settings.cost, dependencies.valkey),
            in_process: InProcess::new(dependencies.executors),
            sign: Sign::new(dependencies.secrets),
            usage: Usage::new(&settings.usage).context("the directory for the usage of the graph cannot be made")?,
        })
    }

    /// The response to a request that is none for an operation of its own.
    async fn prepare(&self, payload: &OnGraphQLParamsStartHookPayload<'_>) -> Result<Option<Response>, RequestError> {
        json_depth_limit::on_graphql_params(payload)?;
        // Before the limit, which each of its operations has to pass.
        if let Some(response) = self.batches.on_graphql_params(payload).await? {
            return Ok(Some(response));
        }
        self.concurrency_limit.on_graphql_params(payload).await?;
        self.documents.prepare(payload).await;
        Ok(None)
    }

    async fn analyze(&self, payload: &mut OnGraphqlAnalysisHookPayload<'_>) -> Result<(), PlanExecutionOutput> {
        credentials::on_graphql_analysis(payload)?;
        // After `credentials`: only a valid token has a budget, and permits for streams.
        self.cost.on_graphql_analysis(payload).await?;
        self.streams.on_graphql_analysis(payload)?;
        self.diagnostics.on_graphql_analysis(payload)?;
        // Last: no document is stored that one of the others rejects.
        self.documents.on_graphql_analysis(payload);
        self.usage.on_graphql_analysis(payload, &self.documents);
        Ok(())
    }
}

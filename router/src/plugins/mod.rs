//! What we add to hive-router, one plugin per file.

pub mod client_address;
pub mod concurrency_limit;
mod credentials;
pub mod errors;
pub mod handed_over;
pub mod in_process;
mod insight;
mod playground;
mod response_limit;
mod retry_after;
mod sign;
pub mod streams;

use hive_router::{PluginRegistry, plugins::plugin_trait::RouterPlugin};
use serde_json::{Value, json};

pub use credentials::NoSettings;

use crate::{
    Settings,
    cost::Cost,
    hive_gaps::{
        auth_scheme::AuthScheme, documents::Documents, get_parameters::GetParameters, inbound_dedupe::InboundDedupe,
        json_depth_limit::JsonDepthLimit, media_types::MediaTypes, root_typename::RootTypename,
        single_results::SingleResults,
    },
};

/// The plugins in the order in which they are asked.
pub fn registry() -> PluginRegistry {
    PluginRegistry::new()
        .register::<playground::Playground>()
        .register::<AuthScheme>()
        .register::<GetParameters>()
        .register::<JsonDepthLimit>()
        .register::<concurrency_limit::ConcurrencyLimit>()
        .register::<Documents>()
        .register::<RootTypename>()
        .register::<InboundDedupe>()
        .register::<client_address::ClientAddress>()
        .register::<retry_after::RetryAfter>()
        .register::<credentials::Credentials>()
        .register::<Cost>()
        .register::<streams::Streams>()
        .register::<in_process::InProcess>()
        // Measures what has been chosen before it.
        .register::<insight::Insight>()
        .register::<errors::Errors>()
        .register::<MediaTypes>()
        .register::<SingleResults>()
        // Whatever else changes a request to a subgraph comes before it is signed.
        .register::<sign::Sign>()
        .register::<response_limit::ResponseLimit>()
}

/// The section `plugins` of the configuration.
pub fn config(settings: &Settings, handed_over: u64) -> Value {
    let samples = if settings.development { settings.samples.as_slice() } else { &[] };
    let parts_key = json!({ "config": { "key": handed_over } });
    json!({
        playground::Playground::plugin_name(): {
            "config": {
                "directory": settings.playground,
                "development": settings.development,
                "samples": samples,
            },
        },
        AuthScheme::plugin_name(): {},
        GetParameters::plugin_name(): {},
        JsonDepthLimit::plugin_name(): {},
        RootTypename::plugin_name(): {},
        InboundDedupe::plugin_name(): {},
        concurrency_limit::ConcurrencyLimit::plugin_name(): {
            "config": { "max": settings.live.requests_per_client },
        },
        Documents::plugin_name(): { "config": settings.document_limits() },
        client_address::ClientAddress::plugin_name(): {
            "config": {
                "header": settings.client_address.header,
                "proxies": settings.client_address.trusted_proxies,
                "key": handed_over,
            },
        },
        retry_after::RetryAfter::plugin_name(): {},
        credentials::Credentials::plugin_name(): {},
        Cost::plugin_name(): { "config": { "amounts": settings.cost.amounts(), "key": handed_over } },
        streams::Streams::plugin_name(): parts_key,
        in_process::InProcess::plugin_name(): parts_key,
        insight::Insight::plugin_name(): { "config": { "development": settings.development } },
        errors::Errors::plugin_name(): { "config": { "development": settings.development } },
        MediaTypes::plugin_name(): {},
        SingleResults::plugin_name(): {},
        sign::Sign::plugin_name(): parts_key,
        response_limit::ResponseLimit::plugin_name(): {
            "config": { "max_bytes": settings.responses.max_response_bytes },
        },
    })
}

//! Says in the answer's header, too, how long to wait before trying again.

use hive_router::{
    async_trait,
    http::{HeaderValue, header::RETRY_AFTER},
    plugins::{
        hooks::{
            on_graphql_error::{OnGraphQLErrorHookPayload, OnGraphQLErrorHookResult},
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
};
use sonic_rs::JsonValueTrait;

use super::credentials::NoSettings;

#[derive(Default)]
pub struct RetryAfter;

/// The longest wait that an error of this request asks for.
pub struct Seconds(pub u64);

#[async_trait]
impl RouterPlugin for RetryAfter {
    type Config = NoSettings;

    fn plugin_name() -> &'static str {
        "retry_after"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.initialize_plugin_with_defaults()
    }

    fn on_graphql_error<'req>(&'req self, payload: OnGraphQLErrorHookPayload<'req>) -> OnGraphQLErrorHookResult<'req> {
        let asked = payload.error.extensions.extensions.get("retryAfter").and_then(JsonValueTrait::as_u64);
        if let Some(seconds) = asked {
            let longest = payload.context.get_ref::<Seconds>().map_or(0, |known| known.0);
            payload.context.insert(Seconds(seconds.max(longest)));
        }
        payload.proceed()
    }

    fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            payload.on_end(|payload| {
                let Some(seconds) = payload.context.get_ref::<Seconds>().map(|seconds| seconds.0) else {
                    return payload.proceed();
                };
                payload
                    .map_response(|mut response| {
                        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds).into());
                        response
                    })
                    .proceed()
            })
        })
    }
}

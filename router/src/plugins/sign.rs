//! Signs requests to subgraphs over HTTP: they accept no others.

use auth::signature::{SIGNATURE, Secrets, SignedParts};
use hive_router::plugins::{
    hooks::on_subgraph_http_request::{OnSubgraphHttpRequestHookPayload, OnSubgraphHttpRequestHookResult},
    plugin_trait::StartHookPayload,
};

pub struct Sign {
    /// `None` only with `--insecure-dev`.
    secrets: Option<Secrets>,
}

impl Sign {
    pub fn new(secrets: Option<Secrets>) -> Self {
        Self { secrets }
    }

    // The signature becomes part of the key by which equal requests in flight are deduplicated. It is the same within a
    // second, so they still are; and two bearers never share one.
    pub fn on_subgraph_http_request<'exec>(
        &'exec self,
        mut payload: OnSubgraphHttpRequestHookPayload<'exec>,
    ) -> OnSubgraphHttpRequestHookResult<'exec> {
        let Some(secrets) = &self.secrets else { return payload.proceed() };
        let signature = secrets.sign(SignedParts {
            subgraph: payload.subgraph_name,
            method: &payload.method,
            path: payload.endpoint.path_and_query().map_or("/", |path| path.as_str()),
            headers: &payload.execution_request.headers,
            body: &payload.body,
        });
        payload.execution_request.headers.insert(SIGNATURE, signature);
        payload.proceed()
    }
}

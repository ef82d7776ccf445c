//! Serves the API schema as SDL, for code generators and editors, wherever introspection would tell it, too.

use hive_router::{
    http::StatusCode,
    ntex::http::Response,
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

use super::site::{self, File};

pub const PATH: &str = "/schema.graphql";
const NOT_PUBLIC: &str = "This router does not publish its schema: introspection is off, or only stored operations are \
                          served. The setting is `introspection` in its configuration file.\n";
/// It is text, and has nothing to load.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const NOT_LOADED: &str = "The schema is not loaded yet. Try again.\n";

pub struct SchemaFile {
    /// Whether everybody may read the schema.
    is_public: bool,
}

impl SchemaFile {
    pub fn new(is_public: bool) -> Self {
        Self { is_public }
    }

    pub fn on_http_request<'req>(
        &self,
        payload: OnHttpRequestHookPayload<'req>,
        sdl: impl FnOnce() -> Option<String>,
    ) -> OnHttpRequestHookResult<'req> {
        let request = &payload.router_http_request;
        if request.path() != PATH || !site::reads(request.method()) {
            return payload.proceed();
        }
        let response = match (self.is_public, sdl()) {
            (false, _) => Response::build(StatusCode::FORBIDDEN).body(NOT_PUBLIC),
            (true, None) => Response::build(StatusCode::SERVICE_UNAVAILABLE).body(NOT_LOADED),
            (true, Some(sdl)) => File::new(PATH, sdl.into(), CONTENT_POLICY).respond(request.headers()),
        };
        payload.end_with_response(response)
    }
}

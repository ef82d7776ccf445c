//! Serves the API schema as SDL, for code generators and editors, wherever introspection would tell it, too.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use hive_router::{
    http::StatusCode,
    ntex::http::Response,
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

use super::site::{self, File};
use crate::hive_gaps::documents::{Documents, graph::Graph};

pub const PATH: &str = "/schema.graphql";
const NOT_PUBLIC: &str = "This router does not publish its schema: introspection is off, or not for everybody, or \
                          only stored operations are served. The settings are `introspection` and \
                          `jwt.require_authentication` in its configuration file.\n";
/// It is text, and has nothing to load.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const NOT_LOADED: &str = "The schema is not loaded yet. Try again.\n";

pub struct SchemaFile {
    /// Whether everybody may read the schema.
    is_public: bool,
    printed: Mutex<Option<Printed>>,
}

/// The file of the graph that a supergraph has made.
struct Printed {
    graph: Weak<Graph>,
    file: Arc<File>,
}

impl SchemaFile {
    pub fn new(is_public: bool) -> Self {
        Self { is_public, printed: Mutex::default() }
    }

    pub fn on_http_request<'req>(
        &self,
        payload: OnHttpRequestHookPayload<'req>,
        documents: &Documents,
    ) -> OnHttpRequestHookResult<'req> {
        let request = &payload.router_http_request;
        if request.path() != PATH || !site::reads(request.method()) {
            return payload.proceed();
        }
        let file = || self.file(&documents.graph()?, || documents.sdl());
        let response = match self.is_public.then(file) {
            None => Response::build(StatusCode::FORBIDDEN).body(NOT_PUBLIC),
            Some(None) => Response::build(StatusCode::SERVICE_UNAVAILABLE).body(NOT_LOADED),
            Some(Some(file)) => file.respond(request.headers()),
        };
        payload.end_with_response(response)
    }

    /// Printed at the first request after the supergraph was loaded.
    fn file(&self, graph: &Arc<Graph>, print: impl FnOnce() -> Option<String>) -> Option<Arc<File>> {
        let graph = Arc::downgrade(graph);
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(printed) = printed.as_ref().filter(|printed| printed.graph.ptr_eq(&graph)) {
            return Some(Arc::clone(&printed.file));
        }
        let file = Arc::new(File::new(PATH, print()?.into(), CONTENT_POLICY));
        *printed = Some(Printed { graph, file: Arc::clone(&file) });
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_schema_is_printed_once_for_each_supergraph() {
        let schema_file = SchemaFile::new(true);
        let graph = || Arc::new(Graph::new("type Query { a: Int }").expect("it is a schema"));
        let (first, second) = (graph(), graph());
        let times = Cell::new(0);
        let request = |graph| {
            let print = || {
                times.set(times.get() + 1);
                Some(format!("number {}", times.get()))
            };
            schema_file.file(graph, print).expect("it is printed")
        };

        let printed = request(&first);
        assert!(Arc::ptr_eq(&printed, &request(&first)));
        let anew = request(&second);
        assert!(Arc::ptr_eq(&anew, &request(&second)) && !Arc::ptr_eq(&anew, &printed));
        assert_eq!(times.get(), 2);

        // Not loaded any more, or not yet: asked again.
        assert!(schema_file.file(&first, || None).is_none());
        request(&first);
        assert_eq!(times.get(), 3);
    }
}

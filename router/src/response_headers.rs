//! Default headers of every response: no caching of what depends on the client, and no sniffing of its type. A response
//! that sets headers of its own, such as the playground's files, keeps them.

use hive_router::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, VARY, X_CONTENT_TYPE_OPTIONS},
    },
    ntex::{
        Middleware, SharedCfg,
        http::HeaderMap,
        service::{Service, ServiceCtx},
        web::{self, DefaultError, WebRequest, WebResponse},
    },
};

use crate::hive_gaps::null_origin;

/// The request headers that a GraphQL response depends on.
const GRAPHQL_VARIES_BY: [&str; 2] = ["Authorization", "Accept"];

/// The middleware that adds them to all responses of a router.
#[derive(Clone)]
pub struct ResponseHeaders {
    graphql_path: &'static str,
    /// Whether responses depend on the origin, too.
    has_cors: bool,
}

impl ResponseHeaders {
    pub fn new(graphql_path: &'static str, has_cors: bool) -> Self {
        Self { graphql_path, has_cors }
    }

    fn is_graphql(&self, path: &str) -> bool {
        path.strip_prefix(self.graphql_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn add(&self, path: &str, method: &Method, response: &mut WebResponse) {
        let is_graphql = self.is_graphql(path);
        let status = response.status();
        let headers = response.headers_mut();
        null_origin::remove(headers);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff").into());
        // How long a browser caches the response to a preflight request is for the section `cors` to set.
        if (is_graphql && method != Method::OPTIONS) || !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store").into());
        }
        if is_graphql {
            let origin = self.has_cors.then_some("Origin");
            for name in GRAPHQL_VARIES_BY.into_iter().chain(origin) {
                add_vary(headers, name);
            }
        }
        if status == StatusCode::METHOD_NOT_ALLOWED && !headers.contains_key(ALLOW) {
            headers.insert(ALLOW, HeaderValue::from_static(allowed_methods(is_graphql, method)).into());
        }
    }
}

/// The methods that are allowed where `method` is not.
fn allowed_methods(is_graphql: bool, method: &Method) -> &'static str {
    match (is_graphql, method) {
        // Only a mutation cannot be sent by GET.
        (true, &Method::GET) => "POST",
        (true, _) => "GET, POST",
        (false, _) => "GET, HEAD",
    }
}

fn add_vary(headers: &mut HeaderMap, name: &str) {
    let known = |value: &str| value.split(',').any(|one| one.trim() == "*" || one.trim().eq_ignore_ascii_case(name));
    let values: Vec<_> = headers.get_all(VARY).filter_map(|value| value.to_str().ok()).collect();
    if values.iter().any(|value| known(value)) {
        return;
    }
    let all = values.into_iter().chain([name]).collect::<Vec<_>>().join(", ");
    // One line: some caches read only the first.
    headers.insert(VARY, HeaderValue::from_str(&all).expect("values of headers joined by commas are one").into());
}

impl<S> Middleware<S, SharedCfg> for ResponseHeaders {
    type Service = ResponseHeadersMiddleware<S>;

    fn create(&self, service: S, _: SharedCfg) -> Self::Service {
        ResponseHeadersMiddleware { service, added: self.clone() }
    }
}

pub struct ResponseHeadersMiddleware<S> {
    service: S,
    added: ResponseHeaders,
}

impl<S> Service<WebRequest<DefaultError>> for ResponseHeadersMiddleware<S>
where
    S: Service<WebRequest<DefaultError>, Response = WebResponse, Error = web::Error>,
{
    type Response = WebResponse;
    type Error = web::Error;

    hive_router::ntex::forward_ready!(service);

    async fn call(
        &self,
        request: WebRequest<DefaultError>,
        ctx: ServiceCtx<'_, Self>,
    ) -> Result<Self::Response, Self::Error> {
        let mut response = ctx.call(&self.service, request).await?;
        let request = response.request().clone();
        self.added.add(request.path(), request.method(), &mut response);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary(before: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in before {
            headers.append(VARY, HeaderValue::from_str(value).expect("a header's value").into());
        }
        add_vary(&mut headers, "Authorization");
        headers.get(VARY).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn what_a_response_varies_by_is_added_to_what_is_there() {
        assert_eq!(vary(&[]), "Authorization");
        assert_eq!(vary(&["accept-encoding"]), "accept-encoding, Authorization");
        assert_eq!(vary(&["Origin", "accept-encoding"]), "Origin, accept-encoding, Authorization");
        assert_eq!(vary(&["Accept, authorization"]), "Accept, authorization");
        assert_eq!(vary(&["*"]), "*");
    }

    #[test]
    fn the_graph_is_at_its_path_and_below() {
        let headers = ResponseHeaders::new("/graphql", false);

        assert!(headers.is_graphql("/graphql") && headers.is_graphql("/graphql/sha256:1"));
        assert!(!headers.is_graphql("/graphqls") && !headers.is_graphql("/"));
    }
}

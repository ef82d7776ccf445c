//! Serves the built storefront (`examples/storefront`) below `/store`, on the router's own origin.

use std::io;

use hive_router::{
    ntex::web::{DefaultError, WebRequest},
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload,
    },
};
use tracing::warn;

use super::site::{self, File, Files, INDEX_PATH};
use crate::Settings;

const BASE: &str = "/store";
// It has no inline script or style, no `data:` and no other host.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub struct Storefront {
    /// Empty where it is not served.
    files: Files,
}

impl Storefront {
    /// # Errors
    /// When a file cannot be read. A missing directory is not an error.
    pub fn load(settings: &Settings) -> io::Result<Self> {
        // It sends documents of its own, which a safelist rejects.
        let Some(directory) = settings.storefront.as_ref().filter(|_| settings.safelist.is_none()) else {
            return Ok(Self { files: Files::new() });
        };
        let mut files = site::read(directory, CONTENT_POLICY)?;
        if !files.contains_key(INDEX_PATH) {
            warn!(directory = %directory.display(), "the storefront has not been built");
            files.clear();
        }
        Ok(Self { files })
    }

    pub fn on_http_request<'req>(&self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookResult<'req> {
        match self.find(&payload.router_http_request) {
            Some(file) => {
                let response = file.respond(payload.router_http_request.headers());
                payload.end_with_response(response)
            }
            None => payload.proceed(),
        }
    }

    fn find(&self, request: &WebRequest<DefaultError>) -> Option<&File> {
        let path = request.path().strip_prefix(BASE).filter(|_| site::reads(request.method()))?;
        match self.files.get(path) {
            None if is_page(path) => self.files.get(INDEX_PATH),
            found => found,
        }
    }
}

/// Whether this is the address of a page, which the storefront's own script shows, and not of a file.
fn is_page(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~".contains(&byte);
    (path.is_empty() || path.starts_with('/')) && path.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_plain_addresses_without_an_extension() {
        for page in ["", "/", "/sign-in", "/courses/0198c0de-0000-7000-8000-000000000001", "/teaching/"] {
            assert!(is_page(page), "{page}");
        }
        for other in ["front", "/logo.svg", "/..", "/../x", "/%2e%2e/x", "/a%00", "/..\\x", "/a\\b", "/.env", "/é"] {
            assert!(!is_page(other), "{other}");
        }
    }
}

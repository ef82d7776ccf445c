//! Serves the built playground page on the router's own origin, so that it needs no CORS.

use std::io;

use futures::stream;
use hive_router::{
    http::{Method, StatusCode, header::ACCEPT},
    ntex::{
        http::{HeaderMap as RequestHeaders, Response, ResponseBuilder},
        util::Bytes,
        web::{DefaultError, WebRequest},
    },
    plugins::{
        hooks::on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        plugin_trait::StartHookPayload,
    },
};
use serde_json::json;
use tokio::runtime::Handle;
use tracing::warn;

use super::site::{self, CACHE_NEVER, File, Files, INDEX_PATH};
use crate::{Mailbox, Settings};

/// The mails of a development server.
const MAIL_PATH: &str = "/playground/mail.json";
const SETTINGS_PATH: &str = "/playground.json";
/// What a proxy tells of the client that it stands for.
const FORWARDED: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];
const NOT_BUILT: &str = "The playground has not been built: run `npm ci && npm run build` in `web-playground/`.\n\
                         GraphQL itself is at /graphql.\n";
const NO_PLAYGROUND: &str = "This router has no playground. GraphQL is at /graphql, its schema at /schema.graphql.\n";
// The editor creates its workers from blobs. The hash is that of an empty `style` element, into which it inserts rules.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; \
     style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; \
     worker-src 'self' blob:; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub struct Playground {
    files: Files,
    mailbox: Option<(Mailbox, Handle)>,
}

impl Playground {
    /// # Errors
    /// When a file cannot be read. A missing directory is not an error.
    pub fn load(settings: &Settings) -> io::Result<Self> {
        if settings.contract.is_some() {
            // Its map and its operations are those of the whole graph.
            let index = File::new("/index.txt", NO_PLAYGROUND.into(), CONTENT_POLICY);
            return Ok(Self { files: Files::from([(INDEX_PATH.to_owned(), index)]), mailbox: None });
        }
        let directory = &settings.playground;
        let mut files = site::read(directory, CONTENT_POLICY)?;
        if !files.contains_key(INDEX_PATH) {
            warn!(directory = %directory.display(), "the playground has not been built");
            files.insert(INDEX_PATH.to_owned(), File::new("/index.txt", NOT_BUILT.into(), CONTENT_POLICY));
        }
        let mailbox = settings.mailbox.clone().filter(|_| settings.development).zip(settings.runtime.clone());
        let settings = json!({
            "development": settings.development,
            "diagnostics": if settings.development { "everyone" } else { "admins" },
            "samples": if settings.development { settings.samples.as_slice() } else { &[] },
        });
        // Sample accounts must not be cached.
        let settings = File::new(SETTINGS_PATH, settings.to_string().into(), CONTENT_POLICY).never_cached();
        files.insert(SETTINGS_PATH.to_owned(), settings);
        Ok(Self { files, mailbox })
    }

    pub fn on_http_request<'req>(&'req self, payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookResult<'req> {
        if let Some(response) = self.mail(&payload.router_http_request) {
            return payload.end_with_response(response);
        }
        match self.find(&payload.router_http_request) {
            Some(file) => {
                let response = file.respond(payload.router_http_request.headers());
                payload.end_with_response(response)
            }
            None => payload.proceed(),
        }
    }
}

impl Playground {
    /// The mails, for a client on this machine that no proxy stands for.
    fn mail(&self, request: &WebRequest<DefaultError>) -> Option<Response> {
        let (mailbox, runtime) = self.mailbox.as_ref()?;
        if request.path() != MAIL_PATH || request.method() != Method::GET || !is_from_this_machine(request) {
            return None;
        }
        // On the runtime of its database connections.
        let reading = runtime.spawn(mailbox.read());
        let body = async { Ok::<_, io::Error>(Bytes::from(reading.await.unwrap_or_default().to_string())) };
        let mut response = ResponseBuilder::new(StatusCode::OK);
        for (name, value) in &site::headers("application/json", CACHE_NEVER, CONTENT_POLICY) {
            response.header(name, value);
        }
        Some(response.streaming(Box::pin(stream::once(body))))
    }

    fn find(&self, request: &WebRequest<DefaultError>) -> Option<&File> {
        if !site::reads(request.method()) {
            return None;
        }
        match request.path() {
            "/" if wants_page(request.headers()) => self.files.get(INDEX_PATH),
            // Only files that were found at start-up are served: no path traversal.
            path => self.files.get(path),
        }
    }
}

/// Whether the client is on this machine, and no proxy stands for another one.
pub fn is_from_this_machine(request: &WebRequest<DefaultError>) -> bool {
    let is_local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    let is_forwarded = FORWARDED.iter().any(|name| request.headers().contains_key(*name));
    is_local && !is_forwarded
}

fn wants_page(request: &RequestHeaders) -> bool {
    let accepted = request.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    accepted.contains("text/html") || accepted.contains("*/*")
}

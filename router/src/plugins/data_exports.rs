//! Passes the links of data exports on to identity, which serves them where its public keys are: so a link works on the
//! origin that told it. Nothing else of identity can be reached this way.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use futures::TryStreamExt as _;
use hive_router::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY},
    },
    ntex::{
        http::Response,
        util::Bytes,
        web::{DefaultError, WebRequest},
    },
};
use reqwest::{Client, Url, redirect::Policy};
use tokio::sync::Semaphore;

const PATH: &str = "/data-exports/";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// More than a token has.
const MAX_TOKEN_LENGTH: usize = 128;
/// More are told to try again.
const MAX_CONCURRENT: usize = 8;
const NOT_VALID: &str = "this link is not valid any more: create another one";
const UNAVAILABLE: &str = "the file cannot be fetched at the moment: try again";

pub struct DataExports {
    client: Client,
    /// An address of identity; `None` where the router has its keys from elsewhere.
    identity: Option<Url>,
    /// Each looks into identity's database, which those who sign in need, too.
    slots: Arc<Semaphore>,
}

/// What a request for a file is answered with.
pub enum Download {
    Rejected(StatusCode),
    Passed { client: Client, url: Url, slots: Arc<Semaphore> },
}

impl DataExports {
    /// # Errors
    /// When there is no HTTP client.
    pub fn new(jwks_url: Option<&str>) -> Result<Self> {
        // As for the other requests to subgraphs: no proxy, no redirects.
        let client = Client::builder().no_proxy().redirect(Policy::none());
        let client = client.connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()?;
        let slots = Arc::new(Semaphore::new(MAX_CONCURRENT));
        Ok(Self { client, identity: jwks_url.and_then(|url| url.parse().ok()), slots })
    }

    /// The download that is asked for, if this is such a request.
    pub fn download(&self, request: &WebRequest<DefaultError>) -> Option<Download> {
        let token = request.path().strip_prefix(PATH)?;
        let identity = self.identity.as_ref()?;
        if request.method() != Method::GET {
            // Programs that only look, with `HEAD`, must not use the link up.
            return Some(Download::Rejected(StatusCode::METHOD_NOT_ALLOWED));
        }
        if !is_token(token) {
            return Some(Download::Rejected(StatusCode::NOT_FOUND));
        }
        let mut url = identity.clone();
        url.set_path(&format!("{PATH}{token}"));
        url.set_query(None);
        Some(Download::Passed { client: self.client.clone(), url, slots: Arc::clone(&self.slots) })
    }
}

impl Download {
    pub async fn respond(self) -> Response {
        match self {
            Self::Rejected(StatusCode::NOT_FOUND) => Response::build(StatusCode::NOT_FOUND).body(NOT_VALID),
            Self::Rejected(status) => Response::build(status).finish(),
            Self::Passed { client, url, slots } => {
                let Ok(_slot) = slots.try_acquire() else { return unavailable() };
                match client.get(url).send().await {
                    Ok(response) if response.status() == StatusCode::OK => pass(response),
                    Ok(response) if response.status() == StatusCode::NOT_FOUND => {
                        Response::build(StatusCode::NOT_FOUND).body(NOT_VALID)
                    }
                    Ok(_) | Err(_) => unavailable(),
                }
            }
        }
    }
}

fn unavailable() -> Response {
    Response::build(StatusCode::SERVICE_UNAVAILABLE).body(UNAVAILABLE)
}

/// The file, as one that no browser shows, whatever that address says it is.
fn pass(response: reqwest::Response) -> Response {
    let disposition =
        response.headers().get(CONTENT_DISPOSITION).filter(|value| value.as_bytes().starts_with(b"attachment"));
    let mut passed = Response::build(StatusCode::OK);
    passed.header(CONTENT_DISPOSITION, disposition.cloned().unwrap_or(HeaderValue::from_static("attachment")));
    passed.header(CONTENT_TYPE, "application/json").header(CACHE_CONTROL, "no-store");
    passed.header(REFERRER_POLICY, "no-referrer").header(CONTENT_SECURITY_POLICY, "default-src 'none'");
    passed.streaming(Box::pin(response.bytes_stream().map_ok(|part| Bytes::from(part.to_vec()))))
}

/// Letters of Base64 for URLs: nothing that could lead to another path.
fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_TOKEN_LENGTH).contains(&text.len()) && text.bytes().all(is_letter)
}

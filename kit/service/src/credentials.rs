//! The viewer's credentials, to query other subgraphs on behalf of the viewer.

use async_graphql::Context;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use telemetry::spans;

/// The viewer's credentials, to query other subgraphs on behalf of the viewer.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Option<HeaderValue>);

impl Credentials {
    /// Reads the credentials from a request's headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut value = headers.get(AUTHORIZATION).cloned();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        Self(value)
    }

    /// The headers of a request on behalf of the viewer.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers: HeaderMap = self.0.iter().map(|value| (AUTHORIZATION, value.clone())).collect();
        spans::inject(&mut headers);
        headers
    }
}

/// Provides the viewer's credentials in a resolver's context.
pub trait CredentialsExt {
    /// The credentials to query other subgraphs on behalf of the viewer.
    fn credentials(&self) -> &Credentials;
}

impl CredentialsExt for Context<'_> {
    fn credentials(&self) -> &Credentials {
        self.data_unchecked()
    }
}

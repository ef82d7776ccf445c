//! The credentials of whoever is asking, to ask other subgraphs in their name.

use async_graphql::Context;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use telemetry::spans;

/// The credentials of whoever is asking, to ask others in their name.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Option<HeaderValue>);

impl Credentials {
    /// Those of a request with these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut value = headers.get(AUTHORIZATION).cloned();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        Self(value)
    }

    /// The headers of a request in their name.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers: HeaderMap = self.0.iter().map(|value| (AUTHORIZATION, value.clone())).collect();
        spans::inject(&mut headers);
        headers
    }
}

/// Finds the viewer's credentials in a resolver's context.
pub trait CredentialsExt {
    /// To ask others in the viewer's name.
    fn credentials(&self) -> &Credentials;
}

impl CredentialsExt for Context<'_> {
    fn credentials(&self) -> &Credentials {
        self.data_unchecked()
    }
}

//! hive-router sends one response to concurrent requests with the same hash, of their operation, their variables and
//! some of their headers. That hash has no key, and it skips a header that is not ASCII: a request with such a token
//! was equal to one without a token, so one client got the other's data or rejection. So requests are also
//! distinguished by a hash of our own, of everything in them.
//!
//! No upstream issue is known. `hive_gaps::a_header_that_is_not_ascii_tells_no_requests_apart` fails once it is fixed.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use hive_router::{
    http::header::{ACCEPT, AUTHORIZATION},
    ntex::http::header::HeaderValue,
    plugins::{
        hooks::on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

/// Distinguishes requests that hive-router would deduplicate wrongly.
#[derive(Default)]
pub struct InboundDedupe {
    /// Randomly keyed, so that collisions cannot be computed.
    hasher: RandomState,
}

impl InboundDedupe {
    pub fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        let request = payload.router_http_request;
        let mut hasher = self.hasher.build_hasher();
        payload.body.as_ref().hash(&mut hasher);
        request.query_string.hash(&mut hasher);
        for name in [AUTHORIZATION, ACCEPT] {
            let values: Vec<_> = request.headers.get_all(name).map(HeaderValue::as_bytes).collect();
            values.hash(&mut hasher);
        }
        payload.add_inbound_dedupe_partition(hasher.finish());
        payload.proceed()
    }
}

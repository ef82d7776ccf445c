//! hive-router gives requests one answer that are under way at the same time and have the same hash, of their operation,
//! their variables and some of their headers. That hash has no key, and a header that is not ASCII is no part of it: who
//! had such a token counted as somebody without one, so that either got the other's answer: data in place of a refusal,
//! or a refusal in place of data. So requests are distinguished by a hash of our own, too, of all that they say.
//!
//! No upstream issue is known. `hive_gaps::a_header_that_is_not_ascii_tells_no_requests_apart` fails once it is closed.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use hive_router::{
    http::header::{ACCEPT, AUTHORIZATION},
    ntex::http::header::HeaderValue,
    plugins::{
        hooks::on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
        plugin_trait::StartHookPayload as _,
    },
};

/// Tells requests apart that hive-router would take for one.
#[derive(Default)]
pub struct InboundDedupe {
    /// Keyed, and nobody knows the key.
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

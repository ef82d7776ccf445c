//! Limits the requests in progress of one network address, so that those of others do not queue behind them.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use hive_router::{
    GraphQLError,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_params::OnGraphQLParamsStartHookPayload,
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};
use moka::sync::Cache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    client_address::network,
    errors::{self, RequestError},
};

/// The maximum per network address; more are rejected.
const MAX_WAITING: usize = 256;
/// After this wait a request proceeds: a subgraph that hangs must not block requests to the others.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// The maximum of tracked network addresses. An evicted one starts anew.
const MAX_NETWORKS: u64 = 10_000;
const TIME_TO_IDLE: Duration = Duration::from_mins(1);

pub struct ConcurrencyLimit {
    max: usize,
    networks: Cache<IpAddr, Network>,
}

/// The limits of one network address.
#[derive(Clone)]
struct Network {
    in_progress: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// The permit in the context of a request that counts.
struct RequestPermit(Option<OwnedSemaphorePermit>);

/// The queue of the network address is full.
struct QueueFull;

impl ConcurrencyLimit {
    pub fn on_http_request(payload: OnHttpRequestHookPayload<'_>) -> OnHttpRequestHookResult<'_> {
        payload.on_end(|payload| {
            release(payload.context);
            payload.proceed()
        })
    }

    // The body has been read by now, so a slow upload holds no permit.
    pub async fn on_graphql_params(&self, payload: &OnGraphQLParamsStartHookPayload<'_>) -> Result<(), RequestError> {
        let Some(network) = network(payload.context) else { return Ok(()) };
        let permit = self.acquire(network).await;
        let permit = permit.map_err(|QueueFull| RequestError::new(queue_full(), StatusCode::TOO_MANY_REQUESTS))?;
        payload.context.insert(RequestPermit(permit));
        Ok(())
    }
}

impl ConcurrencyLimit {
    pub fn new(max: NonZeroU32) -> Self {
        Self {
            max: max.get() as usize,
            networks: Cache::builder().max_capacity(MAX_NETWORKS).time_to_idle(TIME_TO_IDLE).build(),
        }
    }

    /// `None` on timeout.
    async fn acquire(&self, network: IpAddr) -> Result<Option<OwnedSemaphorePermit>, QueueFull> {
        let Network { in_progress, waiting } = self.networks.get_with(network, || Network {
            in_progress: Arc::new(Semaphore::new(self.max)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        });
        if let Ok(permit) = Arc::clone(&in_progress).try_acquire_owned() {
            return Ok(Some(permit));
        }
        let _waiting = waiting.try_acquire().map_err(|_| QueueFull)?;
        Ok(timeout(MAX_WAIT, in_progress.acquire_owned()).await.ok().and_then(Result::ok))
    }
}

/// Releases the permit of a request that has ended, or has limits of its own.
pub fn release(context: &PluginContext) {
    drop(context.get_mut::<RequestPermit>().and_then(|mut permit| permit.0.take()));
}

fn queue_full() -> GraphQLError {
    let message = format!("{MAX_WAITING} requests from your network address are already queued. Try again later.");
    errors::rate_limited(message, 1)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    const NETWORK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    fn has_permit(acquired: &Result<Option<OwnedSemaphorePermit>, QueueFull>) -> bool {
        matches!(acquired, Ok(Some(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_has_so_many_in_progress_and_waits_with_others_for_no_longer_than_a_second() {
        let limit = ConcurrencyLimit::new(NonZeroU32::new(2).expect("it is not zero"));
        let context = PluginContext::default();
        context.insert(RequestPermit(limit.acquire(NETWORK).await.ok().flatten()));
        let second = limit.acquire(NETWORK).await;
        assert!(has_permit(&second));

        assert!(has_permit(&limit.acquire(OTHER).await), "a limit of its own");
        let late = limit.acquire(NETWORK).await;
        assert!(matches!(late, Ok(None)), "it goes on without one");

        release(&context);
        assert!(has_permit(&limit.acquire(NETWORK).await));
        release(&context);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_of_a_network_wait() {
        let limit = ConcurrencyLimit::new(NonZeroU32::MIN);
        let first = limit.acquire(NETWORK).await;
        assert!(has_permit(&first));

        let others = join_all((0..MAX_WAITING + 10).map(|_| limit.acquire(NETWORK))).await;

        assert_eq!(others.iter().filter(|other| other.is_err()).count(), 10);
        assert!(has_permit(&limit.acquire(OTHER).await));
    }
}

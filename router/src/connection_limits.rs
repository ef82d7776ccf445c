//! Limits of open connections and subscriptions, per client, per user and in total.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use subgraph_kit::ClientIp;

use crate::settings::LiveSettings;

/// The maximum of sockets. An idle socket holds little memory, but each is an open file.
const MAX_SOCKETS: NonZeroU32 = NonZeroU32::new(10_000).expect("it is not zero");

/// The limits of one router.
#[derive(Clone, Default)]
pub struct ConnectionLimits {
    settings: LiveSettings,
    counts: Counts,
}

type Counts = Arc<Mutex<HashMap<Scope, u32>>>;

/// The subject that a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    TotalSockets,
    Sockets(Option<IpAddr>),
    Subscriptions(Option<IpAddr>),
    User(String),
}

/// An open connection or subscription, until it is dropped.
pub struct Permit {
    scopes: [Scope; 2],
    counts: Counts,
}

/// The limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitExceeded {
    /// Too many of all clients together.
    Total,
    /// Too many of this network address.
    Client(NonZeroU32),
    /// Too many of this user.
    User(NonZeroU32),
}

impl ConnectionLimits {
    pub fn new(settings: LiveSettings) -> Self {
        Self { settings, counts: Counts::default() }
    }

    /// A permit for a WebSocket.
    pub fn socket(&self, client: Option<IpAddr>) -> Result<Permit, LimitExceeded> {
        let limit = self.settings.max_subscriptions_per_client;
        self.take([
            (Scope::TotalSockets, MAX_SOCKETS, LimitExceeded::Total),
            (Scope::Sockets(ClientIp(client).network()), limit, LimitExceeded::Client(limit)),
        ])
    }

    /// A permit for a subscription, over any transport. Anonymous clients count by their address only.
    pub fn subscription(&self, client: Option<IpAddr>, user: Option<&str>) -> Result<Permit, LimitExceeded> {
        let LiveSettings { max_subscriptions_per_client, max_subscriptions_per_user, .. } = self.settings;
        let scope = Scope::Subscriptions(ClientIp(client).network());
        let per_client =
            (scope.clone(), max_subscriptions_per_client, LimitExceeded::Client(max_subscriptions_per_client));
        let per_user = match user {
            Some(user) => (
                Scope::User(user.to_owned()),
                max_subscriptions_per_user,
                LimitExceeded::User(max_subscriptions_per_user),
            ),
            None => per_client.clone(),
        };
        self.take([per_client, per_user])
    }

    fn take(&self, wanted: [(Scope, NonZeroU32, LimitExceeded); 2]) -> Result<Permit, LimitExceeded> {
        let mut counts = lock(&self.counts);
        for (scope, limit, full) in &wanted {
            if counts.get(scope).is_some_and(|count| *count >= limit.get()) {
                return Err(*full);
            }
        }
        let scopes = wanted.map(|(scope, ..)| scope);
        for scope in distinct(&scopes) {
            *counts.entry(scope.clone()).or_default() += 1;
        }
        Ok(Permit { scopes, counts: Arc::clone(&self.counts) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        for scope in distinct(&self.scopes) {
            if let Entry::Occupied(mut entry) = counts.entry(scope.clone()) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }
}

impl LimitExceeded {
    /// The error message for the client.
    pub fn message(self) -> String {
        match self {
            Self::Total => "The server has too many live connections. Try again later.".to_owned(),
            Self::Client(limit) => {
                format!("Your network address has reached its limit of {limit} live connections. Close one first.")
            }
            Self::User(limit) => {
                format!("You have reached your limit of {limit} open subscriptions. Close one of them first.")
            }
        }
    }
}

/// Removes the duplicate scope of an anonymous user, who is counted by client only.
fn distinct(scopes: &[Scope; 2]) -> &[Scope] {
    if scopes[0] == scopes[1] { &scopes[..1] } else { scopes }
}

fn lock(counts: &Counts) -> MutexGuard<'_, HashMap<Scope, u32>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: NonZeroU32 = NonZeroU32::new(3).expect("it is not zero");
    const TWO: NonZeroU32 = NonZeroU32::new(2).expect("it is not zero");

    fn limits() -> ConnectionLimits {
        ConnectionLimits::new(LiveSettings {
            max_subscriptions_per_client: THREE,
            max_subscriptions_per_user: TWO,
            ..LiveSettings::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_client_has_so_many_subscriptions_and_so_many_sockets() {
        let (limits, home) = (limits(), address("192.0.2.1"));

        let held: Vec<_> = (0..3).map(|_| limits.subscription(Some(home), None).expect("a permit")).collect();
        let sockets: Vec<_> = (0..3).map(|_| limits.socket(Some(home)).expect("a permit")).collect();

        assert_eq!(limits.subscription(Some(home), Some("alice")).err(), Some(LimitExceeded::Client(THREE)));
        assert_eq!(limits.socket(Some(home)).err(), Some(LimitExceeded::Client(THREE)));
        assert!(limits.subscription(Some(address("192.0.2.2")), None).is_ok());
        assert!(limits.subscription(None, None).is_ok());
        drop((held, sockets));
        assert!(lock(&limits.counts).is_empty());
    }

    #[test]
    fn a_user_has_so_many_wherever_they_are() {
        let limits = limits();

        let first = limits.subscription(Some(address("192.0.2.1")), Some("alice")).expect("a permit");
        let _second = limits.subscription(Some(address("192.0.2.2")), Some("alice")).expect("a permit");

        assert_eq!(
            limits.subscription(Some(address("192.0.2.3")), Some("alice")).err(),
            Some(LimitExceeded::User(TWO))
        );
        assert!(limits.subscription(Some(address("192.0.2.3")), Some("bob")).is_ok());
        drop(first);
        assert!(limits.subscription(Some(address("192.0.2.3")), Some("alice")).is_ok());
    }

    #[test]
    fn who_is_rejected_takes_nothing() {
        let (limits, home) = (limits(), address("192.0.2.1"));
        let _held = [1, 2].map(|_| limits.subscription(Some(home), Some("alice")).expect("a permit"));

        for _ in 0..10 {
            assert!(limits.subscription(Some(home), Some("alice")).is_err());
        }

        assert!(limits.subscription(Some(home), Some("bob")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let limits = limits();

        let held: Vec<_> =
            (0..3).map(|n| limits.socket(Some(address(&format!("2001:db8:1:{n}::1")))).expect("a permit")).collect();

        assert!(limits.socket(Some(address("2001:db8:1:9::9"))).is_err());
        assert!(limits.socket(Some(address("2001:db8:2::1"))).is_ok());
        drop(held);
    }
}

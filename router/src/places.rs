//! How much is open at a time, and whose it is: nobody takes everybody's places.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use subgraph_kit::ClientIp;

use crate::settings::LiveSettings;

/// Sockets hold no more than what has been said on them, but each is a file to the system.
const MAX_SOCKETS: NonZeroU32 = NonZeroU32::new(10_000).expect("it is not zero");

/// Those of one router.
#[derive(Clone, Default)]
pub struct Places {
    settings: LiveSettings,
    taken: Taken,
}

type Taken = Arc<Mutex<HashMap<Holder, u32>>>;

/// Who holds places, and of which kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    AllSockets,
    Sockets(Option<IpAddr>),
    Subscriptions(Option<IpAddr>),
    User(String),
}

/// One that is taken; dropping it gives it back.
pub struct Place {
    holders: [Holder; 2],
    taken: Taken,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All clients together have too many.
    Everybody,
    /// This network address has as many as it may.
    Client(NonZeroU32),
    /// This user has as many as they may.
    User(NonZeroU32),
}

impl Places {
    pub fn new(settings: LiveSettings) -> Self {
        Self { settings, taken: Taken::default() }
    }

    /// A place for a WebSocket.
    pub fn socket(&self, client: Option<IpAddr>) -> Result<Place, Full> {
        let limit = self.settings.live_per_client;
        self.take([
            (Holder::AllSockets, MAX_SOCKETS, Full::Everybody),
            (Holder::Sockets(ClientIp(client).network()), limit, Full::Client(limit)),
        ])
    }

    /// A place for a subscription, over whichever transport. Who has not signed in counts by their address alone.
    pub fn subscription(&self, client: Option<IpAddr>, user: Option<&str>) -> Result<Place, Full> {
        let LiveSettings { live_per_client, live_per_user, .. } = self.settings;
        let holder = Holder::Subscriptions(ClientIp(client).network());
        let of_client = (holder.clone(), live_per_client, Full::Client(live_per_client));
        let of_user = match user {
            Some(user) => (Holder::User(user.to_owned()), live_per_user, Full::User(live_per_user)),
            None => of_client.clone(),
        };
        self.take([of_client, of_user])
    }

    fn take(&self, wanted: [(Holder, NonZeroU32, Full); 2]) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        for (holder, limit, full) in &wanted {
            if taken.get(holder).is_some_and(|count| *count >= limit.get()) {
                return Err(*full);
            }
        }
        let holders = wanted.map(|(holder, ..)| holder);
        for holder in distinct(&holders) {
            *taken.entry(holder.clone()).or_default() += 1;
        }
        Ok(Place { holders, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        for holder in distinct(&self.holders) {
            if let Entry::Occupied(mut entry) = taken.entry(holder.clone()) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }
}

impl Full {
    /// What its client is told.
    pub fn message(self) -> String {
        match self {
            Self::Everybody => "There are too many live connections at the moment. Try again.".to_owned(),
            Self::Client(limit) => {
                format!("Your network address has {limit} live connections open, and may have no more. End one first.")
            }
            Self::User(limit) => {
                format!("You have {limit} subscriptions open, and may have no more at a time. End one first.")
            }
        }
    }
}

/// A user who is nobody is the client once more, which counts once.
fn distinct(holders: &[Holder; 2]) -> &[Holder] {
    if holders[0] == holders[1] { &holders[..1] } else { holders }
}

fn lock(taken: &Taken) -> MutexGuard<'_, HashMap<Holder, u32>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: NonZeroU32 = NonZeroU32::new(3).expect("it is not zero");
    const TWO: NonZeroU32 = NonZeroU32::new(2).expect("it is not zero");

    fn places() -> Places {
        Places::new(LiveSettings { live_per_client: THREE, live_per_user: TWO, ..LiveSettings::default() })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_client_has_so_many_subscriptions_and_so_many_sockets() {
        let (places, home) = (places(), address("192.0.2.1"));

        let held: Vec<_> = (0..3).map(|_| places.subscription(Some(home), None).expect("a place")).collect();
        let sockets: Vec<_> = (0..3).map(|_| places.socket(Some(home)).expect("a place")).collect();

        assert_eq!(places.subscription(Some(home), Some("alice")).err(), Some(Full::Client(THREE)));
        assert_eq!(places.socket(Some(home)).err(), Some(Full::Client(THREE)));
        assert!(places.subscription(Some(address("192.0.2.2")), None).is_ok());
        assert!(places.subscription(None, None).is_ok());
        drop((held, sockets));
        assert!(lock(&places.taken).is_empty());
    }

    #[test]
    fn a_user_has_so_many_wherever_they_are() {
        let places = places();

        let first = places.subscription(Some(address("192.0.2.1")), Some("alice")).expect("a place");
        let _second = places.subscription(Some(address("192.0.2.2")), Some("alice")).expect("a place");

        assert_eq!(places.subscription(Some(address("192.0.2.3")), Some("alice")).err(), Some(Full::User(TWO)));
        assert!(places.subscription(Some(address("192.0.2.3")), Some("bob")).is_ok());
        drop(first);
        assert!(places.subscription(Some(address("192.0.2.3")), Some("alice")).is_ok());
    }

    #[test]
    fn who_is_refused_takes_nothing() {
        let (places, home) = (places(), address("192.0.2.1"));
        let _held = [1, 2].map(|_| places.subscription(Some(home), Some("alice")).expect("a place"));

        for _ in 0..10 {
            assert!(places.subscription(Some(home), Some("alice")).is_err());
        }

        assert!(places.subscription(Some(home), Some("bob")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let places = places();

        let held: Vec<_> =
            (0..3).map(|n| places.socket(Some(address(&format!("2001:db8:1:{n}::1")))).expect("a place")).collect();

        assert!(places.socket(Some(address("2001:db8:1:9::9"))).is_err());
        assert!(places.socket(Some(address("2001:db8:2::1"))).is_ok());
        drop(held);
    }
}

//! Limits the rate of sign-ins, registrations and refreshes, before anything is looked up or hashed.
//!
//! The keys are what was typed, whether such an account exists or not, so that a rejection reveals nothing. Nobody is
//! locked out for good: buckets are refilled, sessions have buckets of their own, and a client that has signed in to an
//! account before does not share the bucket that strangers empty.

mod buckets;
mod clock;
mod limit;
mod settings;

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use subgraph_kit::{ClientIp, Error};
use uuid::Uuid;

use self::buckets::Buckets;
pub use self::{clock::Clock, limit::Limit, settings::ThrottleSettings};
use crate::user::normalize_email;

/// The maximum number of trusted pairs of client and account, and how long they are trusted after last use.
const MAX_TRUSTED: u64 = 100_000;
const TRUST_DURATION: Duration = Duration::from_hours(30 * 24);

/// Counts attempts. It stores only keyed hashes of clients, addresses and sessions.
pub struct RateLimiter {
    hasher: RandomState,
    sign_in: Buckets,
    sign_in_address: Buckets,
    sign_in_client: Buckets,
    registration: Buckets,
    registration_address: Buckets,
    registration_client: Buckets,
    refresh: Buckets,
    refresh_client: Buckets,
    mail: Buckets,
    mail_address: Buckets,
    mail_client: Buckets,
    mail_token_client: Buckets,
    /// The pairs that were authenticated.
    trusted: Cache<u64, ()>,
}

impl RateLimiter {
    /// Creates a rate limiter with full buckets.
    #[must_use]
    pub fn new(settings: &ThrottleSettings) -> Self {
        let buckets = |limit| Buckets::new(if settings.throttle { limit } else { Limit::Off }, &settings.clock);
        Self {
            hasher: RandomState::new(),
            sign_in: buckets(settings.sign_in_limit),
            sign_in_address: buckets(settings.sign_in_limit_address),
            sign_in_client: buckets(settings.sign_in_limit_client),
            registration: buckets(settings.registration_limit),
            registration_address: buckets(settings.registration_limit_address),
            registration_client: buckets(settings.registration_limit_client),
            refresh: buckets(settings.refresh_limit),
            refresh_client: buckets(settings.refresh_limit_client),
            mail: buckets(settings.mail_limit),
            mail_address: buckets(settings.mail_limit_address),
            mail_client: buckets(settings.mail_limit_client),
            mail_token_client: buckets(settings.mail_token_limit_client),
            trusted: Cache::builder()
                .max_capacity(MAX_TRUSTED)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(TRUST_DURATION)
                .build(),
        }
    }

    /// Counts a sign-in. The shared limit comes last, so that a rejected client uses up no attempts of others.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the client or the account has no attempts left.
    pub fn check_sign_in(&self, client: ClientIp, email: &str) -> Result<(), Error> {
        let pair = self.pair(client, email);
        self.sign_in_client.take(self.client(client))?;
        self.sign_in.take(pair)?;
        if self.trusted.get(&pair).is_some() { Ok(()) } else { self.sign_in_address.take(self.address(email)) }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the client or the address has no attempts left.
    pub fn check_registration(&self, client: ClientIp, email: &str) -> Result<(), Error> {
        self.registration_client.take(self.client(client))?;
        self.registration.take(self.pair(client, email))?;
        self.registration_address.take(self.address(email))
    }

    /// Counts a refresh; only the client's, if the token is malformed.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the client or the session has no attempts left.
    pub fn check_refresh(&self, client: ClientIp, session: Option<Uuid>) -> Result<(), Error> {
        self.refresh_client.take(self.client(client))?;
        session.map_or(Ok(()), |session| self.refresh.take(self.hash(session)))
    }

    /// Counts a mail that somebody requests. A client that was authenticated for the account does not share the bucket
    /// that strangers empty.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the client or the address has no mails left.
    pub fn check_mail(&self, client: ClientIp, email: &str) -> Result<(), Error> {
        let pair = self.pair(client, email);
        self.mail_client.take(self.client(client))?;
        self.mail.take(pair)?;
        if self.trusted.get(&pair).is_some() { Ok(()) } else { self.mail_address.take(self.address(email)) }
    }

    /// Counts an attempt with the token of a mail.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the client has no attempts left.
    pub fn check_mail_token(&self, client: ClientIp) -> Result<(), Error> {
        self.mail_token_client.take(self.client(client))
    }

    /// Trusts a client that has signed in to this account, and refills its bucket: right passwords are no guesses.
    pub fn has_signed_in(&self, client: ClientIp, email: &str) {
        self.sign_in.fill(self.pair(client, email));
        self.trust_client(client, email);
    }

    /// Trusts a client that was authenticated for this account.
    pub fn trust_client(&self, client: ClientIp, email: &str) {
        self.trusted.insert(self.pair(client, email), ());
    }

    fn client(&self, client: ClientIp) -> u64 {
        self.hash(client.network())
    }

    fn address(&self, email: &str) -> u64 {
        self.hash(normalize_email(email))
    }

    fn pair(&self, client: ClientIp, email: &str) -> u64 {
        self.hash((client.network(), normalize_email(email)))
    }

    fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::{Clock as _, FakeRelativeClock};

    use super::*;

    const BOB: &str = "bob@lyceum.example";
    const LIMIT: Limit = Limit::per_minutes(3, 3);

    fn settings() -> ThrottleSettings {
        ThrottleSettings {
            sign_in_limit: Limit::Off,
            sign_in_limit_address: Limit::Off,
            sign_in_limit_client: Limit::Off,
            registration_limit: Limit::Off,
            registration_limit_address: Limit::Off,
            registration_limit_client: Limit::Off,
            refresh_limit: Limit::Off,
            refresh_limit_client: Limit::Off,
            mail_limit: Limit::Off,
            mail_limit_address: Limit::Off,
            mail_limit_client: Limit::Off,
            mail_token_limit_client: Limit::Off,
            ..ThrottleSettings::default()
        }
    }

    fn client(address: &str) -> ClientIp {
        ClientIp(Some(address.parse().expect("an address")))
    }

    /// Counts how many of ten attempts are allowed.
    fn allowed(attempt: impl Fn(u8) -> Result<(), Error>) -> usize {
        (0..10).filter(|number| attempt(*number).is_ok()).count()
    }

    #[test]
    fn a_bucket_holds_so_many_and_fills_again_one_by_one() {
        let time = FakeRelativeClock::default();
        let clock = Clock::new({
            let time = time.clone();
            move || time.now().into()
        });
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit: LIMIT, clock, ..settings() });
        let sign_in = |_| limiter.check_sign_in(client("192.0.2.1"), BOB);

        assert_eq!(allowed(sign_in), 3);
        time.advance(Duration::from_millis(59_500));
        assert!(matches!(sign_in(0), Err(Error::RateLimited { retry_after: 1 })));
        time.advance(Duration::from_secs(1));
        assert_eq!(allowed(sign_in), 1);
        time.advance(Duration::from_hours(1));
        assert_eq!(allowed(sign_in), 3);
    }

    #[test]
    fn a_client_that_guesses_at_one_account_keeps_its_other_users_out_of_no_other() {
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit: LIMIT, ..settings() });
        let (home, school) = (client("192.0.2.1"), client("192.0.2.2"));

        assert_eq!(allowed(|_| limiter.check_sign_in(home, BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_sign_in(home, "BOB@lyceum.example")), 0);
        assert_eq!(allowed(|_| limiter.check_sign_in(home, "carol@lyceum.example")), 3);
        assert_eq!(allowed(|_| limiter.check_sign_in(school, BOB)), 3);
    }

    #[test]
    fn a_client_that_tries_one_account_after_the_other_is_stopped_too() {
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit_client: LIMIT, ..settings() });
        let anybody = |number| format!("student{number}@lyceum.example");

        assert_eq!(allowed(|number| limiter.check_sign_in(client("192.0.2.1"), &anybody(number))), 3);
        assert_eq!(allowed(|number| limiter.check_sign_in(ClientIp(None), &anybody(number))), 3);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit: LIMIT, ..settings() });

        assert_eq!(allowed(|n| limiter.check_sign_in(client(&format!("2001:db8:1:{n}::1")), BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_sign_in(client("2001:db8:2::1"), BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_sign_in(client("192.0.2.1"), BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_sign_in(client("::ffff:192.0.2.1"), BOB)), 0);
    }

    #[test]
    fn a_client_that_is_refused_uses_up_nothing_of_the_accounts() {
        let limits =
            ThrottleSettings { sign_in_limit: Limit::per_minutes(2, 1), sign_in_limit_address: LIMIT, ..settings() };
        let limiter = RateLimiter::new(&limits);

        assert_eq!(allowed(|_| limiter.check_sign_in(client("192.0.2.1"), BOB)), 2);
        assert_eq!(allowed(|_| limiter.check_sign_in(client("192.0.2.2"), BOB)), 1);
    }

    #[test]
    fn registrations_and_refreshes_have_limits_of_their_own() {
        let limiter = RateLimiter::new(&ThrottleSettings {
            registration_limit: LIMIT,
            refresh_limit: LIMIT,
            sign_in_limit: LIMIT,
            ..settings()
        });
        let home = client("192.0.2.1");

        assert_eq!(allowed(|_| limiter.check_sign_in(home, BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_registration(home, BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_refresh(home, Some(Uuid::from_u128(1)))), 3);
        assert_eq!(allowed(|_| limiter.check_refresh(home, Some(Uuid::from_u128(2)))), 3);
        assert_eq!(allowed(|_| limiter.check_refresh(home, None)), 10);
    }

    #[test]
    fn mails_are_limited_by_address_and_client_but_not_for_who_has_signed_in() {
        let limits = ThrottleSettings { mail_limit_address: LIMIT, mail_token_limit_client: LIMIT, ..settings() };
        let limiter = RateLimiter::new(&limits);
        let (home, strange) = (client("192.0.2.1"), client("192.0.2.2"));
        limiter.trust_client(home, BOB);

        assert_eq!(allowed(|_| limiter.check_mail(strange, BOB)), 3);
        assert_eq!(allowed(|_| limiter.check_mail(home, BOB)), 10);
        assert_eq!(allowed(|_| limiter.check_mail_token(strange)), 3);
        assert_eq!(allowed(|_| limiter.check_mail_token(home)), 3);
    }

    #[test]
    fn right_passwords_do_not_add_up() {
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit: LIMIT, ..settings() });
        let home = client("192.0.2.1");

        let sign_in = |_| limiter.check_sign_in(home, BOB).inspect(|()| limiter.has_signed_in(home, BOB));

        assert_eq!(allowed(sign_in), 10);
    }

    #[test]
    fn nothing_is_limited_where_it_is_switched_off() {
        let limiter = RateLimiter::new(&ThrottleSettings { sign_in_limit: LIMIT, throttle: false, ..settings() });

        assert_eq!(allowed(|_| limiter.check_sign_in(client("192.0.2.1"), BOB)), 10);
    }
}

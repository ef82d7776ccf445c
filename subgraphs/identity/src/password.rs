//! Passwords: Argon2id on a bounded number of threads, and bcrypt for accounts of the legacy system.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        PasswordHasher as _, PasswordVerifier as _,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use subgraph_kit::Error;
use tokio::{sync::Semaphore, task::spawn_blocking};
use unicode_normalization::UnicodeNormalization as _;

use crate::IdentitySettings;

/// The permitted lengths of a normalized password, in characters.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;

/// The guesses that an attacker has per account. The most common passwords rank below it.
const FIRST_GUESSES: u64 = 10_000;

/// No common password is longer, and the time of an estimate grows faster than the length.
const MAX_ESTIMATED_LENGTH: usize = 40;

/// The approximate time of a full queue.
const QUEUE_SECONDS: u64 = 2;

/// Hashes and verifies passwords without blocking other requests.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    workers: Arc<Semaphore>,
    queue_slots: Arc<Semaphore>,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is wrong, or there is no account.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, but its hash is outdated and must be replaced.
    RightButOutdated,
}

/// The hash of an account's password.
#[derive(Clone)]
pub struct StoredHash {
    /// An Argon2id hash, or a bcrypt hash of the legacy system.
    pub hash: String,
    /// Whether the password was normalized before it was hashed.
    pub is_normalized: bool,
}

/// Hashes a password with the default parameters, for accounts that are not created by sign-up. CPU-bound: not for
/// async code.
///
/// # Panics
/// If the operating system provides no random numbers.
#[must_use]
pub fn hash_password(password: &str) -> String {
    hash(&Params::DEFAULT, password)
}

/// Whether the length of a password is permitted.
#[must_use]
pub fn is_acceptable(password: &str) -> bool {
    LENGTHS.contains(&password.nfkc().take(LENGTHS.end() + 1).count())
}

/// The form of a password that is hashed: NFKC (NIST SP 800-63B, 5.1.1.2), since keyboards differ in how they compose the
/// same letters.
fn normalize(password: &str) -> String {
    password.nfkc().collect()
}

/// Whether a password is among an attacker's first guesses for the account of this address, in any letter case.
#[must_use]
pub fn is_easily_guessed(password: &str, email: &str) -> bool {
    let (password, email) = (normalize(password).to_lowercase(), email.to_lowercase());
    let local_part = email.rsplit_once('@').map_or(&*email, |(local_part, _)| local_part);
    if password == email || password == local_part {
        return true;
    }
    password.chars().count() <= MAX_ESTIMATED_LENGTH
        && zxcvbn::zxcvbn(&password, &[&email, local_part]).guesses() <= FIRST_GUESSES + 1
}

impl Passwords {
    /// Creates a hasher with the settings' parameters and limits.
    ///
    /// # Panics
    /// If the settings are outside of the ranges that the command line accepts.
    #[must_use]
    pub fn new(settings: &IdentitySettings) -> Self {
        let workers = settings.password_hash_workers.map_or_else(default_workers, NonZeroUsize::get);
        Self {
            params: Params::new(
                settings.password_memory_kib,
                settings.password_argon2_iterations,
                Params::DEFAULT_P_COST,
                None,
            )
            .expect("the settings are within Argon2's limits"),
            workers: Arc::new(Semaphore::new(workers)),
            queue_slots: Arc::new(Semaphore::new(workers * (1 + usize::from(settings.password_queue)))),
        }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the queue is full; [`Error::Internal`] if hashing panics.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        let params = self.params.clone();
        self.run(move || hash(&params, &password)).await
    }

    /// Compares a password with the hash of an account. Takes as long if there is no account.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the queue is full; [`Error::Internal`] if hashing panics.
    pub async fn verify(&self, password: String, stored: Option<StoredHash>) -> Result<Verdict, Error> {
        let max_length = *LENGTHS.end();
        if password.chars().nth(max_length).is_some() && password.nfkc().nth(max_length).is_some() {
            return Ok(Verdict::Wrong);
        }
        let params = self.params.clone();
        self.run(move || verify(&params, &password, stored.as_ref())).await
    }

    /// Runs CPU-bound work on a password, without blocking other requests.
    ///
    /// Moves the permits into the work, so that cancelled requests do not admit more.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the queue is full; [`Error::Internal`] if the work panics.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let slot = Arc::clone(&self.queue_slots)
            .try_acquire_owned()
            .map_err(|_| Error::RateLimited { retry_after: QUEUE_SECONDS })?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(Error::internal)?;
        let work = move || {
            let _permits = (slot, worker);
            work()
        };
        spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Half of the cores: with all, other queries wait in a burst of sign-ins (see the benchmark `sign_in`).
fn default_workers() -> usize {
    available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

fn hash(params: &Params, password: &str) -> String {
    Argon2::from(params).hash_password(normalize(password).as_bytes()).expect("the parameters are valid").to_string()
}

/// One comparison, whatever is stored, so that no account takes longer than another one.
fn verify(params: &Params, password: &str, stored: Option<&StoredHash>) -> Verdict {
    let normalized = normalize(password);
    let is_outdated_form = stored.is_some_and(|stored| !stored.is_normalized) && normalized != password;
    let compared = if is_outdated_form { password } else { &normalized };
    match compare(params, compared, stored.map(|stored| &*stored.hash)) {
        Verdict::Right if is_outdated_form => Verdict::RightButOutdated,
        verdict => verdict,
    }
}

fn compare(params: &Params, password: &str, stored: Option<&str>) -> Verdict {
    if let Some(verdict) = stored.filter(|hash| is_bcrypt(hash)).and_then(|hash| bcrypt::verify(password, hash).ok()) {
        return if verdict { Verdict::RightButOutdated } else { Verdict::Wrong };
    }
    let stored = stored.and_then(|hash| PasswordHash::new(hash).ok()).unwrap_or_else(|| dummy_hash(params));
    if Argon2::default().verify_password(password.as_bytes(), &stored).is_err() {
        return Verdict::Wrong;
    }
    if is_current(params, &stored) { Verdict::Right } else { Verdict::RightButOutdated }
}

fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix))
}

fn is_current(params: &Params, stored: &PasswordHash) -> bool {
    stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
        && ParamsString::try_from(params).is_ok_and(|params| params == stored.params)
}

/// Creates a hash that costs as much to verify as a real one, and matches no password.
fn dummy_hash(params: &Params) -> PasswordHash {
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect("the parameters are valid"),
        salt: Some(Salt::new(&[0; 16]).expect("a salt of the recommended length")),
        hash: Some(Output::new(&[0; Params::DEFAULT_OUTPUT_LEN]).expect("an output of the default length")),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use futures::{FutureExt as _, StreamExt as _, future::join_all, stream::FuturesUnordered};
    use nix::time::{ClockId, clock_gettime};

    use super::*;

    const PASSWORD: &str = "correct horse";
    const EMAIL: &str = "bob.builder@lyceum.example";

    #[test]
    fn what_everyone_tries_first_is_easily_guessed() {
        let common =
            ["password", "Password", "PASSWORD1", "p4ssw0rd", "12345678", "qwertyuiop", "iloveyou", "trustno1"];
        let own = ["bob.builder", "BOB.BUILDER", "Bob.Builder@lyceum.example", "b0b.build3r"];
        for password in common.into_iter().chain(own).chain(["aaaaaaaa", "abcdefgh"]) {
            assert!(is_easily_guessed(password, EMAIL), "{password}");
        }
        let long = format!("{}@lyceum.example", "b".repeat(60));
        assert!(is_easily_guessed(&long, &long));
    }

    #[test]
    fn what_takes_more_than_a_few_guesses_is_not() {
        for password in
            [PASSWORD, "lyceum-sample", "kestrel-42", "x7kqp2vz", &"🔑".repeat(128), "bob.builder likes bricks"]
        {
            assert!(!is_easily_guessed(password, EMAIL), "{password}");
        }
    }

    fn check(params: &Params, password: &str, hash: Option<&str>) -> Verdict {
        let stored = hash.map(|hash| StoredHash { hash: hash.to_owned(), is_normalized: true });
        verify(params, password, stored.as_ref())
    }

    fn cheap() -> Params {
        Params::new(1_024, 1, 1, None).expect("parameters")
    }

    #[test]
    fn a_hash_is_argon2id_with_the_parameters_that_owasp_recommends() {
        let hash = hash_password(PASSWORD);

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(check(&Params::DEFAULT, PASSWORD, Some(&hash)), Verdict::Right);
        assert_eq!(check(&Params::DEFAULT, "wrong horse", Some(&hash)), Verdict::Wrong);
    }

    #[test]
    fn parameters_that_were_raised_make_a_hash_outdated() {
        let hash = hash(&cheap(), PASSWORD);

        assert_eq!(check(&cheap(), PASSWORD, Some(&hash)), Verdict::Right);
        assert_eq!(check(&Params::DEFAULT, PASSWORD, Some(&hash)), Verdict::RightButOutdated);
    }

    #[test]
    fn a_password_is_the_same_however_a_keyboard_composes_it() {
        let (composed, decomposed, wide) = ("gr\u{fc}nkohl 1", "gru\u{308}nkohl 1", "gr\u{fc}nkohl \u{ff11}");

        for typed in [composed, decomposed, wide] {
            let hash = hash(&cheap(), typed);
            for other in [composed, decomposed, wide] {
                assert_eq!(check(&cheap(), other, Some(&hash)), Verdict::Right, "{typed} {other}");
            }
        }
    }

    #[test]
    fn a_hash_that_is_older_than_the_normalization_stays_good() {
        let decomposed = "gru\u{308}nkohl 1";
        let raw = Argon2::from(&cheap()).hash_password(decomposed.as_bytes()).expect("a hash").to_string();
        let bcrypt = bcrypt::hash(decomposed, 4).expect("a hash");

        for hash in [raw, bcrypt] {
            let stored = StoredHash { hash, is_normalized: false };
            assert_eq!(verify(&cheap(), decomposed, Some(&stored)), Verdict::RightButOutdated);
            assert_eq!(verify(&cheap(), "gru\u{308}nkohl 2", Some(&stored)), Verdict::Wrong);
            let stored = StoredHash { is_normalized: true, ..stored };
            assert_eq!(verify(&cheap(), decomposed, Some(&stored)), Verdict::Wrong, "it is not tried twice");
        }
    }

    #[test]
    fn bcrypt_in_each_of_its_spellings_is_outdated() {
        let hash = bcrypt::hash(PASSWORD, 4).expect("a hash");

        for prefix in ["$2a$", "$2b$", "$2y$"] {
            let hash = hash.replacen("$2b$", prefix, 1);
            assert_eq!(check(&cheap(), PASSWORD, Some(&hash)), Verdict::RightButOutdated);
            assert_eq!(check(&cheap(), "wrong horse", Some(&hash)), Verdict::Wrong);
        }
    }

    #[test]
    fn nothing_matches_where_there_is_no_hash() {
        for stored in [None, Some(""), Some("!"), Some("$2b$"), Some("$argon2id$v=19$m=19456,t=2,p=1$")] {
            assert_eq!(check(&cheap(), PASSWORD, stored), Verdict::Wrong, "{stored:?}");
        }
    }

    #[test]
    fn an_unknown_account_takes_as_long_as_a_wrong_password() {
        let params = Params::DEFAULT;
        let hash = hash(&params, PASSWORD);

        let median = |stored: Option<&str>| {
            let mut times: Vec<Duration> = (0..9).map(|_| time(|| check(&params, "wrong horse", stored))).collect();
            times.sort_unstable();
            times[4].as_secs_f64()
        };
        let ratio = median(None) / median(Some(&hash));

        assert!((0.5..2.0).contains(&ratio), "{ratio}");
    }

    fn passwords(hashers: usize, queue: u16) -> Passwords {
        Passwords::new(&IdentitySettings {
            password_hash_workers: NonZeroUsize::new(hashers),
            password_queue: queue,
            password_memory_kib: 1_024,
            password_argon2_iterations: 1,
            ..IdentitySettings::default()
        })
    }

    #[tokio::test]
    async fn no_more_are_hashed_at_once_than_the_settings_say() {
        let passwords = passwords(2, 10);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

        let work = || {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            passwords.run(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(5));
                now.fetch_sub(1, Ordering::SeqCst);
            })
        };
        for done in join_all((0..20).map(|_| work())).await {
            done.expect("there is room for all");
        }

        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn whoever_would_wait_too_long_is_turned_away_at_once() {
        let passwords = passwords(1, 2);

        let only_thread = Arc::clone(&passwords.workers).acquire_owned().await.expect("it is free");
        let mut outcomes: FuturesUnordered<_> = (0..1_000).map(|_| passwords.hash(PASSWORD.to_owned())).collect();

        for _ in 0..997 {
            let outcome = outcomes.next().await.expect("an outcome");
            assert!(matches!(outcome, Err(Error::RateLimited { .. })), "{outcome:?}");
        }
        assert!(outcomes.next().now_or_never().is_none(), "three wait for the thread");

        drop(only_thread);
        assert!(outcomes.all(async |outcome| outcome.is_ok()).await);
        passwords.hash(PASSWORD.to_owned()).await.expect("there is room again");
    }

    #[tokio::test]
    async fn a_huge_password_is_wrong_without_being_hashed() {
        let passwords = passwords(1, 1);
        passwords.queue_slots.close();

        for hash in [None, Some(hash(&cheap(), PASSWORD)), Some(bcrypt::hash(PASSWORD, 4).expect("a hash"))] {
            let stored = hash.map(|hash| StoredHash { hash, is_normalized: true });
            let verdict = passwords.verify("x".repeat(100_000), stored).await.expect("no place is needed");

            assert_eq!(verdict, Verdict::Wrong);
        }
    }

    /// Measures the CPU time of this thread, whatever the load of the machine.
    fn time<T>(work: impl FnOnce() -> T) -> Duration {
        let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
        let start = now();
        work();
        now().saturating_sub(start)
    }
}

//! The settings of the identity subgraph.

use std::num::NonZeroUsize;

use clap::{ArgAction, Args, value_parser};

use crate::{mail::MailSettings, throttle::ThrottleSettings};

/// Settings of access tokens and the keys that sign them. Not `Debug`: it may hold a private key.
#[derive(Clone, Args)]
pub struct TokenSettings {
    /// The number of seconds for which an access token is valid.
    #[arg(long, env = "LYCEUM_ACCESS_TOKEN_SECONDS", default_value_t = 900, value_parser = value_parser!(u32).range(1..=86_400))]
    pub access_token_seconds: u32,

    /// The number of seconds from the publication of a new signing key to its first use. Routers and subgraphs must
    /// have fetched the key by then, which they do every 10 seconds.
    #[arg(long, env = "LYCEUM_KEY_PUBLICATION_SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(10..=86_400))]
    pub key_publication_seconds: u32,

    /// The Ed25519 signing key, as PKCS#8 PEM text, instead of the directory of keys. It may contain several keys: the
    /// first one signs, and tokens of all are accepted. To rotate, append the new key; then move it to the front; and
    /// remove the old one when its tokens have expired.
    #[arg(long, env = "LYCEUM_SIGNING_KEY", hide_env_values = true, value_name = "PEM")]
    pub signing_key: Option<String>,
}

/// Settings of the identity subgraph.
#[derive(Clone, Args)]
pub struct IdentitySettings {
    /// Of access tokens.
    #[command(flatten)]
    pub tokens: TokenSettings,

    /// The number of days after which a session expires if it is not refreshed.
    #[arg(long, env = "LYCEUM_SESSION_DAYS", default_value_t = 30, value_parser = value_parser!(u32).range(1..=3_650))]
    pub session_days: u32,

    /// Days after which a session ends, however often it is refreshed.
    #[arg(long, env = "LYCEUM_SESSION_MAX_DAYS", default_value_t = 365, value_parser = value_parser!(u32).range(1..=3_650))]
    pub session_max_days: u32,

    /// Seconds in which a refresh token that was used already gets the same tokens again from the same client, whose other
    /// tab was faster or who did not get the answer. Later, or from another client, its session ends. 0: always. A client is
    /// a network address with a `User-Agent`, which somebody on the same network can copy.
    #[arg(long, env = "LYCEUM_REFRESH_REUSE_SECONDS", default_value_t = 10, value_parser = value_parser!(u32).range(0..=300))]
    pub refresh_reuse_seconds: u32,

    /// Whether the domain of a new account's e-mail address needs a dot.
    #[arg(long, env = "LYCEUM_EMAIL_DOMAIN_NEEDS_DOT", value_name = "BOOLEAN", default_value_t = true, action = ArgAction::Set)]
    pub email_domain_needs_dot: bool,

    /// The number of passwords that are hashed at the same time. Default: half the number of processor cores.
    #[arg(long, env = "LYCEUM_PASSWORD_HASH_WORKERS")]
    pub password_hash_workers: Option<NonZeroUsize>,

    /// The maximum number of passwords that wait to be hashed, per worker. Further sign-ins are rejected immediately.
    #[arg(long, env = "LYCEUM_PASSWORD_QUEUE", default_value_t = 64, value_parser = value_parser!(u16).range(1..))]
    pub password_queue: u16,

    /// The memory for hashing a password (Argon2id), in KiB. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_MEMORY_KIB", default_value_t = 19_456, value_parser = value_parser!(u32).range(1_024..=4_194_304))]
    pub password_memory_kib: u32,

    /// The number of Argon2id iterations. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_ARGON2_ITERATIONS", default_value_t = 2, value_parser = value_parser!(u32).range(1..=100))]
    pub password_argon2_iterations: u32,

    /// The minimum duration of a failed sign-in, in milliseconds, so that its duration does not reveal which addresses
    /// have an account. It must exceed the time for an old hash (bcrypt, or other Argon2id parameters).
    #[arg(long, env = "LYCEUM_FAILED_SIGN_IN_MIN_MS", default_value_t = 500)]
    pub failed_sign_in_min_ms: u32,

    /// How often somebody may try.
    #[command(flatten)]
    pub throttle: ThrottleSettings,

    /// Of mail to users.
    #[command(flatten)]
    pub mail: MailSettings,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self { access_token_seconds: 900, key_publication_seconds: 60, signing_key: None }
    }
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            tokens: TokenSettings::default(),
            session_days: 30,
            session_max_days: 365,
            refresh_reuse_seconds: 10,
            email_domain_needs_dot: true,
            password_hash_workers: None,
            password_queue: 64,
            password_memory_kib: 19_456,
            password_argon2_iterations: 2,
            failed_sign_in_min_ms: 500,
            throttle: ThrottleSettings::default(),
            mail: MailSettings::default(),
        }
    }
}

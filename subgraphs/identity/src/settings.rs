//! The settings of the identity subgraph.

use std::num::NonZeroUsize;

use clap::{ArgAction, Args, value_parser};

use crate::throttle::ThrottleSettings;

/// Settings of access tokens and the keys that sign them. Not `Debug`: it may hold a private key.
#[derive(Clone, Args)]
pub struct TokenSettings {
    /// Seconds that an access token is good for.
    #[arg(long, env = "LYCEUM_ACCESS_TOKEN_SECONDS", default_value_t = 900, value_parser = value_parser!(u32).range(1..=86_400))]
    pub access_token_seconds: u32,

    /// Seconds from the publication of a new signing key to its first use. Routers and subgraphs must have fetched the
    /// key by then, which they do every 10 seconds.
    #[arg(long, env = "LYCEUM_KEY_PUBLICATION_SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(10..=86_400))]
    pub key_publication_seconds: u32,

    /// The Ed25519 signing key itself, as PKCS#8 PEM text, in place of the directory of keys. It may hold several, one
    /// after another: the first one signs, and tokens of all of them are accepted. So the next key is added as the last
    /// one, then put first, and the old one is left out when its tokens have ended.
    #[arg(long, env = "LYCEUM_SIGNING_KEY", hide_env_values = true, value_name = "PEM")]
    pub signing_key: Option<String>,
}

/// Settings of the identity subgraph.
#[derive(Clone, Args)]
pub struct IdentitySettings {
    /// Of access tokens.
    #[command(flatten)]
    pub tokens: TokenSettings,

    /// Days that a session lives on when it is not refreshed.
    #[arg(long, env = "LYCEUM_SESSION_DAYS", default_value_t = 30, value_parser = value_parser!(u32).range(1..=3_650))]
    pub session_days: u32,

    /// Days after which a session ends, however often it is refreshed.
    #[arg(long, env = "LYCEUM_SESSION_MAX_DAYS", default_value_t = 365, value_parser = value_parser!(u32).range(1..=3_650))]
    pub session_max_days: u32,

    /// Seconds in which a refresh token that was used already gets the same tokens again from the same client, whose other
    /// tab was faster or who did not get the answer. Later, or from another client, its session ends. 0: always.
    #[arg(long, env = "LYCEUM_REFRESH_REUSE_SECONDS", default_value_t = 10, value_parser = value_parser!(u32).range(0..=300))]
    pub refresh_reuse_seconds: u32,

    /// Whether the domain of a new account's e-mail address needs a dot.
    #[arg(long, env = "LYCEUM_EMAIL_DOMAIN_NEEDS_DOT", value_name = "BOOLEAN", default_value_t = true, action = ArgAction::Set)]
    pub email_domain_needs_dot: bool,

    /// Passwords that are hashed at the same time; one for every two processor cores where not given.
    #[arg(long, env = "LYCEUM_PASSWORD_HASH_WORKERS")]
    pub password_hash_workers: Option<NonZeroUsize>,

    /// Passwords that may wait to be hashed, for each one that is being hashed. More are turned away at once,
    /// rather than answered too late.
    #[arg(long, env = "LYCEUM_PASSWORD_QUEUE", default_value_t = 64, value_parser = value_parser!(u16).range(1..))]
    pub password_queue: u16,

    /// Memory that hashing a password takes (Argon2id), in KiB. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_MEMORY_KIB", default_value_t = 19_456, value_parser = value_parser!(u32).range(1_024..=4_194_304))]
    pub password_memory_kib: u32,

    /// Passes over that memory. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_ARGON2_ITERATIONS", default_value_t = 2, value_parser = value_parser!(u32).range(1..=100))]
    pub password_argon2_iterations: u32,

    /// Milliseconds that a refused sign-in takes at the least, so that its time does not tell which addresses have an
    /// account: more than a password takes whose hash is an old one (bcrypt, or other Argon2id parameters).
    #[arg(long, env = "LYCEUM_FAILED_SIGN_IN_MIN_MS", default_value_t = 500)]
    pub failed_sign_in_min_ms: u32,

    /// How often somebody may try.
    #[command(flatten)]
    pub throttle: ThrottleSettings,
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
        }
    }
}

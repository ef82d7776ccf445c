//! What an operator can set.

use std::num::NonZeroUsize;

use clap::{Args, value_parser};

use crate::throttle::ThrottleSettings;

/// Settings of the identity subgraph.
#[derive(Clone, Debug, Args)]
pub struct IdentitySettings {
    /// Seconds that an access token is good for.
    #[arg(long, env = "LYCEUM_ACCESS_TOKEN_SECONDS", default_value_t = 900, value_parser = value_parser!(u32).range(1..=86_400))]
    pub access_token_seconds: u32,

    /// Days that a session lives on when it is not refreshed.
    #[arg(long, env = "LYCEUM_SESSION_DAYS", default_value_t = 30, value_parser = value_parser!(u32).range(1..=3_650))]
    pub session_days: u32,

    /// Passwords that are hashed at the same time; one for each processor core where not given.
    #[arg(long, env = "LYCEUM_PASSWORD_HASHERS")]
    pub password_hashers: Option<NonZeroUsize>,

    /// Passwords that may wait to be hashed, for each one that is being hashed. More are turned away with RATE_LIMITED,
    /// rather than answered too late.
    #[arg(long, env = "LYCEUM_PASSWORD_QUEUE", default_value_t = 64, value_parser = value_parser!(u16).range(1..))]
    pub password_queue: u16,

    /// Memory that hashing a password takes (Argon2id), in KiB. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_MEMORY", default_value_t = 19_456, value_parser = value_parser!(u32).range(1_024..=4_194_304))]
    pub password_memory: u32,

    /// Passes over that memory. A change is applied at each user's next sign-in.
    #[arg(long, env = "LYCEUM_PASSWORD_PASSES", default_value_t = 2, value_parser = value_parser!(u32).range(1..=100))]
    pub password_passes: u32,

    /// How often somebody may try.
    #[command(flatten)]
    pub throttle: ThrottleSettings,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            access_token_seconds: 900,
            session_days: 30,
            password_hashers: None,
            password_queue: 64,
            password_memory: 19_456,
            password_passes: 2,
            throttle: ThrottleSettings::default(),
        }
    }
}

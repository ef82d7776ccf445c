//! The settings of the throttle.

use clap::{ArgAction, Args};

use super::{Clock, Limit};

// One client alone cannot empty the bucket that all of an address's clients share: it may try every 30 seconds, and
// that bucket regains an attempt every 20.
const SIGN_IN: Limit = Limit::per_minutes(10, 5);
const SIGN_IN_ADDRESS: Limit = Limit::per_minutes(30, 10);
// A class that starts its lesson behind one network address.
const SIGN_IN_CLIENT: Limit = Limit::per_minutes(200, 5);
const REGISTRATION: Limit = Limit::per_minutes(10, 5);
const REGISTRATION_ADDRESS: Limit = SIGN_IN_ADDRESS;
// The same class on its first day.
const REGISTRATION_CLIENT: Limit = Limit::per_minutes(60, 60);
// A client needs one refresh per access token.
const REFRESH: Limit = Limit::per_minutes(10, 5);
// Enough for 1,800 people behind one network address.
const REFRESH_CLIENT: Limit = Limit::per_minutes(600, 5);

// Somebody who does not find the mail asks again some times.
const MAIL: Limit = Limit::per_minutes(5, 30);
const MAIL_ADDRESS: Limit = Limit::per_minutes(10, 60);
// A class of which everybody has forgotten the password.
const MAIL_CLIENT: Limit = Limit::per_minutes(60, 60);
// The same class, with their mails.
const MAIL_TOKEN_CLIENT: Limit = Limit::per_minutes(100, 5);

/// How often somebody may sign in, sign up or refresh a session. A client is a network address (of
/// IPv6, the first 48 bits).
#[derive(Clone, Debug, Args)]
pub struct ThrottleSettings {
    /// The limit of sign-ins to one e-mail address from one client. `10/5m`: ten in a burst, then one every 30 seconds,
    /// ten in five minutes; `off`: no limit. A successful sign-in resets it.
    #[arg(long, env = "LYCEUM_SIGN_IN_LIMIT", value_name = "LIMIT", default_value_t = SIGN_IN)]
    pub sign_in_limit: Limit,

    /// The limit of sign-ins to one e-mail address from all clients that have not signed in to it before.
    #[arg(long, env = "LYCEUM_SIGN_IN_LIMIT_ADDRESS", value_name = "LIMIT", default_value_t = SIGN_IN_ADDRESS)]
    pub sign_in_limit_address: Limit,

    /// The limit of sign-ins from one client.
    #[arg(long, env = "LYCEUM_SIGN_IN_LIMIT_CLIENT", value_name = "LIMIT", default_value_t = SIGN_IN_CLIENT)]
    pub sign_in_limit_client: Limit,

    /// The limit of registrations of one e-mail address from one client.
    #[arg(long, env = "LYCEUM_REGISTRATION_LIMIT", value_name = "LIMIT", default_value_t = REGISTRATION)]
    pub registration_limit: Limit,

    /// The limit of registrations of one e-mail address from all clients.
    #[arg(long, env = "LYCEUM_REGISTRATION_LIMIT_ADDRESS", value_name = "LIMIT", default_value_t = REGISTRATION_ADDRESS)]
    pub registration_limit_address: Limit,

    /// The limit of registrations from one client.
    #[arg(long, env = "LYCEUM_REGISTRATION_LIMIT_CLIENT", value_name = "LIMIT", default_value_t = REGISTRATION_CLIENT)]
    pub registration_limit_client: Limit,

    /// The limit of refreshes of one session.
    #[arg(long, env = "LYCEUM_REFRESH_LIMIT", value_name = "LIMIT", default_value_t = REFRESH)]
    pub refresh_limit: Limit,

    /// The limit of refreshes from one client.
    #[arg(long, env = "LYCEUM_REFRESH_LIMIT_CLIENT", value_name = "LIMIT", default_value_t = REFRESH_CLIENT)]
    pub refresh_limit_client: Limit,

    /// The limit of mails that one client requests for one e-mail address: a new password, or a confirmation.
    #[arg(long, env = "LYCEUM_MAIL_LIMIT", value_name = "LIMIT", default_value_t = MAIL)]
    pub mail_limit: Limit,

    /// The limit of mails to one e-mail address that all clients request that have not signed in to it before.
    #[arg(long, env = "LYCEUM_MAIL_LIMIT_ADDRESS", value_name = "LIMIT", default_value_t = MAIL_ADDRESS)]
    pub mail_limit_address: Limit,

    /// The limit of mails that one client requests.
    #[arg(long, env = "LYCEUM_MAIL_LIMIT_CLIENT", value_name = "LIMIT", default_value_t = MAIL_CLIENT)]
    pub mail_limit_client: Limit,

    /// The limit of tokens of mails that one client tries.
    #[arg(long, env = "LYCEUM_MAIL_TOKEN_LIMIT_CLIENT", value_name = "LIMIT", default_value_t = MAIL_TOKEN_CLIENT)]
    pub mail_token_limit_client: Limit,

    /// Whether these limits are enforced; disable them only for load tests.
    #[arg(long, env = "LYCEUM_THROTTLE", value_name = "BOOLEAN", default_value_t = true, action = ArgAction::Set)]
    pub throttle: bool,

    /// What time it is.
    #[arg(skip)]
    pub clock: Clock,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            sign_in_limit: SIGN_IN,
            sign_in_limit_address: SIGN_IN_ADDRESS,
            sign_in_limit_client: SIGN_IN_CLIENT,
            registration_limit: REGISTRATION,
            registration_limit_address: REGISTRATION_ADDRESS,
            registration_limit_client: REGISTRATION_CLIENT,
            refresh_limit: REFRESH,
            refresh_limit_client: REFRESH_CLIENT,
            mail_limit: MAIL,
            mail_limit_address: MAIL_ADDRESS,
            mail_limit_client: MAIL_CLIENT,
            mail_token_limit_client: MAIL_TOKEN_CLIENT,
            throttle: true,
            clock: Clock::default(),
        }
    }
}

//! The claims of an access token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::SessionId;

/// The issuer of Lyceum's tokens (`iss`).
pub const ISSUER: &str = "lyceum";
/// The audience of Lyceum's tokens (`aud`).
pub const AUDIENCE: &str = "lyceum";

/// The mutations whose input proves who asks. A client that sends its access token with every request can use them while
/// the token is expired or invalid: without them it could never get another one.
pub const SELF_PROVING_MUTATIONS: [&str; 8] = [
    "confirmEmailChange",
    "login",
    "logout",
    "refreshSession",
    "register",
    "requestPasswordReset",
    "resetPassword",
    "verifyEmail",
];

/// Whether a field of `Mutation` needs no access token: such a mutation, or the name of the type, which some clients select
/// everywhere.
#[must_use]
pub fn needs_no_token(field: &str) -> bool {
    SELF_PROVING_MUTATIONS.contains(&field) || field == "__typename"
}

/// The role of a user on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The user takes courses.
    Student,
    /// The user teaches courses, once verified.
    Teacher,
    /// The user can verify teachers, refund payments, and see the private data of users.
    Admin,
}

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The user's id.
    pub sub: Uuid,
    /// The time of issue, in seconds since 1970.
    pub iat: i64,
    /// The expiry, in seconds since 1970.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// The user's role.
    pub role: Role,
    /// Whether the user is a verified teacher.
    pub is_verified: bool,
    /// The token's scopes, separated by spaces; none so far.
    pub scope: String,
    /// The public id of the session that the token was issued for; `None` for a token of `lyceum admin token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
}

//! What an access token says.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who signs Lyceum's tokens (`iss`).
pub const ISSUER: &str = "lyceum";
/// For whom they are (`aud`).
pub const AUDIENCE: &str = "lyceum";

/// The role of a user on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The user takes courses.
    Student,
    /// The user teaches courses, once verified.
    Teacher,
    /// The user verifies teachers and may see what users keep private.
    Admin,
}

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// The id of the user.
    pub sub: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// This token's own id.
    pub jti: Uuid,
    /// What the user is.
    pub role: Role,
    /// Whether a teacher has been verified.
    pub is_verified: bool,
    /// What the token may be used for, words separated by spaces; none so far.
    pub scope: String,
}

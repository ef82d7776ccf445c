//! How times and roles are written.

use identity::user::{Role, User};

/// The form of a time.
pub const TIME: &str = "%Y-%m-%d %H:%M UTC";

pub fn role_of(user: &User) -> &'static str {
    if user.is_verified_teacher() { "verified teacher" } else { name(user.role) }
}

pub fn name(role: Role) -> &'static str {
    match role {
        Role::Student => "student",
        Role::Teacher => "teacher",
        Role::Admin => "admin",
    }
}

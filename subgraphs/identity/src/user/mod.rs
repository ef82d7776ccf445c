//! A user of the platform, and the rules for signing up.

mod email;
pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use contracts::{Timestamp, UserId, claims};
use sqlx::FromRow;
use subgraph_kit::{
    Rejection,
    text::{self, TextRules},
};

pub use self::email::{EmailRules, normalize_email};
pub(crate) use self::email::{all_forms, email_fault};
use crate::password;

const EASILY_GUESSED: &str = "is too easy to guess: use several words, or a password manager";

const NAME: TextRules = TextRules { is_required: true, is_multiline: false, max_length: Some(email::MAX_LENGTH) };

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    #[graphql(tag = "partner")]
    pub id: UserId,
    /// The name of the user, 1 to 255 characters.
    #[graphql(tag = "partner")]
    pub name: String,
    /// The role of the user on the platform.
    pub role: Role,
    /// The stored flag. Read it through `is_verified_teacher`: an admin may have been a teacher.
    #[graphql(skip)]
    pub is_verified: bool,
    /// The time at which the account was created.
    pub created_at: Timestamp,
    /// Private: only the GraphQL field exposes it.
    #[graphql(skip)]
    pub email: String,
    /// Private, too.
    #[graphql(skip)]
    pub suspended_at: Option<DateTime<Utc>>,
    /// Whether this request authenticated the user: by sign-up, password or refresh token.
    #[graphql(skip)]
    #[sqlx(default)]
    pub has_signed_in: bool,
}

/// The role of a user on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type, ValueEnum)]
#[graphql(name = "UserRole")]
#[sqlx(type_name = "user_role", rename_all = "snake_case")]
pub enum Role {
    /// The user takes courses.
    Student,
    /// The user teaches courses, once verified.
    Teacher,
    /// The user can verify teachers, refund payments, and see the private data of users.
    Admin,
}

/// A role that a user can choose when signing up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SignUpRole {
    /// The user takes courses.
    Student,
    /// The user teaches courses, once an admin has verified the account.
    Teacher,
}

/// The account to create.
pub struct SignUp {
    /// The e-mail address, in lower case.
    pub email: String,
    /// The password, as typed.
    pub password: String,
    /// The name that others see.
    pub name: String,
    /// The role of the account.
    pub role: Role,
}

impl User {
    /// Whether this is a teacher whom an admin has verified.
    #[must_use]
    pub fn is_verified_teacher(&self) -> bool {
        self.role == Role::Teacher && self.is_verified
    }
}

impl SignUp {
    /// Validates all fields, and cleans the name.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn checked(mut self, rules: EmailRules) -> Result<Self, Vec<Rejection>> {
        let name = clean_name(&self.name);
        let rejections: Vec<Rejection> = [
            email_fault(&self.email, rules).map(|message| Rejection::invalid("email", message)),
            password_fault("password", &self.password, &self.email),
            name.as_ref().err().cloned(),
        ]
        .into_iter()
        .flatten()
        .collect();
        match name {
            Ok(name) if rejections.is_empty() => {
                self.name = name;
                Ok(self)
            }
            _ => Err(rejections),
        }
    }
}

/// Returns what is wrong with a new password for the account of this address, if anything. CPU-bound: not for async code.
pub(crate) fn password_fault(field: &'static str, password: &str, email: &str) -> Option<Rejection> {
    let (shortest, longest) = (password::LENGTHS.start(), password::LENGTHS.end());
    if !password::is_acceptable(password) {
        return Some(Rejection::invalid(field, format!("must have {shortest} to {longest} characters")));
    }
    password::is_easily_guessed(password, email).then(|| Rejection::invalid(field, EASILY_GUESSED))
}

/// Cleans a name, and validates it.
///
/// # Errors
/// The [`Rejection`] of a name that is empty, too long or not readable.
pub(crate) fn clean_name(name: &str) -> Result<String, Rejection> {
    text::clean("name", name, NAME)
}

impl From<SignUpRole> for Role {
    fn from(role: SignUpRole) -> Self {
        match role {
            SignUpRole::Student => Self::Student,
            SignUpRole::Teacher => Self::Teacher,
        }
    }
}

impl From<Role> for claims::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Student => Self::Student,
            Role::Teacher => Self::Teacher,
            Role::Admin => Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: EmailRules = EmailRules { domain_needs_dot: true };

    fn bob() -> SignUp {
        SignUp {
            email: "bob@lyceum.example".to_owned(),
            password: "correct horse".to_owned(),
            name: "Bob".to_owned(),
            role: Role::Student,
        }
    }

    fn blamed(sign_up: SignUp) -> Vec<&'static str> {
        sign_up.checked(RULES).err().into_iter().flatten().filter_map(|rejection| rejection.field).collect()
    }

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind() {
        for good in ["x7kqp2vz", "grünkohl", "ünïcödë🔑", &"🔑".repeat(128), &"u\u{308}".repeat(128)] {
            assert_eq!(blamed(SignUp { password: good.to_owned(), ..bob() }), [""; 0], "{good}");
        }
        // Normalized, the last ones have 7 and 129.
        for bad in ["", "1234567", &"x".repeat(129), &"x".repeat(100_000), "gru\u{308}nkoh", &"u\u{308}".repeat(129)] {
            assert_eq!(blamed(SignUp { password: bad.to_owned(), ..bob() }), ["password"], "{bad}");
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let nobody =
            SignUp { email: String::new(), password: String::new(), name: " ".to_owned(), role: Role::Student };

        assert_eq!(blamed(nobody), ["email", "password", "name"]);
    }

    #[test]
    fn a_name_is_trimmed_and_can_be_read() {
        let named = |name: &str| SignUp { name: name.to_owned(), ..bob() };

        assert_eq!(named("  Jose\u{301} ").checked(RULES).expect("a name").name, "José");
        for bad in ["Bob\0", "Bob\nAlice", "\u{202E}ecila", "\u{200B}", "Bob\u{1B}[2J", &"x".repeat(256)] {
            assert_eq!(blamed(named(bad)), ["name"], "{bad:?}");
        }
    }
}

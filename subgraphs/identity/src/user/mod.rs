//! A user of the platform, and the rules for signing up.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::{Timestamp, UserId, claims};
use email_address::{EmailAddress, Options};
use sqlx::FromRow;
use subgraph_kit::{
    Rejection,
    text::{self, TextRules},
};

use crate::password;

const EASILY_GUESSED: &str =
    "is one of the first that anybody would try: take several words, or let a password manager make one";

/// The maximum length of a `VARCHAR(255)`.
const MAX_LENGTH: usize = 255;

const NAME: TextRules = TextRules { is_required: true, is_multiline: false, max_length: Some(MAX_LENGTH) };

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    pub id: UserId,
    /// The name of the user, 1 to 255 characters.
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
    /// Whether this request authenticated the user: by sign-up, password or refresh token.
    #[graphql(skip)]
    #[sqlx(default)]
    pub has_signed_in: bool,
}

/// The role of a user on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, sqlx::Type)]
#[graphql(name = "UserRole")]
#[sqlx(type_name = "user_role", rename_all = "snake_case")]
pub enum Role {
    /// The user takes courses.
    Student,
    /// The user teaches courses, once verified.
    Teacher,
    /// The user verifies teachers and may see what users keep private.
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
    pub fn checked(mut self) -> Result<Self, Vec<Rejection>> {
        let name = text::clean("name", &self.name, NAME);
        let rejections: Vec<Rejection> = [
            email_fault(&self.email).map(|message| Rejection::invalid("email", message)),
            self.password_fault(),
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

    fn password_fault(&self) -> Option<Rejection> {
        let (shortest, longest) = (password::LENGTHS.start(), password::LENGTHS.end());
        if !password::is_acceptable(&self.password) {
            return Some(Rejection::invalid("password", format!("must have {shortest} to {longest} characters")));
        }
        let is_easily_guessed = password::is_easily_guessed(&self.password, &self.email);
        is_easily_guessed.then(|| Rejection::invalid("password", EASILY_GUESSED))
    }
}

/// Returns an address as it is stored, whatever the letter case of the input.
#[must_use]
pub fn normalize_email(typed: &str) -> String {
    typed.to_lowercase()
}

/// Returns what is wrong with a normalized address, if anything.
pub(crate) fn email_fault(email: &str) -> Option<&'static str> {
    if email.chars().count() > MAX_LENGTH {
        return Some("must have at most 255 characters");
    }
    let is_address = !email.chars().any(char::is_control)
        && EmailAddress::parse_with_options(email, Options::default().without_display_text()).is_ok();
    (!is_address).then_some("is not an e-mail address")
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

    fn bob() -> SignUp {
        SignUp {
            email: "bob@lyceum.example".to_owned(),
            password: "correct horse".to_owned(),
            name: "Bob".to_owned(),
            role: Role::Student,
        }
    }

    fn blamed(sign_up: SignUp) -> Vec<&'static str> {
        sign_up.checked().err().into_iter().flatten().filter_map(|rejection| rejection.field).collect()
    }

    #[test]
    fn an_address_is_one() {
        let longest =
            format!("{}@{}.example", "b".repeat(64), ["c".repeat(60), "d".repeat(60), "e".repeat(60)].join("."));
        for good in ["bob@lyceum.example", "bob+rust@lyceum.example", "bøb@lycéum.example", &longest] {
            assert_eq!(blamed(SignUp { email: good.to_owned(), ..bob() }), [""; 0], "{good}");
        }
        let huge = format!("bob@{}", "lyceum.".repeat(10_000));
        for bad in [
            "",
            " ",
            "bob",
            "@",
            "bob@",
            "@lyceum.example",
            "bob @lyceum.example",
            "Bob <bob@lyceum.example>",
            "bob@lyceum.example\0",
            "bob@lyceum.example\n",
            "bob\r\n@lyceum.example",
            &huge,
        ] {
            assert_eq!(blamed(SignUp { email: bad.to_owned(), ..bob() }), ["email"], "{bad}");
        }
    }

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind() {
        for good in ["x7kqp2vz", "grünkohl", "ünïcödë🔑", &"🔑".repeat(128)] {
            assert_eq!(blamed(SignUp { password: good.to_owned(), ..bob() }), [""; 0], "{good}");
        }
        for bad in ["", "1234567", &"x".repeat(129), &"x".repeat(100_000)] {
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

        assert_eq!(named("  Jose\u{301} ").checked().expect("a name").name, "José");
        for bad in ["Bob\0", "Bob\nAlice", "\u{202E}ecila", "\u{200B}", "Bob\u{1B}[2J", &"x".repeat(256)] {
            assert_eq!(blamed(named(bad)), ["name"], "{bad:?}");
        }
    }
}

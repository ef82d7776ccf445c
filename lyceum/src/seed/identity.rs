//! The users: students and teachers, in the order in which they joined.

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use uuid::Uuid;

use super::rng::SeedRng;
use super::row_counts::RowCounts;
use super::timeline::{DAY, END, START};
use super::vocabulary;

/// The password of all sample users.
pub const PASSWORD: &str = "lyceum-sample";

/// Index of the first teacher, whose e-mail address is `teacher1@…`, among the teachers.
pub const SAMPLE_TEACHER: usize = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Student,
    Teacher,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
        }
    }
}

pub struct User {
    pub id: Uuid,
    pub created: i64,
    pub role: Role,
    /// The number in the e-mail address: `student1@lyceum.example` joined first.
    pub number: usize,
    pub is_verified: bool,
    pub given_name: &'static str,
    pub family_name: &'static str,
}

/// Generates all users: the students, then the teachers, each in the order of joining.
pub fn generate(seed: u64, row_counts: RowCounts) -> Vec<User> {
    let rng = &mut SeedRng::new(seed, "users");
    let joined = times(rng, row_counts.students, END - 15 * DAY);
    let mut users: Vec<User> =
        (1..).zip(joined).map(|(number, created)| user(rng, Role::Student, number, created, false)).collect();

    // Teachers join early in the year, which leaves time to publish courses.
    let joined = times(rng, row_counts.teachers, START + 240 * DAY);
    let verified = verified(rng, row_counts);
    users.extend(
        (1..)
            .zip(joined)
            .zip(verified)
            .map(|((number, created), is_verified)| user(rng, Role::Teacher, number, created, is_verified)),
    );
    users
}

fn user(rng: &mut SeedRng, role: Role, number: usize, created: i64, is_verified: bool) -> User {
    User {
        id: rng.id_at(created),
        created,
        role,
        number,
        is_verified,
        given_name: rng.pick(vocabulary::GIVEN_NAMES),
        family_name: rng.pick(vocabulary::FAMILY_NAMES),
    }
}

fn times(rng: &mut SeedRng, count: usize, end: i64) -> Vec<i64> {
    let mut times: Vec<i64> = (0..count).map(|_| rng.time_between(START, end)).collect();
    times.sort_unstable();
    times
}

/// Which teachers are verified: the first, not the second, and others up to the exact number.
fn verified(rng: &mut SeedRng, row_counts: RowCounts) -> Vec<bool> {
    let mut verified = rng.exactly(row_counts.verified_teachers - 1, row_counts.teachers - 2);
    verified.splice(0..0, [true, false]);
    verified
}

/// The hash of everyone's password, with OWASP's parameters. The salt is derived from the seed number, so that rows are
/// reproducible; the password is public anyway.
pub fn password_hash(seed: u64) -> anyhow::Result<String> {
    let parameters = Params::new(19 * 1024, 2, 1, None).map_err(|error| anyhow!("Argon2 parameters: {error}"))?;
    let mut salt = *b"lyceum-seed-....";
    salt[8..].copy_from_slice(&seed.to_le_bytes());
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_with_salt(PASSWORD.as_bytes(), &salt)
        .map_err(|error| anyhow!("cannot hash the sample password: {error}"))?;
    Ok(hash.to_string())
}

impl User {
    pub fn email(&self) -> String {
        format!("{}{}@lyceum.example", self.role.as_str(), self.number)
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

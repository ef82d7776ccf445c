//! A course of the catalogue, and its validation.

mod delete;
pub mod graphql;
mod order;
mod peers;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::{
    CourseId, Timestamp, UserId,
    money::{Money, MoneyInput},
};
use sha2::{Digest as _, Sha256};
use sqlx::FromRow;
use subgraph_kit::{
    Error, Rejection, Viewer,
    text::{self, TextRules},
};

const MAX_TITLE_LENGTH: usize = 500;
/// Limited since a page returns up to a hundred, and a search scans all.
const MAX_DESCRIPTION_LENGTH: usize = 20_000;
const MAX_REASON_LENGTH: usize = 2_000;
const MAX_KEY_LENGTH: usize = 255;

const TITLE: TextRules = TextRules { is_required: true, is_multiline: false, max_length: Some(MAX_TITLE_LENGTH) };
const DESCRIPTION: TextRules =
    TextRules { is_required: false, is_multiline: true, max_length: Some(MAX_DESCRIPTION_LENGTH) };
const REASON: TextRules = TextRules { is_required: false, is_multiline: true, max_length: Some(MAX_REASON_LENGTH) };

/// A course. Everyone may see it, except for fields that say otherwise; a draft only its teacher and admins may.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Course {
    /// The id of the course, a UUID.
    #[graphql(tag = "partner")]
    pub id: CourseId,
    /// The title of the course, at most 500 characters.
    #[graphql(tag = "partner")]
    pub title: String,
    /// The description of the course, as plain text; it may be empty. At most 20,000 characters, unless the course was
    /// imported from the legacy system.
    #[graphql(tag = "partner")]
    pub description: String,
    /// The previous knowledge that the course expects.
    #[graphql(tag = "partner")]
    pub level: Level,
    /// Whether students can enroll without paying.
    #[graphql(tag = "partner")]
    pub is_free: bool,
    /// The price of the course, with two decimals, such as `"49.99"`; null if the course is free.
    #[graphql(tag = "partner")]
    pub price: Option<Money>,
    /// How long the course takes, in minutes.
    #[graphql(tag = "partner")]
    pub duration_minutes: i32,
    /// The time at which the course was created.
    #[graphql(tag = "partner")]
    pub created_at: Timestamp,
    /// The state of the course: a draft, published, or withdrawn.
    #[graphql(tag = "partner")]
    pub state: State,
    /// The id of the teacher.
    #[graphql(skip)]
    pub teacher_id: UserId,
    /// Whether an admin has withdrawn it, so that only admins can publish it again.
    #[graphql(skip)]
    pub withdrawn_by_admin: bool,
}

/// The state of a course, from its first draft to its withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "CourseState")]
#[sqlx(type_name = "course_state", rename_all = "snake_case")]
pub enum State {
    /// The course is being prepared: only its teacher and admins see it.
    Draft,
    /// The course is in the catalogue: everyone sees it, and students can enroll.
    Published,
    /// The course is not in the catalogue any more: nobody can buy it, or enroll without having paid before. Whoever is
    /// enrolled keeps it, and everyone who knows its id can read it.
    Withdrawn,
}

/// The previous knowledge that a course expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "CourseLevel")]
#[sqlx(type_name = "course_level", rename_all = "snake_case")]
pub enum Level {
    /// For people without previous knowledge.
    Beginner,
    /// For people who know the basics.
    Intermediate,
    /// For people who already work in the field.
    Advanced,
}

/// The editable fields of a course, before validation.
#[derive(Clone, Debug)]
pub struct Description {
    /// The title: at most 500 characters, not blank.
    pub title: String,
    /// The description, which may be empty.
    pub description: String,
    /// The previous knowledge that the course expects.
    pub level: Level,
    /// Whether the course is free.
    pub is_free: bool,
    /// The price, if there is one; see [`Description::price`].
    pub price: Option<MoneyInput>,
    /// The duration, in minutes.
    pub duration_minutes: i32,
}

impl Course {
    /// Whether the viewer may see the course, whichever field returns it.
    #[must_use]
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        self.state != State::Draft || self.is_managed_by(viewer)
    }

    /// Requires that the viewer may publish, withdraw or delete the course.
    ///
    /// # Errors
    /// `NOT_FOUND` if the viewer may not see it, [`Error::Forbidden`] if they only may not do this.
    pub fn require_managed_by(&self, viewer: &Viewer) -> Result<(), Error> {
        self.require_visible_to(viewer)?;
        if self.is_managed_by(viewer) {
            Ok(())
        } else {
            Err(Error::Forbidden("only the course's own teacher and admins may do this"))
        }
    }

    /// Requires that the viewer may see the course.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn require_visible_to(&self, viewer: &Viewer) -> Result<(), Rejection> {
        if self.is_visible_to(viewer) { Ok(()) } else { Err(not_found()) }
    }

    fn is_managed_by(&self, viewer: &Viewer) -> bool {
        viewer.is_self_or_admin(self.teacher_id)
    }

    /// Requires that the viewer may publish the course: its teacher, if verified and unless an admin has withdrawn it,
    /// and admins.
    fn require_publishable_by(&self, viewer: &Viewer) -> Result<(), Error> {
        self.require_managed_by(viewer)?;
        if !viewer.is_admin() {
            viewer.require_verified_teacher()?;
            if self.withdrawn_by_admin {
                return Err(Error::Forbidden("an admin has withdrawn this course: only admins may publish it again"));
            }
        }
        Ok(())
    }
}

/// There is no such course, as far as the viewer may know.
fn not_found() -> Rejection {
    Rejection::not_found("course", "courseId")
}

/// Cleans the reason of a withdrawal; a blank one is none.
fn clean_reason(reason: Option<&str>) -> Result<Option<String>, Rejection> {
    let reason = reason.map(|reason| text::clean("reason", reason, REASON)).transpose()?;
    Ok(reason.filter(|reason| !reason.is_empty()))
}

/// Validates an idempotency key: 1 to 255 characters.
fn check_key(key: &str) -> Result<(), Rejection> {
    let is_empty = key.is_empty().then(|| Rejection::invalid("idempotencyKey", "must not be empty"));
    let fault = text::check("idempotencyKey", key, false, Some(MAX_KEY_LENGTH)).or(is_empty);
    fault.map_or(Ok(()), Err)
}

impl Description {
    /// Cleans the texts, and validates all fields.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn checked(self) -> Result<Self, Vec<Rejection>> {
        self.checked_with(None)
    }

    /// Cleans the texts, and validates all fields, as a change of `course`: texts that stay as they are may break the
    /// rules, since an imported course may.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn checked_change_of(self, course: &Course) -> Result<Self, Vec<Rejection>> {
        self.checked_with(Some(course))
    }

    fn checked_with(mut self, course: Option<&Course>) -> Result<Self, Vec<Rejection>> {
        let rejections: Vec<Rejection> = [
            clean("title", &mut self.title, course.map(|course| &course.title), TITLE).err(),
            clean("description", &mut self.description, course.map(|course| &course.description), DESCRIPTION).err(),
            (self.duration_minutes < 0).then(|| Rejection::invalid("durationMinutes", "must not be negative")),
            self.price().err(),
        ]
        .into_iter()
        .flatten()
        .collect();
        if rejections.is_empty() { Ok(self) } else { Err(rejections) }
    }

    /// The SHA-256 of all fields and the state that the course begins in, to recognize the same input.
    fn hash(&self, state: State) -> Vec<u8> {
        let Self { title, description, level, is_free, price: _, duration_minutes } = self;
        let price = self.price().ok().flatten().map(|price| price.to_string());
        let fields =
            [title.clone(), description.clone(), format!("{level:?} {is_free} {price:?} {duration_minutes} {state:?}")];
        let mut hash = Sha256::new();
        for field in fields {
            // With its length, so that no two inputs are the same text.
            hash.update(field.len().to_be_bytes());
            hash.update(field);
        }
        hash.finalize().to_vec()
    }

    /// Validates the price, and returns it; None if the course is free.
    ///
    /// # Errors
    /// The [`Rejection`] of a price that is missing, cannot be charged, or belongs to a free course.
    pub fn price(&self) -> Result<Option<Money>, Rejection> {
        let invalid = |message| Err(Rejection::invalid("price", message));
        match self.price {
            Some(_) if self.is_free => invalid("a free course has no price".to_owned()),
            None if !self.is_free => invalid("a course that is not free needs a price".to_owned()),
            Some(price) => price.require_chargeable().map(Some).or_else(|error| invalid(error.to_string())),
            None => Ok(None),
        }
    }
}

/// Cleans a text, unless it stays as it was.
fn clean(field: &'static str, text: &mut String, old: Option<&String>, rules: TextRules) -> Result<(), Rejection> {
    if old.is_none_or(|old| *old != *text) {
        *text = text::clean(field, text, rules)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::InputType as _;

    use super::*;

    fn course(is_free: bool, price: Option<&str>) -> Description {
        Description {
            title: "Rust".to_owned(),
            description: String::new(),
            level: Level::Beginner,
            is_free,
            price: price.map(|price| MoneyInput::parse(Some(price.into())).expect("a text")),
            duration_minutes: 0,
        }
    }

    fn blamed(description: &Description) -> Vec<&'static str> {
        description.clone().checked().err().into_iter().flatten().filter_map(|rejection| rejection.field).collect()
    }

    #[test]
    fn a_price_is_positive_and_fits_its_column() {
        for good in ["0.01", "49.9", "49.990", "9999999999.99"] {
            assert_eq!(blamed(&course(false, Some(good))), [""; 0], "{good}");
        }
        for bad in ["0", "-1", "1.001", "10000000000", "10,50"] {
            assert_eq!(blamed(&course(false, Some(bad))), ["price"], "{bad}");
        }
    }

    #[test]
    fn a_course_has_a_price_exactly_if_it_is_not_free() {
        assert_eq!(blamed(&course(true, Some("1"))), ["price"]);
        assert_eq!(blamed(&course(false, None)), ["price"]);
        assert_eq!(blamed(&course(true, None)), [""; 0]);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let course = Description { title: "x".repeat(501), duration_minutes: -1, ..course(false, None) };

        assert_eq!(blamed(&course), ["title", "durationMinutes", "price"]);
    }

    #[test]
    fn texts_are_cleaned() {
        let course =
            Description { title: "  Rust\t".to_owned(), description: "One\r\ntwo \n".to_owned(), ..course(true, None) };

        let course = course.checked().expect("it is valid");

        assert_eq!((course.title.as_str(), course.description.as_str()), ("Rust", "One\ntwo"));
    }

    #[test]
    fn inputs_have_the_same_hash_exactly_if_they_are_equal() {
        let one = course(false, Some("10"));
        let others = [
            Description { title: "Rust ".to_owned(), ..one.clone() },
            Description { title: "Rus".to_owned(), description: "t".to_owned(), ..one.clone() },
            Description { level: Level::Advanced, ..one.clone() },
            Description { duration_minutes: 1, ..one.clone() },
            course(false, Some("10.01")),
            course(true, None),
        ];

        assert_eq!(one.hash(State::Draft), course(false, Some("10.00")).hash(State::Draft));
        assert_ne!(one.hash(State::Draft), one.hash(State::Published));
        for other in others {
            assert_ne!(other.hash(State::Draft), one.hash(State::Draft), "{other:?}");
        }
    }

    #[test]
    fn a_reason_may_be_blank_and_has_a_length() {
        assert_eq!(clean_reason(None).expect("none"), None);
        assert_eq!(clean_reason(Some(" \n")).expect("none"), None);
        assert_eq!(clean_reason(Some(" Two\nlines ")).expect("a reason").as_deref(), Some("Two\nlines"));
        assert!(clean_reason(Some(&"x".repeat(2_001))).is_err());
        assert!(clean_reason(Some("a\u{202E}b")).is_err());
    }
}

//! A course of the catalogue, and its validation.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use contracts::{
    CourseId, UserId,
    money::{Money, MoneyInput},
};
use sqlx::FromRow;
use subgraph_kit::{Rejection, text};

const MAX_TITLE_LENGTH: usize = 500;
/// Limited since a page returns up to a hundred, and a search scans all.
const MAX_DESCRIPTION_LENGTH: usize = 20_000;

/// A course in the catalogue. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
    /// The title of the course, at most 500 characters.
    pub title: String,
    /// The description of the course, as plain text; it may be empty. At most 20,000 characters, unless the course was
    /// imported from the legacy system.
    pub description: String,
    /// The previous knowledge that the course expects.
    pub level: Level,
    /// Whether students can enroll without paying.
    pub is_free: bool,
    /// The price of the course, with two decimals, such as `"49.99"`; null if the course is free.
    pub price: Option<Money>,
    /// How long the course takes, in minutes.
    pub duration_minutes: i32,
    /// The time at which the course was published.
    pub created_at: DateTime<Utc>,
    /// The id of the teacher.
    #[graphql(skip)]
    pub teacher_id: UserId,
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

impl Description {
    /// Validates all fields.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn check(&self) -> Result<(), Vec<Rejection>> {
        self.check_with(Some(MAX_DESCRIPTION_LENGTH))
    }

    /// Validates all fields as a change of `course`, whose description may exceed the limit if it is kept.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn check_change_of(&self, course: &Course) -> Result<(), Vec<Rejection>> {
        self.check_with((self.description != course.description).then_some(MAX_DESCRIPTION_LENGTH))
    }

    fn check_with(&self, max_description_length: Option<usize>) -> Result<(), Vec<Rejection>> {
        let rejections: Vec<Rejection> = [
            text::check("title", &self.title, true, Some(MAX_TITLE_LENGTH)),
            text::check("description", &self.description, false, max_description_length),
            (self.duration_minutes < 0).then(|| Rejection::invalid("durationMinutes", "must not be negative")),
            self.price().err(),
        ]
        .into_iter()
        .flatten()
        .collect();
        if rejections.is_empty() { Ok(()) } else { Err(rejections) }
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
        description.check().err().into_iter().flatten().filter_map(|rejection| rejection.field).collect()
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
}

//! A student's request to buy a course, and its validation.

pub mod graphql;
pub mod store;
mod workflow;

use contracts::{
    Code, CourseId,
    money::{Money, MoneyInput},
};
use subgraph_kit::{Rejection, text};

use crate::course::CourseQuote;

const MAX_KEY_LENGTH: usize = 255;

/// A student's request to buy a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// The id of the course.
    pub course_id: CourseId,
    /// The key that identifies the purchase: 1 to 255 characters.
    pub idempotency_key: String,
    /// The price that the student expects; any if none.
    pub expected_amount: Option<Money>,
}

impl PurchaseRequest {
    /// Validates the inputs of a request.
    ///
    /// # Errors
    /// One [`Rejection`] for each invalid field.
    pub fn try_new(
        course_id: CourseId,
        idempotency_key: String,
        expected_amount: Option<MoneyInput>,
    ) -> Result<Self, Vec<Rejection>> {
        let is_empty = idempotency_key.is_empty();
        let expected_amount = expected_amount.map(MoneyInput::require_chargeable).transpose();
        let expected_amount = expected_amount.map_err(|error| Rejection::invalid("expectedAmount", error.to_string()));
        let rejections: Vec<Rejection> = [
            text::check("idempotencyKey", &idempotency_key, false, Some(MAX_KEY_LENGTH)),
            is_empty.then(|| Rejection::invalid("idempotencyKey", "must not be empty")),
            expected_amount.as_ref().err().cloned(),
        ]
        .into_iter()
        .flatten()
        .collect();
        match expected_amount {
            Ok(expected_amount) if rejections.is_empty() => Ok(Self { course_id, idempotency_key, expected_amount }),
            _ => Err(rejections),
        }
    }

    /// Returns the course's price, if it is the expected one.
    ///
    /// # Errors
    /// `COURSE_IS_FREE` if the course has no price; `PRICE_CHANGED` if it is not the expected one.
    pub fn price_of(&self, quote: &CourseQuote) -> Result<Money, Rejection> {
        let price = quote.price.filter(|price| !quote.is_free && !price.is_free());
        let Some(price) = price else {
            return Err(Rejection::new(Code::CourseIsFree, "this course is free: enroll with `enroll`").at("courseId"));
        };
        match self.expected_amount {
            Some(expected) if expected != price => {
                Err(Rejection::new(Code::PriceChanged, format!("the price is now {price}")).at("expectedAmount"))
            }
            _ => Ok(price),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::InputType as _;

    use super::*;
    use crate::course::CourseState;

    fn request(key: &str, expected: Option<&str>) -> Result<PurchaseRequest, Vec<Rejection>> {
        let expected = expected.map(|text| MoneyInput::parse(Some(text.into())).expect("a text"));
        PurchaseRequest::try_new(CourseId(uuid::Uuid::nil()), key.to_owned(), expected)
    }

    fn blamed(key: &str, expected: Option<&str>) -> Vec<&'static str> {
        request(key, expected).err().into_iter().flatten().filter_map(|rejection| rejection.field).collect()
    }

    fn refused(expected: Option<&str>, is_free: bool, price: Option<&str>) -> Option<Code> {
        let price = price.map(|price| price.parse().expect("an amount"));
        let state = CourseState::Published;
        let quote = CourseQuote { title: "Rust".to_owned(), is_free, price, teacher: None, state };
        request("key", expected).expect("a request").price_of(&quote).err().map(|rejection| rejection.code)
    }

    #[test]
    fn a_key_has_1_to_255_characters_of_any_kind() {
        for good in ["1", " ", &"é".repeat(255)] {
            assert_eq!(blamed(good, None), [""; 0], "{good}");
        }
        for bad in ["", "a\0", &"é".repeat(256)] {
            assert_eq!(blamed(bad, None), ["idempotencyKey"], "{bad}");
        }
    }

    #[test]
    fn an_expected_amount_could_be_a_price() {
        for good in ["0.01", "49.9", "49.990", "9999999999.99"] {
            assert_eq!(blamed("key", Some(good)), [""; 0], "{good}");
        }
        for bad in ["0", "-1", "1.001", "10000000000", "49,90", "49.9000000000000000000000000000000000001"] {
            assert_eq!(blamed("key", Some(bad)), ["expectedAmount"], "{bad}");
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        assert_eq!(blamed("", Some("-1")), ["idempotencyKey", "expectedAmount"]);
    }

    #[test]
    fn a_course_is_bought_for_its_price_or_not_at_all() {
        assert_eq!(refused(None, false, Some("49.99")), None);
        assert_eq!(refused(Some("49.9"), false, Some("49.90")), None);
        assert_eq!(refused(Some("49.98"), false, Some("49.99")), Some(Code::PriceChanged));
        assert_eq!(refused(Some("49.99"), true, None), Some(Code::CourseIsFree));
        assert_eq!(refused(None, true, Some("49.99")), Some(Code::CourseIsFree));
        // An imported database may hold such a course.
        assert_eq!(refused(None, false, None), Some(Code::CourseIsFree));
        assert_eq!(refused(None, false, Some("0")), Some(Code::CourseIsFree));
    }
}

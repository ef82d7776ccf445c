//! A student's wish to buy a course, and the rules for it.

pub mod graphql;
pub mod store;
mod workflow;

use contracts::{Code, CourseId, money::amount_fault};
use rust_decimal::Decimal;
use subgraph_kit::{Refusal, text};

use crate::course::CourseQuote;

const MAX_KEY_LENGTH: usize = 255;

/// What a student wants to buy, on the way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// Which course.
    pub course_id: CourseId,
    /// Names the wish: 1 to 255 characters.
    pub idempotency_key: String,
    /// What the student thinks that it costs.
    pub expected_amount: Option<Decimal>,
}

impl PurchaseRequest {
    /// Every rule that this breaks.
    ///
    /// # Errors
    /// One [`Refusal`] for each invalid field.
    pub fn check(&self) -> Result<(), Vec<Refusal>> {
        let is_empty = self.idempotency_key.is_empty();
        let refusals: Vec<Refusal> = [
            text::check("idempotencyKey", &self.idempotency_key, false, Some(MAX_KEY_LENGTH)),
            is_empty.then(|| Refusal::invalid("idempotencyKey", "must not be empty")),
            self.expected_amount.and_then(amount_fault).map(|message| Refusal::invalid("expectedAmount", message)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// What the course costs, if the student would buy it for that.
    ///
    /// # Errors
    /// `COURSE_IS_FREE` if the course has no price; `PRICE_CHANGED` if it is not the expected one.
    pub fn price_of(&self, quote: &CourseQuote) -> Result<Decimal, Refusal> {
        let price = quote.price.filter(|price| !quote.is_free && *price > Decimal::ZERO);
        let Some(price) = price else {
            return Err(Refusal::new(Code::CourseIsFree, "there is nothing to pay for this course").at("courseId"));
        };
        match self.expected_amount {
            Some(expected) if expected != price => {
                Err(Refusal::new(Code::PriceChanged, format!("the course costs {price}")).at("expectedAmount"))
            }
            _ => Ok(price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn request(key: &str, expected: Option<&str>) -> PurchaseRequest {
        PurchaseRequest {
            course_id: CourseId(uuid::Uuid::nil()),
            idempotency_key: key.to_owned(),
            expected_amount: expected.map(decimal),
        }
    }

    fn blamed(request: &PurchaseRequest) -> Vec<&'static str> {
        request.check().err().into_iter().flatten().filter_map(|refusal| refusal.field).collect()
    }

    fn refused(expected: Option<&str>, is_free: bool, price: Option<&str>) -> Option<Code> {
        let quote = CourseQuote { title: "Rust".to_owned(), is_free, price: price.map(decimal) };
        request("key", expected).price_of(&quote).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_key_has_1_to_255_characters_of_any_kind() {
        for good in ["1", " ", &"é".repeat(255)] {
            assert_eq!(blamed(&request(good, None)), [""; 0], "{good}");
        }
        for bad in ["", "a\0", &"é".repeat(256)] {
            assert_eq!(blamed(&request(bad, None)), ["idempotencyKey"], "{bad}");
        }
    }

    #[test]
    fn an_expected_amount_could_be_a_price() {
        for good in ["0.01", "49.9", "49.990", "9999999999.99"] {
            assert_eq!(blamed(&request("key", Some(good))), [""; 0], "{good}");
        }
        for bad in ["0", "-1", "1.001", "10000000000"] {
            assert_eq!(blamed(&request("key", Some(bad))), ["expectedAmount"], "{bad}");
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        assert_eq!(blamed(&request("", Some("-1"))), ["idempotencyKey", "expectedAmount"]);
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

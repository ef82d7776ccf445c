//! The orders of courses by a value.

use subgraph_kit::order::{SortValue, ValueOrder, ValueType};

use super::Course;

/// By title, from A to Z, in any letter case: in the order of the characters' code points, which is the same on every
/// server.
pub static BY_TITLE: ValueOrder = ValueOrder {
    name: "title",
    expression: r#"lower(title) collate "C""#,
    parameter: ("lower(", r#") collate "C""#),
    value_type: ValueType::Text,
};

/// By price, in cents: a free course costs 0.
pub static BY_PRICE: ValueOrder =
    ValueOrder { name: "price", expression: PRICE_IN_CENTS, parameter: ("", ""), value_type: ValueType::Number };

/// What a course costs, in cents. The index in `tuned/` has the same expression.
pub const PRICE_IN_CENTS: &str = "case when is_free then 0 else (greatest(coalesce(price, 0), 0) * 100)::bigint end";

impl Course {
    /// The value of the course in one of these orders.
    pub(super) fn value_in(&self, order: &ValueOrder) -> SortValue {
        match order.value_type {
            ValueType::Text => SortValue::Text(self.title.clone()),
            ValueType::Number => SortValue::Number(self.price_in_cents()),
        }
    }

    fn price_in_cents(&self) -> i64 {
        let price = self.price.filter(|_| !self.is_free);
        price.map_or(0, |price| price.cents().max(0))
    }
}

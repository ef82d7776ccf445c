//! What must hold of any bytes that somebody sends. `fuzz/` tries random ones, and the tests below try those of its
//! corpus.

use async_graphql::{ScalarType as _, Value};
use rust_decimal::Decimal;

use crate::money::{MAX_AMOUNT, amount_fault, with_cents};

/// A price as JSON, or as the text that a client writes: one that is accepted is a whole number of cents within the
/// column's range, and is the same amount wherever it is written.
pub fn price(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let json = serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| text.into());
    let Ok(json) = Value::from_json(json) else { return };
    let Ok(amount) = Decimal::parse(json) else { return };
    check_written(amount);
    if amount_fault(amount).is_some() {
        assert!(amount <= Decimal::ZERO || amount > MAX_AMOUNT || !(amount * Decimal::ONE_HUNDRED).is_integer());
        return;
    }
    let cents = amount.checked_mul(Decimal::ONE_HUNDRED).expect("it is within the range");
    assert!(cents.is_integer() && (Decimal::ONE..=Decimal::from(999_999_999_999_u64)).contains(&cents), "{amount}");
    let exact = with_cents(amount);
    assert_eq!((exact, exact.scale()), (amount, 2));
    assert_eq!(exact.to_string(), format!("{amount:.2}"));
    check_written(exact);
}

fn check_written(amount: Decimal) {
    assert_eq!(Decimal::parse(amount.to_value()).expect("it is one"), amount);
    let json = serde_json::to_string(&amount).expect("it is JSON");
    assert_eq!(serde_json::from_str::<Decimal>(&json).expect("it is one"), amount);
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn an_accepted_price_is_a_number_of_cents() {
        for_each_input("price", super::price);
    }
}

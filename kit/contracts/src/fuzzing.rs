//! Properties that hold for any input. `fuzz/` checks them with random bytes, the tests below with its corpus.

use async_graphql::{InputType as _, Value};

use crate::money::{Money, MoneyInput};

/// Checks a price as JSON or text: an accepted one is a whole number of cents within the column's range, and survives
/// serialization.
pub fn price(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let json = serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| text.into());
    let Ok(json) = Value::from_json(json) else { return };
    let Ok(input) = MoneyInput::parse(Some(json)) else { return };
    let Ok(amount) = input.require_chargeable() else { return };
    let written = amount.to_string();
    let (whole, cents) = written.split_once('.').expect("an amount has decimals");
    assert_eq!(cents.len(), 2, "{written}");
    let cents: u64 = format!("{whole}{cents}").parse().expect("an amount has digits only");
    assert!((1..=999_999_999_999).contains(&cents), "{written}");
    assert_eq!(MoneyInput::parse(Some(input.to_value())).expect("it is one"), input);
    let json = serde_json::to_string(&amount).expect("it is JSON");
    assert_eq!(serde_json::from_str::<Money>(&json).expect("it is one"), amount);
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn an_accepted_price_is_a_number_of_cents() {
        for_each_input("price", super::price);
    }
}

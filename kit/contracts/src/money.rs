//! Amounts of money. The platform has one currency, and no amount names it.

use rust_decimal::Decimal;

/// Of an amount.
pub const DECIMALS: u32 = 2;

/// What `NUMERIC(12, 2)` holds at most.
pub const MAX_AMOUNT: Decimal = Decimal::from_parts(3_567_587_327, 232, 0, false, DECIMALS);

/// What is wrong with an amount that is charged, if anything.
#[must_use]
pub fn amount_fault(amount: Decimal) -> Option<&'static str> {
    match amount {
        amount if amount <= Decimal::ZERO => Some("must be more than 0"),
        amount if amount > MAX_AMOUNT => Some("must be at most 9999999999.99"),
        amount if amount.normalize().scale() > DECIMALS => Some("must have at most 2 decimals"),
        _ => None,
    }
}

/// The same amount, always with two decimals.
#[must_use]
pub fn with_cents(mut amount: Decimal) -> Decimal {
    amount.rescale(DECIMALS);
    amount
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_CENTS: i64 = 999_999_999_999;

    fn cents() -> impl Strategy<Value = i64> {
        prop_oneof![1..=MAX_CENTS, 1..=200_i64, MAX_CENTS - 200..=MAX_CENTS]
    }

    fn decimal() -> impl Strategy<Value = Decimal> {
        let anything = (any::<i64>(), 0..=28_u32).prop_map(|(number, scale)| Decimal::new(number, scale));
        let nearly = (cents(), -3..=3_i64, 2..=6_u32)
            .prop_map(|(cents, off, scale)| Decimal::new(cents, DECIMALS) + Decimal::new(off, scale));
        prop_oneof![anything, nearly]
    }

    #[test]
    fn the_most_is_what_the_column_holds() {
        assert_eq!(MAX_AMOUNT, Decimal::new(MAX_CENTS, DECIMALS));
    }

    proptest! {
        #[test]
        fn an_amount_is_any_number_of_cents_within_the_range_and_nothing_else(amount in decimal()) {
            let scale = 10_i128.pow(amount.scale());
            let hundredfold = amount.mantissa() * 100;
            let cents = (hundredfold % scale == 0).then_some(hundredfold / scale);

            let is_amount = cents.is_some_and(|cents| (1..=i128::from(MAX_CENTS)).contains(&cents));

            prop_assert_eq!(amount_fault(amount).is_none(), is_amount, "{}", amount);
        }

        #[test]
        fn an_amount_is_the_same_however_many_zeros_it_is_written_with(cents in cents(), zeros in 0..=10_u32) {
            let amount = Decimal::new(cents, DECIMALS);
            let mut written = amount;
            written.rescale(DECIMALS + zeros);

            for text in [written.to_string(), written.normalize().to_string()] {
                let read: Decimal = text.parse().expect("a decimal");
                prop_assert_eq!(amount_fault(read), None);
                prop_assert_eq!(read, amount);
                prop_assert_eq!(with_cents(read).to_string(), format!("{}.{:02}", cents / 100, cents % 100));
            }
        }

        #[test]
        fn a_sum_has_every_cent_of_its_parts(parts in prop::collection::vec(cents(), 0..100)) {
            let sum: Decimal = parts.iter().map(|cents| Decimal::new(*cents, DECIMALS).normalize()).sum();

            let cents: i64 = parts.iter().sum();
            prop_assert_eq!(with_cents(sum), Decimal::new(cents, DECIMALS));
            prop_assert_eq!(with_cents(sum).to_string(), format!("{}.{:02}", cents / 100, cents % 100));
        }
    }
}

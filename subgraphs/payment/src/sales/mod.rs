//! The sales of a course or of a teacher.

pub mod store;

use async_graphql::SimpleObject;
use rust_decimal::Decimal;

/// The decimals of an amount.
const DECIMALS: u32 = 2;

/// The completed payments for a course, or for all courses of a teacher. Refunded ones do not count.
#[derive(Clone, Debug, SimpleObject)]
pub struct Sales {
    /// The number of payments.
    pub count: i32,
    /// The sum of the payments, with two decimals, such as `"499.90"`.
    pub amount: Decimal,
    /// The same for each month in which there was a payment, newest month first.
    pub months: Vec<MonthlySales>,
}

/// The completed payments of one month, for a course or for all courses of a teacher.
#[derive(Clone, Debug, SimpleObject)]
pub struct MonthlySales {
    /// The month in UTC in which the payments were created, such as `2026-01`.
    pub month: String,
    /// The number of payments.
    pub count: i32,
    /// The sum of the payments, with two decimals, such as `"99.98"`.
    pub amount: Decimal,
}

impl Default for Sales {
    fn default() -> Self {
        Self { count: 0, amount: Decimal::new(0, DECIMALS), months: Vec::new() }
    }
}

impl Sales {
    /// Adds a month; newer months come first.
    fn add(&mut self, month: MonthlySales) {
        self.count = self.count.saturating_add(month.count);
        self.amount += month.amount;
        self.months.push(month);
    }
}

#[cfg(test)]
mod tests {
    use contracts::money::Money;

    use super::*;

    #[test]
    fn a_sum_may_be_more_than_one_payment_can_be() {
        let most = Decimal::try_from(999.99).expect("a number") * Decimal::from(100_000_000);
        let month = |month: &str| MonthlySales { month: month.to_owned(), count: 2, amount: most };
        let mut sales = Sales::default();

        sales.add(month("2026-02"));
        sales.add(month("2026-01"));

        assert!(Money::try_from(sales.amount).is_err());
        assert_eq!((sales.count, sales.amount), (4, most + most));
        assert_eq!(sales.months.iter().map(|month| month.month.as_str()).collect::<Vec<_>>(), ["2026-02", "2026-01"]);
    }
}

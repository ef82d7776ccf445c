//! Amounts of money, in the platform's only currency.

use std::{borrow::Cow, fmt, str::FromStr};

use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Number, OutputType, Positioned, ServerResult,
    Value, parser::types::Field, registry::Registry,
};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{Deserialize, Serialize};

/// The decimals of an amount.
const DECIMALS: u32 = 2;

/// An amount of money, as a column `NUMERIC(12, 2)` holds it. As text it always has two decimals, such as `49.90`.
///
/// In GraphQL it is the scalar `Decimal`. Prices of 0 and below are free (an imported database may hold negative ones);
/// charges are more than 0, which [`Money::require_chargeable`] checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "Decimal", into = "String")]
#[sqlx(transparent)]
pub struct Money(Decimal);

/// An amount as a client sends it: the scalar `Decimal`.
///
/// Parsing never fails for a text or number: an invalid amount is kept as its error, which the mutation reports with
/// the input's field. A GraphQL error here would fail the whole mutation, and name no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoneyInput(Result<Money, MoneyError>);

/// The reason why a value is not an amount, or cannot be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a number at all.
    #[error("must be a number such as 49.99")]
    NotANumber,
    /// 0, or negative.
    #[error("must be more than 0")]
    NotPositive,
    /// More than [`Money::MAX`].
    #[error("must be at most {}", Money::MAX)]
    TooLarge,
    /// A fraction of a cent, however small.
    #[error("must have at most 2 decimal places")]
    TooManyDecimals,
}

impl Money {
    /// 9999999999.99, the maximum of `NUMERIC(12, 2)`.
    pub const MAX: Self = Self(Decimal::from_parts(3_567_587_327, 232, 0, false, DECIMALS));

    /// Creates an amount from cents.
    #[must_use]
    pub const fn from_cents(cents: u32) -> Self {
        Self(Decimal::from_parts(cents, 0, 0, false, DECIMALS))
    }

    /// The amount in cents.
    ///
    /// # Panics
    /// Never: an amount has at most two decimals, and its cents are far below the maximum of their type.
    #[must_use]
    pub fn cents(self) -> i64 {
        (self.0 * Decimal::ONE_HUNDRED).to_i64().expect("an amount in cents is a small whole number")
    }

    /// Whether a price of this amount costs nothing.
    #[must_use]
    pub fn is_free(self) -> bool {
        self.0 <= Decimal::ZERO
    }

    /// The amount, as one that can be charged.
    ///
    /// # Errors
    /// [`MoneyError::NotPositive`] if it is free.
    pub fn require_chargeable(self) -> Result<Self, MoneyError> {
        if self.is_free() { Err(MoneyError::NotPositive) } else { Ok(self) }
    }
}

impl TryFrom<Decimal> for Money {
    type Error = MoneyError;

    fn try_from(amount: Decimal) -> Result<Self, MoneyError> {
        match amount {
            amount if amount < -Self::MAX.0 => Err(MoneyError::NotPositive),
            amount if amount > Self::MAX.0 => Err(MoneyError::TooLarge),
            amount if amount.normalize().scale() > DECIMALS => Err(MoneyError::TooManyDecimals),
            amount => Ok(Self(amount)),
        }
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Parses every digit: a text is never rounded.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        // Any number of trailing zeros is accepted.
        let exact = if text.contains('.') { text.trim_end_matches('0') } else { text };
        match Decimal::from_str_exact(exact) {
            Ok(amount) => amount.try_into(),
            Err(_) if !is_number(exact) => Err(MoneyError::NotANumber),
            Err(rust_decimal::Error::Underflow) => Err(MoneyError::TooManyDecimals),
            // A number with more digits than a decimal has.
            Err(_) if exact.starts_with('-') => Err(MoneyError::NotPositive),
            Err(_) => Err(MoneyError::TooLarge),
        }
    }
}

/// Whether a text is a number of any length, in the syntax of [`Decimal`]. Its error does not distinguish: it stops at
/// the first excess digit, and has the same variant for that and for text that is not a number.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.replacen('.', "", 1);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl From<Money> for String {
    fn from(amount: Money) -> Self {
        amount.to_string()
    }
}

impl OutputType for Money {
    fn type_name() -> Cow<'static, str> {
        <Decimal as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Decimal as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.to_string()))
    }
}

impl MoneyInput {
    /// The amount.
    ///
    /// # Errors
    /// [`MoneyError`] if it is not an amount.
    pub fn amount(self) -> Result<Money, MoneyError> {
        self.0
    }

    /// The amount, as one that can be charged.
    ///
    /// # Errors
    /// [`MoneyError`] if it is not an amount, or cannot be charged.
    pub fn require_chargeable(self) -> Result<Money, MoneyError> {
        self.0?.require_chargeable()
    }
}

impl From<Money> for MoneyInput {
    fn from(amount: Money) -> Self {
        Self(Ok(amount))
    }
}

impl InputType for MoneyInput {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Decimal as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Decimal as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Ok(Self(text.parse())),
            Value::Number(number) => Ok(Self(from_number(&number))),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.map_or(Value::Null, |amount| Value::String(amount.to_string()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Converts a JSON number, with the precision of its binary form: 0.1 + 0.2 is 30 cents.
fn from_number(number: &Number) -> Result<Money, MoneyError> {
    // Beyond the range of amounts, and within that of decimals.
    const BEYOND: f64 = 1e15;
    let number = number.as_f64().ok_or(MoneyError::NotANumber)?.clamp(-BEYOND, BEYOND);
    Decimal::try_from(number).map_err(|_| MoneyError::NotANumber)?.try_into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        MoneyError::{NotANumber, NotPositive, TooLarge, TooManyDecimals},
        *,
    };

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

    fn charge(value: impl Into<Value>) -> Result<String, MoneyError> {
        let input = MoneyInput::parse(Some(value.into())).expect("a text or a number");
        input.require_chargeable().map(String::from)
    }

    #[test]
    fn the_most_is_what_the_column_holds() {
        assert_eq!(Money::MAX, Money(Decimal::new(MAX_CENTS, DECIMALS)));
        assert_eq!(TooLarge.to_string(), "must be at most 9999999999.99");
    }

    #[test]
    fn a_price_of_nothing_is_free_and_cannot_be_charged() {
        for free in ["0", "0.00", "-0", "-0.01"] {
            let price: Money = free.parse().expect("an amount");

            assert!(price.is_free(), "{free}");
            assert_eq!(price.require_chargeable(), Err(NotPositive), "{free}");
        }
        assert_eq!(Money::from_cents(1).require_chargeable(), Ok(Money::from_cents(1)));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said_and_no_digit_of_it_is_rounded_away() {
        for (text, charged) in [
            ("49.9", Ok("49.90")),
            ("+1_000", Ok("1000.00")),
            (".5", Ok("0.50")),
            ("7.", Ok("7.00")),
            ("9999999999.99", Ok("9999999999.99")),
            ("19.99000000000000000000000000000000", Ok("19.99")),
            ("19.999999999999999999999999999999", Err(TooManyDecimals)),
            ("0.000000000000000000000000000000000001", Err(TooManyDecimals)),
            ("1.001", Err(TooManyDecimals)),
            ("10000000000", Err(TooLarge)),
            ("9999999999999999999999999999999999999999", Err(TooLarge)),
            ("999999999999999999999999999999.00", Err(TooLarge)),
            ("999999999999999999999999999999.99", Err(TooLarge)),
            ("+999999999999999999999999999999", Err(TooLarge)),
            ("999_999_999_999_999_999_999_999_999_999", Err(TooLarge)),
            ("0", Err(NotPositive)),
            ("-1", Err(NotPositive)),
            ("-10000000000", Err(NotPositive)),
            ("-999999999999999999999999999999", Err(NotPositive)),
            ("-999999999999999999999999999999.50", Err(NotPositive)),
            ("10,50", Err(NotANumber)),
            ("10.00 ", Err(NotANumber)),
            ("1.5.0", Err(NotANumber)),
            ("1e3", Err(NotANumber)),
            ("999999999999999999999999999999x", Err(NotANumber)),
            ("999999999999999999999999999999.0.0", Err(NotANumber)),
            ("--999999999999999999999999999999", Err(NotANumber)),
            ("1.000000000000000000000000000001x", Err(NotANumber)),
            (".", Err(NotANumber)),
            ("-", Err(NotANumber)),
            ("", Err(NotANumber)),
        ] {
            assert_eq!(charge(text), charged.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_number_is_the_amount_that_it_is_written_as() {
        for (number, charged) in [
            (49.9, Ok("49.90")),
            (0.1 + 0.2, Ok("0.30")),
            (9_999_999_999.99, Ok("9999999999.99")),
            (1.001, Err(TooManyDecimals)),
            (0.0, Err(NotPositive)),
            (-1e300, Err(NotPositive)),
            (1e300, Err(TooLarge)),
        ] {
            let json = serde_json::Number::from_f64(number).expect("a number");
            assert_eq!(charge(Value::Number(json)), charged.map(str::to_owned), "{number}");
        }
        assert_eq!(charge(Value::from(20)), Ok("20.00".to_owned()));
        assert_eq!(charge(Value::from(u64::MAX)), Err(TooLarge));
    }

    #[test]
    fn what_is_neither_text_nor_number_is_rejected() {
        for value in [Value::Null, Value::Boolean(true), Value::List(Vec::new())] {
            assert!(MoneyInput::parse(Some(value)).is_err());
        }
    }

    proptest! {
        #[test]
        fn an_amount_is_any_number_of_cents_within_the_range_and_nothing_else(amount in decimal()) {
            let scale = 10_i128.pow(amount.scale());
            let hundredfold = amount.mantissa() * 100;
            let cents = (hundredfold % scale == 0).then_some(hundredfold / scale);

            let is_amount = cents.is_some_and(|cents| (1..=i128::from(MAX_CENTS)).contains(&cents));

            let read = amount.to_string().parse::<Money>();
            prop_assert_eq!(read.and_then(Money::require_chargeable).is_ok(), is_amount, "{}", amount);
            prop_assert_eq!(Money::try_from(amount), read);
        }

        #[test]
        fn an_amount_is_the_same_however_many_zeros_it_is_written_with(cents in cents(), zeros in 0..=40_usize) {
            let shown = format!("{}.{:02}", cents / 100, cents % 100);
            let amount: Money = shown.parse().expect("an amount");

            let long = format!("{shown}{}", "0".repeat(zeros));
            let short = Decimal::new(cents, DECIMALS).normalize().to_string();
            for text in [long, short] {
                let read: Money = text.parse().expect("an amount");
                prop_assert_eq!(read, amount);
                prop_assert_eq!(read.to_string(), &*shown);
                let json = serde_json::to_value(read).expect("JSON");
                prop_assert_eq!(&json, &*shown);
                prop_assert_eq!(serde_json::from_value::<Money>(json).expect("an amount"), amount);
            }
        }

        #[test]
        fn a_sum_has_every_cent_of_its_parts(parts in prop::collection::vec(0..=MAX_CENTS / 100, 0..=100)) {
            let sum: Decimal = parts.iter().map(|cents| Decimal::new(*cents, DECIMALS).normalize()).sum();

            let cents: i64 = parts.iter().sum();
            let sum = Money::try_from(sum).expect("an amount");
            prop_assert_eq!(sum, Money(Decimal::new(cents, DECIMALS)));
            prop_assert_eq!(sum.to_string(), format!("{}.{:02}", cents / 100, cents % 100));
        }
    }
}

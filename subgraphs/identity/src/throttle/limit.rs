//! A rate limit, as an operator writes it.

use std::{
    fmt::{self, Display},
    num::NonZeroU32,
    str::FromStr,
    time::Duration,
};

use governor::Quota;

/// A rate limit. `10/5m`: a burst of ten, and ten more every five minutes, one by one. `off`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    Off,
    /// The burst, and the period in which it is refilled.
    Times(NonZeroU32, Duration),
}

/// The text is not a limit.
#[derive(Debug, thiserror::Error)]
#[error("expected a limit such as `10/5m` (a positive number, and a period in s, m or h), or `off`")]
pub struct ParseLimitError;

const UNITS: [(char, u64); 3] = [('h', 3_600), ('m', 60), ('s', 1)];

impl Limit {
    /// Creates a limit of `times` at once, and as many again every `minutes`.
    ///
    /// # Panics
    /// If one of them is zero.
    #[must_use]
    pub const fn per_minutes(times: u32, minutes: u64) -> Self {
        assert!(minutes > 0, "a limit has a period");
        Self::Times(NonZeroU32::new(times).expect("a limit allows something"), Duration::from_secs(minutes * 60))
    }

    pub(super) fn quota(self) -> Option<Quota> {
        match self {
            Self::Off => None,
            Self::Times(times, period) => Some(Quota::with_period(period / times.get())?.allow_burst(times)),
        }
    }
}

impl FromStr for Limit {
    type Err = ParseLimitError;

    fn from_str(text: &str) -> Result<Self, ParseLimitError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let (times, period) = text.split_once('/').ok_or(ParseLimitError)?;
        let (seconds, number) = UNITS
            .iter()
            .find_map(|(unit, seconds)| Some((seconds, period.strip_suffix(*unit)?)))
            .ok_or(ParseLimitError)?;
        let times = times.parse().map_err(|_| ParseLimitError)?;
        let number: u16 = number.parse().map_err(|_| ParseLimitError)?;
        if number == 0 {
            return Err(ParseLimitError);
        }
        Ok(Self::Times(times, Duration::from_secs(u64::from(number) * seconds)))
    }
}

impl Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Times(times, period) = self else { return f.write_str("off") };
        let seconds = period.as_secs();
        let (unit, length) =
            UNITS.iter().find(|(_, length)| seconds % length == 0).expect("a period is of whole seconds");
        write!(f, "{times}/{}{unit}", seconds / length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        for text in ["10/5m", "1/1s", "600/1h", "3/90s", "off"] {
            assert_eq!(text.parse::<Limit>().expect("a limit").to_string(), text);
        }
        assert_eq!("10/5m".parse::<Limit>().expect("a limit"), Limit::per_minutes(10, 5));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in
            ["", "10", "0/5m", "10/0m", "10/5", "10/5d", "-1/5m", "10/-5m", "10/5m5s", "on", "10/99999h", "1/1ü"]
        {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}

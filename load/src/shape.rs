//! The number of users over time.

use clap::ValueEnum;
use serde::Serialize;

/// The form of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// The number of users grows steadily.
    Ramp,
    /// All users, from the start to the end.
    Soak,
    /// A quarter of the users, all of them in the middle, and then a quarter again.
    Spike,
}

impl Shape {
    /// Goose's test plan: the number of users after so many seconds, step by step.
    #[must_use]
    pub fn plan(self, users: usize, seconds: u64) -> String {
        let few = users.div_ceil(4);
        let third = seconds.div_ceil(3).max(1);
        match self {
            Self::Ramp => format!("{users},{seconds}s;0,0s"),
            Self::Soak => format!("{users},1s;{users},{seconds}s;0,0s"),
            Self::Spike => {
                format!("{few},1s;{few},{third}s;{users},1s;{users},{third}s;{few},1s;{few},{third}s;0,0s")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_ends_with_nobody() {
        assert_eq!(Shape::Ramp.plan(20, 30), "20,30s;0,0s");
        assert_eq!(Shape::Soak.plan(20, 30), "20,1s;20,30s;0,0s");
        assert_eq!(Shape::Spike.plan(20, 30), "5,1s;5,10s;20,1s;20,10s;5,1s;5,10s;0,0s");
    }
}

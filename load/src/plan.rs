//! The parameters of a load.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    scenarios::{PEOPLE, ThinkTime},
    shape::Shape,
};

/// Which indexes the databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The indexes of the specification, including its known bottlenecks.
    Baseline,
    /// Also the indexes that the specification documents as remedies.
    Tuned,
}

impl Profile {
    /// The name, as in `lyceum up --db-profile`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Tuned => "tuned",
        }
    }
}

/// The parameters of a load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `lyceum` program under load.
    pub program: PathBuf,
    /// The profile of its databases.
    pub profile: Profile,
    /// Size of the data set; 1 is 100,000 courses.
    pub seed_scale: String,
    /// The number of users over time.
    pub shape: Shape,
    /// The maximum number of users.
    pub users: usize,
    /// The duration in seconds.
    pub seconds: u64,
    /// The time between two pages.
    pub think_time: ThinkTime,
}

impl Plan {
    /// Goose starts users of all roles in turn: with this many, each role is present.
    pub const MIN_USERS: usize = PEOPLE;
}

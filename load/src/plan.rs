//! What load is put on which system.

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
    /// Those of the specification, bottlenecks included.
    Baseline,
    /// Its remedies, too.
    Tuned,
}

impl Profile {
    /// As `lyceum up --db-profile` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Tuned => "tuned",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `lyceum` that is loaded.
    pub program: PathBuf,
    /// Its indexes.
    pub profile: Profile,
    /// Size of the data set; 1 is 100,000 courses.
    pub seed_scale: String,
    /// When how many people come.
    pub shape: Shape,
    /// How many at the most.
    pub users: usize,
    /// How long.
    pub seconds: u64,
    /// How long they look at a page.
    pub think_time: ThinkTime,
}

impl Plan {
    /// Goose takes whom it starts in turn: so each role is there with this many.
    pub const MIN_USERS: usize = PEOPLE;
}

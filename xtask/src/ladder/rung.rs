//! The rungs, and what each of them adds to the one before it.

/// One way to run the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    OneProcess,
    Processes,
    Replicas,
    Tls,
    Pooler,
    EventCluster,
    SharedBudgets,
}

/// What a rung consists of.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an engine that is there or not")]
pub struct Features {
    /// Each part is a separate process, with a database server for each subgraph.
    pub processes: bool,
    /// Two of each part, behind `HAProxy`.
    pub replicas: bool,
    pub tls: bool,
    pub pooler: bool,
    /// The number of NATS servers; without one, events are delivered directly.
    pub nats: usize,
    pub valkey: bool,
}

impl Rung {
    pub const ALL: [Self; 7] = [
        Self::OneProcess,
        Self::Processes,
        Self::Replicas,
        Self::Tls,
        Self::Pooler,
        Self::EventCluster,
        Self::SharedBudgets,
    ];

    /// As in `docs/scaling.md`: 6 and 9 are not built yet.
    pub fn number(self) -> u8 {
        match self {
            Self::OneProcess => 1,
            Self::Processes => 2,
            Self::Replicas => 3,
            Self::Tls => 4,
            Self::Pooler => 5,
            Self::EventCluster => 7,
            Self::SharedBudgets => 8,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::OneProcess => "one process",
            Self::Processes => "eleven processes",
            Self::Replicas => "two of each behind HAProxy",
            Self::Tls => "+ TLS everywhere",
            Self::Pooler => "+ PgBouncer",
            Self::EventCluster => "+ NATS of three",
            Self::SharedBudgets => "+ Valkey",
        }
    }

    /// Each rung has what those before it have. The pooler is left out above its rung where none is usable.
    pub fn features(self, pooler_is_usable: bool) -> Features {
        let number = self.number();
        Features {
            processes: number >= 2,
            replicas: number >= 3,
            tls: number >= 4,
            pooler: self == Self::Pooler || (number > 5 && pooler_is_usable),
            nats: match number {
                ..4 => 0,
                4..7 => 1,
                _ => 3,
            },
            valkey: number >= 8,
        }
    }
}

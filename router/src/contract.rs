//! The contracts: what of the graph others get (docs/schema-checks.md). Each has a supergraph of its own, in which
//! everything hidden is `@inaccessible`.

use clap::ValueEnum;

/// What of the graph clients get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Contract {
    /// Everything but what only admins use.
    Public,
    /// The catalogue of courses, to be read.
    Partner,
}

impl Contract {
    /// The supergraph, as `cargo xtask generate` composes it.
    #[must_use]
    pub fn supergraph(self) -> &'static str {
        match self {
            Self::Public => include_str!("../../supergraph.public.graphql"),
            Self::Partner => include_str!("../../supergraph.partner.graphql"),
        }
    }
}

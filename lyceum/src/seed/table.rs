//! The tables that the seed fills.

/// A table of one of the databases.
#[derive(Clone, Copy)]
pub struct Table {
    pub database: &'static str,
    pub name: &'static str,
    /// The columns, in the order of a row's values.
    pub columns: &'static str,
}

//! What the seed fills.

/// A table of one of the databases.
#[derive(Clone, Copy)]
pub struct Table {
    pub database: &'static str,
    pub name: &'static str,
    /// In the order in which a row's values are put.
    pub columns: &'static str,
}

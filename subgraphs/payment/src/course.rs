//! A course, as a payment points to it.

use async_graphql::SimpleObject;
use subgraph_kit::CourseId;

/// A course of the catalogue. Everyone may see it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(unresolvable)]
pub struct Course {
    /// Names the course in all subgraphs.
    pub id: CourseId,
}

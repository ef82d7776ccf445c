//! The enrollment subgraph, queried as by the router, over a real database.

mod course;
mod ended;
mod enroll;
mod enrollment;
mod enrollments;
mod erasure;
mod events;
mod fixtures;
mod grant;
mod history;
mod inbox;
mod payment;
mod peers;
mod races;
mod status;
mod user;

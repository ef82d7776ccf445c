//! The enrollment subgraph, asked as the router asks it, over a real database.

mod course;
mod enroll;
mod enrollment;
mod enrollments;
mod events;
mod fixtures;
mod inbox;
mod payment;
mod peers;
mod races;
mod status;
mod user;

//! The cost of federation, compared with handlers written by hand for one page each.

pub mod by_hand;
pub mod client;
pub mod load;
pub mod pages;
pub mod system;

//! What a federated answer costs, beside a handler that was written by hand for one page.

pub mod by_hand;
pub mod client;
pub mod load;
pub mod pages;
pub mod system;

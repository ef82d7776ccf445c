//! Authentication of users and processes: access tokens, signatures between processes, sealed values.

pub mod encryption;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod seal;
pub mod secret;
pub mod signature;
pub mod token;
pub mod webhook;

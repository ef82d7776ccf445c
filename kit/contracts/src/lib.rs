//! The types that services share: ids, roles, claims, money, error codes and events. No I/O.

pub mod claims;
pub mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod ids;
pub mod money;
pub mod timestamp;
pub mod user_error_code;

pub use ids::{CourseId, EnrollmentId, ErasureId, NotificationId, PaymentId, SessionId, UserId};
pub use timestamp::Timestamp;
pub use user_error_code::Code;

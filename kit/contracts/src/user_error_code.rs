//! The codes of user errors.

use async_graphql::Enum;

/// A reason why a mutation was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "UserErrorCode")]
pub enum Code {
    /// A field of the input is invalid; `field` says which one.
    InvalidInput,
    /// The input refers to an object that does not exist or that the signed-in user may not access.
    NotFound,
    /// Another account has this e-mail address.
    EmailTaken,
    /// No account has this e-mail address and password, or the current password of the account is another one.
    InvalidCredentials,
    /// The password is right, but signing in to the account needs its second factor, too: repeat it with `secondFactorCode`.
    SecondFactorRequired,
    /// The code is neither a current one of the authenticator app nor an unused recovery code, or was used before.
    WrongSecondFactor,
    /// The account has a second factor already.
    SecondFactorEnabled,
    /// The account has no second factor.
    SecondFactorNotEnabled,
    /// An admin has suspended the account; its owner cannot sign in.
    AccountSuspended,
    /// The user is the last admin who can sign in, and must remain one.
    LastAdmin,
    /// The user teaches courses that are in the catalogue; they must be withdrawn or deleted before the account is.
    TeachesCourses,
    /// The session has ended; sign in again.
    SessionExpired,
    /// The token of a mail's link does not work: it was used before, has expired, or another one has replaced it.
    TokenNotValid,
    /// The student is already enrolled in this course.
    AlreadyEnrolled,
    /// The course is not free; it must be bought first.
    PaymentRequired,
    /// The payment is not the student's own, is not for this course, is not completed, or was already used.
    PaymentNotValid,
    /// A free course cannot be bought.
    CourseIsFree,
    /// The student has already bought this course, or a payment for it is pending.
    AlreadyPurchased,
    /// The price of the course is not the expected one.
    PriceChanged,
    /// The idempotency key was used before with different input.
    IdempotencyKeyReused,
    /// The new status is earlier than the current one.
    InvalidStatusTransition,
    /// The payment cannot be refunded in its current state.
    NotRefundable,
    /// The student has completed the course, and the mutation takes the completion away; it needs a confirmation.
    CompletionWouldBeLost,
    /// The user teaches the course, and can neither enroll in it nor buy it.
    OwnCourse,
    /// The course was withdrawn: it cannot be bought any more, and only students who have paid for it can enroll.
    CourseWithdrawn,
    /// The course is a draft, which nobody but its teacher and admins can see. It can be published or deleted.
    CourseIsDraft,
    /// Somebody has enrolled in the course or paid for it, so it cannot be deleted.
    CourseHasEnrollments,
    /// The enrollment has begun too often, or the teacher has enrolled students too often; the message says when it is
    /// possible again.
    TooManyChanges,
    /// The teacher has too many drafts: one of them has to be published or deleted first.
    TooManyDrafts,
}

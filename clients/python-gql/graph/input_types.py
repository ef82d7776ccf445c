from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import CourseLevel, EnrollmentStatus, NotificationType, SignUpRole, UserRole


class ChangeEmailInput(BaseModel):
    """The new e-mail address."""

    new_email: str = Field(alias="newEmail")
    "The new e-mail address, at most 255 characters, in any letter case. Blanks around it are ignored, and its domain\nis stored in ASCII (punycode)."
    password: str
    "The password of the signed-in user."


class ChangePasswordInput(BaseModel):
    """The passwords of the account."""

    current_password: str = Field(alias="currentPassword")
    "The password of the account until now."
    new_password: str = Field(alias="newPassword")
    "The new password, by the rules of `RegisterInput.password`."


class ConfirmEmailChangeInput(BaseModel):
    """The proof that the new e-mail address belongs to the user."""

    token: str
    "The token in the link of the mail that `changeEmail` has sent to the new address."


class CourseFilter(BaseModel):
    """Conditions that courses must meet to be listed. Conditions that are left out match every course."""

    is_free: Optional[bool] = Field(alias="isFree", default=None)
    "Lists only free courses if true, only paid courses if false."
    level: Optional[CourseLevel] = None
    "Lists only courses of this level."
    levels: Optional[list[CourseLevel]] = None
    "Lists only courses of one of these levels. An empty list matches every course."
    max_price: Optional[str] = Field(alias="maxPrice", default=None)
    "Lists only courses that cost at most this much. A free course costs 0. At least 0."
    min_price: Optional[str] = Field(alias="minPrice", default=None)
    "Lists only courses that cost at least this much. A free course costs 0. At least 0."
    search: Optional[str] = None
    "Lists only courses whose title or description contains this text, ignoring case and blanks around it. `%` and\n`_` have no special meaning. At most 200 characters."
    teacher_id: Optional[str] = Field(alias="teacherId", default=None)
    "Lists only courses of the teacher with this id."
    words: Optional[str] = None
    "Lists only courses whose title or description contains every word of this text, ignoring case, in any order.\nWords are separated by blanks; a word also matches as a part of a longer one. At most 200 characters and 6\nwords."


class CreateCourseInput(BaseModel):
    """The course to create."""

    description: str = ""
    "The description of the course, as plain text of at most 20,000 characters. The rules of the title hold, except\nthat it may have several lines."
    duration_minutes: int = Field(alias="durationMinutes", default=0)
    "How long the course takes, in minutes."
    idempotency_key: Optional[str] = Field(alias="idempotencyKey", default=None)
    "A key that the client generates for each new course and repeats when it retries that request; 1 to 255\ncharacters. With it, the mutation is idempotent: for 30 days, the same key with the same input returns the same\ncourse."
    is_draft: bool = Field(alias="isDraft", default=False)
    "Whether the course begins as a draft, which only its teacher and admins see, until `publishCourse`. Otherwise it\nis published immediately."
    is_free: bool = Field(alias="isFree", default=True)
    "Whether students can enroll without paying."
    level: CourseLevel = CourseLevel.BEGINNER
    "The previous knowledge that the course expects."
    price: Optional[str] = None
    "The price, more than 0 and at most 9999999999.99, with at most two decimals. Required if the course is not free;\nmust be left out if it is."
    title: str
    "The title of the course, 1 to 500 characters. Blanks around it are removed; control characters and characters\nthat change the direction of text are rejected."


class DeleteCourseInput(BaseModel):
    """The course to delete."""

    course_id: str = Field(alias="courseId")
    "The id of the course."


class DeleteMyAccountInput(BaseModel):
    """The confirmation that the signed-in user wants to delete the account."""

    password: str
    "The password of the account."


class DeleteNotificationInput(BaseModel):
    """The notification to delete."""

    notification_id: str = Field(alias="notificationId")
    "The id of one of the signed-in user's own notifications."


class DeleteUserInput(BaseModel):
    """The user whose account is deleted."""

    reason: Optional[str] = None
    "The reason for the deletion, at most 500 characters. Admins can see it until the erasure is complete; then it is\nerased, too."
    user_id: str = Field(alias="userId")
    "The id of the user."


class EndSessionInput(BaseModel):
    """The session to end."""

    session_id: str = Field(alias="sessionId")
    "The id of the session, from `User.sessions`."


class EnrollInput(BaseModel):
    """The course to enroll in, and its payment."""

    course_id: str = Field(alias="courseId")
    "The id of the course."
    payment_id: Optional[str] = Field(alias="paymentId", default=None)
    "The id of a completed payment of the signed-in student for this course that has not been used yet. It can be\nleft out if the course is free."


class GrantEnrollmentInput(BaseModel):
    """The student to enroll, and the course."""

    course_id: str = Field(alias="courseId")
    "The id of a course that the signed-in teacher teaches; for admins, of any course. It may have a price."
    student_id: str = Field(alias="studentId")
    "The id of the user to enroll, who must not be the course's teacher."


class LeaveCourseInput(BaseModel):
    """The course to leave."""

    course_id: str = Field(alias="courseId")
    "The id of a course in which the signed-in user is enrolled."


class LoginInput(BaseModel):
    """The credentials of a user who signs in."""

    email: str
    "The e-mail address of the account, in any letter case. Blanks around it are ignored."
    password: str
    "The password of the account."


class LogoutInput(BaseModel):
    """The session to end."""

    refresh_token: str = Field(alias="refreshToken")
    "Any refresh token that was issued for the session."


class MarkNotificationReadInput(BaseModel):
    """The notification to mark as read."""

    notification_id: str = Field(alias="notificationId")
    "The id of one of the signed-in user's own notifications."


class PublishCourseInput(BaseModel):
    """The course to publish."""

    course_id: str = Field(alias="courseId")
    "The id of the course, a draft or a withdrawn course."


class PurchaseCourseInput(BaseModel):
    """The course to buy."""

    course_id: str = Field(alias="courseId")
    "The id of the course, which must not be free."
    expected_amount: Optional[str] = Field(alias="expectedAmount", default=None)
    "The price that the student was shown: the purchase is rejected if the course has another price. More than 0 and\nat most 9999999999.99, with at most two decimals. If it is left out, any price is accepted."
    idempotency_key: str = Field(alias="idempotencyKey")
    "A key that the client generates for each new purchase and repeats when it retries that purchase; 1 to 255\ncharacters."


class RefreshSessionInput(BaseModel):
    """The session to refresh."""

    refresh_token: str = Field(alias="refreshToken")
    "The most recent refresh token of the session."


class RefundPaymentInput(BaseModel):
    """The payment to refund."""

    confirm_completion_loss: bool = Field(alias="confirmCompletionLoss", default=False)
    "Confirms that the student may lose a completion of the course: without this, the refund of a payment is rejected\nwhose student has completed the course."
    payment_id: str = Field(alias="paymentId")
    "The id of a completed payment."
    reason: Optional[str] = None
    "The reason, which the student sees at the payment; at most 500 characters, without control characters other than\nline breaks and tabs."


class RegisterInput(BaseModel):
    """The account to create."""

    email: str
    "The e-mail address with which the user signs in, at most 255 characters, in any letter case. Blanks around it are\nignored, and its domain is stored in ASCII (punycode)."
    name: str
    "The name that other users see, 1 to 255 characters."
    password: str
    "The password, 8 to 128 characters. In any letter case, it must not be the e-mail address, the part of it before\nthe `@`, or one of the 10,000 most common passwords."
    role: SignUpRole = SignUpRole.STUDENT
    "The role of the new user."


class RemoveStudentInput(BaseModel):
    """The enrollment to end, and the reason."""

    confirm_completion_loss: bool = Field(alias="confirmCompletionLoss", default=False)
    "Confirms that the student may lose a completion of the course: without this, the removal of a student who has\ncompleted the course is rejected."
    enrollment_id: str = Field(alias="enrollmentId")
    "The id of an enrollment in a course that the signed-in teacher teaches; for admins, of any enrollment."
    reason: str
    "The reason, which the student is told; 1 to 500 characters, without control characters other than line breaks and\ntabs."


class RepublishPaymentInput(BaseModel):
    """The payment whose events to publish again."""

    payment_id: str = Field(alias="paymentId")
    "The id of a completed or refunded payment."


class RequestPasswordResetInput(BaseModel):
    """The account whose owner has forgotten the password."""

    email: str
    "The e-mail address of the account, in any letter case. Blanks around it are ignored."


class ResetPasswordInput(BaseModel):
    """The new password."""

    new_password: str = Field(alias="newPassword")
    "The new password, 8 to 128 characters. In any letter case, it must not be the e-mail address, the part of it\nbefore the `@`, or one of the 10,000 most common passwords."
    token: str
    "The token in the link of the mail that `requestPasswordReset` has sent."


class SetEnrollmentStatusInput(BaseModel):
    """The enrollment, and its new status."""

    enrollment_id: str = Field(alias="enrollmentId")
    "The id of one of the signed-in student's own enrollments."
    status: EnrollmentStatus
    "The new status, which must not be earlier than the current one. The current one again changes nothing."


class SetNotificationSettingInput(BaseModel):
    """The setting to change."""

    is_enabled: bool = Field(alias="isEnabled")
    "Whether the signed-in user is to receive notifications of this type. `PAYMENT`, `COURSE` and `SECURITY` cannot be\nswitched off, and a removal from a course is notified even while `ENROLLMENT` is off."
    type_: NotificationType = Field(alias="type")
    "The type of the notifications."


class SetUserRoleInput(BaseModel):
    """The new role of a user."""

    role: UserRole
    "The new role."
    user_id: str = Field(alias="userId")
    "The id of the user."


class SuspendUserInput(BaseModel):
    """The user to suspend."""

    user_id: str = Field(alias="userId")
    "The id of the user."


class UnsuspendUserInput(BaseModel):
    """The user whose suspension ends."""

    user_id: str = Field(alias="userId")
    "The id of the user."


class UnverifyTeacherInput(BaseModel):
    """The teacher whose verification is revoked."""

    user_id: str = Field(alias="userId")
    "The id of the teacher."


class UpdateCourseInput(BaseModel):
    """The changes to a course. Fields that are left out stay as they are."""

    course_id: str = Field(alias="courseId")
    "The id of the course to change."
    description: Optional[str] = None
    "The new description, as plain text of at most 20,000 characters. A longer description that was imported from the\nlegacy system can be kept unchanged."
    duration_minutes: Optional[int] = Field(alias="durationMinutes", default=None)
    "How long the course takes, in minutes."
    is_free: Optional[bool] = Field(alias="isFree", default=None)
    "Whether students can enroll without paying. A course that becomes free loses its price."
    level: Optional[CourseLevel] = None
    "The previous knowledge that the course expects."
    price: Optional[str] = None
    "The new price, more than 0 and at most 9999999999.99, with at most two decimals. Required if the course stops\nbeing free."
    title: Optional[str] = None
    "The new title, 1 to 500 characters, with the rules of `CreateCourseInput.title`."


class UpdateProfileInput(BaseModel):
    """The changes to the profile of the signed-in user. Fields that are left out stay as they are."""

    name: Optional[str] = None
    "The new name that other users see, 1 to 255 characters."


class UserFilter(BaseModel):
    """The conditions that users must meet to be listed."""

    is_suspended: Optional[bool] = Field(alias="isSuspended", default=None)
    "Lists only suspended users if true, everyone else if false."
    is_verified: Optional[bool] = Field(alias="isVerified", default=None)
    "Lists only verified teachers if true, everyone else if false."
    role: Optional[UserRole] = None
    "Lists only users of this role."
    search: Optional[str] = None
    "Lists only users whose name or e-mail address contains this text, ignoring case and the blanks around it. `%` and\n`_` have no special meaning, and a domain is found in Unicode and in ASCII (punycode). At most 200 characters."


class VerifyEmailInput(BaseModel):
    """The proof that an e-mail address belongs to the user."""

    token: str
    "The token in the link of the mail that `register` or `requestEmailVerification` has sent."


class VerifyTeacherInput(BaseModel):
    """The teacher to verify."""

    user_id: str = Field(alias="userId")
    "The id of the teacher."


class WithdrawCourseInput(BaseModel):
    """The course to withdraw, and why."""

    course_id: str = Field(alias="courseId")
    "The id of the course."
    reason: Optional[str] = None
    "The reason, as plain text of at most 2,000 characters. Required of admins: the teacher is told."

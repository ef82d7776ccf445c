from .async_base_client import AsyncBaseClient
from .base_model import BaseModel, Upload
from .client import Unused
from .enums import (
    CourseLevel,
    EnrollmentStatus,
    NotificationType,
    PaymentStatus,
    SignUpRole,
    UserErrorCode,
)
from .exceptions import (
    GraphQLClientError,
    GraphQLClientGraphQLError,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    GraphQLClientInvalidResponseError,
)
from .fragments import Tokens
from .input_types import (
    LoginInput,
    PurchaseCourseInput,
    RefreshSessionInput,
    RegisterInput,
)
from .latest_notifications import (
    LatestNotifications,
    LatestNotificationsMe,
    LatestNotificationsMeNotifications,
    LatestNotificationsMeNotificationsNodes,
)
from .me import Me, MeMe
from .notification_added import NotificationAdded, NotificationAddedNotificationAdded
from .paid_courses import (
    PaidCourses,
    PaidCoursesCourses,
    PaidCoursesCoursesNodes,
    PaidCoursesCoursesPageInfo,
)
from .purchase_course import (
    PurchaseCourse,
    PurchaseCoursePurchaseCourse,
    PurchaseCoursePurchaseCoursePayment,
    PurchaseCoursePurchaseCourseUserErrors,
)
from .refresh_session import (
    RefreshSession,
    RefreshSessionRefreshSession,
    RefreshSessionRefreshSessionSession,
    RefreshSessionRefreshSessionUserErrors,
)
from .sign_in import SignIn, SignInLogin, SignInLoginSession, SignInLoginUserErrors
from .sign_up import (
    SignUp,
    SignUpRegister,
    SignUpRegisterSession,
    SignUpRegisterUserErrors,
)
from .student_home import (
    StudentHome,
    StudentHomeMe,
    StudentHomeMeEnrollments,
    StudentHomeMeEnrollmentsNodes,
    StudentHomeMeEnrollmentsNodesCourse,
    StudentHomeMeEnrollmentsNodesCourseTeacher,
    StudentHomeMeEnrollmentsNodesPayment,
    StudentHomeMeNotifications,
    StudentHomeMeNotificationsNodes,
)

__all__ = [
    "AsyncBaseClient",
    "BaseModel",
    "CourseLevel",
    "EnrollmentStatus",
    "GraphQLClientError",
    "GraphQLClientGraphQLError",
    "GraphQLClientGraphQLMultiError",
    "GraphQLClientHttpError",
    "GraphQLClientInvalidResponseError",
    "LatestNotifications",
    "LatestNotificationsMe",
    "LatestNotificationsMeNotifications",
    "LatestNotificationsMeNotificationsNodes",
    "LoginInput",
    "Me",
    "MeMe",
    "NotificationAdded",
    "NotificationAddedNotificationAdded",
    "NotificationType",
    "PaidCourses",
    "PaidCoursesCourses",
    "PaidCoursesCoursesNodes",
    "PaidCoursesCoursesPageInfo",
    "PaymentStatus",
    "PurchaseCourse",
    "PurchaseCourseInput",
    "PurchaseCoursePurchaseCourse",
    "PurchaseCoursePurchaseCoursePayment",
    "PurchaseCoursePurchaseCourseUserErrors",
    "RefreshSession",
    "RefreshSessionInput",
    "RefreshSessionRefreshSession",
    "RefreshSessionRefreshSessionSession",
    "RefreshSessionRefreshSessionUserErrors",
    "RegisterInput",
    "SignIn",
    "SignInLogin",
    "SignInLoginSession",
    "SignInLoginUserErrors",
    "SignUp",
    "SignUpRegister",
    "SignUpRegisterSession",
    "SignUpRegisterUserErrors",
    "SignUpRole",
    "StudentHome",
    "StudentHomeMe",
    "StudentHomeMeEnrollments",
    "StudentHomeMeEnrollmentsNodes",
    "StudentHomeMeEnrollmentsNodesCourse",
    "StudentHomeMeEnrollmentsNodesCourseTeacher",
    "StudentHomeMeEnrollmentsNodesPayment",
    "StudentHomeMeNotifications",
    "StudentHomeMeNotificationsNodes",
    "Tokens",
    "Unused",
    "Upload",
    "UserErrorCode",
]

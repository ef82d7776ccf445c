from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import CourseLevel, EnrollmentStatus, NotificationType, PaymentStatus


class StudentHome(BaseModel):
    me: Optional["StudentHomeMe"]


class StudentHomeMe(BaseModel):
    id: str
    name: str
    unread_notification_count: Optional[int] = Field(alias="unreadNotificationCount")
    enrollments: Optional["StudentHomeMeEnrollments"]
    notifications: Optional["StudentHomeMeNotifications"]


class StudentHomeMeEnrollments(BaseModel):
    total_count: Optional[int] = Field(alias="totalCount")
    nodes: list["StudentHomeMeEnrollmentsNodes"]


class StudentHomeMeEnrollmentsNodes(BaseModel):
    id: str
    status: EnrollmentStatus
    enrolled_at: str = Field(alias="enrolledAt")
    course: Optional["StudentHomeMeEnrollmentsNodesCourse"]
    payment: Optional["StudentHomeMeEnrollmentsNodesPayment"]


class StudentHomeMeEnrollmentsNodesCourse(BaseModel):
    id: str
    title: str
    level: CourseLevel
    duration_minutes: int = Field(alias="durationMinutes")
    teacher: Optional["StudentHomeMeEnrollmentsNodesCourseTeacher"]


class StudentHomeMeEnrollmentsNodesCourseTeacher(BaseModel):
    id: str
    name: str


class StudentHomeMeEnrollmentsNodesPayment(BaseModel):
    id: str
    amount: str
    status: PaymentStatus


class StudentHomeMeNotifications(BaseModel):
    nodes: list["StudentHomeMeNotificationsNodes"]


class StudentHomeMeNotificationsNodes(BaseModel):
    id: str
    type_: NotificationType = Field(alias="type")
    title: str
    is_read: bool = Field(alias="isRead")
    created_at: str = Field(alias="createdAt")


StudentHome.model_rebuild()
StudentHomeMe.model_rebuild()
StudentHomeMeEnrollments.model_rebuild()
StudentHomeMeEnrollmentsNodes.model_rebuild()
StudentHomeMeEnrollmentsNodesCourse.model_rebuild()
StudentHomeMeNotifications.model_rebuild()

from typing import Optional

from .base_model import BaseModel


class LatestNotification(BaseModel):
    me: Optional["LatestNotificationMe"]


class LatestNotificationMe(BaseModel):
    id: str
    notifications: Optional["LatestNotificationMeNotifications"]


class LatestNotificationMeNotifications(BaseModel):
    nodes: list["LatestNotificationMeNotificationsNodes"]


class LatestNotificationMeNotificationsNodes(BaseModel):
    id: str


LatestNotification.model_rebuild()
LatestNotificationMe.model_rebuild()
LatestNotificationMeNotifications.model_rebuild()

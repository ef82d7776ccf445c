from typing import Optional

from .base_model import BaseModel


class LatestNotifications(BaseModel):
    me: Optional["LatestNotificationsMe"]


class LatestNotificationsMe(BaseModel):
    id: str
    notifications: Optional["LatestNotificationsMeNotifications"]


class LatestNotificationsMeNotifications(BaseModel):
    nodes: list["LatestNotificationsMeNotificationsNodes"]


class LatestNotificationsMeNotificationsNodes(BaseModel):
    id: str
    title: str
    body: str


LatestNotifications.model_rebuild()
LatestNotificationsMe.model_rebuild()
LatestNotificationsMeNotifications.model_rebuild()

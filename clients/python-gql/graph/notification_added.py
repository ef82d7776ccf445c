from pydantic import Field

from .base_model import BaseModel


class NotificationAdded(BaseModel):
    notification_added: "NotificationAddedNotificationAdded" = Field(
        alias="notificationAdded"
    )


class NotificationAddedNotificationAdded(BaseModel):
    id: str
    title: str
    body: str


NotificationAdded.model_rebuild()

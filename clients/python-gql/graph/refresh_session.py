from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import UserErrorCode
from .fragments import Tokens


class RefreshSession(BaseModel):
    refresh_session: Optional["RefreshSessionRefreshSession"] = Field(
        alias="refreshSession"
    )


class RefreshSessionRefreshSession(BaseModel):
    session: Optional["RefreshSessionRefreshSessionSession"]
    user_errors: list["RefreshSessionRefreshSessionUserErrors"] = Field(
        alias="userErrors"
    )


RefreshSessionRefreshSessionSession = Tokens


class RefreshSessionRefreshSessionUserErrors(BaseModel):
    code: UserErrorCode
    message: str
    field: list[str]


RefreshSession.model_rebuild()
RefreshSessionRefreshSession.model_rebuild()

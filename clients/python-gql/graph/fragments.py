from pydantic import Field

from .base_model import BaseModel


class Tokens(BaseModel):
    access_token: str = Field(alias="accessToken")
    refresh_token: str = Field(alias="refreshToken")


Tokens.model_rebuild()

from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import UserErrorCode
from .fragments import Tokens


class SignIn(BaseModel):
    login: Optional["SignInLogin"]


class SignInLogin(BaseModel):
    session: Optional["SignInLoginSession"]
    user_errors: list["SignInLoginUserErrors"] = Field(alias="userErrors")


SignInLoginSession = Tokens


class SignInLoginUserErrors(BaseModel):
    code: UserErrorCode
    message: str
    field: list[str]


SignIn.model_rebuild()
SignInLogin.model_rebuild()

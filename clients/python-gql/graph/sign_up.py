from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import UserErrorCode
from .fragments import Tokens


class SignUp(BaseModel):
    register: Optional["SignUpRegister"]


class SignUpRegister(BaseModel):
    session: Optional["SignUpRegisterSession"]
    user_errors: list["SignUpRegisterUserErrors"] = Field(alias="userErrors")


SignUpRegisterSession = Tokens


class SignUpRegisterUserErrors(BaseModel):
    code: UserErrorCode
    message: str
    field: list[str]


SignUp.model_rebuild()
SignUpRegister.model_rebuild()

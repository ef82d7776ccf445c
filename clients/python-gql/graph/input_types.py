from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import SignUpRole


class LoginInput(BaseModel):
    """The credentials of a user who signs in."""

    email: str
    "The e-mail address of the account, in any letter case. Blanks around it are ignored."
    password: str
    "The password of the account."
    second_factor_code: Optional[str] = Field(alias="secondFactorCode", default=None)
    "For an account with a second factor: the code of 6 digits that the authenticator app shows, or a recovery code. Each\nworks once. Without it, such an account is `SECOND_FACTOR_REQUIRED`. Other accounts ignore it."


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

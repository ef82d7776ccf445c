from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import PaymentStatus, UserErrorCode


class PurchaseCourse(BaseModel):
    purchase_course: Optional["PurchaseCoursePurchaseCourse"] = Field(
        alias="purchaseCourse"
    )


class PurchaseCoursePurchaseCourse(BaseModel):
    payment: Optional["PurchaseCoursePurchaseCoursePayment"]
    user_errors: list["PurchaseCoursePurchaseCourseUserErrors"] = Field(
        alias="userErrors"
    )


class PurchaseCoursePurchaseCoursePayment(BaseModel):
    id: str
    status: PaymentStatus


class PurchaseCoursePurchaseCourseUserErrors(BaseModel):
    code: UserErrorCode
    message: str
    field: list[str]


PurchaseCourse.model_rebuild()
PurchaseCoursePurchaseCourse.model_rebuild()

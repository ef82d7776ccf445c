from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class PaidCourses(BaseModel):
    courses: Optional["PaidCoursesCourses"]


class PaidCoursesCourses(BaseModel):
    page_info: "PaidCoursesCoursesPageInfo" = Field(alias="pageInfo")
    nodes: list["PaidCoursesCoursesNodes"]


class PaidCoursesCoursesPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


class PaidCoursesCoursesNodes(BaseModel):
    id: str
    title: str
    price: Optional[str]


PaidCourses.model_rebuild()
PaidCoursesCourses.model_rebuild()

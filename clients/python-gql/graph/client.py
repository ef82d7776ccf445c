from collections.abc import AsyncIterator
from typing import Any, Optional, Union

from .async_base_client import AsyncBaseClient
from .base_model import UNSET, UnsetType
from .input_types import (
    LoginInput,
    PurchaseCourseInput,
    RefreshSessionInput,
    RegisterInput,
)
from .latest_notifications import LatestNotifications
from .me import Me
from .notification_added import NotificationAdded
from .paid_courses import PaidCourses
from .purchase_course import PurchaseCourse
from .refresh_session import RefreshSession
from .sign_in import SignIn
from .sign_up import SignUp
from .student_home import StudentHome


def gql(q: str) -> str:
    return q


class Unused(AsyncBaseClient):
    async def paid_courses(
        self, first: int, after: Union[Optional[str], UnsetType] = UNSET, **kwargs: Any
    ) -> PaidCourses:
        query = gql("""
            query PaidCourses($first: Int!, $after: String) {
              courses(filter: {isFree: false}, orderBy: TITLE, first: $first, after: $after) {
                pageInfo {
                  hasNextPage
                  endCursor
                }
                nodes {
                  id
                  title
                  price
                }
              }
            }
            """)
        variables: dict[str, object] = {"first": first, "after": after}
        response = await self.execute(
            query=query, operation_name="PaidCourses", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return PaidCourses.model_validate(data)

    async def me(self, **kwargs: Any) -> Me:
        query = gql("""
            query Me {
              me {
                id
                name
              }
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="Me", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Me.model_validate(data)

    async def student_home(self, **kwargs: Any) -> StudentHome:
        query = gql("""
            query StudentHome {
              me {
                id
                name
                unreadNotificationCount
                enrollments(first: 20) {
                  totalCount
                  nodes {
                    id
                    status
                    enrolledAt
                    course {
                      id
                      title
                      level
                      durationMinutes
                      teacher {
                        id
                        name
                      }
                    }
                    payment {
                      id
                      amount
                      status
                    }
                  }
                }
                notifications(first: 10) {
                  nodes {
                    id
                    type
                    title
                    isRead
                    createdAt
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="StudentHome", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return StudentHome.model_validate(data)

    async def sign_up(self, input: RegisterInput, **kwargs: Any) -> SignUp:
        query = gql("""
            mutation SignUp($input: RegisterInput!) {
              register(input: $input) {
                session {
                  ...Tokens
                }
                userErrors {
                  code
                  message
                  field
                }
              }
            }

            fragment Tokens on Session {
              accessToken
              refreshToken
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="SignUp", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SignUp.model_validate(data)

    async def sign_in(self, input: LoginInput, **kwargs: Any) -> SignIn:
        query = gql("""
            mutation SignIn($input: LoginInput!) {
              login(input: $input) {
                session {
                  ...Tokens
                }
                userErrors {
                  code
                  message
                  field
                }
              }
            }

            fragment Tokens on Session {
              accessToken
              refreshToken
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="SignIn", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SignIn.model_validate(data)

    async def refresh_session(
        self, input: RefreshSessionInput, **kwargs: Any
    ) -> RefreshSession:
        query = gql("""
            mutation RefreshSession($input: RefreshSessionInput!) {
              refreshSession(input: $input) {
                session {
                  ...Tokens
                }
                userErrors {
                  code
                  message
                  field
                }
              }
            }

            fragment Tokens on Session {
              accessToken
              refreshToken
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="RefreshSession", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RefreshSession.model_validate(data)

    async def purchase_course(
        self, input: PurchaseCourseInput, **kwargs: Any
    ) -> PurchaseCourse:
        query = gql("""
            mutation PurchaseCourse($input: PurchaseCourseInput!) {
              purchaseCourse(input: $input) {
                payment {
                  id
                  status
                }
                userErrors {
                  code
                  message
                  field
                }
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="PurchaseCourse", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return PurchaseCourse.model_validate(data)

    async def latest_notifications(self, **kwargs: Any) -> LatestNotifications:
        query = gql("""
            query LatestNotifications {
              me {
                id
                notifications(first: 20) {
                  nodes {
                    id
                    title
                    body
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query,
            operation_name="LatestNotifications",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return LatestNotifications.model_validate(data)

    async def notification_added(
        self, after: Union[Optional[str], UnsetType] = UNSET, **kwargs: Any
    ) -> AsyncIterator[NotificationAdded]:
        query = gql("""
            subscription NotificationAdded($after: ID) {
              notificationAdded(after: $after) {
                id
                title
                body
              }
            }
            """)
        variables: dict[str, object] = {"after": after}
        async for data in self.execute_ws(
            query=query,
            operation_name="NotificationAdded",
            variables=variables,
            **kwargs,
        ):
            yield NotificationAdded.model_validate(data)

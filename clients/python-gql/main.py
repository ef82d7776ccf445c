"""The steps of `../shared/scenario.ts` with Python's gql, whose answers have the types that ariadne-codegen generates."""

import asyncio
import base64
import json
import os
import platform
import sys
import time
import traceback
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import aiohttp
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import parse, print_ast
from graphql.utilities import separate_operations

from graph.base_model import BaseModel
from graph.input_types import LoginInput, PurchaseCourseInput, RefreshSessionInput, RegisterInput
from graph.latest_notifications import LatestNotifications, LatestNotificationsMeNotificationsNodes
from graph.me import Me
from graph.notification_added import NotificationAdded, NotificationAddedNotificationAdded
from graph.paid_courses import PaidCourses, PaidCoursesCourses
from graph.purchase_course import PurchaseCourse, PurchaseCoursePurchaseCoursePayment
from graph.refresh_session import RefreshSession
from graph.sign_in import SignIn
from graph.sign_up import SignUp
from graph.student_home import StudentHome

URL = os.environ.get("LYCEUM_URL", "http://localhost:4000/").rstrip("/") + "/graphql"
SOCKET_URL = URL.replace("http", "ws", 1)
CUT_URL = os.environ.get("LYCEUM_CUT_URL")
PASSWORD = "correct horse battery"
STEP_TIMEOUT = 30
# How long a person without notifications waits for one that came before the stream stood.
ASK_AGAIN = 5
SHORT_LIVED = 10
DOCUMENTS = {
    name: print_ast(document)
    for name, document in separate_operations(
        parse((Path(__file__).parent / "../shared/operations.graphql").read_text())
    ).items()
}

Answer = TypeVar("Answer", bound=BaseModel)
News = LatestNotificationsMeNotificationsNodes | NotificationAddedNotificationAdded


class Tab:
    """A person at a program of their own."""

    def __init__(self) -> None:
        self.access_token: str | None = None
        self.refresh_token: str | None = None
        self.extensions: dict | None = None
        # The bodies of the last request and its response.
        self.sent = self.received = ""

    # docs:client
    async def send(self, answer: type[Answer], variables: dict | None = None) -> Answer:
        """Sends the operation with the answer's name, again with new tokens if the old ones have expired."""
        try:
            return await self.send_once(answer, variables)
        except TransportQueryError as error:
            if code_of(error) != "UNAUTHENTICATED" or not self.refresh_token:
                raise
        await self.refresh()
        return await self.send_once(answer, variables)

    async def send_once(self, answer: type[Answer], variables: dict | None, with_token: bool = True) -> Answer:
        headers = {"authorization": f"Bearer {self.access_token}"} if self.access_token and with_token else {}
        if answer is StudentHome:
            headers |= {"lyceum-cost": "1", "lyceum-trace": "1"}
        request = GraphQLRequest(DOCUMENTS[answer.__name__], variable_values=variables, operation_name=answer.__name__)
        transport = AIOHTTPTransport(URL, headers=headers, json_serialize=self.write, json_deserialize=self.read)
        async with Client(transport=transport) as session:
            result = await session.execute(request, get_execution_result=True)
        self.extensions = result.extensions
        return answer.model_validate(result.data)

    async def send_batch(self, answer: type[Answer], batch: list[dict]) -> list[Answer]:
        """Sends the operation with the answer's name several times, in one request."""
        document = DOCUMENTS[answer.__name__]
        requests = [
            GraphQLRequest(document, variable_values=variables, operation_name=answer.__name__) for variables in batch
        ]
        async with Client(transport=AIOHTTPTransport(URL)) as session:
            return [answer.model_validate(data) for data in await session.execute_batch(requests)]

    async def refresh(self) -> None:
        variables = input_of(RefreshSessionInput(refreshToken=self.refresh_token))
        answer = (await self.send_once(RefreshSession, variables, with_token=False)).refresh_session
        if answer and answer.session:
            self.accept(answer.session)

    # docs:end

    def write(self, request: dict) -> str:
        self.sent = json.dumps(request)
        return self.sent

    def read(self, response: str) -> dict:
        self.received = response
        return json.loads(response)

    def accept(self, session) -> None:
        self.access_token = session.access_token
        self.refresh_token = session.refresh_token

    async def courses(self, after: str | None) -> PaidCoursesCourses:
        courses = (await self.send(PaidCourses, {"first": 10, "after": after})).courses
        check(courses, "a page of courses")
        return courses

    async def sign_in(self, email: str) -> str | None:
        """Returns the code of the refusal."""
        answer = (await self.send(SignIn, input_of(LoginInput(email=email, password=PASSWORD)))).login
        if answer.session:
            self.accept(answer.session)
        return answer.user_errors[0].code.value if answer.user_errors else None

    async def sign_up(self, name: str, email: str) -> None:
        answer = (await self.send(SignUp, input_of(RegisterInput(name=name, email=email, password=PASSWORD)))).register
        check(answer.session, f"a session, not {answer.user_errors}")
        self.accept(answer.session)

    async def my_name(self) -> str | None:
        me = (await self.send(Me)).me
        return me.name if me else None

    async def buy(self, course_id: str, amount: str, key: str) -> PurchaseCoursePurchaseCoursePayment:
        purchase = PurchaseCourseInput(courseId=course_id, expectedAmount=amount, idempotencyKey=key)
        answer = (await self.send(PurchaseCourse, input_of(purchase))).purchase_course
        check(answer.payment, f"a payment, not {answer.user_errors}")
        return answer.payment

    async def latest_news(self) -> list[News]:
        """The latest 20 notifications, the newest first."""
        me = (await self.send(LatestNotifications)).me
        return list(me.notifications.nodes) if me and me.notifications else []

    # docs:live
    async def follow(self, after: str | None, on_news: Callable[[News], None]) -> None:
        """Follows those after this one; however a stream ends, it goes on behind the last one that it has seen."""
        while True:
            request = GraphQLRequest(DOCUMENTS["NotificationAdded"], variable_values={"after": after})
            try:
                # The transport leaves a session of its own open when it cannot connect.
                async with aiohttp.ClientSession() as http:
                    transport = AIOHTTPWebsocketsTransport(
                        SOCKET_URL,
                        session=http,
                        init_payload={"authorization": f"Bearer {self.access_token}"},
                    )
                    async with Client(transport=transport) as session:
                        async for data in session.subscribe(request):
                            added = NotificationAdded.model_validate(data).notification_added
                            after = added.id
                            on_news(added)
            except (TransportError, OSError):
                # A connection can break at any time.
                pass
            await asyncio.sleep(0.5)
            # Renews the tokens if they have expired, which ends a stream.
            with suppress(TransportError, OSError):
                await self.send(Me)

    # docs:end

    async def hears(self, news_id: str, after: str) -> bool:
        """Whether this notification comes by the other transport for WebSockets, after an earlier one."""
        request = GraphQLRequest(DOCUMENTS["NotificationAdded"], variable_values={"after": after})
        payload = {"authorization": f"Bearer {self.access_token}"}
        async with Client(transport=WebsocketsTransport(SOCKET_URL, init_payload=payload)) as session:
            async with aclosing(session.subscribe(request)) as stream:
                async for data in stream:
                    if NotificationAdded.model_validate(data).notification_added.id == news_id:
                        return True
        return False


def input_of(value: BaseModel) -> dict:
    return {"input": value.model_dump(by_alias=True, exclude_unset=True, mode="json")}


def lifetime_of(access_token: str) -> int:
    payload = access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["exp"] - claims["iat"]


def code_of(error: TransportQueryError) -> str | None:
    return (error.errors or [{}])[0].get("extensions", {}).get("code")


def check(condition: object, expectation: str) -> None:
    if not condition:
        raise AssertionError(f"expected: {expectation}")


async def patiently(task: Callable[[], Awaitable[object]]) -> None:
    """A purchase that the network has lost is repeated: with its key it is the same one."""
    for attempts in (2, 1, 0):
        try:
            await task()
            return
        except (TransportError, OSError):
            if attempts == 0:
                raise


async def follow_from_now(tab: Tab, seen: list[News]) -> None:
    """Follows the notifications from the newest one on."""
    latest = await tab.latest_news()
    if not latest:
        latest = await first_news(tab)
        seen.extend(reversed(latest))
    await tab.follow(latest[0].id, seen.append)


async def first_news(tab: Tab) -> list[News]:
    """Without `after`, a stream misses what comes before it stands. An event, or a while without one, means: ask."""
    asked = asyncio.Event()
    stream = asyncio.create_task(tab.follow(None, lambda _: asked.set()))
    try:
        while True:
            asked.clear()
            with suppress(TransportError, OSError):
                if latest := await tab.latest_news():
                    return latest
            with suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), ASK_AGAIN)
    finally:
        stream.cancel()
        await asyncio.wait([stream])


async def wait_for(seen: list[News], title: str) -> None:
    while not any(title in f"{news.title} {news.body}" for news in seen):
        await asyncio.sleep(0.05)


async def scenario(steps: dict[str, str], homes: list[dict]) -> None:
    tab, other = Tab(), Tab()
    seen: list[News] = []
    unique = f"{time.time_ns():x}"
    found = []

    async def paging() -> None:
        first = await tab.courses(None)
        second = await tab.courses(first.page_info.end_cursor)
        found.extend([*first.nodes, *second.nodes])
        check(len({course.id for course in found}) == 20, "two pages of ten courses, each course once")

    async def errors() -> None:
        refusal = await tab.sign_in("nobody@lyceum.example")
        check(refusal == "INVALID_CREDENTIALS", f"a wrong password is INVALID_CREDENTIALS, not {refusal}")
        try:
            await tab.send(PaidCourses, {"first": 1000})
        except TransportQueryError as error:
            check(code_of(error) == "BAD_USER_INPUT", f"a page of 1000 is BAD_USER_INPUT, not {error}")
        else:
            check(False, "a page of 1000 is an error")

    async def sign_in() -> None:
        email = f"python-gql-{unique}@lyceum.example"
        await tab.sign_up("Clara Client", email)
        check(await other.sign_in(email) is None, "signing in returns a session")
        check(await tab.my_name() == "Clara Client", "the token is sent")

    async def buying() -> None:
        payment = await tab.buy(found[0].id, found[0].price, f"{unique}-1")
        check(payment.status.value == "COMPLETED", f"paid, not {payment.status}")
        again = await tab.buy(found[0].id, found[0].price, f"{unique}-1")
        check(again.id == payment.id, "the same key is the same payment")

    async def live_updates() -> None:
        await wait_for(seen, found[0].title)
        # A second one has something to come after.
        await tab.buy(found[1].id, found[1].price, f"{unique}-2")
        await wait_for(seen, found[1].title)

    async def reconnection() -> str | None:
        if not CUT_URL:
            return "not tried"
        await asyncio.to_thread(urllib.request.urlopen, urllib.request.Request(CUT_URL, method="POST"))
        await patiently(lambda: tab.buy(found[2].id, found[2].price, f"{unique}-3"))
        await wait_for(seen, found[2].title)
        check(len({news.id for news in seen}) == len(seen), "each notification once")

    async def two_tabs() -> None:
        for one in (tab, other):
            one.access_token, one.refresh_token = f"{tab.access_token[:-8]}AAAAAAAA", tab.refresh_token
        names = await asyncio.gather(tab.my_name(), other.my_name())
        check(names == ["Clara Client"] * 2, f"both tabs stay signed in: {names}")

    async def expired_token() -> str | None:
        lifetime = lifetime_of(tab.access_token)
        if lifetime > SHORT_LIVED:
            return "not tried"
        await asyncio.sleep(lifetime + 1)
        await tab.buy(found[3].id, found[3].price, f"{unique}-4")
        await wait_for(seen, found[3].title)

    async def batches() -> None:
        pages = await tab.send_batch(PaidCourses, [{"first": 1}, {"first": 2}])
        lengths = [len(page.courses.nodes) for page in pages if page.courses]
        check(lengths == [1, 2], f"each operation has its own answer: {lengths}")

    async def websockets_transport() -> None:
        while len(seen) < 2:  # A purchase has two: of the payment, and of the enrollment.
            await asyncio.sleep(0.05)
        await tab.refresh()
        check(await tab.hears(seen[-1].id, after=seen[0].id), "a notification by the other transport")

    async def student_home() -> None:
        await tab.my_name()  # Renews the tokens if they have expired.
        await tab.send(StudentHome)
        homes.append(exchange_of(tab))

    following: asyncio.Task | None = None
    all_steps = [paging, errors, sign_in, buying, live_updates, reconnection, two_tabs, expired_token]
    all_steps += [batches, websockets_transport, student_home]
    for step in all_steps:
        name = "StudentHome" if step is student_home else step.__name__.replace("_", " ")
        steps[name] = "no"
        if step is buying:
            following = asyncio.create_task(follow_from_now(tab, seen))
        steps[name] = await asyncio.wait_for(step(), STEP_TIMEOUT) or "yes"
    if following:
        following.cancel()


def exchange_of(tab: Tab) -> dict:
    """What the last request has cost; its bodies without what the router says about it."""
    extensions = tab.extensions or {}
    answer = {key: value for key, value in json.loads(tab.received).items() if key != "extensions"}
    received = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    fetches = extensions.get("trace", {}).get("fetches")
    # Some statements are the driver's own, on a new connection.
    statements = [one for fetch in fetches or [] for one in fetch["statements"] if not one.get("catalog")]
    return {
        "requests": 1,
        "sentBytes": len(tab.sent.encode()),
        "receivedBytes": len(received.encode()),
        "cost": extensions.get("cost", {}).get("actual"),
        "fetches": None if fetches is None else len(fetches),
        "statements": None if fetches is None else len(statements),
    }


def main() -> None:
    steps: dict[str, str] = {}
    started = time.monotonic()
    homes: list[dict] = []
    try:
        asyncio.run(scenario(steps, homes))
    except Exception:
        traceback.print_exc()
    ok = all(done != "no" for done in steps.values())
    result = {
        "client": "Python gql",
        "version": version("gql"),
        "runtime": f"Python {platform.python_version()}",
        "ok": ok,
        "steps": steps,
        "studentHome": homes[0] if homes else None,
        "ms": round((time.monotonic() - started) * 1000),
    }
    print(json.dumps(result))
    sys.exit(0 if ok else 1)


main()

import asyncio
import email
import email.policy
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.message import Handling
from push.port import Door, Outcome, Reach, Result
from push.rooms import Rooms
from push.window import Left, take
from tests.push.contract import DoorContract, Rig
from tests.push.provider import broken_service
from tests.push.serving import Provider, serving
from tests.push.world import a_message

# apprise's mail plugin imports it for Python 3.13's sake.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

TOKEN = "b" * 64
ROOMS = {
    "wecombot": "wecombot://abc-123",
    "dingtalk": f"dingtalk://SECsecret@{TOKEN}",
    "feishu": "feishu://SECsecret@abc-123",
}
HOME = "https://jiean.example"


class Robots(Provider):
    """The three providers' robots at one place."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        got, query = json.loads(body), parse_qs(urlsplit(path).query)
        if path.startswith("/cgi-bin/webhook/send"):
            if query["key"] != ["abc-123"]:
                return 200, b'{"errcode": 93000, "errmsg": "invalid webhook url"}'
            text = got["text"]["content"]
        elif path.startswith("/robot/send"):
            stamp = query["timestamp"][0]
            told = hmac.new(b"SECsecret", f"{stamp}\nSECsecret".encode(), hashlib.sha256)
            if query["access_token"] != [TOKEN]:
                return 200, b'{"errcode": 300005, "errmsg": "token is not exist"}'
            if query["sign"] != [b64encode(told.digest()).decode()]:
                return 200, b'{"errcode": 310000, "errmsg": "sign not match"}'
            text = got["text"]["content"]
        else:
            if not path.startswith("/open-apis/bot/v2/hook/abc-123"):
                return 200, b'{"code": 19001, "msg": "incoming webhook access token invalid"}'
            if got.get("sign") != _feishu_sign(got.get("timestamp", "")):
                return 200, b'{"code": 19021, "msg": "sign match fail"}'
            text = got["content"]["text"]
        title, line, link = text.replace("\r\n", "\n").split("\n")
        self.shown.append({"lockTitle": title, "lockBody": line, "link": link})
        word = "code" if "/hook/" in path else "errcode"
        return 200, json.dumps({word: 0}).encode()


def _feishu_sign(stamp: str) -> str:
    """As Feishu's own documentation has it: the key is the text, and nothing is signed."""
    return b64encode(hmac.new(f"{stamp}\nSECsecret".encode(), b"", "sha256").digest()).decode()


class Post:
    """A mail server of one page: enough of RFC 5321 to take a message."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.refuses = ""
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        say("220 post")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ")[0].upper()
            if word == self.refuses:
                say("450 not now")
            elif word == "DATA":
                say("354 go on")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                mail = email.message_from_bytes(raw, policy=email.policy.default)
                part = mail.get_body(("plain",))
                assert part is not None
                body = part.get_content().strip().split("\n")
                self.shown.append({"lockTitle": str(mail["subject"]), "lockBody": body[0].strip()})
                say("250 kept")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        writer.close()


@asynccontextmanager
async def a_post() -> AsyncIterator[Post]:
    post = Post()
    server = await asyncio.start_server(post.talk, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def a_door(origin: str, **words: Any) -> AsyncIterator[Rooms]:
    named = {"reach": Reach.LOOPBACK, "origins": dict.fromkeys(ROOMS, origin), "per_minute": 1000}
    door = Rooms(HOME, **{**named, **words})
    try:
        yield door
    finally:
        await door.aclose()


@pytest.fixture
async def robots() -> AsyncIterator[Robots]:
    there = Robots()
    async with serving(there):
        yield there


@pytest.fixture
async def door(robots: Robots) -> AsyncIterator[Rooms]:
    async with a_door(robots.origin) as opened:
        yield opened


class TestRoomsContract(DoorContract):
    @pytest.fixture(params=sorted(ROOMS))
    async def rig(self, request: pytest.FixtureRequest, robots: Robots, door: Rooms) -> Rig:
        dead = ("wecombot://gone", f"dingtalk://SECsecret@{'c' * 64}", "feishu://gone", "json://x")
        shown = lambda: robots.shown  # noqa: E731 - what a Rig asks for
        carries = frozenset({"lockTitle", "lockBody"})
        return Rig(door, ROOMS[request.param], dead, shown, carries)


class TestMailContract(DoorContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[Rig]:
        async with a_post() as post, a_door("http://127.0.0.1:1") as door:
            address = mailbox(post)
            dead = ("mailto://", f"mailto://127.0.0.1:1/{TO}")
            carries = frozenset({"lockTitle", "lockBody"})
            yield Rig(door, address, dead, lambda: post.shown, carries)


TO = "duty@example.com?from=jiean@example.com&mode=insecure"


def mailbox(post: Post) -> str:
    return f"mailto://127.0.0.1:{post.port}/{TO}"


def test_the_door_fits_the_port() -> None:
    door: Door = Rooms(HOME)
    assert (door.name, door.reach) == ("rooms", Reach.INTERNET)


@pytest.mark.parametrize("handling", [Handling.EXERCISE, Handling.TEST])
async def test_an_exercise_stays_out_of_rooms(handling: Handling) -> None:
    door = Rooms(HOME)
    for address in ROOMS.values():
        result = await door.send(address, a_message(handling=handling))
        assert result.outcome is Outcome.REJECTED
    await door.aclose()


async def test_a_rehearsal_cannot_be_pointed_outside() -> None:
    with pytest.raises(ValueError):
        Rooms(HOME, reach=Reach.LOOPBACK, origins={"feishu": "https://open.feishu.cn"})
    with pytest.raises(ValueError):
        Rooms(HOME, origins={"feishu": "http://127.0.0.1:1"})
    async with a_door("http://127.0.0.1:1", origins={}) as inside:
        for address in (*ROOMS.values(), f"mailto://mail.example.com/{TO}"):
            result = await inside.send(address, a_message())
            assert result == Result(Outcome.REJECTED, None, "not-a-provider")


async def test_a_room_reads_no_more_than_a_lock_screen_and_a_link(
    robots: Robots, door: Rooms
) -> None:
    for address in ROOMS.values():
        await door.send(address, a_message())
    wire = "".join(body.decode() for _, _, body in robots.requests)
    assert "李阿姨" not in json.dumps(robots.shown, ensure_ascii=False) + wire
    assert {shown["link"] for shown in robots.shown} == {HOME + "/field"}


async def test_a_room_gets_twenty_a_minute_and_the_rest_is_told_when_to_come_back(
    robots: Robots,
) -> None:
    clock = [0.0]
    async with a_door(robots.origin, per_minute=20, now_s=lambda: clock[0]) as door:
        room, other = ROOMS["wecombot"], ROOMS["feishu"]
        results = [await door.send(room, a_message()) for _ in range(21)]
        assert [r.outcome for r in results] == [Outcome.SENT] * 20 + [Outcome.RETRY]
        assert results[-1] == Result(Outcome.RETRY, 60.0, "room-limit")
        assert (await door.send(other, a_message())).outcome is Outcome.SENT
        clock[0] = 60.0
        assert (await door.send(room, a_message())).outcome is Outcome.SENT
    assert len(robots.shown) == 22


@given(waits=st.lists(st.floats(0, 40), min_size=1, max_size=120))
def test_in_no_stretch_of_a_minute_more_leave_than_the_limit_and_who_waits_passes(
    waits: list[float],
) -> None:
    window: Left = ()
    now_s, left = 0.0, []
    for wait_s in waits:
        now_s += wait_s
        window, later_s = take(window, now_s, most=5, per_s=60.0)
        if later_s:
            assert take(window, now_s + later_s + 1e-6, most=5, per_s=60.0)[1] == 0.0
        else:
            left.append(now_s)
    for start in left:
        assert sum(start <= at < start + 60 for at in left) <= 5


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("wecombot", b'{"errcode": 45009}', Result(Outcome.RETRY, 60.0, "45009")),
        ("wecombot", b'{"errcode": 93000}', Result(Outcome.FORGET_DEVICE, None, "93000")),
        ("dingtalk", b'{"errcode": 130101}', Result(Outcome.RETRY, 600.0, "130101")),
        ("dingtalk", b'{"errcode": 310000}', Result(Outcome.REJECTED, None, "310000")),
        ("feishu", b'{"code": 11232}', Result(Outcome.RETRY, 60.0, "11232")),
        ("feishu", b'{"StatusCode": 0}', Result(Outcome.SENT, None, "0")),
        ("feishu", b"{}", Result(Outcome.REJECTED, None, "no-code")),
        ("feishu", b"\xff", Result(Outcome.RETRY, None, "garbage")),
    ],
)
async def test_what_a_robot_says_inside_a_200_is_heard(
    robots: Robots, door: Rooms, kind: str, said: bytes, expected: Result
) -> None:
    robots.says(200, said)
    assert await door.send(ROOMS[kind], a_message()) == expected


@pytest.mark.parametrize("kind", sorted(ROOMS))
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Result(Outcome.REJECTED, None, "400")),
        (404, Result(Outcome.FORGET_DEVICE, None, "404")),
        (429, Result(Outcome.RETRY, 30.0, "429")),
        (500, Result(Outcome.RETRY, 30.0, "500")),
        (302, Result(Outcome.REJECTED, None, "302")),
    ],
)
async def test_each_status_says_what_to_do_next(
    robots: Robots, door: Rooms, kind: str, status: int, expected: Result
) -> None:
    robots.says(status, b"{}", retry_after="30", location="http://127.0.0.1:1/")
    assert await door.send(ROOMS[kind], a_message()) == expected
    assert len(robots.requests) == 1


@pytest.mark.parametrize("kind", sorted(ROOMS))
@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed", "hanging"])
async def test_a_broken_room_is_tried_again_later(kind: str, fault: str) -> None:
    async with broken_service(fault) as origin, a_door(origin, timeout_s=0.3) as door:
        assert (await door.send(ROOMS[kind], a_message())).outcome is Outcome.RETRY


async def test_a_mail_server_that_will_not_now_is_tried_again_later() -> None:
    async with a_post() as post, a_door("http://127.0.0.1:1") as door:
        post.refuses = "RCPT"
        assert (await door.send(mailbox(post), a_message())).outcome is Outcome.RETRY
        assert post.shown == []

"""The push service of the bench counts what it gets, and takes only what is encrypted."""

import httpx
import msgspec
import pytest

from backend.bench.post_office import PostOffice
from push.port import Outcome, Reach
from push.vapid import VapidKey
from push.webpush import WebPush
from tests.push.provider import Browser
from tests.push.world import a_message


async def test_the_bench_s_push_service_counts_what_really_came() -> None:
    office = PostOffice(0.0)
    door = WebPush(VapidKey.generate(), "mailto:a@example.invalid", reach=Reach.LOOPBACK)
    try:
        browser = Browser(f"http://127.0.0.1:{office.port}/resident/1")
        for _ in range(3):
            assert (await door.send(browser.address, a_message())).outcome is Outcome.SENT
        assert office.count() == 3
        assert {path: len(times) for path, times in office.came().items()} == {"/resident/1": 3}
        plain = msgspec.json.decode(browser.address)
        with pytest.raises(httpx.RemoteProtocolError):
            async with httpx.AsyncClient() as http:
                await http.post(plain["endpoint"], content=b"plain")
        assert office.count() == 3
    finally:
        await door.aclose()
        office.close()

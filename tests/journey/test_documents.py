"""What was reported is a numbered paper in Chinese, kept by its hash."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend.documents import service as documents
from backend.documents.flow import Paper, PaperKind
from backend.documents.press import pdf_of
from backend.incidents.flow.vocabulary import Handling, Kind, Place, Urgency
from backend.incidents.service import Alert
from backend.shared.clock import HandClock
from tests.journey.street import DETECTORS, HOMES, LAT, LON, Person, Street
from tests.pdf import text_of
from tests.plugin.world import World


async def _false_alarm(street: Street, phone: Person, analysis: str = "离灶台太近") -> str:
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="油烟")
    await _files(phone, incident, analysis)
    return incident


async def _files(phone: Person, incident: str, analysis: str) -> None:
    await phone.does(
        incident, "submit_false_report", cause="cooking", analysis=analysis, measure="换位置"
    )


async def _pdf(person: Person, line: dict[str, Any]) -> bytes:
    answer = await person.client.get(f"/api/documents/{line['sha256']}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


@pytest.mark.clause("6.2.4-d")
async def test_a_filed_report_becomes_a_numbered_pdf_named_by_its_hash(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await _false_alarm(street, phone)
    [line] = await desk.get(f"/api/incidents/{incident}/documents")
    assert (line["number"], line["title"]) == ("街安误报〔2026〕1号", "误报原因报告")
    assert (line["author"], line["replaced"]) == ("周建国", False)
    pdf = await _pdf(phone, line)
    assert pdf.startswith(b"%PDF-")
    assert hashlib.sha256(pdf).hexdigest() == line["sha256"]


async def test_a_report_said_better_is_a_second_paper_and_both_are_kept(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await _false_alarm(street, phone)
    await _files(phone, incident, "油烟机没开，离灶台一米")
    newest, first = await desk.get(f"/api/incidents/{incident}/documents")
    assert (newest["number"], newest["replaced"]) == ("街安误报〔2026〕2号", False)
    assert (first["number"], first["replaced"]) == ("街安误报〔2026〕1号", True)
    assert await _pdf(desk, first) != await _pdf(desk, newest)


async def test_who_is_not_on_the_incident_gets_neither_list_nor_paper(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await _false_alarm(street, phone)
    [line] = await desk.get(f"/api/incidents/{incident}/documents")
    other = await street.phone("王芳")
    for path in (f"/api/incidents/{incident}/documents", f"/api/documents/{line['sha256']}"):
        assert (await other.client.get(path)).status_code == 403
    assert (await desk.client.get(f"/api/documents/{'0' * 64}")).status_code == 404


@pytest.mark.clause("B.6-3")
async def test_the_community_is_reported_to_in_writing(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = str(
        await street.worker.pipeline.incidents.open_or_join(
            Alert(
                id=UUID(int=77),
                kind=Kind.DOOR,
                urgency=Urgency.INFO,
                handling=Handling.ACTUAL,
                place=Place(address="平江路 12 号", household_id=HOMES["far"], lat=LAT, lon=LON),
                detector_id=DETECTORS["door"][0],
                label="大门",
                quantity="open",
                value=None,
                unit="",
                limit=None,
                emitted_at=street.world.clock.now(),
                at_once=True,
            )
        )
    )
    await street.settle()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "community_report", state="老人平安，手机没电")
    lines = await desk.get(f"/api/incidents/{incident}/documents")
    assert [line["number"] for line in lines] == ["街安社区〔2026〕1号"]
    text = text_of(await _pdf(desk, lines[0]))
    assert "社区情况报告" in text
    assert "老人平安，手机没电" in text


@pytest.mark.clause("B.1-3", "B.5-1", "B.6-2")
async def test_the_user_gets_a_numbered_notice_of_what_to_put_right(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    await street.hears("electric", temperature=90)
    await street.forward(31)
    incident = await street.alarm("electric", temperature=90)
    await desk.does(incident, "dispatch_now", reason="x")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await phone.does(incident, "assess_controllable", controllable=True)
    worn = [{"code": code, "has": True} for code in ("ins_gloves", "ins_shoes", "tester")]
    await phone.does(incident, "confirm_ppe", items=worn)
    await phone.does(incident, "start_handling")
    await phone.does(incident, "tick", card="B.1", item="B.1-2", result="done", cause="loose_joint")
    await phone.does(
        incident, "tick", card="B.1", item="B.1-3", result="done", reason="更换插座", value=3
    )
    [line] = await desk.get(f"/api/incidents/{incident}/documents")
    assert (line["number"], line["title"]) == ("街安整改〔2026〕1号", "用电隐患整改通知书")
    text = text_of(await _pdf(phone, line))
    for words in ("接头松动", "更换插座", "前整改完毕", "大功率电器不要同时使用"):
        assert words in text, (words, text)


@pytest.mark.clause("6.3.6.2-a", "6.3.6.2-b")
async def test_advice_that_is_sent_reaches_the_household_and_spoken_advice_does_not(
    street: Street,
) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await phone.does(incident, "party_advised", kind="handling", way="spoken")
    await phone.does(incident, "party_advised", kind="prevention", way="sent")
    rows = await street.world.operations.fetch(
        "SELECT address, body ->> 'body' AS body FROM message"
        " WHERE body -> 'data' ->> 'kind' = 'advice'"
    )
    [one] = rows
    assert one["address"] == f"household:{HOMES['east']}"
    assert "炒菜不离人" in one["body"]


def paper(
    at: datetime, version: int = 1, handling: str = "actual", cause: str = "做饭油烟"
) -> Paper:
    return Paper(
        kind=PaperKind.FALSE_ALARM,
        incident_id=UUID(int=9),
        version=version,
        handling=handling,
        addressee="",
        rows=(("地点", "平江路 12 号"),),
        sections=(("一、误报原因", cause),),
        pictures=(),
        author="周建国",
        filed_at=at,
        filed_on="2026 年 3 月 2 日",
    )


async def _numbers(world: World) -> list[str]:
    rows = await world.operations.fetch("SELECT number FROM paper ORDER BY series, year, seq")
    return [row["number"] for row in rows]


async def test_numbers_have_no_gap_though_printing_fails_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = world.clock.now()
    await documents.file(paper(now, 1))

    def torn(_paper: Paper, _number: str, _prints: object) -> bytes:
        raise RuntimeError("the press broke")

    with monkeypatch.context() as broken:
        broken.setattr(documents, "pdf_of", torn)
        with pytest.raises(RuntimeError):
            await documents.file(paper(now, 2))
    await documents.file(paper(now, 3))
    assert await _numbers(world) == ["街安误报〔2026〕1号", "街安误报〔2026〕2号"]


async def test_the_same_paper_filed_twice_takes_one_number(world: World) -> None:
    now = world.clock.now()
    assert await documents.file(paper(now)) == await documents.file(paper(now))
    await documents.file(paper(now, 2))
    assert await _numbers(world) == ["街安误报〔2026〕1号", "街安误报〔2026〕2号"]


async def test_each_year_and_the_drills_count_for_themselves(world: World) -> None:
    now = world.clock.now()
    await documents.file(paper(now, 1))
    await documents.file(paper(now, 2, "exercise"))
    await documents.file(paper(now + timedelta(days=365), 3))
    assert await _numbers(world) == [
        "街安演练误报〔2026〕1号", "街安误报〔2026〕1号", "街安误报〔2027〕1号",
    ]  # fmt: skip


def test_the_words_of_the_paper_are_in_the_file_and_nothing_typed_is_markup() -> None:
    made = paper(HandClock().now(), cause="做饭油烟 #strong[假] $x$")
    pdf = pdf_of(made, "街安误报〔2026〕7号")
    assert pdf == pdf_of(made, "街安误报〔2026〕7号"), "the same paper gives the same bytes"
    text = text_of(pdf)
    for words in ("误报原因报告", "街安误报〔2026〕7号", "做饭油烟#strong[假]$x$", "平江路12号"):
        assert words in text, (words, text)
    assert "演练" not in text

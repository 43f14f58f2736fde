"""A walk past every screen, on the short street: for pictures, and for whoever checks all of them.

``seen`` is called with a name for what is on the screen now. The clock stands still, so that
nothing runs out while it is looked at.
"""

from collections.abc import Awaitable, Callable

from tests.journey.pages import Phone, Screen, Tablet
from tests.journey.screens import StreetOnScreens

Seen = Callable[[str, Screen], Awaitable[None]]
SITUATION = "厨房冒烟，外勤已到，可能有老人在屋内"


async def sheet(phone: Phone, seen: Seen, name: str, opened_by: str) -> None:
    """A sheet over the screen: open it, look, close it."""
    await phone.tap(opened_by)
    await phone.shows("dialog-close")
    await seen(name, phone)
    await phone.tap("dialog-close")


async def handled(street: StreetOnScreens, seen: Seen) -> None:
    """A fire that is put out, from rest to the last debt, as the phone sees it."""
    phone, tablet = await street.phone_of("周建国"), await street.tablet()
    await seen("field-standby", phone)
    await phone.off_duty()
    await seen("field-off-duty", phone)
    await phone.take_duty()
    await street.alarm()
    await tablet.claims()
    await phone.shows("offer")
    await seen("field-offer", phone)
    await sheet(phone, seen, "field-decline", "offer-decline")
    await phone.tap("offer-accept")
    await phone.step("way")
    await seen("field-way", phone)
    await phone.tap("arrive")
    await phone.step("scene")
    await seen("field-scene", phone)
    await sheet(phone, seen, "field-false", "confirm-false")
    await phone.tap("confirm-real")
    await phone.step("control")
    await seen("field-control", phone)
    await phone.tap("controllable-yes")
    await phone.step("gear")
    await seen("field-gear", phone)
    await phone.equip()
    await phone.item("B.3-2")
    await seen("field-card", phone)
    await phone.tap("take-photo")
    await phone.shows("shutter")
    await seen("field-camera", phone)
    await phone.tap("shutter")
    await phone.at("shutter").wait_for(state="detached")
    await sheet(phone, seen, "field-card-list", "card-list")
    await sheet(phone, seen, "field-cannot", "item-cannot")
    await sheet(phone, seen, "field-facts", "live-value")
    await sheet(phone, seen, "field-worse", "withdraw")
    await sheet(phone, seen, "field-outbox", "outbox-open")
    await phone.puts_it_out()
    await seen("field-final", phone)
    await street.forward(1)
    await phone.finishes()
    await seen("field-locks", phone)
    await street.quiet()
    await street.hear()
    await phone.shows("both-locks")
    await seen("field-both-locks", phone)
    await tablet.release("kitchen_fire")
    await phone.step("after")
    await seen("field-after", phone)
    await sheet(phone, seen, "field-advice", "debt-advice_handling")
    await phone.advises()
    await phone.tap("leave")
    await phone.tap("history-open")
    await phone.shows("past")
    await seen("field-history", phone)


async def false_alarm(street: StreetOnScreens, seen: Seen) -> None:
    """Nothing burnt: the guided report. And what somebody sees who has no part in it."""
    phone, tablet = await street.phone_of("周建国"), await street.tablet()
    await street.alarm()
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-false", "no-photo-np_high", "false-confirm")
    await phone.step("stood_down")
    await seen("field-stood-down", phone)
    await tablet.tap("release-false")
    await phone.step("after")
    await phone.tap("debt-false_report")
    await phone.shows("fr-cooking")
    await seen("field-false-report", phone)


async def rescue(street: StreetOnScreens, seen: Seen) -> None:
    """A fire out of hand: the board, the roster, the cordon, and the desk beside it."""
    phone, tablet = await street.phone_of("周建国"), await street.tablet()
    await street.alarm()
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-real", "controllable-no")
    await phone.step("board")
    await seen("field-board", phone)
    await phone.tap("trapped-more", "start-evacuation")
    await phone.shows("open-roster")
    await seen("field-board-evacuating", phone)
    await phone.tap("open-roster")
    await phone.shows("roster")
    await seen("field-roster", phone)
    await phone.tap("back")
    await phone.tap("open-cordon")
    await phone.shows("cordon-screen")
    await seen("field-cordon", phone)
    await tablet.state("rescue")
    await seen("desk-rescue", tablet)


async def others(street: StreetOnScreens, seen: Seen) -> None:
    """The household, an office, the desk, the lead's pages and signing in."""
    household, inbox = await street.household(), await street.inbox("community")
    phone, tablet = await street.phone_of("周建国"), await street.tablet()
    await seen("resident-calm", household)
    await seen("office-empty", inbox)
    await seen("desk-calm", tablet)
    await street.alarm()
    await tablet.open("平江路")
    await seen("desk-alarm", tablet)
    await household.shows("resident-card")
    await seen("resident-alarm", household)
    await tablet.tap("claim")
    await phone.tap("offer-accept")
    await household.shows("resident-coming")
    await seen("resident-coming", household)
    await tablet.state("en_route")
    await tablet.tap("escalate")
    await seen("desk-escalate", tablet)
    await tablet.tap("dialog-close")
    await tablet.report(SITUATION)
    await inbox.page.locator("[data-testid^=ack-]").first.wait_for()
    await seen("office-inbox", inbox)
    await inbox.page.locator(".inbox-open").first.click()
    await inbox.shows("report")
    await seen("office-report", inbox)
    await phone.page.goto(f"{street.base}/login")
    await phone.shows("sign-in")
    await seen("login", phone)


async def lead(street: StreetOnScreens, seen: Seen) -> None:
    """Drills and the wording of the cards."""
    tablet: Tablet = await street.tablet(lead=True)
    await tablet.tap("manage")
    await tablet.shows("manage-close")
    await seen("manage-drills", tablet)
    await tablet.tap("tab-cards")
    await tablet.shows("cards")
    await seen("manage-cards", tablet)


WAYS = (handled, false_alarm, rescue, others, lead)

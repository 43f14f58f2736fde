"""The wording of cards and equipment lists as data, and what an edit may not do. Pure.

What an action is, whether it is mandatory and what it waits for stay in the core's tables: an
edit changes how it is said, in which order it is shown, and whether a photograph is asked for.
So no version can drop a clause of Appendix B (T34) or loosen its order. Equipment lists are ours
(▲): pieces may be added and dropped, but never so that nothing has to be worn (6.3.3.1).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from backend.incidents.flow.kinds import KINDS, Card, CardItem, required_ppe
from backend.incidents.flow.vocabulary import Kind

Short = Annotated[str, Meta(max_length=120)]
Long = Annotated[str, Meta(max_length=400)]
GAS = KINDS[Kind.GAS].card.card


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: Long
    en: Long


class ItemWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    zh: Short
    en: Short
    hint: Said
    photo: bool


class GearWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``required`` None: as in the core's list."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    zh: Short
    en: Short
    required: bool | None = None


class CardWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole set: every card by its code (``B.3``), every equipment list by its kind."""

    cards: dict[str, list[ItemWords]]
    ppe: dict[str, list[GearWords]]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a set cannot be: ``what`` is a code, ``at`` the card, item or equipment."""

    what: str
    at: str


def _cards() -> dict[str, Card]:
    return {policy.card.card: policy.card for policy in KINDS.values()}


def defaults() -> CardWords:
    """The set that a new installation has: the core's own words."""
    return CardWords(
        cards={code: [_item(item) for item in card.items] for code, card in _cards().items()},
        ppe={
            kind.value: [
                GearWords(code=e.code, zh=e.zh, en=e.en, required=e.required) for e in policy.ppe
            ]
            for kind, policy in KINDS.items()
        },
    )


def _item(item: CardItem) -> ItemWords:
    hint = Said(zh=item.hint.zh, en=item.hint.en)
    return ItemWords(code=item.code, zh=item.zh, en=item.en, hint=hint, photo=item.photo)


def faults(words: CardWords) -> tuple[Fault, ...]:
    """Everything that keeps this set from being used; empty when it may."""
    return tuple(_faults(words))


def _faults(words: CardWords) -> Iterator[Fault]:
    known = _cards()
    for code in known.keys() ^ words.cards.keys():
        yield Fault(what="card_removed" if code in known else "card_unknown", at=code)
    for code in known.keys() & words.cards.keys():
        yield from _card_faults(known[code], words.cards[code])
    for kind in {k.value for k in KINDS} ^ words.ppe.keys():
        yield Fault(what="ppe_removed" if kind in set(Kind) else "ppe_unknown", at=kind)
    for kind in {k.value for k in KINDS} & words.ppe.keys():
        yield from _gear_faults(kind, words.ppe[kind])


def _card_faults(card: Card, said: list[ItemWords]) -> Iterator[Fault]:
    rule = {item.code: item for item in card.items}
    codes = [item.code for item in said]
    for code in rule.keys() - set(codes):
        yield Fault(what="item_removed", at=code)
    for code in set(codes) - rule.keys():
        yield Fault(what="item_unknown", at=code)
    for code in {code for code in codes if codes.count(code) > 1}:
        yield Fault(what="item_twice", at=code)
    for place, item in enumerate(said):
        if not (item.zh.strip() and item.en.strip()):
            yield Fault(what="words_missing", at=item.code)
        if item.code not in rule:
            continue
        late = [code for code in rule[item.code].after if code not in codes[:place]]
        if late:
            yield Fault(what="order_loosened", at=item.code)
        if card.card == GAS and item.photo and rule[item.code].in_scene:
            yield Fault(what="no_camera_in_gas", at=item.code)  # T42


def _gear_faults(kind: str, said: list[GearWords]) -> Iterator[Fault]:
    codes = [e.code for e in said]
    if len(codes) != len(set(codes)):
        yield Fault(what="ppe_twice", at=kind)
    if not any(needed(Kind(kind), one) for one in said):
        yield Fault(what="ppe_empty", at=kind)
    for one in said:
        if not (one.zh.strip() and one.en.strip()):
            yield Fault(what="words_missing", at=f"{kind} {one.code}")


def needed(kind: Kind, one: GearWords) -> bool:
    """Whether nobody enters without this piece."""
    if one.required is not None:
        return one.required
    return next((e.required for e in KINDS[kind].ppe if e.code == one.code), True)


def equipment_of(words: CardWords) -> dict[Kind, tuple[str, ...]]:
    """What must be worn, by kind, where it is another list than the core's."""
    lists = {
        kind: tuple(one.code for one in words.ppe[kind] if needed(kind, one)) for kind in KINDS
    }
    return {kind: codes for kind, codes in lists.items() if codes != required_ppe((kind,))}


def card_of(words: CardWords, kinds: tuple[Kind, ...]) -> dict[str, list[ItemWords]]:
    """The cards of these kinds as they are worded, for the record."""
    return {KINDS[k].card.card: words.cards[KINDS[k].card.card] for k in kinds}


def spoken(book: Mapping[str, Any], words: CardWords, number: int) -> dict[str, Any]:
    """The rule book with these words in place; its version says which set they are.

    Args:
        book: the decoded rule book, generated from the core.
        words: a set without faults.
        number: the set's version.
    """
    return {
        **book,
        "version": f"{book['version']}.{number}",
        "cardsVersion": number,
        "cards": {
            kind: {**card, "items": _items(card["items"], words.cards[card["card"]])}
            for kind, card in book["cards"].items()
        },
        "ppe": {
            kind: [
                {"code": one.code, "zh": one.zh, "en": one.en, "required": needed(Kind(kind), one)}
                for one in words.ppe[kind]
            ]
            for kind in book["ppe"]
        },
    }


def _items(items: list[dict[str, Any]], said: list[ItemWords]) -> list[dict[str, Any]]:
    rule = {item["code"]: item for item in items}
    # actions that came into the core after this wording was written keep the core's words
    since = [item for item in items if item["code"] not in {one.code for one in said}]
    return [*(rule[one.code] | msgspec.to_builtins(one) for one in said), *since]

"""The rules as one document for phones and screens, generated from the core's own tables.

A phone offline offers the same commands and gives the same refusals, because there is no second
rule book. ``version`` changes whenever a word or rule does.
"""

import hashlib
from functools import cache
from typing import Any

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import words
from backend.incidents.flow.advice import PHRASES, PREVENTION, RESIDENT
from backend.incidents.flow.commands import name_of_type
from backend.incidents.flow.facts import Policy, Rule
from backend.incidents.flow.handling import done_outside
from backend.incidents.flow.kinds import KINDS, CardItem, Words
from backend.incidents.flow.rules import OFF_SHIFT_TOO, TABLE, offline_class
from backend.incidents.flow.vocabulary import ALERTING
from backend.shared.canonical import canonical


def _said(both: Words) -> dict[str, str]:
    return {"zh": both.zh, "en": both.en}


def _item(item: CardItem) -> dict[str, Any]:
    return {
        "code": item.code,
        "zh": item.zh,
        "en": item.en,
        "hint": _said(item.hint),
        "icon": item.icon,
        "clause": item.clause,
        "mandatory": item.mandatory,
        "inScene": item.in_scene,
        "photo": item.photo,
        "value": {"unit": item.value} if item.value else None,
        "causes": [{"code": c, "zh": zh, "en": en} for c, zh, en in item.causes] or None,
        "after": list(item.after),
        "meets": item.meets,
        "causeNeeded": item.cause_needed,
        "afterRelease": item.after_release,
        "eitherWay": item.either_way,
        "eachBuilding": item.each_building,
        "rungs": [msgspec.structs.asdict(rung) for rung in item.rungs],
    }


def _arguments(command: type[c.Command]) -> dict[str, dict[str, Any]]:
    """Each argument by its wire name; ``default`` where it may be left out."""
    return {
        field.encode_name: {} if field.required else {"default": msgspec.to_builtins(_usual(field))}
        for field in msgspec.structs.fields(command)
    }


def _usual(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def _offline(rule: Rule) -> dict[str, Any]:
    """What lateness does to a command; ``offlineBy`` where one of its arguments decides that."""
    if rule.command is not c.AssessControllable:
        return {"offline": rule.offline, "offlineBy": None}
    by = {
        str(yes).lower(): offline_class(c.AssessControllable(controllable=yes))
        for yes in (True, False)
    }
    return {"offline": None, "offlineBy": {"argument": "controllable", "classes": by}}


@cache
def rulebook(policy: Policy) -> bytes:
    """The document as JSON bytes; see the wire types of the web app for its shape."""
    body: dict[str, Any] = {
        "states": {code: _said(w) for code, w in words.STATES.items()},
        "kinds": {
            kind: {"zh": k.zh, "en": k.en, "detector": _said(k.detector), "icon": k.icon,
                   "card": k.card.card, "evacuates": k.evacuates, "welfare": k.welfare,
                   "eliminatedOnScene": k.eliminated_on_scene, "outside": done_outside(kind),
                   "owedWhenReal": list(k.owed_when_real)}
            for kind, k in KINDS.items()
        },
        "commands": {
            name_of_type(rule.command): {
                **_said(words.COMMANDS[name_of_type(rule.command)]),
                "rule": rule.code,
                "roles": sorted(rule.roles),
                "from": sorted(rule.states),
                **_offline(rule),
                "offShiftToo": rule.command in OFF_SHIFT_TOO,
                "arguments": _arguments(rule.command),
                "clause": rule.clause,
            }
            for rule in TABLE
        },
        "alerting": sorted(ALERTING),
        "refusals": {
            code: {**_said(w), "do": {"zh": w.do_zh, "en": w.do_en}}
            for code, w in words.REFUSALS.items()
        },
        "missing": {code: _said(w) for code, w in words.MISSING.items()},
        "events": {code: _said(w) for code, w in words.EVENTS.items()},
        "obligations": {
            code: {"zh": zh, "en": en, "clause": clause}
            for code, (zh, en, clause) in words.OBLIGATIONS.items()
        },
        "cards": {
            kind: {"card": k.card.card, "zh": k.card.zh, "en": k.card.en,
                   "ordered": any(i.after for i in k.card.items),
                   "items": [_item(i) for i in k.card.items]}
            for kind, k in KINDS.items()
        },
        "ppe": {kind: [msgspec.structs.asdict(e) for e in k.ppe] for kind, k in KINDS.items()},
        "advice": {
            kind: {
                "resident": [{"icon": i, "zh": zh, "en": en} for i, zh, en in RESIDENT[kind]],
                "prevention": [{"zh": zh, "en": en} for zh, en in PREVENTION[kind]],
            }
            for kind in KINDS
        },
        "phrases": {code: _said(w) for code, w in PHRASES.items()},
        "declineReasons": {code: _said(w) for code, w in words.DECLINE_REASONS.items()},
        "categories": {code: _said(w) for code, w in words.CATEGORIES.items()},
        "timers": msgspec.structs.asdict(policy),
    }  # fmt: skip
    version = hashlib.sha256(canonical(body)).hexdigest()[:12]
    return msgspec.json.encode({"version": version, **body})


@cache
def rulebook_version(policy: Policy) -> str:
    return str(msgspec.json.decode(rulebook(policy))["version"])

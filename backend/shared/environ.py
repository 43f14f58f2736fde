"""A frozen tree of Structs read from environment variables, and its example file.

``Tree.section.field`` is read from ``<PREFIX>_<SECTION>_<FIELD>``. Bounds come from
``msgspec.Meta``. Every wrong variable is told in one go, unknown ones included: a misspelt
safety timer must not pass silently as its default.
"""

import difflib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import inspect as shape

Tree = TypeVar("Tree", bound=msgspec.Struct)
Fact = tuple[str, str, str, Any, Any, str]
"""variable name, section, field, type, default, description"""

WORDS = {"true": True, "yes": True, "on": True, "1": True}
WORDS |= {"false": False, "no": False, "off": False, "0": False}


class SettingsError(Exception):
    """One or more settings are wrong; ``problems`` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def facts(tree: type[msgspec.Struct], prefix: str) -> list[Fact]:
    """Every setting of the tree, in the order of the source."""
    found: list[Fact] = []
    for section in msgspec.structs.fields(tree):
        for field in msgspec.structs.fields(section.type):
            default = field.default
            if default is msgspec.NODEFAULT:
                default = field.default_factory()
            name = f"{prefix}_{section.encode_name}_{field.encode_name}".upper()
            found.append(
                (name, section.name, field.name, field.type, default, description(field.type))
            )
    return found


def load(tree: type[Tree], environ: Mapping[str, str], prefix: str, known: set[str]) -> Tree:
    """The tree as the environment says, defaults elsewhere.

    Args:
        tree: a Struct whose fields are Structs whose fields all have defaults.
        environ: usually ``os.environ``.
        prefix: without the underscore; variables that start with it must be known.
        known: further variables of this prefix that belong to somebody else.

    Raises:
        SettingsError: any variable has a wrong value or an unknown name; all of them are told.
    """
    values: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    names: set[str] = set()
    for name, section, field, kind, _default, _text in facts(tree, prefix):
        names.add(name)
        raw = environ.get(name)
        if raw is None:
            continue
        try:
            values.setdefault(section, {})[field] = parse(raw, kind)
        except (msgspec.ValidationError, ValueError) as wrong:
            shown = "(hidden)" if is_secret(field) else repr(raw)
            problems.append(f"{name}={shown}: {str(wrong).split(' - at')[0]}")
    for name in sorted(environ):
        if name.startswith(prefix + "_") and name not in names and name not in known:
            near = nearest(name, names)
            problems.append(f"{name}: no such setting" + (f"; do you mean {near}?" if near else ""))
    if problems:
        raise SettingsError(problems)
    return msgspec.convert(values, tree, dec_hook=_hook)


def parse(raw: str, kind: Any) -> Any:
    """One variable's text as its type; a list is split at commas.

    Raises:
        ValueError, msgspec.ValidationError: it does not fit, with the reason.
    """
    text = raw.strip()
    plain = base(kind)
    if plain is bool:
        if text.lower() not in WORDS:
            raise ValueError("expected true or false")
        return WORDS[text.lower()]
    if get_origin(plain) in (list, tuple):
        return msgspec.convert([part.strip() for part in text.split(",") if part.strip()], kind)
    return msgspec.convert(text, kind, strict=False, dec_hook=_hook)


def _hook(kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError(f"expected {kind.__name__}")


def base(kind: Any) -> Any:
    """The type without ``Annotated`` and without ``| None``."""
    if hasattr(kind, "__metadata__"):
        return base(kind.__origin__)
    if get_origin(kind) in (Union, types.UnionType):
        return base(next(part for part in get_args(kind) if part is not types.NoneType))
    return kind


def description(kind: Any) -> str:
    """The ``Meta(description=…)`` of a field's type, or an empty string."""
    told = shape.type_info(kind)
    if isinstance(told, shape.Metadata) and told.extra_json_schema:
        return str(told.extra_json_schema.get("description", ""))
    for part in getattr(kind, "__metadata__", ()):
        if isinstance(part, msgspec.Meta) and part.description:
            return part.description
    return ""


def is_secret(field: str) -> bool:
    """True where a value must not be echoed."""
    return field.endswith(("url", "key", "password", "secret", "token"))


def nearest(name: str, names: set[str]) -> str | None:
    """The known name that ``name`` was probably meant to be."""
    return next(iter(difflib.get_close_matches(name, names, 1, 0.8)), None)


def example(tree: type[msgspec.Struct], prefix: str, head: str) -> str:
    """An environment file with every setting, its meaning and its default, commented out."""
    lines = [f"# {line}".rstrip() for line in head.strip().splitlines()]
    last = ""
    for name, section, _field, _kind, default, text in facts(tree, prefix):
        if section != last:
            lines += ["", f"# ---- {section} ----"]
            last = section
        if isinstance(default, bool):
            shown = str(default).lower()
        elif isinstance(default, tuple | list):
            shown = ",".join(map(str, default))
        else:
            shown = "" if default is None else str(default)
        lines += [f"# {text}", f"#{name}={shown}"]
    return "\n".join(lines) + "\n"

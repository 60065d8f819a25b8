"""What the registry says about one option key.

There are three statuses and no fourth. HONOURED: LakeStore does what Paimon documents. INERT: the key is kept and
changes nothing that LakeStore does, for a written reason. REFUSED: a table that sets it to anything but its default
is refused, because ignoring it could give wrong rows. An honoured key can have values that are refused as well
(``merge-engine``); both cases are ``Limit`` records.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from lakestore.core.options_values import parse_value
from lakestore.errors import InvariantError


class Status(StrEnum):
    """What becomes of a key."""

    HONOURED = "honoured"
    INERT = "inert"
    REFUSED = "refused"


class Refuses(Enum):
    """What a refused value stands in the way of."""

    WRITE = "writing"
    READ = "reading"
    BOTH = "reading and writing"

    def covers(self, other: "Refuses") -> bool:
        """Whether this stands in the way of that."""
        return self is Refuses.BOTH or self is other


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Values that a table may not have.

    Attributes:
        accepts: Regular expression of the values that are fine, any case.
        refuses: What the others stand in the way of.
        reason: Why.
        keyed: Only for tables with (True) or without (False) a primary key; None for both.
    """

    accepts: str
    refuses: Refuses
    reason: str
    keyed: bool | None = None

    def allows(self, value: str) -> bool:
        """Whether that value is fine."""
        return re.fullmatch(self.accepts, value.strip(), re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One key.

    Attributes:
        key: The key; with ``<…>`` in it, a pattern for many keys.
        status: What becomes of it.
        kind: Kind of value, as ``options_values.parse_value`` takes it.
        default: Value when it is not set, None for none.
        text: What it does here, why it does nothing, or why it is refused.
        limits: Values that are refused.
    """

    key: str
    status: Status
    kind: str
    default: str | None
    text: str
    limits: tuple[Limit, ...] = ()

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for many keys."""
        return "<" in self.key

    def matches(self, key: str) -> bool:
        """Whether this entry is about that key."""
        if not self.is_pattern:
            return key == self.key
        pieces = [re.escape(piece) for piece in re.split(r"<[^>]*>", self.key)]
        return re.fullmatch(".+?".join(pieces), key) is not None

    def check(self, value: str) -> str | None:
        """What the value should have been; None if it is fine."""
        try:
            parse_value(self.kind, value)
        except ValueError as error:
            return str(error)
        return None


def honoured(line: str, text: str, *limits: Limit) -> Option:
    """An honoured key; ``line`` is ``key kind [default]``."""
    key, kind, default = _fields(line)
    return Option(key=key, status=Status.HONOURED, kind=kind, default=default, text=text, limits=limits)


def inert(text: str, lines: str) -> tuple[Option, ...]:
    """Keys that change nothing, all for one reason; one ``key kind [default]`` a line."""
    return tuple(
        Option(key=key, status=Status.INERT, kind=kind, default=default, text=text)
        for key, kind, default in map(_fields, lines.split("\n"))
        if key
    )


def refused(what: Refuses, text: str, lines: str, *, accepts: str = "") -> tuple[Option, ...]:
    """Keys that are refused unless they have their default, or match ``accepts``."""
    options = []
    for key, kind, default in map(_fields, lines.split("\n")):
        if key:
            fine = accepts or (re.escape(default) if default is not None else r"(?!)")
            limit = Limit(accepts=fine, refuses=what, reason=text)
            options.append(
                Option(key=key, status=Status.REFUSED, kind=kind, default=default, text=text, limits=(limit,))
            )
    return tuple(options)


def _fields(line: str) -> tuple[str, str, str | None]:
    words = line.split(maxsplit=2)
    if not words:
        return "", "", None
    if len(words) == 1:
        raise InvariantError(f"registry line {line!r} lacks the kind of value")
    return words[0], words[1], words[2].strip() if len(words) > 2 else None

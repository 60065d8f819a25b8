"""Times in the values of partitions: Java's patterns such as ``yyyyMMdd HH:mm`` (Paimon ``PartitionTimeExtractor``).

Only the letters that make sense in a partition's name are known; any other is refused by name. Without a pattern the
lenient form ``2026-1-5 13:04:05.678`` is read, the time of day being optional, and numbers beyond their range roll
over, as Java's lenient resolver lets them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from lakestore.errors import ErrorKind, InvalidInputError

_LETTERS = {"y": "year", "u": "year", "M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second", "S": "part"}
_LENIENT = re.compile(
    r"(?P<year>-?\d{1,10})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?: (?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})(?:\.(?P<part>\d{1,9}))?)?"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, of which no zone is known


@dataclass(frozen=True, slots=True)
class TimePattern:
    """How a text spells a time.

    Attributes:
        expression: Matches the text; its groups are the parts of the time.
        lenient: Whether parts beyond their range roll over.
    """

    expression: "re.Pattern[str]"
    lenient: bool = False

    @classmethod
    def of(cls, pattern: str | None) -> "TimePattern":
        """From a Java pattern; None for the lenient default.

        Raises:
            InvalidInputError: It has letters that are not known here.
        """
        if pattern is None:
            return cls(_LENIENT, lenient=True)
        pieces = []
        seen = set()
        for quoted, text in _pieces(pattern):
            letter = text[0]
            name = None if quoted else _LETTERS.get(letter)
            if quoted or not letter.isalpha():
                pieces.append(re.escape(text))
            elif name is None or name in seen:
                raise InvalidInputError(
                    f"time pattern {pattern!r}: {text!r} is not understood; expected each of yyyy, MM, dd, HH, mm, ss"
                    " and SSS at most once, and other letters between quotes",
                    kind=ErrorKind.INVALID_OPTION,
                )
            else:
                seen.add(name)
                pieces.append(_digits(name, text))
        return cls(re.compile("".join(pieces)))

    def wall_ms(self, text: str) -> int | None:
        """Milliseconds of that wall-clock time since 1970-01-01 00:00 of the same clock; None if it is no such time."""
        found = self.expression.fullmatch(text)
        if found is None:
            return None
        parts = {name: value for name, value in found.groupdict().items() if value}
        numbers = {name: int(value) for name, value in parts.items() if name != "part"}
        if not {"year", "month", "day"} <= numbers.keys():
            return None
        if len(parts["year"]) == 2:
            numbers["year"] += 2000
        micros = int(parts.get("part", "0").ljust(6, "0")[:6])
        return self._resolve(numbers, micros)

    def _resolve(self, numbers: Mapping[str, int], micros: int) -> int | None:
        clock = timedelta(
            hours=numbers.get("hour", 0), minutes=numbers.get("minute", 0), seconds=numbers.get("second", 0)
        )
        try:
            if self.lenient:
                years, months = divmod(numbers["month"] - 1, 12)
                day = datetime(numbers["year"] + years, months + 1, 1)  # noqa: DTZ001 - wall-clock time
                day += timedelta(days=numbers["day"] - 1)
            else:
                day = datetime(numbers["year"], numbers["month"], numbers["day"])  # noqa: DTZ001 - wall-clock time
                if clock >= timedelta(days=1) or max(numbers.get("minute", 0), numbers.get("second", 0)) > 59:
                    return None
            since = day + clock + timedelta(microseconds=micros) - _EPOCH
        except (ValueError, OverflowError):
            return None
        return since // timedelta(milliseconds=1)


def fill_pattern(pattern: str | None, columns: Sequence[str], texts: Sequence[str]) -> str:
    """The text that holds the time of a partition.

    Args:
        pattern: Option ``partition.timestamp-pattern``, such as ``$day $hour:00:00``; None for the first column.
        columns: Partition columns.
        texts: Their values.
    """
    if pattern is None:
        return texts[0]
    # Longer names first, so that $dt does not match within $dt1.
    names = sorted(zip(columns, texts, strict=True), key=lambda pair: -len(pair[0]))
    expression = "|".join(re.escape(name) for name, _ in names)
    values = dict(names)
    return re.sub(rf"\$({expression})", lambda found: values[found.group(1)], pattern)


def _pieces(pattern: str) -> "list[tuple[bool, str]]":
    """Runs of one letter, quoted text, and single other characters; (quoted, text)."""
    pieces: list[tuple[bool, str]] = []
    for index, part in enumerate(re.split(r"'((?:[^']|'')*)'", pattern)):
        if index % 2:
            pieces.append((True, part.replace("''", "'") or "'"))
        else:
            pieces += [(False, "".join(run)) for _, run in groupby(part)]
    return pieces


def _digits(name: str, text: str) -> str:
    """One letter takes as many digits as there are; several take exactly that many, of the year at least."""
    count = len(text)
    if name == "year":
        return rf"(?P<year>\d{{{count}}})" if count in {2, 4} else rf"(?P<year>\d{{{max(count, 1)},9}})"
    least, most = (1, 2) if count == 1 and name != "part" else (count, count)
    return rf"(?P<{name}>\d{{{least},{most}}})"

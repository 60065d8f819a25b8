"""Automatic tags, decided (Paimon ``TagAutoCreation``, ``TagPeriodHandler``). All times are wall-clock milliseconds.

1. Time is cut into periods since 1970-01-01 00:00 of the wall clock. The tag of a period is named after its beginning.
2. A snapshot of time t makes the tag of the last period that is over at t, if there is no automatic tag yet, or if
   t less the delay has reached the end of the period that is next to be tagged.
3. With completion, it makes the tag of the period that is next instead, however long ago that was: one a snapshot.
4. After a tag, the period after the tagged one is next.

Invariant: names and times of tags go back and forth without loss, whatever the period is cut to.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.tag import Tag
from lakestore.model.tag_options import TagFormatter, TagOptions, TagPeriod

BATCH_PREFIX = "batch-write-"
"""Beginning of the tags that batch commits make when no name is set."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock has no zone
_DAY = {TagFormatter.WITH_DASHES: "yyyy-MM-dd"}
_HOUR = {
    TagFormatter.WITH_DASHES: "yyyy-MM-dd HH",
    TagFormatter.WITHOUT_DASHES: "yyyyMMdd HH",
    TagFormatter.WITHOUT_DASHES_AND_SPACES: "yyyyMMddHH",
}
_PARTS = {"yyyy": ("year", "%Y", 4), "MM": ("month", "%m", 2), "dd": ("day", "%d", 2), "HH": ("hour", "%H", 2)} | {
    "mm": ("minute", "%M", 2)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTag:
    """What a snapshot makes.

    Attributes:
        name: The tag's name.
        following: Beginning of the period that is next.
    """

    name: str
    following: int


class TagCalendar:
    """Periods and their names.

    Args:
        options: The table's.

    Raises:
        InvalidInputError: The delay is not shorter than the period.
    """

    def __init__(self, options: TagOptions) -> None:
        self._options = options
        self._days_only = options.period_duration_ms is None and options.period is TagPeriod.DAILY
        self._pattern = _pattern(options)
        if options.period_ms <= options.delay_ms:
            raise InvalidInputError(
                f"option 'tag.creation-delay' is {options.delay_ms} ms and the period of tags {options.period_ms} ms:"
                " expected a delay shorter than the period",
                kind=ErrorKind.INVALID_OPTION,
            )

    def name_of(self, period: int) -> str:
        """Name of the tag of the period that begins then."""
        moment = _EPOCH + timedelta(milliseconds=period)
        text = self._pattern
        for letters, (_, code, digits) in _PARTS.items():
            text = text.replace(letters, moment.strftime(code).zfill(digits))
        return text

    def period_of(self, name: str) -> int | None:
        """Beginning of the period of that name; None for the name of no automatic tag.

        With days, what follows a blank does not count: tags of hours made before the period was changed stand for
        their day.
        """
        found = re.fullmatch(_expression(self._pattern), name.partition(" ")[0] if self._days_only else name)
        if found is None:
            return None
        try:
            moment = datetime(**{"hour": 0, **{part: int(text) for part, text in found.groupdict().items()}})  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            return None
        return (moment - _EPOCH) // timedelta(milliseconds=1)

    def next_period(self, names: Iterable[str]) -> int | None:
        """Beginning of the period that is next, given all tags there are; None while there is no automatic one."""
        newest = self.newest(names)
        period = None if newest is None else self.period_of(newest)
        return None if period is None else period + self._options.period_ms

    def newest(self, names: Iterable[str]) -> str | None:
        """The automatic tag of the latest period, None if there is none."""
        periods = [(period, name) for name in names if (period := self.period_of(name)) is not None]
        return max(periods)[1] if periods else None

    def decide(self, time: int, following: int | None) -> NewTag | None:
        """The tag that a snapshot makes, None for none.

        Args:
            time: The snapshot's time.
            following: Beginning of the period that is next, None before the first automatic tag.
        """
        length = self._options.period_ms
        if following is not None and time - self._options.delay_ms < following + length:
            return None
        period = time // length * length - length
        if self._options.completion and following is not None:
            period = following
        return NewTag(name=self.name_of(period), following=period + length)

    def surplus(self, tags: Sequence[Tag]) -> list[str]:
        """The oldest automatic tags above the number that is kept, oldest first.

        Args:
            tags: All tags, by snapshot.
        """
        most = self._options.num_retained_max
        names = [tag.name for tag in tags if self.period_of(tag.name) is not None]
        return [] if most is None else names[: max(0, len(names) - most)]


def batch_name(options: TagOptions, time: int) -> str:
    """Name of the tag of a batch commit at that time."""
    day = _EPOCH + timedelta(milliseconds=time)
    return options.batch_name or f"{BATCH_PREFIX}{day:%Y-%m-%d}"


def is_over(tag: Tag, now: int) -> bool:
    """Whether the time for which a tag was to be kept has passed."""
    if tag.create_time_ms is None or tag.time_retained_ms is None:
        return False
    return now > tag.create_time_ms + tag.time_retained_ms


def _pattern(options: TagOptions) -> str:
    if options.period_duration_ms is not None:
        return "yyyyMMddHHmm"
    if options.period is TagPeriod.DAILY:
        return _DAY.get(options.formatter, "yyyyMMdd")
    return _HOUR[TagFormatter.WITH_DASHES if options.period is TagPeriod.TWO_HOURS else options.formatter]


def _expression(pattern: str) -> str:
    for letters, (part, _, digits) in _PARTS.items():
        pattern = pattern.replace(letters, rf"(?P<{part}>[0-9]{{{digits}}})")
    return pattern

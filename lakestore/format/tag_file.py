"""Tag files: ``tag/tag-NAME`` (Paimon ``Tag``): a snapshot's JSON and, if the tag has a retention, two more keys.

``tagCreateTime`` is an array of calendar parts of the maker's wall clock, ``[y, M, d, h, m, s, nanoseconds]`` with the
seconds and nanoseconds left out where both are, or the latter is, zero. ``tagTimeRetained`` is a number of seconds with
nine decimals. A tag without retention has neither, so that readers before Paimon 0.8 can read it.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from lakestore.errors import CorruptTableError
from lakestore.format.json_text import read_object
from lakestore.format.snapshot_file import snapshot_from_json, snapshot_to_json
from lakestore.model.tag import Tag

_CREATE_TIME = "tagCreateTime"
_TIME_RETAINED = "tagTimeRetained"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock without a zone, as the file has it
_LEAST_PARTS, _MOST_PARTS = 5, 7


def tag_from_json(data: bytes, path: str, *, name: str) -> Tag:
    """Read a tag file.

    Args:
        data: The file's bytes.
        path: Its path, for messages.
        name: The tag's name.

    Raises:
        CorruptTableError: A field is missing or wrong.
        UnsupportedFormatError: The file is of a newer version.
    """
    node = read_object(data, path)
    return Tag(
        name=name,
        snapshot=snapshot_from_json(data, path),
        create_time_ms=_create_time(node.get(_CREATE_TIME), path),
        time_retained_ms=_retained(node.get(_TIME_RETAINED), path),
    )


def tag_to_json(tag: Tag) -> bytes:
    """The bytes of a tag file."""
    text = snapshot_to_json(tag.snapshot)
    if tag.time_retained_ms is None:
        return text
    parts = ", ".join(map(str, _parts(tag.create_time_ms or 0)))
    seconds = _seconds_text(tag.time_retained_ms)
    more = f',\n  "{_CREATE_TIME}" : [ {parts} ],\n  "{_TIME_RETAINED}" : {seconds}\n}}'
    return text.removesuffix(b"\n}") + more.encode()


def _parts(wall_ms: int) -> list[int]:
    moment = _EPOCH + timedelta(milliseconds=wall_ms)
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    if moment.second or moment.microsecond:
        parts.append(moment.second)
    if moment.microsecond:
        parts.append(moment.microsecond * 1000)
    return parts


def _seconds_text(milliseconds: int) -> str:
    # Java's Duration of zero is the one that has a single decimal.
    return format(Decimal(milliseconds).scaleb(-3), ".9f") if milliseconds else "0.0"


def _create_time(value: object, path: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, list) or not _LEAST_PARTS <= len(value) <= _MOST_PARTS:
        raise CorruptTableError(
            f"field {_CREATE_TIME!r}: expected an array of {_LEAST_PARTS} to {_MOST_PARTS} numbers, found {value!r}",
            path=path,
        )
    try:
        year, month, day, hour, minute, second, nanos = [*value, 0, 0][:_MOST_PARTS]
        moment = datetime(year, month, day, hour, minute, second, nanos // 1000)  # noqa: DTZ001
    except (TypeError, ValueError) as error:
        raise CorruptTableError(f"field {_CREATE_TIME!r}: {error}; found {value!r}", path=path) from error
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _retained(value: object, path: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15:
        return round(value * 1000)
    raise CorruptTableError(
        f"field {_TIME_RETAINED!r}: expected seconds as a number, from 0, found {value!r}", path=path
    )

"""Tables whose data files are ORC or Avro, and tables of several formats at once."""

import re
from collections.abc import Sequence
from typing import Any

from tests.compat.rows import ON_TOP, PLAIN, TYPES, TYPES_ON_TOP, TYPES_STEPS, UPDATES, nanos
from tests.compat.rows_nested import NESTED, nested
from tests.compat.shape import Shape, Step
from tests.golden import canon

_TIMESTAMP = re.compile(r"(\d{4})(-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?(Z?)")


def _orc(steps: Sequence[Step]) -> list[Step]:
    """The same rows with values that ORC files of every writer hold, for every reader.

    Timestamps are before 2262, with fractions from 1970 on only; CHAR values have their full length.
    """
    return [(what, [_full_char(_within(row)) for row in rows]) for what, rows in steps]


def _full_char(row: canon.Row) -> canon.Row:
    return {name: value.ljust(5, "_") if value and name == "c_char" else value for name, value in row.items()}


def _within(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _within(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_within(one) for one in value]
    found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    text, rest, fraction, zone = found.groups()
    year = int(text)
    if year < 1900 or year > 2261:
        year = 1900 + year % 300
    digits = fraction and "." + "0" * (len(fraction) - 1) if year < 1970 else fraction
    return f"{year}{rest}{digits or ''}{zone}"


def _chars(texts: Sequence[str | None]) -> list[canon.Row]:
    return [{"id": str(number), "c": text, "a": [text and text[:3], None]} for number, text in enumerate(texts)]


_TYPES = [("write", rows) for _, rows in TYPES_STEPS], [*TYPES_ON_TOP, ("delete", [{"id": "0"}])]
_NESTED = [("write", nested(range(8))), ("write", nested(range(5, 10)))], [("write", nested(range(8, 12)))]
_NANOS = {"id": "INT NOT NULL", "c_time": "TIME(3)", "c_ts9": "TIMESTAMP(9)"}

FORMAT_SHAPES = {
    f"{form}_{name}": Shape(
        columns, held(steps), held(on_top), key, options={"bucket": 1 if key else -1, "file.format": form}
    )
    for form, held in (("orc", _orc), ("avro", list))
    for name, columns, steps, on_top, key in (
        ("keyed", TYPES, *_TYPES, ["id"]),
        ("append", TYPES, TYPES_STEPS, TYPES_ON_TOP, []),
        ("updates", PLAIN, UPDATES, ON_TOP, ["id"]),
        ("nested", NESTED, *_NESTED, ["id"]),
    )
} | {
    "orc_nanos": Shape(
        _NANOS,
        [("write", nanos(range(8), "12:34:56.789")), ("write", nanos(range(5, 10), "00:00:00.000"))],
        [("write", nanos(range(8, 12), "23:59:59.999"))],
        ["id"],
        options={"bucket": 1, "file.format": "orc"},
    ),
    "orc_char": Shape(
        {"id": "INT NOT NULL", "c": "CHAR(5)", "a": {"type": "ARRAY", "element": "CHAR(3)"}},
        [("write", _chars(["a", "", None, "abcde", "é"]))],
        [("write", _chars(["x", None, "✓"]))],
        ["id"],
        options={"bucket": 1, "file.format": "orc"},
    ),
    "formats_by_level": Shape(
        PLAIN,
        UPDATES,
        ON_TOP,
        ["id"],
        options={"bucket": 1, "file.format.per.level": "0:avro,5:orc", "file.compression.per.level": "0:snappy"},
    ),
}

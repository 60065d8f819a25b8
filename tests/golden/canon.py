"""Canonical rows: one text per value, the same whatever engine read it, and back to Arrow.

A row is a dict of its columns in schema order; a value is a text or None; see ``tools/judge/README.md`` for the
table of types. The judges (in environments that have no lakestore) and the tests share this file, so it imports
pyarrow and numpy and nothing else.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

Value = Any
"""None, a text, a list of values (ARRAY), a list of pairs (MAP, MULTISET) or a dict (ROW)."""
Row = dict[str, Value]

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS = 86_400


# ---- types


@dataclass(frozen=True)
class Kind:
    """A Paimon type as far as the texts depend on it."""

    root: str
    numbers: tuple[int, ...] = ()
    zoned: bool = False
    element: "Kind | None" = None
    key: "Kind | None" = None
    members: Mapping[str, "Kind"] = field(default_factory=dict)


def kind_of(node: str | Mapping[str, Any]) -> Kind:
    """The kind that a type in a schema file stands for."""
    if isinstance(node, str):
        found = re.match(r"\s*(\w+)\s*(?:\(([\d\s,]*)\))?", node)
        assert found, node
        root, numbers = found[1].upper(), found[2]
        zoned = root == "TIMESTAMP_LTZ" or "LOCAL TIME ZONE" in node.upper()
        sizes = tuple(int(each) for each in numbers.split(",")) if numbers else ()
        root = "TIMESTAMP" if zoned else {"INTEGER": "INT"}.get(root, root)
        return Kind(root, sizes or ((6,) if root == "TIMESTAMP" else ()), zoned)
    root = node["type"].upper().removesuffix("NOT NULL").strip()
    if root == "ROW":
        return Kind(root, members={each["name"]: kind_of(each["type"]) for each in node["fields"]})
    if root == "MULTISET":
        return Kind("MAP", key=kind_of(node["element"]), element=Kind("INT"))
    if root == "MAP":
        return Kind(root, key=kind_of(node["key"]), element=kind_of(node["value"]))
    return Kind(root, element=kind_of(node["element"]))


@dataclass(frozen=True)
class Shape:
    """Columns with their kinds, and the primary key, as a table's newest schema file has them."""

    kinds: Mapping[str, Kind]
    keys: Sequence[str]


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """The shape that the JSON of a schema file describes."""
    kinds = {each["name"]: kind_of(each["type"]) for each in schema["fields"]}
    return Shape(kinds, list(schema["primaryKeys"]))


def newest_shape(table: Path) -> Shape:
    """The shape of a table on local disk."""
    numbers = [int(each.name[7:]) for each in (table / "schema").glob("schema-*") if each.name[7:].isdigit()]
    return shape_of(json.loads((table / "schema" / f"schema-{max(numbers)}").read_text(encoding="utf-8")))


# ---- Arrow to text


def rows_of(table: pa.Table | pa.RecordBatch, kinds: Mapping[str, Kind] | None = None) -> list[Row]:
    """The rows of an Arrow table as canonical rows."""
    kinds = kinds or {}
    names = table.schema.names
    columns = [texts(table.column(i), kinds.get(name)) for i, name in enumerate(names)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def texts(array: pa.Array | pa.ChunkedArray, kind: Kind | None = None) -> list[Value]:
    """The values of an Arrow array as canonical values."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in texts(chunk, kind)]
    form = array.type
    if pa.types.is_dictionary(form):
        return texts(array.dictionary_decode(), kind)
    if isinstance(form, pa.BaseExtensionType):
        return texts(array.storage, kind)
    if pa.types.is_timestamp(form):
        return _instants(array, kind or Kind("TIMESTAMP", (_digits(form.unit),), form.tz is not None))
    if pa.types.is_date32(form):
        return [None if each is None else _day(each) for each in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_time(form):
        return _clocks(array)
    if pa.types.is_struct(form):
        return _structs(array, kind)
    if pa.types.is_map(form):
        return _maps(array, kind)
    if pa.types.is_list(form) or pa.types.is_large_list(form):
        values = texts(array.values, kind.element if kind else None)
        return [None if span is None else values[slice(*span)] for span in _spans(array)]
    single = pa.types.is_float32(form)
    return [None if each is None else _plain(each, single=single) for each in array.to_pylist()]


def _plain(value: object, *, single: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if np.isnan(value):
            return "NaN"
        if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(float(str(np.float32(value)))) if single else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int | str):
        return str(value)
    raise TypeError(f"no canonical text for {type(value).__name__} {value!r}")


def _digits(unit: str) -> int:
    return {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]


def _day(days: int) -> str:
    return str(np.datetime64(days, "D"))


def _time_of_day(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _instants(array: pa.Array, kind: Kind) -> list[Value]:
    """As many fraction digits as the type says, and more when the engine handed out more."""
    per_second = _PER_SECOND[array.type.unit]
    result: list[Value] = []
    for each in array.cast(pa.int64()).to_pylist():
        if each is None:
            result.append(None)
            continue
        seconds, fraction = divmod(each, per_second)
        days, rest = divmod(seconds, _DAY_SECONDS)
        digits = f"{fraction * (10**9 // per_second):09}".rstrip("0").ljust(kind.numbers[0], "0")
        text = f"{_day(days)} {_time_of_day(rest)}"
        result.append(text + (f".{digits}" if digits else "") + ("Z" if kind.zoned else ""))
    return result


def _clocks(array: pa.Array) -> list[Value]:
    per_second = _PER_SECOND[array.type.unit]
    whole = array.cast(pa.int32() if pa.types.is_time32(array.type) else pa.int64()).to_pylist()
    return [
        None if each is None else f"{_time_of_day(each // per_second)}.{each % per_second * 1000 // per_second:03}"
        for each in whole
    ]


def _spans(array: pa.Array) -> list[tuple[int, int] | None]:
    ends = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    return [(ends[i], ends[i + 1]) if good else None for i, good in enumerate(valid)]


def _maps(array: pa.Array, kind: Kind | None) -> list[Value]:
    keys = texts(array.keys, kind.key if kind else None)
    values = texts(array.items, kind.element if kind else None)
    pairs = [[key, value] for key, value in zip(keys, values, strict=True)]
    return [None if span is None else sorted(pairs[slice(*span)], key=line) for span in _spans(array)]


def _structs(array: pa.Array, kind: Kind | None) -> list[Value]:
    names = [array.type.field(i).name for i in range(array.type.num_fields)]
    members = kind.members if kind else {}
    columns = [texts(array.field(i), members.get(name)) for i, name in enumerate(names)]
    valid = array.is_valid().to_pylist()
    return [
        {name: column[i] for name, column in zip(names, columns, strict=True)} if good else None
        for i, good in enumerate(valid)
    ]


# ---- text to Arrow


def table_of(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Canonical rows as an Arrow table of that schema; a column that a row lacks is null."""
    columns = [pa.array([_parse(row.get(each.name), each.type) for row in rows], each.type) for each in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _parse(value: Value, form: pa.DataType) -> object:
    if value is None:
        return None
    if pa.types.is_map(form):
        return [(_parse(key, form.key_type), _parse(item, form.item_type)) for key, item in value]
    if pa.types.is_list(form) or pa.types.is_large_list(form):
        return [_parse(each, form.value_type) for each in value]
    if pa.types.is_struct(form):
        return {each.name: _parse(value.get(each.name), each.type) for each in form}
    if pa.types.is_boolean(form):
        return {"true": True, "false": False}[value]
    if pa.types.is_integer(form):
        return int(value)
    if pa.types.is_floating(form):
        return float(value)
    if pa.types.is_decimal(form):
        return Decimal(value)
    if pa.types.is_binary(form) or pa.types.is_large_binary(form) or pa.types.is_fixed_size_binary(form):
        return bytes.fromhex(value)
    if pa.types.is_date32(form):
        return _days(value)
    if pa.types.is_time(form):
        return _ticks("1970-01-01", value, form.unit)
    if pa.types.is_timestamp(form):
        return _ticks(*value.rstrip("Z").split(" "), form.unit)
    return value


def _days(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


def _ticks(day: str, clock: str, unit: str) -> int:
    whole, _, fraction = clock.partition(".")
    hours, minutes, seconds = (int(each) for each in whole.split(":"))
    total = _days(day) * _DAY_SECONDS + hours * 3600 + minutes * 60 + seconds
    per_second = _PER_SECOND[unit]
    return total * per_second + int(fraction.ljust(9, "0") or 0) * per_second // 10**9


# ---- lines


def line(value: Value) -> str:
    """A row, or a part of one, as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sort_rows(rows: Iterable[Row], keys: Sequence[str] = ()) -> list[Row]:
    """Rows in the order of their key columns' texts, then of their whole text, by UTF-8 bytes."""
    return sorted(rows, key=lambda row: [line(row.get(key)).encode() for key in keys] + [line(row).encode()])


def read_lines(path: Path) -> list[Any]:
    """The values of a file of JSON lines."""
    return [json.loads(each) for each in path.read_text(encoding="utf-8").split("\n") if each.strip()]


def write_lines(path: Path, values: Iterable[Value]) -> None:
    """Write a file of JSON lines."""
    path.write_text("".join(line(each) + "\n" for each in values), encoding="utf-8")


# ---- comparison

SHOWN = 3
"""Rows of a difference that are spelled out."""


def normal(row: Row, unordered: Collection[str]) -> Row:
    """The row with its unordered array columns sorted."""
    if not unordered:
        return row
    return {name: sorted(value, key=line) if name in unordered and value else value for name, value in row.items()}


def difference(expected: Sequence[Row], actual: Sequence[Row], *, unordered: Collection[str] = ()) -> str | None:
    """What tells two bags of rows apart, or None. The order of rows does not count; the order of columns does.

    Args:
        expected: The standard.
        actual: What is judged.
        unordered: Array columns whose elements no engine promises an order for.
    """
    wanted = Counter(line(normal(row, unordered)) for row in expected)
    found = Counter(line(normal(row, unordered)) for row in actual)
    missing = list((wanted - found).elements())
    extra = list((found - wanted).elements())
    if not missing and not extra:
        return None
    said = [f"{len(expected)} rows expected, {len(actual)} read, {len(missing)} missing, {len(extra)} too many"]
    said += [f"missing {row}" for row in missing[:SHOWN]]
    said += [f"too many {row}" for row in extra[:SHOWN]]
    return "; ".join(said)

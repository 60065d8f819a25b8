"""``vectors.jsonl``: typed rows with the bytes, hash and buckets that the Java engine gives them."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import pyarrow as pa

from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, TypeRoot, parse_type_text
from tests.golden.canon import table_of

SOURCE = Path(__file__).parent / "vectors.jsonl"
TICKS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Vector:
    """One row: its types, internal values, Arrow columns of one row, and what Java says of it."""

    name: str
    types: tuple[DataType, ...]
    values: tuple[object, ...]
    columns: tuple[pa.ChunkedArray, ...]
    serialized: bytes
    hash: int
    buckets: dict[int, int]

    @property
    def has_wide_null(self):
        """Whether a null is of a type that always takes room in the variable part."""
        return any(value is None and is_wide(kind) for value, kind in zip(self.values, self.types, strict=True))


def is_wide(kind):
    """DECIMAL over 18 digits, TIMESTAMP finer than milliseconds."""
    if kind.root is TypeRoot.DECIMAL:
        return kind.precision > 18
    return kind.root in {TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ} and kind.precision > 3


@cache
def vectors():
    """All vectors."""
    return tuple(_vector(number, json.loads(line)) for number, line in enumerate(SOURCE.read_text().splitlines()))


def _vector(number, node):
    types = tuple(parse_type_text(text) for text in node["types"])
    schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in zip(node["row"], types, strict=True)])
    columns = table_of([node["row"]], schema).columns
    return Vector(
        name=f"{number}-{'-'.join(dict.fromkeys(node['types']))}".replace(" ", ""),
        types=types,
        values=tuple(internal(column[0], kind) for column, kind in zip(columns, types, strict=True)),
        columns=tuple(columns),
        serialized=bytes.fromhex(node["serialized"]),
        hash=node["hash"],
        buckets={int(count): bucket for count, bucket in node["bucket"].items()},
    )


def internal(scalar, kind):
    """An Arrow scalar as LakeStore's internal value; for tests, one at a time."""
    if not scalar.is_valid:
        return None
    if kind.root in {TypeRoot.DATE, TypeRoot.TIME, TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ}:
        scale = TICKS[scalar.type.unit] if pa.types.is_timestamp(scalar.type) else 1
        return scalar.value * scale
    value = scalar.as_py()
    assert not isinstance(value, Decimal) or -value.as_tuple().exponent == kind.scale
    return value

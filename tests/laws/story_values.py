"""Random types and values of stories about tables, what old values read as under later types, and Arrow as plain lists.

A value is what ``pa.array`` takes for ``arrow_type(kind)``: dates, times and timestamps are counts, maps lists of pairs;
but a ROW is a dict by member id, so that names may change.
"""

import math
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

import pyarrow as pa

from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, Field, TypeRoot, parse_type_text

WORDS = ["", "a", "ab", "b", "ünïcødé", "漢", "😀", "a\0b", "\U0010ffff", "x" * 40]
SECOND, LONG = 253_402_300_799, (1 << 63) - 1
ODD_FLOATS = [math.nan, 0.0, -0.0, math.inf, -math.inf, 5e-324, -1.5, 0.1]


def whole(bits):
    edges = [-(1 << bits - 1), (1 << bits - 1) - 1, 0, 1, -1]
    return lambda dice: dice.choice(edges) if dice.random() < 0.3 else dice.randrange(-200, 200) % (1 << bits - 1)


def decimal(digits, scale):
    most = 10**digits - 1

    def one(dice):
        unscaled = dice.choice([most, -most, 0, 1, -1]) if dice.random() < 0.3 else dice.randint(-9999, 9999)
        return Decimal(min(most, max(-most, unscaled))).scaleb(0) if not scale else exact(unscaled, scale)

    return one


def exact(unscaled, scale):
    """The decimal, whatever the context says of digits."""
    return Decimal((int(unscaled < 0), tuple(int(digit) for digit in str(abs(unscaled))), -scale))


def single(value):
    return pa.scalar(value, pa.float32()).as_py()


def moments(unit, low, high):
    """Counts of units a second between two seconds."""

    def one(dice):
        if dice.random() < 0.3:
            return dice.choice([low * unit, high * unit, 0])
        return dice.choice([1_700_000_000, 0, 86_400]) * unit + dice.randrange(3) * dice.choice([1, unit])

    return one


SCALARS = {
    "BOOLEAN": lambda dice: dice.random() < 0.5,
    "TINYINT": whole(8),
    "SMALLINT": whole(16),
    "INT": whole(32),
    "BIGINT": whole(64),
    "FLOAT": lambda dice: single(dice.choice(ODD_FLOATS)),
    "DOUBLE": lambda dice: dice.choice([*ODD_FLOATS, 1.7976931348623157e308]),
    "DECIMAL(5, 2)": decimal(5, 2),
    "DECIMAL(30, 3)": decimal(30, 3),
    "DECIMAL(38, 38)": decimal(38, 38),
    "CHAR(3)": lambda dice: dice.choice(["abc", "  a", "é✓😀"]),
    "VARCHAR(2)": lambda dice: dice.choice(["", "a", "ab", "é ", "😀"]),
    "STRING": lambda dice: dice.choice(WORDS),
    "BINARY(2)": lambda dice: dice.choice([b"\0\0", b"\xff\xff", b"ab"]),
    "VARBINARY(3)": lambda dice: dice.choice([b"", b"\0", b"\xff\0a"]),
    "BYTES": lambda dice: dice.choice([b"", b"\0" * 20, b"\xff", b"ab"]),
    "DATE": lambda dice: dice.choice([-719_162, 2_932_896, 0, -1, 20_000, -(1 << 31), (1 << 31) - 1]),
    "TIME(3)": lambda dice: dice.choice([0, 1, 43_200_000, 86_399_999]),
    "TIMESTAMP(0)": moments(1, 0, 9_000_000_000),
    "TIMESTAMP(3)": moments(1000, 0, 9_000_000_000),
    "TIMESTAMP(6)": moments(10**6, 0, 9_000_000_000),
    "TIMESTAMP(6) WITH LOCAL TIME ZONE": moments(10**6, 0, 9_000_000_000),
}
"""Types that every file format holds, and how a value of each is drawn."""

FAR = {
    "TIMESTAMP(3)": moments(1000, -62_135_596_800, SECOND),
    "TIMESTAMP(6)": moments(10**6, -62_135_596_800, SECOND),
    "TIMESTAMP(6) WITH LOCAL TIME ZONE": moments(10**6, -62_135_596_800, SECOND),
    "TIMESTAMP(9)": lambda dice: dice.choice([-LONG - 1, LONG, 0, -1, 1, 1_700_000_000_123_456_789]),
    "TIMESTAMP(9) WITH LOCAL TIME ZONE": lambda dice: dice.choice([-LONG - 1, LONG, 0, -1, 1]),
}
"""What Parquet holds besides: nanoseconds, and times that ORC cannot tell."""

WIDER = {
    "TINYINT": ["INT", "INT", "BIGINT", "DOUBLE", "STRING", "DECIMAL(30, 3)"],
    "SMALLINT": ["INT", "BIGINT", "FLOAT", "TINYINT"],
    "INT": ["BIGINT", "DOUBLE", "STRING", "SMALLINT", "DECIMAL(5, 2)"],
    "BIGINT": ["INT", "STRING", "DECIMAL(30, 3)"],
    "FLOAT": ["DOUBLE"],
    "DECIMAL(5, 2)": ["DECIMAL(30, 3)", "STRING", "INT"],
    "VARCHAR(2)": ["STRING"],
    "VARBINARY(3)": ["BYTES"],
    "BOOLEAN": ["INT", "STRING"],
    "TIMESTAMP(0)": ["TIMESTAMP(3)", "TIMESTAMP(6)"],
    "TIMESTAMP(3)": ["TIMESTAMP(6)"],
}
KEYS = ["INT", "STRING", "DATE", "BYTES", "TIMESTAMP(3)"]
MEMBERS = ["a", "b", "c", "d", "e"]
BITS = {TypeRoot.TINYINT: 8, TypeRoot.SMALLINT: 16, TypeRoot.INT: 32, TypeRoot.BIGINT: 64}
DECIMAL_TYPES = {TypeRoot.DECIMAL}


def kind_of(text):
    return parse_type_text(text)


def scalar_text(kind):
    return str(kind.with_nullable(nullable=True)).replace("TIMESTAMP_LTZ", "TIMESTAMP")


def some_type(dice, texts, ids, depth):
    """A random type, nested up to that depth; ``ids`` gives members of ROWs their ids."""
    nullable = dice.random() < 0.7
    if not depth or dice.random() < 0.4:
        return kind_of(dice.choice(texts)).with_nullable(nullable=nullable)
    inner = some_type(dice, texts, ids, depth - 1)
    key = kind_of(dice.choice(KEYS)).with_nullable(nullable=False)
    match dice.randrange(5):
        case 0:
            return DataType(root=TypeRoot.ARRAY, nullable=nullable, element=inner)
        case 1:
            return DataType(root=TypeRoot.MAP, nullable=nullable, key=key, value=inner)
        case 2:
            return DataType(root=TypeRoot.MULTISET, nullable=nullable, element=key)
    names = dice.sample(MEMBERS, dice.randint(1, 3))
    members = [Field(id=next(ids), name=name, type=some_type(dice, texts, ids, depth - 1)) for name in names]
    return DataType(root=TypeRoot.ROW, nullable=nullable, fields=tuple(members))


def some_value(dice, kind, domain):
    """A random value, null where it may be."""
    if kind.nullable and dice.random() < 0.2:
        return None
    match kind.root:
        case TypeRoot.ARRAY:
            return [some_value(dice, kind.element, domain) for _ in range(dice.randrange(4))]
        case TypeRoot.MAP:
            keys = {some_value(dice, kind.key, domain) for _ in range(dice.randrange(4))}
            return [(key, some_value(dice, kind.value, domain)) for key in sorted(keys)]
        case TypeRoot.MULTISET:
            keys = {some_value(dice, kind.element, domain) for _ in range(dice.randrange(4))}
            return [(key, dice.randint(1, 9)) for key in sorted(keys)]
        case TypeRoot.ROW:
            return {member.id: some_value(dice, member.type, domain) for member in kind.fields}
    return domain[scalar_text(kind)](dice)


def under(value, old, new):
    """What a value written as the old type reads as under the new one."""
    if value is None:
        return None
    match new.root:
        case TypeRoot.ARRAY:
            return [under(one, old.element, new.element) for one in value]
        case TypeRoot.MAP:
            return [(key, under(one, old.value, new.value)) for key, one in value]
        case TypeRoot.MULTISET:
            return value
        case TypeRoot.ROW:
            before = {member.id: member.type for member in old.fields}
            return {
                member.id: under(value[member.id], before[member.id], member.type) if member.id in before else None
                for member in new.fields
            }
    return value if old.with_nullable(True) == new.with_nullable(True) else _cast(value, old, new)


def _cast(value, old, new):
    if new.root in BITS:
        half = 1 << BITS[new.root] - 1
        return (int(value) + half) % (2 * half) - half
    if new.root is TypeRoot.VARCHAR:
        return str(value).lower() if old.root is TypeRoot.BOOLEAN else str(value)
    if new.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE}:
        return single(float(value)) if new.root is TypeRoot.FLOAT else float(value)
    if new.root is TypeRoot.DECIMAL:
        scaled = value * 10**new.scale if isinstance(value, int) else int(value.scaleb(new.scale))
        return exact(scaled, new.scale) if abs(scaled) < 10**new.precision else None
    if new.root is TypeRoot.TIMESTAMP:
        return value * 10 ** (new.precision - old.precision)
    return value


def told(value, kind):
    """The value by names, floats as text, as ``plain`` tells what was read."""
    if value is None:
        return None
    match kind.root:
        case TypeRoot.ARRAY:
            return [told(one, kind.element) for one in value]
        case TypeRoot.MAP:
            return [[told(key, kind.key), told(one, kind.value)] for key, one in value]
        case TypeRoot.MULTISET:
            return [[told(key, kind.element), one] for key, one in value]
        case TypeRoot.ROW:
            return {member.name: told(value[member.id], member.type) for member in kind.fields}
        case TypeRoot.FLOAT | TypeRoot.DOUBLE:
            return repr(value)
    return value


def plain(array):
    """An array as lists: counts for times, texts for floats, dicts for rows, pairs for maps."""
    if isinstance(array, pa.ChunkedArray):
        return [one for chunk in array.chunks for one in plain(chunk)]
    kind, count = array.type, len(array)
    there = array.is_valid().to_pylist()
    if pa.types.is_struct(kind):
        members = {field.name: plain(part) for field, part in zip(kind, array.flatten(), strict=True)}
        return [{name: column[at] for name, column in members.items()} if there[at] else None for at in range(count)]
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        offsets = array.offsets.to_pylist()
        if pa.types.is_map(kind):
            parts = [list(pair) for pair in zip(plain(array.keys), plain(array.items), strict=True)]
            first = 0 if len(parts) == offsets[-1] else offsets[0]
        else:
            parts, first = plain(array.values), 0
        return [parts[offsets[at] - first : offsets[at + 1] - first] if there[at] else None for at in range(count)]
    if pa.types.is_timestamp(kind):
        return array.cast(pa.int64()).to_pylist()
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_floating(kind):
        return [None if one is None else repr(one) for one in array.to_pylist()]
    return array.to_pylist()


def column(values, kind):
    """Values as an array of the type that LakeStore takes."""
    return pa.array([by_name(value, kind) for value in values], arrow_type(kind))


def by_name(value, kind):
    """The value with ROWs by member names."""
    if value is None:
        return None
    match kind.root:
        case TypeRoot.ARRAY:
            return [by_name(one, kind.element) for one in value]
        case TypeRoot.MAP:
            return [(key, by_name(one, kind.value)) for key, one in value]
        case TypeRoot.ROW:
            return {member.name: by_name(value[member.id], member.type) for member in kind.fields}
    return value


def internal(value, kind):
    """A scalar as predicates see it: timestamps in nanoseconds."""
    if value is None or kind.root not in {TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ}:
        return value
    return value * 10 ** (9 - {"s": 0, "ms": 3, "us": 6, "ns": 9}[arrow_type(kind).unit])


def literal(value, kind):
    """A scalar as users write it; None if they cannot."""
    if kind.root is TypeRoot.DATE:
        return date.fromordinal(719_163 + value) if -719_162 <= value <= 2_932_896 else None
    if kind.root is TypeRoot.TIME:
        return time(value // 3_600_000, value // 60_000 % 60, value // 1000 % 60, value % 1000 * 1000)
    if kind.root in {TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ}:
        seconds, nanos = divmod(internal(value, kind), 10**9)
        days, seconds = divmod(seconds, 86_400)
        if not -719_162 <= days <= 2_932_896:
            return None
        zone = "Z" if kind.root is TypeRoot.TIMESTAMP_LTZ else ""
        clock = str(timedelta(seconds=seconds)).rjust(8, "0")
        return f"{date.fromordinal(719_163 + days)} {clock}.{nanos:09}{zone}"
    return value


def narrowed(kind, path):
    """The type with nothing in it but what a path names; the type itself at the path's end."""
    if not path:
        return kind
    match kind.root:
        case TypeRoot.ARRAY:
            return replace(kind, element=narrowed(kind.element, path[1:]))
        case TypeRoot.MAP:
            return replace(kind, value=narrowed(kind.value, path[1:]))
    (member,) = [one for one in kind.fields if one.name == path[0]]
    return replace(kind, fields=(replace(member, type=narrowed(member.type, path[1:])),))

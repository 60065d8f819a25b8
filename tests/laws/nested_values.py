"""Random nested types, values for them, and other Arrow spellings of the same; the plain-Python side of the laws.

A value is what ``pa.array`` takes for ``arrow_type(kind)``: dates, times and timestamps are counts, maps are lists of
pairs. So nothing here goes through Python's clocks.
"""

from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, Field, TypeRoot, parse_type_text

MAX_LONG = (1 << 63) - 1
TEXT = st.text(max_size=12)
SCALARS = {
    "BOOLEAN": st.booleans(),
    "TINYINT": st.integers(-128, 127),
    "INT": st.integers(-(1 << 31), (1 << 31) - 1),
    "BIGINT": st.integers(-MAX_LONG - 1, MAX_LONG),
    "FLOAT": st.floats(width=32, allow_nan=False),
    "DOUBLE": st.floats(allow_nan=False),
    "DECIMAL(5, 2)": st.integers(-99999, 99999).map(lambda number: Decimal(number).scaleb(-2)),
    "DECIMAL(30, 3)": st.integers(-(10**24), 10**24).map(lambda number: Decimal(number).scaleb(-3)),
    "STRING": TEXT,
    "BYTES": st.binary(max_size=12),
    "DATE": st.integers(-100_000, 100_000),
    "TIME(3)": st.integers(0, 86_399_999),
    "TIMESTAMP(3)": st.integers(-(10**13), 10**13),
    "TIMESTAMP(6)": st.integers(-(10**16), 10**16),
    "TIMESTAMP(9)": st.integers(-MAX_LONG - 1, MAX_LONG),
    "TIMESTAMP(3) WITH LOCAL TIME ZONE": st.integers(-(10**13), 10**13),
    "TIMESTAMP(6) WITH LOCAL TIME ZONE": st.integers(-(10**16), 10**16),
    "TIMESTAMP(9) WITH LOCAL TIME ZONE": st.integers(-MAX_LONG - 1, MAX_LONG),
}
KEYS = ["INT", "STRING", "DATE", "TIMESTAMP(9)", "BYTES"]
NAMES = ["a", "b", "c", "key", "value", "element", "list", "ä b", "x.y"]
COUNT = DataType(root=TypeRoot.INT, nullable=False)


def kinds(depth=3):
    """Types, nested up to that depth; ROW members have id -1."""
    scalars = st.builds(parse_type_text, st.sampled_from(sorted(SCALARS)))
    flags = st.booleans()
    if not depth:
        return st.builds(lambda kind, flag: kind.with_nullable(nullable=flag), scalars, flags)
    inner = kinds(depth - 1)
    keys = st.sampled_from(KEYS).map(lambda text: parse_type_text(text).with_nullable(nullable=False))
    members = st.lists(st.tuples(st.sampled_from(NAMES), inner), min_size=1, max_size=4, unique_by=lambda one: one[0])
    nested = st.one_of(
        st.builds(lambda one: DataType(root=TypeRoot.ARRAY, element=one), inner),
        st.builds(lambda key, one: DataType(root=TypeRoot.MAP, key=key, value=one), keys, inner),
        st.builds(lambda key: DataType(root=TypeRoot.MULTISET, element=key), keys),
        st.builds(
            lambda found: DataType(
                root=TypeRoot.ROW, fields=tuple(Field(id=-1, name=name, type=kind) for name, kind in found)
            ),
            members,
        ),
    )
    return st.builds(lambda kind, flag: kind.with_nullable(nullable=flag), st.one_of(scalars, nested, nested), flags)


def values(kind):
    """Values of a type, null where it may be."""
    found = _values(kind)
    return st.none() | found if kind.nullable else found


def _values(kind):
    match kind.root:
        case TypeRoot.ARRAY:
            return st.lists(values(kind.element), max_size=3)
        case TypeRoot.MAP:
            return st.lists(
                st.tuples(_values(kind.key), values(kind.value)), max_size=3, unique_by=lambda pair: pair[0]
            )
        case TypeRoot.MULTISET:
            return st.lists(
                st.tuples(_values(kind.element), st.integers(1, 9)), max_size=3, unique_by=lambda pair: pair[0]
            )
        case TypeRoot.ROW:
            return st.fixed_dictionaries({member.name: values(member.type) for member in kind.fields})
    return SCALARS[str(kind.with_nullable(nullable=True))]


def column(rows, kind):
    """Values as an array of the type that LakeStore hands out."""
    return pa.array(rows, arrow_type(kind))


def spellings(kind):
    """Other Arrow types that hold the same values."""
    match kind.root:
        case TypeRoot.ARRAY:
            makers = st.sampled_from([pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
            return st.builds(lambda make, inner: make(inner), makers, spellings(kind.element))
        case TypeRoot.MAP:
            return st.builds(pa.map_, spellings(kind.key), spellings(kind.value))
        case TypeRoot.MULTISET:
            counts = st.sampled_from([pa.int8(), pa.int32(), pa.uint64()])
            return st.builds(pa.map_, spellings(kind.element), counts)
        case TypeRoot.ROW:
            members = st.tuples(*(st.tuples(st.just(one.name), spellings(one.type)) for one in kind.fields))
            return members.flatmap(st.permutations).map(pa.struct)
        case TypeRoot.VARCHAR:
            return st.sampled_from(
                [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
            )
        case TypeRoot.VARBINARY:
            return st.sampled_from([pa.binary(), pa.large_binary(), pa.binary_view()])
        case TypeRoot.TINYINT | TypeRoot.INT:
            return st.sampled_from([arrow_type(kind), pa.int64()])
    return st.just(arrow_type(kind))

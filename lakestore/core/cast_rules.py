"""Which changes of a column's type are legal, and which of them LakeStore carries out when it reads old files.

A change is legal in Paimon when two tables say so: ``DataTypeCasts`` (implicit casts lose nothing or little, explicit
ones need the option ``disable-explicit-type-casting`` to be off) and ``CastExecutors`` (somebody must know how to do
it). Both compare types without looking at nullability, except that dates, times, timestamps and nested values become
text only as plain nullable STRING.
"""

from enum import StrEnum

from lakestore.model.types import (
    BINARIES,
    FLOATS,
    INTEGERS,
    MAX_LENGTH,
    NESTED,
    STRINGS,
    TIMESTAMPS,
    DataType,
    TypeRoot,
)


class CastKind(StrEnum):
    """How far the new type is from the old one."""

    SAME = "same"
    IMPLICIT = "implicit"
    EXPLICIT = "explicit"


_NUMBERS = frozenset({*INTEGERS, *FLOATS, TypeRoot.DECIMAL})
_TEXTS = frozenset(STRINGS)
_BYTES = frozenset(BINARIES)
_INSTANTS = frozenset(TIMESTAMPS)
_CLOCKS = frozenset({TypeRoot.DATE, TypeRoot.TIME, *TIMESTAMPS})
_PLAIN = _NUMBERS | _TEXTS | _BYTES | _CLOCKS | {TypeRoot.BOOLEAN}

_IMPLICIT: dict[TypeRoot, frozenset[TypeRoot]] = {
    TypeRoot.VARCHAR: _TEXTS,
    TypeRoot.VARBINARY: _BYTES,
    TypeRoot.DECIMAL: _NUMBERS,
    **{wide: frozenset(INTEGERS[:position]) for position, wide in enumerate(INTEGERS)},
    TypeRoot.FLOAT: frozenset({*INTEGERS, TypeRoot.DECIMAL}),
    TypeRoot.DOUBLE: _NUMBERS,
    TypeRoot.DATE: frozenset({TypeRoot.TIMESTAMP}),
    TypeRoot.TIME: frozenset({TypeRoot.TIMESTAMP}),
    TypeRoot.TIMESTAMP: _INSTANTS,
    TypeRoot.TIMESTAMP_LTZ: _INSTANTS,
}
"""New type to old types, beside every type to itself."""

_TO_NUMBER = _TEXTS | _INSTANTS | {TypeRoot.BOOLEAN}
_EXPLICIT: dict[TypeRoot, frozenset[TypeRoot]] = {
    **dict.fromkeys(STRINGS, _PLAIN | frozenset(NESTED)),
    TypeRoot.BOOLEAN: _TEXTS | frozenset(INTEGERS),
    TypeRoot.BINARY: _TEXTS | {TypeRoot.VARBINARY},
    TypeRoot.VARBINARY: _TEXTS,
    TypeRoot.DECIMAL: _TO_NUMBER,
    TypeRoot.DOUBLE: _TO_NUMBER,
    **dict.fromkeys((*INTEGERS, TypeRoot.FLOAT), _TO_NUMBER | _NUMBERS),
    TypeRoot.DATE: _TEXTS | _INSTANTS,
    TypeRoot.TIME: _TEXTS | _INSTANTS,
    **dict.fromkeys(TIMESTAMPS, _TEXTS | _CLOCKS | _NUMBERS),
}

_ANY_NUMBER_FROM = _NUMBERS | _TEXTS | {TypeRoot.BOOLEAN}
_EXECUTED: dict[TypeRoot, frozenset[TypeRoot]] = {
    **dict.fromkeys(_NUMBERS, _ANY_NUMBER_FROM),
    **dict.fromkeys((TypeRoot.INT, TypeRoot.BIGINT), _ANY_NUMBER_FROM | _INSTANTS),
    TypeRoot.BOOLEAN: _TEXTS | frozenset(INTEGERS),
    **dict.fromkeys(STRINGS, _PLAIN),
    **dict.fromkeys(BINARIES, _TEXTS | _BYTES),
    TypeRoot.DATE: _TEXTS | _INSTANTS,
    TypeRoot.TIME: _TEXTS | _INSTANTS,
    **dict.fromkeys(TIMESTAMPS, _TEXTS | _CLOCKS | {TypeRoot.INT, TypeRoot.BIGINT}),
}
"""New type to the old types that somebody knows how to turn into it."""


def same_type(source: DataType, target: DataType) -> bool:
    """Whether two types differ at most in nullability."""
    return source == target.with_nullable(source.nullable)


def cast_kind(source: DataType, target: DataType) -> CastKind | None:
    """How Paimon classes a change of type; None if it is not legal at all."""
    if same_type(source, target):
        return CastKind.SAME
    if source.root is target.root or source.root in _IMPLICIT.get(target.root, ()):
        return CastKind.IMPLICIT
    return CastKind.EXPLICIT if source.root in _EXPLICIT.get(target.root, ()) else None


def is_executed(source: DataType, target: DataType) -> bool:
    """Whether Paimon's readers turn values of the first type into the second.

    Text from nested values is legal in Paimon but not among these: LakeStore does not make it.
    """
    if source.root not in _EXECUTED.get(target.root, ()):
        return False
    if target.root in STRINGS and source.root in _CLOCKS:
        return _is_plain_string(target)
    return not (source.root is target.root and source.root in {TypeRoot.DATE, TypeRoot.TIME})


def depends_on_zone(source: DataType, target: DataType) -> bool:
    """Whether the outcome depends on the time zone of whoever reads; LakeStore reads in UTC."""
    zoned = TypeRoot.TIMESTAMP_LTZ
    if (source.root is zoned) == (target.root is zoned):
        return False
    # Seconds since the epoch are the same everywhere on the way out of an instant, not on the way in.
    return not (source.root is zoned and target.root in _NUMBERS)


def _is_plain_string(kind: DataType) -> bool:
    return kind.root is TypeRoot.VARCHAR and kind.length == MAX_LENGTH and kind.nullable

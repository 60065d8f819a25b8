"""Old values under a new type: which casts LakeStore carries out when it reads files written before a change.

1. Equal types, nullability aside: nothing to do.
2. Nested types: member by member, by field id.
3. Else the pair must be one of ``cast_rules``; each has one kernel over whole columns, with Java's outcome for every
   value that Java has an outcome for.

Statistics of an old file go through the same cast when it keeps order; otherwise they say nothing.

Invariant: ``Cast.bounds`` never excludes a value (or a null) that ``Cast.convert`` makes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from lakestore.core import cast_clock_text as clock_text
from lakestore.core import cast_clocks as clocks
from lakestore.core import cast_numbers as numbers
from lakestore.core import cast_text as text
from lakestore.core.cast_bounds import BoundOf, bound_of
from lakestore.core.cast_nested import nested_cast
from lakestore.core.cast_rules import cast_kind, is_executed, same_type
from lakestore.core.prune import Bounds
from lakestore.model.arrow import arrow_type
from lakestore.model.types import (
    BINARIES,
    FLOATS,
    INTEGERS,
    NESTED,
    STRINGS,
    TIMESTAMPS,
    DataType,
    TypeRoot,
)

Convert = Callable[[Any], Any]
"""From an Array of the old type's Arrow form to one of the new type's."""

_Kernel = Callable[[Any, DataType, DataType], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """How values of one type are read as another.

    Attributes:
        source: The type in the file.
        target: The type wanted.
        convert: The cast, on an Array.
        bound: The cast on one bound in internal form; gives None where that bound says nothing. None altogether when
            the cast does not keep order.
        makes_nulls: Whether a value can become null.
    """

    source: DataType
    target: DataType
    convert: Convert
    bound: BoundOf | None = None
    makes_nulls: bool = False

    def __call__(self, column: Any) -> Any:  # noqa: ANN401 - Array in, Array out; ChunkedArray likewise
        """The column as the new type.

        Raises:
            InvalidInputError: A value has no counterpart there; the message shows the first one.
        """
        if isinstance(column, pa.ChunkedArray):
            return pa.chunked_array([self.convert(chunk) for chunk in column.chunks], arrow_type(self.target))
        return self.convert(column)

    def bounds(self, known: Bounds) -> Bounds:
        """What bounds of the old values say about the new ones."""
        low = high = None
        if self.bound is not None and known.min is not None and known.max is not None:
            low, high = self.bound(known.min), self.bound(known.max)
        if low is None or high is None:
            # With both ends inside the new type's range, so is all between them.
            return Bounds(null_count=None if self.makes_nulls else known.null_count)
        return Bounds(min=low, max=high, null_count=known.null_count, exact=known.exact)


def find_cast(source: DataType, target: DataType) -> Cast | None:
    """The cast from one type to another, nullability aside; None if values of the first are not read as the second."""
    return _find(source.with_nullable(nullable=True), target.with_nullable(nullable=True))


@lru_cache(maxsize=4096)
def _find(source: DataType, target: DataType) -> Cast | None:
    if same_type(source, target):
        return Cast(source=source, target=target, convert=_same, bound=_same)
    if source.root in NESTED or target.root in NESTED:
        convert = nested_cast(source, target, lambda old, new: _convert_of(find_cast(old, new)))
        return None if convert is None else Cast(source=source, target=target, convert=convert)
    if _is_finer_time(source, target):
        return Cast(source=source, target=target, convert=_same, bound=_same)
    if cast_kind(source, target) is None or not is_executed(source, target):
        return None
    if source.root is TypeRoot.TIME and target.root in TIMESTAMPS and not clocks.is_lossless_time(source, target):
        return None
    kernel = _KERNELS[_family(source), _family(target)]
    return Cast(
        source=source,
        target=target,
        convert=lambda array: kernel(array, source, target),
        bound=bound_of(source, target),
        makes_nulls=target.root is TypeRoot.DECIMAL,
    )


def _convert_of(cast: Cast | None) -> Convert | None:
    return None if cast is None else cast.convert


def _same(value: Any) -> Any:  # noqa: ANN401 - an Array, or a bound
    return value


def _is_finer_time(source: DataType, target: DataType) -> bool:
    """Paimon has no executor for this one, but other writers make the change, and the values are the same."""
    same_root = source.root is target.root is TypeRoot.TIME
    return same_root and (source.precision or 0) <= (target.precision or 0)


_INTEGER, _FLOAT, _DECIMAL, _TEXT, _BYTES = "integer", "float", "decimal", "text", "bytes"
_BOOLEAN, _DATE, _TIME, _INSTANT = "boolean", "date", "time", "instant"
_FAMILIES: dict[TypeRoot, str] = {
    **dict.fromkeys(INTEGERS, _INTEGER),
    **dict.fromkeys(FLOATS, _FLOAT),
    TypeRoot.DECIMAL: _DECIMAL,
    **dict.fromkeys(STRINGS, _TEXT),
    **dict.fromkeys(BINARIES, _BYTES),
    TypeRoot.BOOLEAN: _BOOLEAN,
    TypeRoot.DATE: _DATE,
    TypeRoot.TIME: _TIME,
    **dict.fromkeys(TIMESTAMPS, _INSTANT),
}


def _family(kind: DataType) -> str:
    return _FAMILIES[kind.root]


def _to_target(kernel: Callable[[Any, DataType], Any]) -> _Kernel:
    return lambda array, _, target: kernel(array, target)


_KERNELS: dict[tuple[str, str], _Kernel] = {
    **dict.fromkeys(
        [(old, new) for old in (_INTEGER, _FLOAT) for new in (_INTEGER, _FLOAT)], _to_target(numbers.number_to_number)
    ),
    (_INTEGER, _DECIMAL): _to_target(numbers.integer_to_decimal),
    (_FLOAT, _DECIMAL): _to_target(text.float_to_decimal),
    (_DECIMAL, _DECIMAL): _to_target(numbers.decimal_to_decimal),
    (_DECIMAL, _INTEGER): _to_target(numbers.decimal_to_number),
    (_DECIMAL, _FLOAT): _to_target(numbers.decimal_to_number),
    **dict.fromkeys([(_BOOLEAN, new) for new in (_INTEGER, _FLOAT, _DECIMAL)], _to_target(numbers.boolean_to_number)),
    (_INTEGER, _BOOLEAN): lambda array, _, __: numbers.integer_to_boolean(array),
    (_TEXT, _BOOLEAN): _to_target(text.text_to_boolean),
    **dict.fromkeys([(old, _TEXT) for old in (_INTEGER, _FLOAT, _DECIMAL, _BOOLEAN)], _to_target(text.number_to_text)),
    (_TEXT, _TEXT): _to_target(text.text_to_text),
    (_BYTES, _TEXT): _to_target(text.bytes_to_text),
    (_TEXT, _BYTES): _to_target(text.bytes_to_bytes),
    (_BYTES, _BYTES): _to_target(text.bytes_to_bytes),
    (_TEXT, _INTEGER): _to_target(text.text_to_integer),
    (_TEXT, _FLOAT): _to_target(text.text_to_float),
    (_TEXT, _DECIMAL): _to_target(text.text_to_decimal),
    (_TEXT, _DATE): _to_target(clock_text.text_to_date),
    (_TEXT, _TIME): _to_target(clock_text.text_to_time),
    (_TEXT, _INSTANT): _to_target(clock_text.text_to_timestamp),
    (_DATE, _TEXT): _to_target(clocks.date_to_text),
    (_TIME, _TEXT): lambda array, source, _: clocks.time_to_text(array, source),
    (_INSTANT, _TEXT): clocks.timestamp_to_text,
    (_INSTANT, _INSTANT): _to_target(clocks.timestamp_to_timestamp),
    (_INSTANT, _DATE): lambda array, _, __: clocks.timestamp_to_date(array),
    (_INSTANT, _TIME): lambda array, _, __: clocks.timestamp_to_time(array),
    (_INSTANT, _INTEGER): _to_target(clocks.timestamp_to_number),
    (_INTEGER, _INSTANT): _to_target(clocks.number_to_timestamp),
    (_DATE, _INSTANT): _to_target(clocks.date_to_timestamp),
    (_TIME, _INSTANT): _to_target(clocks.time_to_timestamp),
}

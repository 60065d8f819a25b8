"""What indexes store of a value: one integer, or its bytes.

| type | key |
|---|---|
| BOOLEAN, integers, DATE, TIME | the number |
| FLOAT, DOUBLE | the bits, turned so that they ascend as the values do: -0.0 below 0.0, one NaN above all |
| DECIMAL | the unscaled number |
| TIMESTAMP, with or without zone | milliseconds to precision 3, else microseconds, cut towards the past |
| CHAR, VARCHAR, BINARY, VARBINARY | the bytes, compared as unsigned |

Two values can have one key only in timestamps finer than microseconds (``KeyForm.lossy``).
A literal of a predicate is turned into the keys of the values that are equal to it: none, one, or for a zero two.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import decimal_words
from lakestore.core.value_text import Internal
from lakestore.core.values import NANOS_PER_UNIT
from lakestore.model.types import BINARIES, STRINGS, TIMESTAMPS, DataType, TypeRoot

Key = int | bytes

_WIDTHS = {
    TypeRoot.BOOLEAN: 1,
    TypeRoot.TINYINT: 1,
    TypeRoot.SMALLINT: 2,
    TypeRoot.INT: 4,
    TypeRoot.DATE: 4,
    TypeRoot.TIME: 4,
    TypeRoot.FLOAT: 4,
    TypeRoot.BIGINT: 8,
    TypeRoot.DOUBLE: 8,
    TypeRoot.DECIMAL: 8,
    TypeRoot.TIMESTAMP: 8,
    TypeRoot.TIMESTAMP_LTZ: 8,
}
_LONG = (1 << 63) - 1
_EXACT = Context(prec=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyForm:
    """How the values of one type become keys.

    Attributes:
        kind: The type.
        width: Bytes of a stored key; None for those of any length.
    """

    kind: DataType
    width: int | None

    @property
    def floating(self) -> bool:
        """Whether stored keys are the bits of floating-point numbers."""
        return self.kind.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE}

    @property
    def nanos(self) -> int:
        """Nanoseconds of one step of a timestamp key."""
        return 1_000_000 if (self.kind.precision or 0) <= 3 else 1_000

    @property
    def lossy(self) -> bool:
        """Whether unequal values can have the same key."""
        return self.kind.root in TIMESTAMPS and (self.kind.precision or 0) > 6


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Keys from ``low`` to ``high``, both included, or without them where they are open; None for no end."""

    low: Key | None = None
    high: Key | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def point(self) -> Key | None:
        """The one key in the range, if it was made for one."""
        return self.low if self.low == self.high and not self.low_open and not self.high_open else None


def form_of(kind: DataType) -> KeyForm | None:
    """How values of that type become keys; None if they have none."""
    if kind.root in {*STRINGS, *BINARIES}:
        return KeyForm(kind=kind, width=None)
    width = _WIDTHS.get(kind.root)
    return None if width is None else KeyForm(kind=kind, width=width)


def number_keys(column: Any, form: KeyForm) -> NDArray[np.int64] | None:  # noqa: ANN401 - pyarrow has no types
    """The keys of a column without nulls that ``form`` gives a width; None if one does not fit 64 bits.

    Args:
        column: An Array of ``arrow_type`` of the form's type.
        form: Its form.
    """
    if form.floating:
        values = np.asarray(column)
        return ordered_bits(values.view(np.int32 if form.width == 4 else np.int64), np.isnan(values), form)
    if form.kind.root is TypeRoot.DECIMAL:
        words = decimal_words(column).view(np.int64)
        low: NDArray[np.int64] = words[:, 0]
        return None if (words[:, 1] != (low >> 63)).any() else low
    if form.kind.root in TIMESTAMPS:
        return _ticks(np.asarray(column.cast(pa.int64())), NANOS_PER_UNIT[column.type.unit], form.nanos)
    if form.kind.root in {TypeRoot.DATE, TypeRoot.TIME}:
        column = column.cast(pa.int32())
    return np.asarray(column.cast(pa.int64()))


def _ticks(values: NDArray[np.int64], have: int, want: int) -> NDArray[np.int64] | None:
    if have <= want:
        return values // (want // have)
    factor = have // want
    return None if (np.abs(values // 2 + 1) > _LONG // factor // 2).any() else values * factor


def ordered_bits(bits: NDArray[Any], nan: NDArray[np.bool_], form: KeyForm) -> NDArray[np.int64]:
    """Bits of floats as keys."""
    mask = np.int64((1 << (8 * (form.width or 8) - 1)) - 1)
    whole = bits.astype(np.int64)
    keys = np.where(whole < 0, whole ^ mask, whole)
    keys[nan] = nan_key(form)
    return keys


def stored_numbers(keys: NDArray[np.int64], form: KeyForm) -> NDArray[Any]:
    """Keys as the big-endian numbers that files hold; floats as their bits."""
    if form.floating:
        mask = np.int64((1 << (8 * (form.width or 8) - 1)) - 1)
        keys = np.where(keys < 0, keys ^ mask, keys)
    return keys.astype(f">i{form.width}")


def keys_of_stored(stored: NDArray[Any], form: KeyForm) -> NDArray[np.int64]:
    """What ``stored_numbers`` made of keys, as keys."""
    if not form.floating:
        return stored.astype(np.int64)
    native = np.ascontiguousarray(stored.astype(f"<i{form.width}"))
    return ordered_bits(native, np.isnan(native.view(f"<f{form.width}")), form)


def nan_key(form: KeyForm) -> int:
    """The key of NaN."""
    return 0x7FC00000 if form.width == 4 else 0x7FF8000000000000


def bounds_of_literal(value: Internal, form: KeyForm) -> tuple[Key, Key] | None:
    """The least key at or above a literal, and the greatest at or below it; they cross when none is equal to it.

    None for NaN, which is equal to nothing and has no place in the order.
    """
    if isinstance(value, str):
        return value.encode(), value.encode()
    if isinstance(value, bytes):
        return value, value
    if form.floating:
        return _float_bounds(float(value), form)  # type: ignore[arg-type]  # bound literals are numbers here
    if form.kind.root in TIMESTAMPS:
        ticks, rest = divmod(int(value), form.nanos)  # type: ignore[arg-type]
        return (ticks, ticks) if form.lossy or not rest else (ticks + 1, ticks)
    if isinstance(value, float):
        return None if math.isnan(value) or math.isinf(value) else (math.ceil(value), math.floor(value))
    if form.kind.root is TypeRoot.DECIMAL:
        scaled = _EXACT.scaleb(Decimal(value), form.kind.scale or 0)  # type: ignore[arg-type]
        return int(scaled.to_integral_value(ROUND_CEILING)), int(scaled.to_integral_value(ROUND_FLOOR))
    whole = int(value)  # type: ignore[arg-type]
    return (whole, whole) if whole == value else (math.ceil(value), math.floor(value))  # type: ignore[arg-type]


def _float_bounds(value: float, form: KeyForm) -> tuple[int, int] | None:
    if math.isnan(value):
        return None
    if value == 0.0:
        return -1, 0
    with np.errstate(over="ignore"):
        near = np.array([value], f"<f{form.width}")
    key = int(ordered_bits(near.view(f"<i{form.width}"), np.zeros(1, bool), form)[0])
    if float(near[0]) == value:
        return key, key
    return (key, key - 1) if float(near[0]) > value else (key + 1, key)


def ordered_range(form: KeyForm) -> tuple[Key | None, Key | None]:
    """The least and the greatest key that has a place in the order: NaN has none."""
    if not form.floating:
        return None, None
    top = 0x7F800000 if form.width == 4 else 0x7FF0000000000000
    return -top - 1, top

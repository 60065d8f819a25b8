"""Column statistics of a data file and of a manifest (Paimon ``SimpleStats``), in the bytes that metadata holds.

1. ``StatsCollector.add`` looks at each batch once: null count, least and greatest value of each column.
2. ``finish`` cuts text and bytes to the length of the mode, drops what cannot be trusted, and writes the bounds.

What has no bounds, only a null count: TIMESTAMP finer than microseconds (stored as INT96, which Parquet does not
order) and columns where every value is null. A FLOAT or DOUBLE column with a NaN has none either: engines differ
in where NaN sorts, so no bound would be safe for all of them. A zero bound is widened to the zero of the
other sign. Nested columns have no statistics at all.

Invariant: every value that is not null lies between the bounds, where there are bounds. A cut upper bound is
greater than the values it stands for, so bounds are not values.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.values import Internal, conform, scalars_of
from lakestore.errors import InvariantError
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.model.options import StatsOptions
from lakestore.model.stats import TRUNCATE_128, ColumnStats, StatsKind, StatsMode
from lakestore.model.types import EXOTIC, FLOATS, NESTED, TIMESTAMPS, DataType, Field

_LAST_CODE_POINT = 0x10FFFF
_BEFORE_SURROGATES, _AFTER_SURROGATES = 0xD7FF, 0xE000
_INT96_PRECISION = 7
"""TIMESTAMP of this precision and above is stored as INT96."""
_NO_STATS = StatsMode(kind=StatsKind.NONE)


class StatsCollector:
    """Gathers the statistics of one file's columns, batch after batch.

    Args:
        fields: The columns, in the order of the statistics.
        modes: How much of each is collected.
    """

    def __init__(self, fields: Sequence[Field], modes: Sequence[StatsMode]) -> None:
        self._columns = tuple(_Column(field, mode) for field, mode in zip(fields, modes, strict=True))

    def add(self, table: pa.Table | pa.RecordBatch | Mapping[str, Any]) -> None:
        """Take in more rows: a table, a batch, or columns by name. Columns of other names are left alone.

        Raises:
            InvalidInputError: A column does not hold the values of its type.
        """
        for column in self._columns:
            if column.counted:
                column.add(table[column.field.name])

    def merge(self, other: "StatsCollector") -> None:
        """Take in what another collector for the same columns has seen."""
        for own, theirs in zip(self._columns, other._columns, strict=True):  # noqa: SLF001 - one class
            if own.field != theirs.field or own.mode != theirs.mode:
                raise InvariantError(f"statistics of {own.field.name} and {theirs.field.name} do not merge")
            own.merge(theirs)

    def finish(self, *, dense: bool = True) -> tuple[ColumnStats, tuple[str, ...] | None]:
        """The statistics, and the names of the columns they cover; None in place of all names.

        Args:
            dense: Leave out columns without statistics; otherwise they have empty places.
        """
        kept = [column for column in self._columns if column.counted or not dense]
        bounds = [column.bounds() for column in kept]
        types = [column.field.type for column in kept]
        stats = ColumnStats(
            min_values=encode_row([low for low, _ in bounds], types),
            max_values=encode_row([high for _, high in bounds], types),
            null_counts=tuple(column.nulls if column.counted else None for column in kept),
        )
        names = tuple(column.field.name for column in kept)
        return stats, None if len(kept) == len(self._columns) else names


def collect(
    columns: pa.Table | pa.RecordBatch | Mapping[str, Any],
    fields: Sequence[Field],
    modes: Sequence[StatsMode],
    *,
    dense: bool = True,
) -> tuple[ColumnStats, tuple[str, ...] | None]:
    """The statistics of columns that are all there at once; as ``StatsCollector``."""
    collector = StatsCollector(fields, modes)
    collector.add(columns)
    return collector.finish(dense=dense)


def key_collector(fields: Sequence[Field]) -> StatsCollector:
    """A collector for key columns; finish it with ``dense=False``, for key statistics have no list of names."""
    return StatsCollector(fields, [TRUNCATE_128] * len(fields))


def stats_modes(
    fields: Sequence[Field], options: StatsOptions, *, thin_keys: Collection[str] = ()
) -> tuple[StatsMode, ...]:
    """How much is collected of each column.

    A column's own option comes first. After the first ``keep_first`` columns the others have no statistics.

    Args:
        fields: The columns.
        options: The table's options.
        thin_keys: Key columns of files that do not store the key a second time: they are kept as keys are.
    """
    modes: list[StatsMode] = []
    seen = 0
    for field in fields:
        own = options.columns.get(field.name)
        if own is None and field.name in thin_keys:
            modes.append(TRUNCATE_128)
            continue
        cut_off = 0 <= options.keep_first <= seen
        modes.append(own or (_NO_STATS if cut_off else options.mode))
        seen += 1
    return tuple(modes)


def partition_stats(partitions: Iterable[bytes], types: Sequence[DataType]) -> ColumnStats:
    """Bounds and null counts of serialized partitions, one for each entry of a manifest.

    Raises:
        CorruptTableError: A partition is no row of these types.
    """
    nulls = [0] * len(types)
    values: list[list[Internal]] = [[] for _ in types]
    for partition, times in Counter(partitions).items():
        for position, value in enumerate(decode_row(partition, types)):
            if value is None:
                nulls[position] += times
            else:
                values[position].append(value)
    bounds = [_bounds_of(members, kind) for members, kind in zip(values, types, strict=True)]
    return ColumnStats(
        min_values=encode_row([low for low, _ in bounds], types),
        max_values=encode_row([high for _, high in bounds], types),
        null_counts=tuple(nulls),
    )


def truncate_min(value: Internal, length: int) -> Internal:
    """A lower bound of the value: text cut after so many code points, bytes after so many bytes."""
    return value[:length] if isinstance(value, str | bytes) else value


def truncate_max(value: Internal, length: int) -> Internal:
    """An upper bound of the value that is no longer than that, None if there is none.

    A value that is too long is cut; then its last member that can be raised is raised by one and what follows
    is dropped. A code point before the surrogates goes to the one after them: surrogates are no text.
    """
    if isinstance(value, str) and len(value) > length:
        kept = value[:length].rstrip(chr(_LAST_CODE_POINT))
        return kept[:-1] + _next_code_point(kept[-1]) if kept else None
    if isinstance(value, bytes) and len(value) > length:
        start = value[:length].rstrip(b"\xff")
        return start[:-1] + bytes([start[-1] + 1]) if start else None
    return value


def _next_code_point(character: str) -> str:
    point = ord(character)
    return chr(_AFTER_SURROGATES if point == _BEFORE_SURROGATES else point + 1)


@dataclass(slots=True)
class _Column:
    """What is known of one column so far."""

    field: Field
    mode: StatsMode
    nulls: int = 0
    low: Internal = None
    high: Internal = None
    has_nan: bool = False

    @property
    def counted(self) -> bool:
        """Whether the column has any statistics."""
        nested = self.field.type.root in {*NESTED, *EXOTIC}
        return self.mode.kind is not StatsKind.NONE and not nested

    @property
    def bounded(self) -> bool:
        """Whether it can have bounds."""
        kind = self.field.type
        int96 = kind.root in TIMESTAMPS and (kind.precision or 0) >= _INT96_PRECISION
        return self.mode.kind in {StatsKind.TRUNCATE, StatsKind.FULL} and not int96

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self.nulls += column.null_count
        if not self.bounded or self.has_nan or column.null_count == len(column):
            return
        stored = conform(column, self.field.type)
        if self.field.type.root in FLOATS and pc.any(pc.is_nan(stored)).as_py():
            self.has_nan = True
            return
        found = pc.min_max(stored)
        low, high = scalars_of(pa.array([found["min"], found["max"]], stored.type), self.field.type)
        self._widen(low, high)

    def merge(self, other: "_Column") -> None:
        self.nulls += other.nulls
        self.has_nan |= other.has_nan
        self._widen(other.low, other.high)

    def bounds(self) -> tuple[Internal, Internal]:
        """The bounds to write, both None when there are none."""
        if self.has_nan or self.low is None:
            return None, None
        low, high = _widen_zeros(self.low, self.high, self.field.type)
        if self.mode.kind is StatsKind.TRUNCATE:
            low, high = truncate_min(low, self.mode.length), truncate_max(high, self.mode.length)
        return (None, None) if high is None else (low, high)

    def _widen(self, low: Internal, high: Internal) -> None:
        if low is None or high is None:
            return
        self.low = low if self.low is None else _least([self.low, low])
        self.high = high if self.high is None else _greatest([self.high, high])


def _bounds_of(values: Sequence[Internal], kind: DataType) -> tuple[Internal, Internal]:
    """Bounds of values without nulls."""
    has_nan = kind.root in FLOATS and any(value != value for value in values)  # noqa: PLR0124 - NaN
    if not values or has_nan:
        return None, None
    return _widen_zeros(_least(values), _greatest(values), kind)


def _widen_zeros(low: Internal, high: Internal, kind: DataType) -> tuple[Internal, Internal]:
    if kind.root not in FLOATS:
        return low, high
    return (-0.0 if low == 0 else low), (0.0 if high == 0 else high)


def _least(values: Sequence[Any]) -> Any:  # noqa: ANN401 - values of one column, of whatever type
    return min(values)


def _greatest(values: Sequence[Any]) -> Any:  # noqa: ANN401 - values of one column, of whatever type
    return max(values)

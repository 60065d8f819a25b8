"""The page index of a column chunk: which rows lie in pages that may hold a value (Parquet ``ColumnIndex``).

Bounds of a page may be wide, so the rows that it gives may be more than match, never fewer. A page whose bounds do not
parse, or say NaN, counts for everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from pyroaring import BitMap

from lakestore.core.index_keys import Key, KeyForm, KeyRange, keys_of_stored, nan_key
from lakestore.errors import CorruptTableError, InvariantError
from lakestore.format.parquet_footer import read_struct
from lakestore.model.file_index import RowSet

_ZERO, _MINUS_ZERO = 0, -1


@dataclass(frozen=True, slots=True)
class _Page:
    rows: BitMap
    low: Key | None
    high: Key | None
    all_null: bool
    no_null: bool


class PageIndex:
    """Asks the page index of one column chunk.

    Args:
        columns: Bytes of its ``ColumnIndex``.
        offsets: Bytes of its ``OffsetIndex``.
        form: How values become keys.
        width: Bytes of a number as the file stores it; None for text and bytes.
        row_count: Rows of the row group.
        path: What messages call the file.

    Raises:
        CorruptTableError: They do not parse.
    """

    exact = False

    def __init__(
        self, columns: bytes, offsets: bytes, form: KeyForm, *, width: int | None, row_count: int, path: str
    ) -> None:
        self.form = form
        self.row_count: int | None = row_count
        self._width = width
        try:
            self._pages = self._read(columns, offsets, row_count)
        except (IndexError, KeyError, TypeError, ValueError, InvariantError) as error:
            raise CorruptTableError(f"the page index does not parse: {error!r}", path=path) from error

    def where(self, ranges: tuple[KeyRange, ...]) -> RowSet | None:
        """The rows of pages that may hold a value in the ranges."""
        return self._rows([page for page in self._pages if any(_meets(page, one) for one in ranges)])

    def nulls(self) -> RowSet | None:
        """The rows of pages that may hold nulls."""
        return self._rows([page for page in self._pages if not page.no_null])

    def present(self) -> RowSet | None:
        """The rows of pages that hold a value."""
        return self._rows([page for page in self._pages if not page.all_null])

    def _rows(self, pages: Sequence[_Page]) -> RowSet:
        rows: RowSet = BitMap.union(BitMap(), *(page.rows for page in pages))
        return rows

    def _read(self, columns: bytes, offsets: bytes, row_count: int) -> list[_Page]:
        index, places = read_struct(columns)[0], read_struct(offsets)[0][1][1][1]
        null_pages, lows, highs = (index[number][1][1] for number in (1, 2, 3))
        nulls = index[5][1][1] if 5 in index else [None] * len(null_pages)
        starts = [place[3][1] for place in places]
        if not len(null_pages) == len(lows) == len(highs) == len(nulls) == len(starts):
            raise ValueError("its lists differ in length")
        ends = [*starts, row_count]
        if ends[0] != 0 or any(end <= begin for begin, end in pairwise(ends)):
            raise ValueError("its pages do not follow one another")
        return [
            _Page(
                rows=BitMap(range(begin, end)),
                low=None if empty else self._key(low, of_zero=_MINUS_ZERO),
                high=None if empty else self._key(high, of_zero=_ZERO),
                all_null=bool(empty),
                no_null=null_count == 0,
            )
            for (begin, end), empty, low, high, null_count in zip(
                pairwise(ends), null_pages, lows, highs, nulls, strict=True
            )
        ]

    def _key(self, data: Any, *, of_zero: int) -> Key | None:  # noqa: ANN401 - bytes of a Thrift tree
        """A bound as a key: None where it says nothing. Writers may leave the sign of a zero out."""
        raw = bytes(data)
        if self._width is None:
            return raw
        if len(raw) != self._width:
            return None
        key = int(keys_of_stored(np.frombuffer(raw, f"<i{self._width}"), self.form)[0])
        if not self.form.floating:
            return key
        if key == nan_key(self.form):
            return None
        return of_zero if key in {_ZERO, _MINUS_ZERO} else key


def _meets(page: _Page, wanted: KeyRange) -> bool:
    """Whether a page may hold a value of the range."""
    if page.all_null:
        return False
    low: Any = page.low
    high: Any = page.high
    if wanted.low is not None and high is not None and (high < wanted.low or (wanted.low_open and high == wanted.low)):
        return False
    return not (
        wanted.high is not None and low is not None and (low > wanted.high or (wanted.high_open and low == wanted.high))
    )

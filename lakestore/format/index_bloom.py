"""The bloom filter of a column: int32 how many bits each value sets, then the bits, the lowest of each byte first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from lakestore.core.bloom import filter_size, hash_column, hash_keys, positions
from lakestore.core.index_keys import KeyForm, KeyRange
from lakestore.errors import CorruptTableError
from lakestore.model.file_index import RowSet

_HEAD = 4


class BloomWriter:
    """Gathers a column while its file is written.

    Args:
        form: How its values become keys.
        items: Setting ``items``.
        fpp: Setting ``fpp``.
    """

    def __init__(self, form: KeyForm, *, items: int, fpp: float) -> None:
        self._form = form
        size, self._functions = filter_size(items, fpp)
        self._bits = np.zeros(size, np.uint8)
        self._fits = True

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows."""
        hashes = hash_column(column.drop_null(), self._form)
        if hashes is None:
            self._fits = False
            return
        found = positions(np.unique(hashes), functions=self._functions, bits=8 * len(self._bits)).ravel()
        np.bitwise_or.at(self._bits, found >> 3, np.left_shift(1, found & 7).astype(np.uint8))

    def finish(self) -> bytes | None:
        """The index; None if a value has no key."""
        return self._functions.to_bytes(_HEAD, "big") + self._bits.tobytes() if self._fits else None


class BloomReader:
    """Asks a bloom filter.

    Args:
        data: Its bytes.
        form: How values become keys.
        path: What messages call it.

    Raises:
        CorruptTableError: It is none.
    """

    def __init__(self, data: bytes, form: KeyForm, path: str) -> None:
        self.form = form
        self.exact = not form.lossy
        self.row_count: int | None = None
        self._functions = int.from_bytes(data[:_HEAD], "big")
        self._bits: NDArray[np.uint8] = np.frombuffer(data, np.uint8, offset=min(_HEAD, len(data)))
        if not 1 <= self._functions <= 8 * max(len(self._bits), 1) or not len(self._bits):
            raise CorruptTableError(f"{len(data)} bytes, {self._functions} functions: no bloom filter", path=path)

    def where(self, ranges: tuple[KeyRange, ...]) -> RowSet | None:
        """No row, if the filter says that no value is in the ranges; None if it cannot say."""
        keys = [one.point for one in ranges]
        known = [key for key in keys if key is not None]
        if len(known) < len(keys):
            return None
        if known:
            places = positions(hash_keys(known, self.form), functions=self._functions, bits=8 * len(self._bits))
            if (self._bits[places >> 3] >> (places & 7) & 1).all(axis=0).any():
                return None
        nothing: RowSet = BitMap()
        return nothing

    def nulls(self) -> RowSet | None:
        """Nothing is known of nulls."""
        return None

    def present(self) -> RowSet | None:
        """Nothing is known of nulls."""
        return None

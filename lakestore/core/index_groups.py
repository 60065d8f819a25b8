"""The rows of a file by the value of one column, as bitmap indexes want them.

Rows come batch by batch. At the end the distinct keys ascend, and with each stand its rows, ascending.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import byte_spans
from lakestore.core.index_keys import Key, KeyForm, number_keys

Rows = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The rows of a column.

    Attributes:
        numbers: Distinct keys, ascending; None for text.
        texts: Distinct keys, ascending; empty for numbers.
        codes: Of each row that is not null, the place of its key among the distinct ones.
        present: Those rows, ascending.
        nulls: The other rows, ascending.
        row_count: All rows.
    """

    numbers: NDArray[np.int64] | None
    texts: list[bytes]
    codes: NDArray[np.int64]
    present: Rows
    nulls: Rows
    row_count: int

    def __len__(self) -> int:
        """Distinct keys."""
        return len(self.texts) if self.numbers is None else len(self.numbers)

    def key(self, place: int) -> Key:
        """One of the distinct keys."""
        return self.texts[place] if self.numbers is None else int(self.numbers[place])

    def by_key(self) -> tuple[Rows, NDArray[np.int64]]:
        """The rows that are not null, those of one key together, and where each key's begin, and end."""
        order = np.argsort(self.codes, kind="stable")
        starts = np.searchsorted(self.codes[order], np.arange(len(self) + 1))
        return self.present[order], starts


class RowCollector:
    """Gathers the keys of a column while its file is written.

    Args:
        form: How its values become keys.
    """

    def __init__(self, form: KeyForm) -> None:
        self._form = form
        self._numbers: list[NDArray[np.int64]] = []
        self._texts: list[Any] = []
        self._nulls: list[NDArray[np.bool_]] = []
        self.fits = True

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows: an Array of ``arrow_type`` of the column's type."""
        self._nulls.append(np.asarray(column.is_null()))
        values = column.drop_null()
        if self._form.width is None:
            self._texts.append(values.cast(pa.large_binary()).dictionary_encode())
            return
        numbers = number_keys(values, self._form)
        if numbers is None:
            self.fits = False
        else:
            self._numbers.append(numbers)

    def groups(self) -> Groups | None:
        """What was gathered; None if a value has no key."""
        if not self.fits:
            return None
        nulls = np.concatenate([np.empty(0, bool), *self._nulls])
        present, absent = np.flatnonzero(~nulls).astype(np.uint32), np.flatnonzero(nulls).astype(np.uint32)
        if self._form.width is None:
            texts, codes = self._text_codes()
            return Groups(None, texts, codes, present, absent, len(nulls))
        keys, codes = np.unique(np.concatenate([np.empty(0, np.int64), *self._numbers]), return_inverse=True)
        return Groups(keys, [], codes, present, absent, len(nulls))

    def _text_codes(self) -> tuple[list[bytes], NDArray[np.int64]]:
        if not self._texts:
            return [], np.empty(0, np.int64)
        whole = pa.chunked_array(self._texts).unify_dictionaries()
        distinct = whole.chunk(0).dictionary
        order = np.asarray(pc.sort_indices(distinct))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        codes = np.concatenate([np.asarray(chunk.indices) for chunk in whole.chunks])
        spans = byte_spans(distinct)
        whole_text, begins, ends = bytes(spans.data), spans.starts, spans.starts + spans.lengths
        return [whole_text[begins[one] : ends[one]] for one in order], place[codes]

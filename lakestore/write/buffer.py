"""Rows of all open buckets under one budget of bytes."""

from dataclasses import dataclass, field

import pyarrow as pa

Place = tuple[bytes, int]
"""Serialized partition and bucket number."""


@dataclass(slots=True)
class _Held:
    tables: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    size: int = 0


class RowBuffer:
    """Rows that wait to be written, by place.

    Sizes are those of the rows' Arrow buffers. Tables are held as they come, so they must not be slices that keep
    far more alive than they show (``router.route`` copies).

    Args:
        budget: Bytes that ``overflow`` keeps to.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held: dict[Place, _Held] = {}
        self.size = 0

    def add(self, place: Place, rows: pa.Table) -> None:
        """Hold rows; they follow those of the same place in order."""
        held = self._held.setdefault(place, _Held())
        size = rows.nbytes
        held.tables.append(rows)
        held.rows += len(rows)
        held.size += size
        self.size += size

    def overflow(self) -> Place | None:
        """The place with the most bytes, while all together are above the budget; else None.

        The largest goes first: it frees the most, and small buckets wait until their files are worth it.
        """
        if self.size <= self._budget or not self._held:
            return None
        return max(self._held, key=lambda place: self._held[place].size)

    def places(self) -> tuple[Place, ...]:
        """Places that hold rows, in order of their first row."""
        return tuple(self._held)

    def rows_at(self, place: Place) -> int:
        """How many rows a place holds."""
        held = self._held.get(place)
        return held.rows if held else 0

    def bytes_at(self, place: Place) -> int:
        """How many bytes a place holds."""
        held = self._held.get(place)
        return held.size if held else 0

    def take(self, place: Place) -> pa.Table:
        """Hand over the rows of a place, in order of arrival, and forget them."""
        held = self._held.pop(place)
        self.size -= held.size
        return pa.concat_tables(held.tables)

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self.size = 0

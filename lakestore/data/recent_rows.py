"""Rows of data files that this process has just written, kept in memory until they are compacted.

What a stream writes is merged again moments later, and where a changelog is made its old values are looked up with
every commit (Paimon keeps ``lookup.cache-max-memory-size`` of rows for that). Decoding the files each time would cost
as much as all the rest.

1. A file that is being written is recorded piece by piece; one that takes more than its share of the budget is not.
   What comes from a user is copied: an Arrow array may lie in memory that its owner fills again after the commit.
2. Above the budget those go that nobody has asked for longest; those that were compacted go at once.

Invariant: what is kept is what reading the file gives. Data files never change, so nothing here is ever stale.
"""

from collections import OrderedDict
from collections.abc import Iterable

import pyarrow as pa

from lakestore.storage.parallel import Mutex

SHARE = 2
"""One file may take that part of the budget: half of it."""


class RecentRows:
    """Rows of recent data files of one table, by file name; for all threads.

    Args:
        budget: Bytes of rows kept at most; 0 keeps nothing.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._tables: OrderedDict[str, pa.Table] = OrderedDict()
        self._dictionaries: dict[str, tuple[str, ...]] = {}
        self._lent: dict[str, pa.Table] = {}
        self._bytes = 0
        self._mutex = Mutex()

    @property
    def size(self) -> int:
        """Bytes of rows kept."""
        return self._bytes

    def limit(self, budget: int) -> None:
        """Keep no more than that from now on."""
        with self._mutex:
            self._budget = budget
            self._shrink()

    def recording(self, *, copy: bool) -> "Recording":
        """Record a file that is about to be written; ``copy`` its rows where others may hold their memory."""
        return Recording(self, self._budget // SHARE, copy=copy)

    def keep(self, name: str, rows: pa.Table, *, dictionary: tuple[str, ...] = ()) -> None:
        """Keep the rows of a file that is complete, in file order, and which columns it encodes with a dictionary."""
        with self._mutex:
            self._drop(name)
            self._tables[name] = rows
            self._dictionaries[name] = dictionary
            self._bytes += rows.nbytes
            self._shrink()

    def lend(self, name: str, rows: pa.Table, *, dictionary: tuple[str, ...] = ()) -> None:
        """Have rows that somebody else holds found as those of a file until it is dropped, beyond the budget."""
        with self._mutex:
            self._lent[name] = rows
            self._dictionaries[name] = dictionary

    def find(self, name: str) -> pa.Table | None:
        """The rows of a file, in file order with the columns that it was written with; None if they are not kept."""
        with self._mutex:
            if name in self._tables:
                self._tables.move_to_end(name)
            return self._tables.get(name, self._lent.get(name))

    def dictionary(self, name: str) -> tuple[str, ...] | None:
        """Columns that a file encodes with a dictionary; None if there are none, or its rows are not kept."""
        with self._mutex:
            return self._dictionaries.get(name) or None

    def drop(self, names: Iterable[str]) -> None:
        """Let go of files that nobody will read again."""
        with self._mutex:
            for name in names:
                self._drop(name)

    def _drop(self, name: str) -> None:
        table = self._tables.pop(name, None)
        self._dictionaries.pop(name, None)
        self._lent.pop(name, None)
        if table is not None:
            self._bytes -= table.nbytes

    def _shrink(self) -> None:
        while self._bytes > self._budget:
            self._drop(next(iter(self._tables)))


class Recording:
    """The rows of a file that is being written, for as long as they fit.

    Args:
        recent: Takes them in the end.
        limit: Bytes of them at most.
        copy: Whether others may hold their memory.
    """

    def __init__(self, recent: RecentRows, limit: int, *, copy: bool) -> None:
        self._recent = recent
        self._left = limit
        self._copy = copy
        self._pieces: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        """Note the next rows of the file."""
        if self._left < 0:
            return
        self._left -= rows.nbytes
        self._pieces.append(rows)
        if self._left < 0:
            self._pieces.clear()

    def finish(self, name: str, *, dictionary: tuple[str, ...] = ()) -> None:
        """The file is complete, under that name, with those columns encoded with a dictionary."""
        if self._pieces:
            # In one piece: what is put together of small files again and again would end in countless tiny ones.
            rows = pa.concat_tables(self._pieces).combine_chunks()
            self._recent.keep(name, _copied(rows) if self._copy else rows, dictionary=dictionary)
            self._pieces.clear()


def _copied(rows: pa.Table) -> pa.Table:
    """The rows in memory of their own."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return pa.ipc.open_stream(sink.getvalue()).read_all()

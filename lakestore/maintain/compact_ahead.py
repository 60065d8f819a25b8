"""Changelogs made while the files that they come of are still being written.

A commit to a table with changelog producer ``lookup`` writes its rows twice: to a file on level 0, and, with what they
replace, to a changelog file when level 0 is emptied. The second needs the rows and what was there before, both of which
are known before the first is written, so that both are encoded at the same time.

1. Before a bucket's rows are encoded they are kept in memory under a name of their own, and their changes against the
   files that were live when the writer began are written beside it.
2. When level 0 is emptied, and the file that came of the rows only moves up, its changelog is asked for here. In
   between others may have compacted the bucket, which changes no row; if they did anything else, it is made again.
3. What nobody asked for is deleted when the commit is over.

Invariant: a changelog handed out has the rows that ``data.rewrite`` would write there and then.
"""

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.merge import is_add
from lakestore.core.pick import CompactUnit
from lakestore.data.file_writer import BucketNames, delete_files, key_at
from lakestore.data.rewrite import BucketFilesAt, rewrite_changes
from lakestore.errors import LakestoreError
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Place
from lakestore.meta.sequences import BucketSequences
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, ChangelogProducer, MergeEngine
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.storage.parallel import Started

BYTES_MIN = 256 * 1024
"""Rows of fewer bytes are not worth a thread."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A changelog that is being made.

    Attributes:
        rows: The file that it comes of, by a name of its own: nobody else sees it.
        base: The snapshot that tells what was there before; None before the first.
        changelog: The files, once they are there.
    """

    rows: DataFile
    base: Snapshot | None
    changelog: Started[tuple[DataFile, ...]]


class ChangelogsAhead:
    """The changelogs that one commit makes ahead of its compaction, one at a time beside the caller.

    Args:
        parts: The table.
        sequences: Knows what was live when the writer began.
    """

    def __init__(self, parts: CompactParts, sequences: BucketSequences) -> None:
        options, merge = parts.options, parts.options.merge
        lookup = merge.changelog_producer is ChangelogProducer.LOOKUP
        replaces = merge.engine is MergeEngine.DEDUPLICATE and not merge.sequence_fields
        # Else files of other levels may be written otherwise, and a compaction may let rows go that have expired.
        by_level = options.files.format_per_level or options.files.compression_per_level
        plain = not by_level and options.compact.expire_ms is None
        self._can = lookup and replaces and plain and parts.recent is not None
        self._parts = parts
        self._sequences = sequences
        self._made: dict[Place, _Made] = {}
        self._last: Started[tuple[DataFile, ...]] | None = None
        self._older: dict[Place, list[DataFile]] | None = None
        self._fits: dict[int, bool] = {}

    def begin(self, place: Place, rows: pa.Table, dictionary: tuple[str, ...]) -> None:
        """Rows are about to become the only new file of a bucket.

        Args:
            place: The bucket.
            rows: All of them, in the shape and the order of the file; nobody may change that memory.
            dictionary: Columns that the file encodes with a dictionary.
        """
        parts, recent, base = self._parts, self._parts.recent, self._sequences.base
        if not self._can or rows.nbytes < BYTES_MIN or recent is None or place in self._made:
            return
        files = parts.options.files.at_level(0)
        rewriting = parts.rewriting(0 if base is None else base.id)
        stand_in = self._described(BucketNames(rewriting.write, *place).next_name(files.data_prefix, files), rows)
        bucket = self._planned(place, stand_in)
        if bucket is None:
            return
        if self._last is not None:
            _settled(self._last)
        recent.lend(stand_in.name, rows, dictionary=dictionary)
        unit = CompactUnit(1, (stand_in,), "its changelog")

        def changes() -> tuple[DataFile, ...]:
            try:
                return rewrite_changes(rewriting, bucket, unit, stand_in)
            finally:
                recent.drop([stand_in.name])

        try:
            self._last = Started(changes)
        except RuntimeError:  # No threads are to be had, or the process is ending.
            recent.drop([stand_in.name])
        else:
            self._made[place] = _Made(stand_in, base, self._last)

    def ready(self, place: BucketFilesAt, file: DataFile, snapshot_id: int) -> tuple[DataFile, ...] | None:
        """The changelog of a file that moves up in its bucket, for the caller to keep; None: make it.

        Args:
            place: The bucket as it is at that snapshot.
            file: The file.
            snapshot_id: A snapshot.
        """
        at = (place.partition, place.bucket)
        made = self._made.get(at)
        if made is None or not _same(made.rows, file) or not self._only_compacted(made.base, snapshot_id):
            return None
        changelog = _settled(made.changelog)
        if changelog is not None:
            del self._made[at]
        return changelog

    def close(self) -> None:
        """Wait for what is under way, and delete what nobody asked for."""
        while self._made:
            place, made = self._made.popitem()
            left = _settled(made.changelog) or ()
            delete_files(self._parts.store, BucketNames(self._parts.rewriting(0).write, *place), left)

    def _planned(self, place: Place, file: DataFile) -> BucketFilesAt | None:
        """The bucket with the file, as if each level were one higher and level 1 free; None if that does not help."""
        if self._older is None:
            self._older = defaultdict(list)
            for entry in self._sequences.live or ():
                self._older[entry.partition, entry.bucket].append(entry.file)
        partition, number = place
        older = self._older.get(place, [])
        if any(each.level == 0 or each.schema_id != file.schema_id for each in older):
            return None
        raised = tuple(replace(each, level=each.level + 1) for each in older)
        top = max(self._parts.options.compact.num_levels, *(each.level for each in raised), 1)
        return BucketFilesAt(partition=partition, bucket=number, files=(file, *raised), top=top)

    def _described(self, name: str, rows: pa.Table) -> DataFile:
        """The rows as a file on level 0."""
        schema = self._parts.schema
        keys = schema.select(schema.trimmed_primary_keys)
        numbers = pc.min_max(rows[SEQUENCE_NUMBER])
        return DataFile(
            name=name,
            size=rows.nbytes,
            row_count=len(rows),
            min_key=key_at(rows, 0, keys),
            max_key=key_at(rows, len(rows) - 1, keys),
            min_sequence=numbers["min"].as_py(),
            max_sequence=numbers["max"].as_py(),
            schema_id=schema.id,
            delete_row_count=int(np.count_nonzero(~is_add(rows[VALUE_KIND].to_numpy()))),
            source=FileSource.APPEND,
        )

    def _only_compacted(self, base: Snapshot | None, snapshot_id: int) -> bool:
        """Whether all snapshots after one up to another, in which our rows are, are compactions but for ours."""
        with suppress(LakestoreError):
            if snapshot_id not in self._fits:
                self._fits[snapshot_id] = self._is_line_of_compactions(base, snapshot_id)
            return self._fits[snapshot_id]
        return False

    def _is_line_of_compactions(self, base: Snapshot | None, snapshot_id: int) -> bool:
        first = 0 if base is None else base.id
        find = self._parts.snapshots.find
        # What came before may be another history since: after a rollback numbers are given out again.
        if base is not None and find(first) != base:
            return False
        others = [one for one in map(find, range(first + 1, snapshot_id + 1)) if not _is_compaction(one)]
        return len(others) == 1 and others[0] is not None and others[0].commit_kind is CommitKind.APPEND


def _is_compaction(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and snapshot.commit_kind is CommitKind.COMPACT


def _same(rows: DataFile, file: DataFile) -> bool:
    """Whether the file holds those rows: no others of the bucket have their sequence numbers."""
    return rows == replace(
        file,
        name=rows.name,
        size=rows.size,
        key_stats=rows.key_stats,
        value_stats=rows.value_stats,
        value_stats_columns=rows.value_stats_columns,
        creation_time=rows.creation_time,
        extra_files=rows.extra_files,
        embedded_index=rows.embedded_index,
    )


def _settled(changelog: Started[tuple[DataFile, ...]]) -> tuple[DataFile, ...] | None:
    """The files once they are there; None if they could not be made, in which case none is left."""
    # Whatever it is: what the rows need is made again by those who can say why it fails.
    with suppress(Exception):
        return changelog.result()
    return None

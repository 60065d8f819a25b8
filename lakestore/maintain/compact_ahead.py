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

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.merge import is_add
from lakestore.core.pick import CompactUnit
from lakestore.core.values import scalars_of
from lakestore.data.file_writer import BucketNames, delete_files
from lakestore.data.rewrite import BucketFilesAt, rewrite_changes
from lakestore.errors import LakestoreError
from lakestore.format.binary_row import encode_row
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Place
from lakestore.meta.sequences import BucketSequences
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import ManifestEntry
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, ChangelogProducer, MergeEngine
from lakestore.model.snapshot import CommitKind
from lakestore.storage.parallel import Started


@dataclass(frozen=True, slots=True)
class _Made:
    """A changelog that is being made.

    Attributes:
        rows: The file that it comes of, by a name of its own: nobody else sees it.
        base: The snapshot that tells what was there before.
        changelog: The files, once they are there.
    """

    rows: DataFile
    base: int
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
        self._fits: dict[int, bool] = {}

    def begin(self, place: Place, rows: pa.Table, dictionary: tuple[str, ...]) -> None:
        """Rows are about to become the only new file of a bucket.

        Args:
            place: The bucket.
            rows: All of them, in the shape and the order of the file; nobody may change that memory.
            dictionary: Columns that the file encodes with a dictionary.
        """
        live, parts = self._sequences.live, self._parts
        base = self._sequences.base_snapshot or 0
        if not self._can or live is None or parts.recent is None or place in self._made:
            return
        files = parts.options.files.at_level(0)
        rewriting = parts.rewriting(base)
        stand_in = self._described(BucketNames(rewriting.write, *place).next_name(files.data_prefix, files), rows)
        bucket = self._planned(place, live, stand_in)
        if bucket is None:
            return
        for other in self._made.values():
            _settled(other.changelog)
        recent = parts.recent
        recent.lend(stand_in.name, rows, dictionary=dictionary)
        unit = CompactUnit(1, (stand_in,), "its changelog")

        def changes() -> tuple[DataFile, ...]:
            try:
                return rewrite_changes(rewriting, bucket, unit, stand_in)
            finally:
                recent.drop([stand_in.name])

        # A process that is ending takes no new threads.
        with suppress(RuntimeError):
            self._made[place] = _Made(stand_in, base, Started(changes))

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
        for place, made in list(self._made.items()):
            left = _settled(made.changelog)
            del self._made[place]
            write = self._parts.rewriting(made.base).write
            delete_files(self._parts.store, BucketNames(write, *place), left or ())

    def _planned(self, place: Place, live: Sequence[ManifestEntry], file: DataFile) -> BucketFilesAt | None:
        """The bucket with the file, as if each level were one higher and level 1 free; None if that does not help."""
        partition, number = place
        older = [entry.file for entry in live if (entry.partition, entry.bucket) == place]
        if any(each.level == 0 or each.schema_id != file.schema_id for each in older):
            return None
        raised = tuple(replace(each, level=each.level + 1) for each in older)
        top = max(self._parts.options.compact.num_levels, *(each.level for each in raised), 1)
        return BucketFilesAt(partition=partition, bucket=number, files=(file, *raised), top=top)

    def _described(self, name: str, rows: pa.Table) -> DataFile:
        """The rows as a file on level 0."""
        schema = self._parts.schema
        fields = schema.select(schema.trimmed_primary_keys)

        def key_at(position: int) -> bytes:
            row = rows.slice(position, 1)
            values = [scalars_of(row[field.name], field.type)[0] for field in fields]
            return encode_row(values, [field.type for field in fields])

        numbers = pc.min_max(rows[SEQUENCE_NUMBER])
        return DataFile(
            name=name,
            size=rows.nbytes,
            row_count=len(rows),
            min_key=key_at(0),
            max_key=key_at(len(rows) - 1),
            min_sequence=numbers["min"].as_py(),
            max_sequence=numbers["max"].as_py(),
            schema_id=schema.id,
            delete_row_count=int(np.count_nonzero(~is_add(rows[VALUE_KIND].to_numpy()))),
            source=FileSource.APPEND,
        )

    def _only_compacted(self, base: int, snapshot_id: int) -> bool:
        """Whether all snapshots after one up to another, in which our rows are, are compactions but for ours."""
        if snapshot_id == base + 1:
            return True
        if snapshot_id not in self._fits:
            between = [self._parts.snapshots.find(number) for number in range(base + 1, snapshot_id + 1)]
            kinds = [None if one is None else one.commit_kind for one in between]
            self._fits[snapshot_id] = [kind for kind in kinds if kind is not CommitKind.COMPACT] == [CommitKind.APPEND]
        return self._fits[snapshot_id]


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
    with suppress(LakestoreError, pa.ArrowException, OSError, MemoryError):
        return changelog.result()
    return None

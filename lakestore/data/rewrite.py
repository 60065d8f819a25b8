"""Executing one compaction of one bucket: files in, fewer on a higher level out (Paimon ``MergeTreeCompactTask``).

1. Cut the files into sections of overlapping keys, in key order.
2. A file that overlaps no other and is not small only moves up: its metadata changes, not a byte of it. Exceptions:
   it may hold deletes and goes to the top, or the changelog producer wants the rows merged.
3. Everything between two such files is merged together (``data.compact_merge``) and written in files of the target
   size. Merging runs in a thread of its own while the rows before are encoded.
4. Row changes go to changelog files beside them.

Invariant: until a commit names them, the files written are nobody's; when this fails, none of them stays. Files that
were read are never touched.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import Any

from lakestore.core.conflict import rank_of
from lakestore.core.pick import CompactUnit
from lakestore.core.sections import Run, Section, sections_of
from lakestore.data.changelog_parts import changelog_parts
from lakestore.data.compact_merge import WINDOWS_BYTES, Merged, MergeTask, merge_runs
from lakestore.data.file_reader import TableFiles
from lakestore.data.file_rows import FileRows
from lakestore.data.file_writer import BucketNames, WriteParts, delete_files
from lakestore.data.merge_engine import runs_by_level
from lakestore.data.old_values import older_sources
from lakestore.format.binary_row import decode_row
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.storage.parallel import ReadAhead, run_all

BATCH_ROWS = 64 * 1024
"""Rows of a batch that compaction reads at most."""

BATCHES_PER_WINDOW = 4
"""A window is read in about as many batches, since a run holds one or two besides its window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteParts:
    """What compacting buckets of a table takes.

    Attributes:
        write: The table, for writing; its schema is the one that rows are written in.
        schema_of: Schema by id, for files of other schemas.
        what: Table and snapshot, for messages.
        ready: Asked for the changelog of a file that only moves up in its bucket: files that are there already, the
            caller's from then on, or None.
    """

    write: WriteParts
    schema_of: Callable[[int], TableSchema]
    what: str
    ready: "Callable[[BucketFilesAt, DataFile], tuple[DataFile, ...] | None]" = lambda _, __: None

    def files(self, *, runs: int) -> TableFiles:
        """The table's files, read in batches that are small enough for that many runs at a time."""
        parts = self.write
        return TableFiles(
            store=parts.store,
            paths=parts.paths,
            schema=parts.schema,
            schema_of=self.schema_of,
            partition=parts.options.partition,
            files=parts.options.files,
            recent=parts.recent,
            what=self.what,
            batch_rows=max(1, min(BATCH_ROWS, parts.options.scan.window_rows // 2)),
            batch_bytes=max(1, WINDOWS_BYTES // (BATCHES_PER_WINDOW * runs)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFilesAt:
    """A bucket at some snapshot.

    Attributes:
        partition: Serialized partition.
        bucket: Bucket number.
        files: All its live files.
        top: The top level of its tree.
        expired: Names of files that hold expired rows: they are rewritten where others only move up.
    """

    partition: bytes
    bucket: int
    files: tuple[DataFile, ...]
    top: int
    expired: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class CompactResult:
    """What a compaction took away and put in, in one bucket.

    Attributes:
        before: Live files that it replaces.
        after: Files in their place: written, or moved up.
        changelog: Changelog files.
    """

    before: list[DataFile] = field(default_factory=list)
    after: list[DataFile] = field(default_factory=list)
    changelog: list[DataFile] = field(default_factory=list)

    @property
    def written(self) -> list[DataFile]:
        """Files that did not exist before."""
        known = {file.name for file in self.before}
        return [file for file in (*self.after, *self.changelog) if file.name not in known]

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not self.before and not self.after and not self.changelog


def rewrite(parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit, *, drop_deletes: bool) -> CompactResult:
    """Compact files of a bucket.

    Args:
        parts: The table.
        place: The bucket.
        unit: What to compact.
        drop_deletes: Nothing older than the output can be there, so that retract rows fall out.

    Raises:
        CorruptTableError: A file is damaged.
        InvalidInputError: The merge engine cannot merge the rows.
        NotFoundError: A file is gone: somebody else compacted, and the snapshot expired.
        StorageError: The store failed. Nothing new is left behind, as far as the store lets us.
    """
    job = _Job(parts, place, unit, drop_deletes=drop_deletes)
    try:
        job.run()
    except BaseException:
        discard(parts, place.partition, place.bucket, job.result)
        raise
    return job.result


def rewrite_changes(
    parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit, file: DataFile
) -> tuple[DataFile, ...]:
    """The changelog of a file that a compaction is going to move up, and nothing else; raises as ``rewrite``."""
    job = _Job(parts, place, unit, drop_deletes=False)
    job.make_changes(file)
    return tuple(job.result.changelog)


def discard(parts: RewriteParts, partition: bytes, bucket: int, result: CompactResult) -> None:
    """Delete the files that a compaction wrote; only while no snapshot can name them."""
    delete_files(parts.write.store, BucketNames(parts.write, partition, bucket), result.written)


class _Job:
    """One compaction of one bucket."""

    def __init__(self, parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit, *, drop_deletes: bool) -> None:
        write = parts.write
        self.result = CompactResult()
        self._schema = write.schema
        self._options = write.options
        self._write = write
        self._place = _raised(place, unit)
        self._unit = unit
        self._drop_deletes = drop_deletes
        fresh = sum(file.level == 0 for file in unit.files)
        runs = fresh + len({file.level for file in place.files if file.level > 0})
        self._bucket = parts.files(runs=max(1, runs)).bucket(place.partition, place.bucket)
        self._names = BucketNames(write, place.partition, place.bucket)
        self._producer = write.options.merge.changelog_producer
        self._looks_up = write.options.looks_up and unit.output_level > 0
        self._small = write.options.files.target_bytes * write.options.compact.small_file_ratio
        self._what = parts.what
        self._ready = parts.ready

    def run(self) -> None:
        """Walk the sections; see the numbered steps above."""
        for file, level in self._unit.raised:
            self.result.before.append(file)
            self.result.after.append(replace(file, level=level))
        if self._unit.file_by_file:
            for file in self._unit.files:
                self._merge([_alone(file)])
            return
        waiting: list[Section] = []
        for section in sections_of(self._unit.files, self._rank):
            if len(section.runs) > 1:
                waiting.append(section)
                continue
            for file in section.files:
                if file.size < self._small:
                    waiting.append(_alone(file))
                    continue
                self._merge_waiting(waiting)
                waiting = []
                self._move_up(file)
        self._merge_waiting(waiting)

    def _rank(self, key: bytes) -> Any:  # noqa: ANN401 - something that sorts
        return rank_of(decode_row(key, self._schema.key_types, path=self._what))

    def _merge_waiting(self, waiting: Sequence[Section]) -> None:
        if len(waiting) == 1 and len(waiting[0].runs) == 1:
            for file in waiting[0].files:
                self._move_up(file)
        elif waiting:
            self._merge(waiting)

    def _move_up(self, file: DataFile) -> None:
        """Move one file that overlaps no other, or merge it alone where moving is not enough."""
        level, top = self._unit.output_level, self._place.top
        # A writer that does not say how many rows are deletes may have written some.
        deletes = file.delete_row_count is None or file.delete_row_count > 0
        must_go = self._options.compact.force_rewrite_all or file.name in self._place.expired
        if (level == top and deletes) or must_go:
            self._merge([_alone(file)])
        elif file.level != level:
            if self._must_merge(file):
                self._merge([_alone(file)], drop_deletes=False)
                return
            if self._has_changes([_alone(file)]):
                made = self._ready(self._place, file)
                if made is None:
                    self.make_changes(file)
                else:
                    self.result.changelog += (replace(each, level=level) for each in made)
            self.result.before.append(file)
            self.result.after.append(replace(file, level=level))

    def make_changes(self, file: DataFile) -> None:
        """Write what a file changes that only moves up."""
        self._merge([_alone(file)], drop_deletes=False, only_changes=True)

    def _must_merge(self, file: DataFile) -> bool:
        """Whether a file that overlaps no other in this compaction has to be merged with older levels all the same.

        Not if it goes to the top, with nothing older; nor if its rows replace what is older just as they are.
        """
        if not self._looks_up or file.level > 0 or self._unit.output_level == self._place.top:
            return False
        files, merge = self._options.files, self._options.merge
        if files.at_level(0).format != files.at_level(self._unit.output_level).format:
            return True
        return merge.engine is not MergeEngine.DEDUPLICATE or bool(merge.sequence_fields)

    def _fresh(self, sections: Iterable[Section]) -> list[DataFile]:
        return [file for section in sections for file in section.files if file.level == 0]

    def _has_changes(self, sections: Sequence[Section]) -> bool:
        """Whether merging those sections makes a changelog."""
        if self._producer is ChangelogProducer.LOOKUP:
            return self._unit.output_level > 0 and bool(self._fresh(sections))
        return self._producer is ChangelogProducer.FULL_COMPACTION and self._unit.output_level == self._place.top

    def _merge(
        self, sections: Sequence[Section], *, drop_deletes: bool | None = None, only_changes: bool = False
    ) -> None:
        """Merge sections into new files, and what changed into changelog files."""
        has_changes = self._has_changes(sections)
        task = MergeTask(
            schema=self._schema,
            options=self._options,
            looks_up=self._looks_up and bool(self._fresh(sections)),
            changelog=has_changes,
            only_changes=only_changes,
            top=self._place.top,
            drop_deletes=self._drop_deletes if drop_deletes is None else drop_deletes,
            now_ms=self._write.env.clock.now_ms(),
        )
        with ExitStack() as stack:
            rows = None if only_changes else stack.enter_context(self._writer())
            changes = stack.enter_context(self._changelog_writer(sections)) if has_changes else None
            pieces = self._merged(sections, task)
            rows_in = sum(file.row_count for section in sections for file in section.files)
            # What one window holds is merged before there is anything to encode.
            ahead = ReadAhead(pieces) if rows_in > self._options.scan.window_rows // 2 else pieces
            merged = stack.enter_context(closing(ahead))
            for piece in merged:
                if rows is not None and piece.rows is not None:
                    rows.write(piece.rows)
                if changes is not None and piece.changes is not None:
                    changes.write(piece.changes)
            # What waits is often all there is: encode both at once.
            ends = [writer.close for writer in (rows, changes) if writer is not None]
            files = run_all(ends, workers=len(ends))
        if changes is not None:
            self.result.changelog += files.pop()
        if rows is not None:
            self.result.after += files.pop()
            self.result.before += [file for section in sections for file in section.files]

    def _merged(self, sections: Sequence[Section], task: MergeTask) -> Generator[Merged, None, None]:
        above = [file for file in self._place.files if file.level > self._unit.output_level]
        for section in sections:
            fresh = self._fresh([section]) if task.looks_up else []
            older = older_sources(self._schema, fresh, above, self._rank)
            runs = runs_by_level(section, self._rank)
            with closing(merge_runs(self._bucket, runs, older, task)) as merged:
                yield from merged

    def _writer(self) -> FileRows:
        return FileRows(self._write, self._names, level=self._unit.output_level, source=FileSource.COMPACT)

    def _changelog_writer(self, sections: Sequence[Section]) -> FileRows:
        level, recent, fresh = self._unit.output_level, self._write.recent, self._fresh(sections)
        parts = changelog_parts(self._write, level=level)
        if recent is not None and fresh:
            # Changes are rows of the file that makes them, and others with the same keys.
            parts = replace(parts, dictionary=recent.dictionary(fresh[0].name))
        return FileRows(parts, self._names, level=level, source=FileSource.APPEND)


def _raised(place: BucketFilesAt, unit: CompactUnit) -> BucketFilesAt:
    """The bucket once the files that move first have moved."""
    levels = {file.name: level for file, level in unit.raised}
    return replace(place, files=tuple(replace(file, level=levels.get(file.name, file.level)) for file in place.files))


def _alone(file: DataFile) -> Section:
    return Section((Run((file,)),))

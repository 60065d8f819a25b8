"""Planning a scan: from a snapshot and a predicate to splits.

1. Refuse what would be read wrongly: deletion vectors, unknown formats, merge engines that need a merge.
2. Read the manifests that can matter, merge their entries into live files, and prune (``read.prune``); then ask the
   file indexes of what is left (``read.indexes``).
3. Cut each bucket of a primary-key table into sections; leave out sections of which no row can match. Files of
   sections that need no merge become raw splits; the others become merged splits of whole sections.
4. Files of an append table are raw, in the order of their sequence numbers.
5. Pack splits up to the target size.

Invariant: planning reads metadata only, and a plan holds every file that has a row to return.
"""

from collections.abc import Sequence

from lakestore.core.bind import bind
from lakestore.core.conflict import rank_of
from lakestore.core.options import check_readable
from lakestore.core.pack import pack_ordered
from lakestore.core.project import sources_of
from lakestore.core.sections import Section, sections_of
from lakestore.core.select import predicate_fields, select_fields
from lakestore.data.file_reader import refuse_file
from lakestore.data.merge_engine import SURVIVOR_ENGINES
from lakestore.errors import UnsupportedFormatError
from lakestore.events import ScanPlanned
from lakestore.format.binary_row import decode_row
from lakestore.format.index_manifest import DELETION_VECTORS_INDEX
from lakestore.meta.scan import ScanCounters, live_entries_of
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.manifest import ManifestEntry
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.rows import MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.model.split import Plan, PruneReport, Split
from lakestore.read.indexes import FileAt, IndexJudge, file_at
from lakestore.read.parts import WHOLE, ScanParts, Scope
from lakestore.read.prune import Pruner
from lakestore.read.skips import BY_BUCKET, BY_INDEX, BY_KEY, BY_PARTITION, BY_STATS, HIDDEN, Place, place_of


def plan_scan(
    parts: ScanParts,
    *,
    schema: TableSchema,
    options: TableOptions,
    snapshot: Snapshot | None,
    where: Predicate | None = None,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    scope: Scope = WHOLE,
) -> Plan:
    """Plan a scan.

    Args:
        parts: The open table.
        schema: Schema that rows are returned in.
        options: That schema's options.
        snapshot: The snapshot to read; None for a table that has none, which reads as empty.
        where: Predicate as the user made it; the plan holds it bound.
        columns: Names of the columns to return, in order, or paths into ROWs (``core.select``); None for all.
        limit: Greatest number of rows to return.
        scope: Which files of the snapshot count.

    Raises:
        NotFoundError: A column does not exist, or a metadata file is gone.
        InvalidInputError: The predicate does not fit the columns.
        UnsupportedFormatError: The table needs a feature that this release refuses.
        CorruptTableError: A metadata file is damaged.
    """
    check_readable(schema)
    began = parts.env.clock.monotonic()
    names = schema.names if columns is None else tuple(columns)
    select_fields(schema, names)
    bound = None if where is None else bind(where, predicate_fields(schema, where))
    if snapshot is None:
        return Plan(snapshot_id=None, schema_id=schema.id, splits=(), where=bound, columns=names, limit=limit)
    planner = _Planner(parts, schema, options, snapshot, bound, names, scope)
    splits, report = planner.splits()
    if bound is None and limit is not None:
        splits = _enough(splits, limit)
    plan = Plan(
        snapshot_id=snapshot.id,
        schema_id=schema.id,
        splits=splits,
        where=bound,
        columns=names,
        limit=limit,
        report=report,
    )
    parts.env.emit(
        ScanPlanned(
            table=parts.name,
            snapshot_id=snapshot.id,
            manifests_read=report.manifests - report.manifests_skipped,
            manifests_skipped=report.manifests_skipped,
            files_read=report.files_left,
            files_skipped=report.files - report.files_left,
            milliseconds=(parts.env.clock.monotonic() - began) * 1000,
        )
    )
    return plan


class _Planner:
    """One planning of one scan."""

    def __init__(
        self,
        parts: ScanParts,
        schema: TableSchema,
        options: TableOptions,
        snapshot: Snapshot,
        where: Predicate | None,
        columns: Sequence[str],
        scope: Scope,
    ) -> None:
        self._parts = parts
        self._scope = scope
        self._schema = schema
        self._options = options
        self._snapshot = snapshot
        self._what = parts.what(snapshot.id)
        self._files = parts.files(schema, options, snapshot.id)
        self._pruner = Pruner(schema, self._files.schema_of, options.bucket, where)
        self._fields = select_fields(schema, {*columns, *(() if where is None else columns_of(where))})
        asks = where is not None and options.file_index.read
        self._judge = IndexJudge(self._files, where) if asks and where is not None else None
        self._rows: dict[FileAt, RowSet] = {}
        self._sections: dict[Place, list[tuple[Section, list[ManifestEntry]]]] = {}

    def splits(self) -> tuple[tuple[Split, ...], PruneReport]:
        """The splits, and what was skipped."""
        refuse_deletion_vectors(self._parts, self._snapshot)
        entries, counters = self._live()
        kept = [entry for entry in entries if self._pruner.keeps_entry(entry)]
        kept = [entry for entry in kept if self._shows(entry)]
        buckets = _by_bucket(kept)
        if self._schema.primary_keys:
            self._sections = {place: self._live_sections(own) for place, own in buckets.items()}
        if self._judge is not None:
            self._rows = self._judge.judge(self._asked(kept))
        splits = [split for place, own in buckets.items() for split in self._bucket_splits(place, own)]
        self._refuse_files([file for split in splits for file in split.files])
        return tuple(splits), self._report(entries, counters, splits)

    def _report(self, entries: Sequence[ManifestEntry], counters: ScanCounters, splits: Sequence[Split]) -> PruneReport:
        skipped = self._pruner.skipped
        left = {(split.partition, split.bucket) for split in splits}
        return PruneReport(
            manifests=counters.manifests,
            manifests_skipped=counters.manifests_skipped,
            files=counters.files,
            files_by_partition=skipped.files(BY_PARTITION),
            files_by_bucket=skipped.files(BY_BUCKET),
            files_by_key=skipped.files(BY_KEY),
            files_by_stats=skipped.files(BY_STATS),
            files_by_index=skipped.files(BY_INDEX),
            files_hidden=skipped.files(HIDDEN),
            files_left=sum(len(split.files) for split in splits),
            bytes=sum(entry.file.size for entry in entries),
            bytes_left=sum(file.size for split in splits for file in split.files),
            partitions=len({entry.partition for entry in entries}),
            partitions_left=len({partition for partition, _ in left}),
            buckets=len(set(map(place_of, entries))),
            buckets_left=len(left),
            indexes_asked=0 if self._judge is None else self._judge.asked,
            indexes_fetched=0 if self._judge is None else self._judge.fetched,
            rules=skipped.by_rule(entries),
        )

    def _live(self) -> tuple[list[ManifestEntry], ScanCounters]:
        metas = self._parts.manifests.read_snapshot_lists(self._snapshot)
        return live_entries_of(
            self._parts.manifests, metas, keep_manifest=self._pruner.keeps_manifest, keep_entry=self._scope.keep
        )

    def _bucket_splits(self, place: Place, entries: Sequence[ManifestEntry]) -> list[Split]:
        partition, bucket = place
        scan = self._options.scan
        if not self._schema.primary_keys:
            self._pruner.skipped.note(BY_INDEX, [entry for entry in entries if not self._index_keeps(entry)])
            left = [entry.file for entry in entries if self._index_keeps(entry)]
            return self._raw_splits(place, sorted(left, key=lambda file: file.min_sequence))
        sections = [section for section, left in self._sections[place] if self._keeps(section, left, entries)]
        merged = [section for section in sections if not section.raw]
        raw = [file for section in sections if section.raw for file in section.files]
        bins = pack_ordered(
            merged,
            weight=lambda section: max(sum(file.size for file in section.files), scan.split_open_cost),
            target=scan.split_target_bytes,
        )
        return self._raw_splits(place, raw) + [
            Split(
                partition=partition,
                bucket=bucket,
                files=tuple(file for section in one for file in section.files),
                raw=False,
            )
            for one in bins
        ]

    def _raw_splits(self, place: Place, files: Sequence[DataFile]) -> list[Split]:
        partition, bucket = place
        scan, rows = self._options.scan, self._rows
        bins = pack_ordered(
            files, weight=lambda file: max(file.size, scan.split_open_cost), target=scan.split_target_bytes
        )
        return [
            Split(
                partition=partition,
                bucket=bucket,
                files=one,
                raw=True,
                rows={file.name: rows[(*place, file.name)] for file in one if (*place, file.name) in rows},
            )
            for one in bins
        ]

    def _live_sections(self, entries: Sequence[ManifestEntry]) -> list[tuple[Section, list[ManifestEntry]]]:
        """The sections of a bucket, each with those of its files of which some row, seen alone, may match.

        A section goes when no row in it can match, if its answer is made of its rows as they are. Of one that is made
        anew nothing is asked.
        """
        by_name = {entry.file.name: entry for entry in entries}
        found = []
        for section in sections_in(self._schema, [entry.file for entry in entries], what=self._what):
            own = [by_name[file.name] for file in section.files]
            left = [entry for entry in own if self._pruner.keeps_file(entry.file, entry.partition)]
            if left or self._made_anew(section):
                found.append((section, left))
            else:
                self._pruner.skipped.note(BY_STATS, own)
        return found

    def _made_anew(self, section: Section) -> bool:
        return not section.raw and self._options.merge.engine not in SURVIVOR_ENGINES

    def _asked(self, entries: Sequence[ManifestEntry]) -> list[ManifestEntry]:
        """The files whose indexes can make a difference."""
        if not self._schema.primary_keys:
            return list(entries)
        sections = [one for own in self._sections.values() for one in own]
        return [entry for section, left in sections if not self._made_anew(section) for entry in left]

    def _keeps(self, section: Section, left: Sequence[ManifestEntry], entries: Sequence[ManifestEntry]) -> bool:
        """Whether the indexes leave a section."""
        if self._made_anew(section) or any(map(self._index_keeps, left)):
            return True
        names = {file.name for file in section.files}
        self._pruner.skipped.note(BY_INDEX, [entry for entry in entries if entry.file.name in names])
        return False

    def _index_keeps(self, entry: ManifestEntry) -> bool:
        """Whether some row of the file, seen alone, may match, by its indexes."""
        rows = self._rows.get(file_at(entry))
        return rows is None or len(rows) > 0

    def _shows(self, entry: ManifestEntry) -> bool:
        """Whether scans show a file: under ``first-row`` those above level 0, as in Paimon.

        Only compaction tells which of the fresh rows are the first of their keys.
        """
        if entry.file.level or not self._schema.primary_keys:
            return True
        if self._options.deletion_vectors:
            raise UnsupportedFormatError(
                f"{self._what} has deletion-vectors.enabled and files of level 0, which no scan shows before they are"
                " compacted; compact it with another engine to read it"
            )
        if self._scope.fresh or self._options.merge.engine is not MergeEngine.FIRST_ROW:
            return True
        self._pruner.skipped.note(HIDDEN, [entry])
        return False

    def _refuse_files(self, files: Sequence[DataFile]) -> None:
        schemas = set[int]()
        for file in files:
            own = self._files.schema_of(file.schema_id)
            refuse_file(file, own, self._what)
            if file.schema_id not in schemas:
                schemas.add(file.schema_id)
                sources_of(own.fields, self._fields, what=f"{self._what}, file {file.name}")


def sections_in(schema: TableSchema, files: Sequence[DataFile], *, what: str) -> tuple[Section, ...]:
    """The sections of files of one bucket.

    Raises:
        CorruptTableError: A file's key bounds do not parse.
    """
    return sections_of(files, lambda key: rank_of(decode_row(key, schema.key_types, path=what)))


def refuse_deletion_vectors(parts: ScanParts, snapshot: Snapshot) -> None:
    """Refuse a snapshot whose deleted rows would come back.

    Raises:
        UnsupportedFormatError: It has deletion vectors.
    """
    name = snapshot.index_manifest
    if name is None:
        return
    if any(entry.index_type == DELETION_VECTORS_INDEX for entry in parts.manifests.read_index(name)):
        raise UnsupportedFormatError(
            f"{parts.what(snapshot.id)} has deletion vectors (option deletion-vectors.enabled), which this release"
            " does not apply: deleted rows would come back. Read it with another engine"
        )


def _by_bucket(entries: Sequence[ManifestEntry]) -> dict[Place, list[ManifestEntry]]:
    buckets: dict[Place, list[ManifestEntry]] = {}
    for entry in entries:
        buckets.setdefault(place_of(entry), []).append(entry)
    return buckets


def _enough(splits: tuple[Split, ...], limit: int) -> tuple[Split, ...]:
    """As many splits as surely hold that many rows; merged ones count for nothing."""
    rows = 0
    for count, split in enumerate(splits):
        if rows >= limit:
            return splits[:count]
        rows += sum(file.row_count for file in split.files) if split.raw else 0
    return splits

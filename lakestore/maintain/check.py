"""Check a table: every invariant that its metadata states and, when asked, every row.

1. Of each snapshot: its schema, its manifest lists and their manifests are there, whole, and as large and as full as
   whoever names them says.
2. Its live files: no DELETE without its ADD, none added twice, every file there and of its size, record totals right.
3. Of primary-key tables: key bounds in order, no overlap within a level above 0.
4. Deep: every file decoded: rows, keys strictly ascending, sequence range, delete count, bounds.

Invariant: checking changes nothing, and an unreadable file is a finding, never the end of the check.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from lakestore.core.conflict import rank_of
from lakestore.data.file_reader import TableFiles
from lakestore.errors import CorruptTableError, NotFoundError, UnsupportedFormatError
from lakestore.format.binary_row import decode_row
from lakestore.format.file_index import BytesAt, ReadAt, read_all
from lakestore.maintain.check_rows import check_rows
from lakestore.maintain.findings import CheckReport, Finding, Severity
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import EntryKind, FileId, ManifestEntry, ManifestMeta
from lakestore.model.options import TableOptions
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.storage.file_names import is_file_index
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store

READ_FAILURES = (CorruptTableError, NotFoundError, UnsupportedFormatError)
"""What reading a damaged file raises. A failing store is not damage: it ends the check with its own error."""


@dataclass(kw_only=True)
class TableChecker:
    """Checks one table; one use.

    Attributes:
        store: Where the table is.
        paths: How its files are called.
        schemas: Its schema files.
        snapshots: Its snapshot files.
        manifests: Its manifests.
        options: Its options.
        name: What messages call it.
        deep: Decode every data file.
    """

    store: Store
    paths: TablePaths
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests
    options: TableOptions
    name: str
    deep: bool = False
    _findings: list[Finding] = field(default_factory=list)
    _seen_files: dict[FileId, bool] = field(default_factory=dict)
    _rows: int = 0

    def run(self, snapshot_ids: Sequence[int] | None = None) -> CheckReport:
        """Check those snapshots, or all that there are.

        Raises:
            StorageError: The store itself failed, so nothing can be said.
        """
        whole: list[int] = []
        ids = self.snapshots.ids() if snapshot_ids is None else list(snapshot_ids)
        for snapshot_id in ids:
            before = len(self._damage())
            try:
                snapshot = self.snapshots.get(snapshot_id)
            except READ_FAILURES as error:
                self._damaged("snapshot-readable", self.paths.snapshot(snapshot_id), str(error), snapshot_id)
                continue
            if self._check_snapshot(snapshot) and len(self._damage()) == before:
                whole.append(snapshot_id)
        self._check_numbering(ids)
        return CheckReport(
            findings=tuple(self._findings),
            snapshots=len(ids),
            files=len(self._seen_files),
            rows=self._rows,
            newest_whole_snapshot=max(whole, default=None),
        )

    def _damage(self) -> list[Finding]:
        return [finding for finding in self._findings if finding.severity is Severity.DAMAGE]

    def _damaged(self, rule: str, path: str, message: str, snapshot_id: int | None) -> None:
        self._findings.append(
            Finding(severity=Severity.DAMAGE, rule=rule, path=path, message=message, snapshot_id=snapshot_id)
        )

    def _warn(self, rule: str, path: str, message: str) -> None:
        self._findings.append(Finding(severity=Severity.WARNING, rule=rule, path=path, message=message))

    def _check_numbering(self, ids: Sequence[int]) -> None:
        for left, right in pairwise(sorted(ids)):
            if right != left + 1:
                self._damaged(
                    "snapshot-numbering",
                    self.paths.snapshot(right),
                    f"snapshots {left + 1} to {right - 1} are missing between {left} and {right}",
                    right,
                )
        hint = self.snapshots.latest_hint()
        if hint is not None and ids and hint != max(ids):
            self._warn(
                "latest-hint",
                self.paths.latest_hint(),
                f"the hint says {hint}, the newest snapshot is {max(ids)}; readers list the folder instead",
            )

    def _check_snapshot(self, snapshot: Snapshot) -> bool:
        """Check a snapshot; whether all its files are whole, those included that were looked at before."""
        try:
            schema = self.schemas.get(snapshot.schema_id)
            base = self._check_list(snapshot.base_manifest_list, snapshot.base_manifest_list_size, snapshot.id)
            delta = self._check_list(snapshot.delta_manifest_list, snapshot.delta_manifest_list_size, snapshot.id)
            if snapshot.changelog_manifest_list is not None:
                self._check_list(snapshot.changelog_manifest_list, snapshot.changelog_manifest_list_size, snapshot.id)
        except READ_FAILURES as error:
            self._damaged("metadata-readable", self.paths.snapshot(snapshot.id), str(error), snapshot.id)
            return False
        live = self._live_files([*base, *delta], snapshot.id)
        total = sum(entry.file.row_count for entry in live)
        if snapshot.total_record_count is not None and snapshot.total_record_count != total:
            self._damaged(
                "total-record-count",
                self.paths.snapshot(snapshot.id),
                f"the snapshot counts {snapshot.total_record_count} records, its live files hold {total}",
                snapshot.id,
            )
        files_whole = [self._check_file(entry, schema, snapshot.id) for entry in live]
        try:
            if schema.primary_keys:
                self._check_levels(live, schema, snapshot.id)
        except CorruptTableError as error:
            self._damaged("key-bounds", self.paths.snapshot(snapshot.id), str(error), snapshot.id)
        return all(files_whole)

    def _check_list(self, name: str, size: int | None, snapshot_id: int) -> list[ManifestEntry]:
        path = self.paths.manifest(name)
        self._check_size("manifest-list-size", path, size, snapshot_id)
        entries: list[ManifestEntry] = []
        for meta in self.manifests.read_list(name):
            found = self.manifests.read(meta.name)
            self._check_manifest(meta, found, snapshot_id)
            entries.extend(found)
        return entries

    def _check_size(self, rule: str, path: str, size: int | None, snapshot_id: int) -> bool:
        info = self.store.info(path)
        if info is None:
            self._damaged(rule, path, "the file is missing", snapshot_id)
        elif size is not None and info.size != size:
            self._damaged(rule, path, f"expected {size} bytes, found {info.size}", snapshot_id)
        else:
            return True
        return False

    def _check_manifest(self, meta: ManifestMeta, entries: Sequence[ManifestEntry], snapshot_id: int) -> None:
        path = self.paths.manifest(meta.name)
        self._check_size("manifest-size", path, meta.size, snapshot_id)
        added = sum(entry.kind is EntryKind.ADD for entry in entries)
        deleted = len(entries) - added
        if (added, deleted) != (meta.added_files, meta.deleted_files):
            self._damaged(
                "manifest-counts",
                path,
                f"the list says {meta.added_files} added and {meta.deleted_files} deleted files, "
                f"the manifest has {added} and {deleted}",
                snapshot_id,
            )

    def _live_files(self, entries: Iterable[ManifestEntry], snapshot_id: int) -> list[ManifestEntry]:
        live = {}
        removed = []
        for entry in entries:
            if entry.kind is EntryKind.DELETE:
                removed.append(entry)
            elif entry.id in live:
                self._damaged("added-twice", entry.file.name, "the file is added twice", snapshot_id)
            else:
                live[entry.id] = entry
        for entry in removed:
            if live.pop(entry.id, None) is None:
                self._damaged("deleted-without-add", entry.file.name, "a DELETE cancels no ADD", snapshot_id)
        return list(live.values())

    def _check_file(self, entry: ManifestEntry, schema: TableSchema, snapshot_id: int) -> bool:
        """Check a file once; whether it is whole."""
        if entry.id not in self._seen_files:
            before = len(self._damage())
            try:
                path = self._files(schema).bucket(entry.partition, entry.bucket).path_of(entry.file)
                self._look_into(entry, path, snapshot_id)
                self._check_index(entry, path.rpartition("/")[0], snapshot_id)
            except UnsupportedFormatError as error:
                self._warn("not-checked", entry.file.name, str(error))
            except READ_FAILURES as error:
                self._damaged("data-file-path", entry.file.name, str(error), snapshot_id)
            self._seen_files[entry.id] = len(self._damage()) == before
        return self._seen_files[entry.id]

    def _look_into(self, entry: ManifestEntry, path: str, snapshot_id: int) -> None:
        if not self._check_size("data-file-size", path, entry.file.size, snapshot_id) or not self.deep:
            return
        try:
            writer_schema = self.schemas.get(entry.file.schema_id)
            self._rows += entry.file.row_count
            files = self._files(writer_schema).bucket(entry.partition, entry.bucket)
            for rule, message in check_rows(files, entry.file, writer_schema):
                self._damaged(rule, path, message, snapshot_id)
        except UnsupportedFormatError as error:
            self._warn("not-decoded", path, str(error))
        except READ_FAILURES as error:
            self._damaged("data-file-readable", path, str(error), snapshot_id)

    def _check_index(self, entry: ManifestEntry, folder: str, snapshot_id: int) -> None:
        """Index files must be there: scans ask them. A deep check reads all indexes, those in manifests too."""
        embedded = entry.file.embedded_index
        if embedded is not None and self.deep:
            self._check_container(BytesAt(embedded), f"index of {entry.file.name}", snapshot_id)
        for name in filter(is_file_index, entry.file.extra_files):
            path = f"{folder}/{name}"
            if self._check_size("index-file", path, None, snapshot_id) and self.deep:
                with self.store.open_input(path) as source:
                    self._check_container(source, path, snapshot_id)

    def _check_container(self, source: ReadAt, path: str, snapshot_id: int) -> None:
        try:
            read_all(source, path)
        except UnsupportedFormatError as error:
            self._warn("not-decoded", path, str(error))
        except READ_FAILURES as error:
            self._damaged("index-readable", path, str(error), snapshot_id)

    def _files(self, schema: TableSchema) -> TableFiles:
        return TableFiles(
            store=self.store,
            paths=self.paths,
            schema=schema,
            schema_of=self.schemas.get,
            partition=self.options.partition,
            files=self.options.files,
            what=self.name,
        )

    def _check_levels(self, live: Sequence[ManifestEntry], schema: TableSchema, snapshot_id: int) -> None:
        def place(entry: ManifestEntry) -> tuple[bytes, int, int]:
            return entry.partition, entry.bucket, entry.file.level

        for (_, bucket, level), group in groupby(sorted(live, key=place), key=place):
            bounds = sorted((_bounds(entry.file, schema) for entry in group), key=lambda bound: bound[:2])
            for low, high, name in bounds:
                if low > high:
                    self._damaged("key-order", name, "min key is above max key", snapshot_id)
            for left, right in pairwise(bounds):
                if level > 0 and left[1] >= right[0]:
                    self._damaged(
                        "level-overlap",
                        right[2],
                        f"overlaps {left[2]} in level {level} of bucket {bucket}",
                        snapshot_id,
                    )


def _bounds(file: DataFile, schema: TableSchema) -> tuple[tuple[object, ...], tuple[object, ...], str]:
    low = decode_row(file.min_key, schema.key_types)
    high = decode_row(file.max_key, schema.key_types)
    return rank_of(low), rank_of(high), file.name

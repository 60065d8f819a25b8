"""What a commit checks against the latest snapshot before it writes a base list.

1. The schema: files written under an older one still fit if buckets and keys are what they were.
2. Fresh files: when the table was ever altered, the bucket count of their partitions, once per partition.
3. Compactions, overwrites and deletes: everything in ``core.conflict``, against the live files of the partitions
   they touch.
4. An overwrite's scope: the live files it replaces.

Reads only; the verdicts are ``core.conflict``'s. Errors name the losing file and, if it is still to be found, the
snapshot that took it away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lakestore.core.changes import Changes
from lakestore.core.conflict import (
    Conflict,
    KeyRank,
    find_bucket_conflict,
    find_conflict,
    find_layout_conflict,
    find_sequence_conflict,
    rank_of,
)
from lakestore.core.filter import matches_values
from lakestore.errors import (
    ConflictError,
    ErrorKind,
    InvalidInputError,
    NotFoundError,
    StorageError,
    UnsupportedFormatError,
)
from lakestore.format.binary_row import decode_row
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import live_entries_of
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.manifest import EntryKind, ManifestEntry, ManifestMeta
from lakestore.model.message import CommitRequest
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store

BLAME_MAX = 50
"""Snapshots searched for the one that removed a file; only the message depends on it."""


@dataclass(slots=True, kw_only=True, eq=False)
class CommitChecks:
    """Checks the commits of one table.

    Attributes:
        store: Where the table is.
        paths: How its files are called.
        schemas: Reader of schemas.
        snapshots: Reader of snapshots.
        manifests: Reader of manifests.
        schema: The latest schema known; a newer one is looked for.
        table_name: What messages call the table.
    """

    store: Store
    paths: TablePaths
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests
    schema: TableSchema
    table_name: str
    _fitting: set[tuple[int, int]] = field(init=False, default_factory=set)
    _counted: set[tuple[int, bytes, int]] = field(init=False, default_factory=set)

    def look_for_schema(self) -> None:
        """Notice a newer schema; costs one read while there is none: of the number after the one known."""
        if self.store.get_or_none(self.paths.schema(self.schema.id + 1)) is not None:
            self.schema = self.schemas.latest() or self.schema

    def fitting_schema(self, request: CommitRequest, base: Snapshot | None) -> TableSchema:
        """The latest schema, if files of the request's schema fit it.

        Raises:
            ConflictError: Buckets or keys changed since the files were written.
        """
        if base is not None and base.schema_id > self.schema.id:
            self.schema = self.schemas.get(base.schema_id)
        latest = self.schema
        if request.schema_id == latest.id or (request.schema_id, latest.id) in self._fitting:
            return latest
        if request.schema_id > latest.id:
            raise ConflictError(
                f"{self.table_name}: files were written with schema {request.schema_id}, but the latest schema is"
                f" {latest.id}: the table was dropped and made again; open it and write again",
                kind=ErrorKind.SCHEMA_CHANGED,
            )
        conflict = find_layout_conflict(self.schemas.get(request.schema_id), latest)
        if conflict is not None:
            raise ConflictError(
                f"{self.table_name}: files were written with schema {request.schema_id}, and in schema {latest.id}"
                f" {conflict.reason}; open the table again and write again",
                kind=conflict.kind,
            )
        self._fitting.add((request.schema_id, latest.id))
        return latest

    def overwritten(
        self, request: CommitRequest, changes: Changes, metas: Sequence[ManifestMeta]
    ) -> list[ManifestEntry]:
        """The live files that the request's overwrite replaces.

        Args:
            request: Its ``overwrite`` says which.
            changes: What the writers made.
            metas: All manifests of the latest snapshot.

        Raises:
            InvalidInputError: New files lie in partitions that are not replaced.
        """
        scope = request.overwrite
        if scope is None:
            return []
        if scope.partitions is not None:
            return self._live(metas, scope.partitions)
        if scope.dynamic:
            return self._live(metas, frozenset(entry.partition for entry in changes.adds))
        where = scope.where
        if where is None:
            return live_entries_of(self.manifests, list(metas))[0]
        for entry in changes.adds:
            if not self._in_scope(where, entry.partition):
                raise InvalidInputError(
                    f"{self.table_name}: the overwrite replaces partitions where {where}, but new file"
                    f" {entry.file.name} is of {self._partition_text(entry.partition)}; write only rows of the"
                    " partitions that are replaced"
                )
        matching: dict[bytes, bool] = {}
        live, _ = live_entries_of(self.manifests, list(metas))
        for entry in live:
            if entry.partition not in matching:
                matching[entry.partition] = self._in_scope(where, entry.partition)
        return [entry for entry in live if matching[entry.partition]]

    def check(
        self,
        request: CommitRequest,
        changes: Changes,
        base: Snapshot | None,
        metas: Sequence[ManifestMeta],
        *,
        attempts: int,
    ) -> None:
        """Check the changes against the live files of a snapshot.

        Args:
            request: For messages.
            changes: Deletes and adds; of an overwrite with its scope.
            base: The latest snapshot.
            metas: All its manifests.
            attempts: Attempts so far, for messages.

        Raises:
            ConflictError: They do not fit.
            UnsupportedFormatError: Files are deleted that index files may speak of.
        """
        if changes.deletes and base is not None and base.index_manifest is not None:
            raise UnsupportedFormatError(
                f"{self.table_name}: snapshot {base.id} has an index manifest ({base.index_manifest}), and a commit"
                f" that deletes files would have to rewrite it; this release refuses {changes.kind} commits on such"
                " tables"
            )
        if changes.kind is CommitKind.APPEND:
            conflict = self._check_counts(changes, metas) or self._check_sequences(request, changes, base, metas)
        else:
            live = self._live(metas, changes.partitions)
            conflict = find_conflict(live, changes, key_rank=self._key_rank())
        if conflict is not None:
            raise self._error(conflict, request, changes, base, attempts)

    def _check_counts(self, changes: Changes, metas: Sequence[ManifestMeta]) -> Conflict | None:
        """Bucket counts of fresh files against live ones, where they can differ: in a table that was altered."""
        conflict = find_bucket_conflict((), changes)
        if conflict is not None or self.schema.id == 0:
            return conflict
        counts = {
            (self.schema.id, entry.partition, entry.total_buckets) for entry in changes.adds if entry.total_buckets > 0
        }
        open_questions = counts - self._counted
        if open_questions:
            live = self._live(metas, frozenset(partition for _, partition, _ in open_questions))
            conflict = find_bucket_conflict(live, changes)
            if conflict is None:
                self._counted |= open_questions
        return conflict

    def _check_sequences(
        self, request: CommitRequest, changes: Changes, base: Snapshot | None, metas: Sequence[ManifestMeta]
    ) -> Conflict | None:
        """Sequence numbers of fresh files against live ones, when snapshots came after the one they go on from."""
        unmoved = base is None or request.base_snapshot is None or base.id == request.base_snapshot
        if unmoved or not self.schema.primary_keys:
            return None
        return find_sequence_conflict(self._live(metas, changes.partitions), changes)

    def _live(self, metas: Sequence[ManifestMeta], partitions: frozenset[bytes]) -> list[ManifestEntry]:
        live, _ = live_entries_of(
            self.manifests,
            list(metas),
            keep_manifest=lambda meta: self.manifests.may_hold(meta, partitions),
            keep_entry=lambda entry: entry.partition in partitions,
        )
        return live

    def _in_scope(self, where: Predicate, partition: bytes) -> bool:
        values = decode_row(partition, self.schema.partition_types)
        return matches_values(where, dict(zip(self.schema.partition_keys, values, strict=True))) is True

    def _key_rank(self) -> KeyRank | None:
        if not self.schema.primary_keys:
            return None
        types = self.schema.key_types
        return lambda key: rank_of(decode_row(key, types))

    def _error(
        self, conflict: Conflict, request: CommitRequest, changes: Changes, base: Snapshot | None, attempts: int
    ) -> ConflictError:
        entry = conflict.entry
        place = "" if entry is None else f" (bucket {entry.bucket} of {self._partition_text(entry.partition)})"
        latest = "an empty table" if base is None else f"snapshot {base.id}"
        planned = "" if request.base_snapshot is None else f", planned at snapshot {request.base_snapshot},"
        cause = ""
        if conflict.kind is ErrorKind.FILE_GONE and entry is not None and base is not None:
            culprit = self._find_remover(entry, base, request.base_snapshot)
            if culprit is not None:
                cause = f"; snapshot {culprit.id} ({culprit.commit_kind} by {culprit.commit_user}) removed it"
        return ConflictError(
            f"{self.table_name}: {changes.kind} commit {request.identifier} of {request.user}{planned} does not fit on"
            f" {latest}: {conflict.reason}{place}{cause}. Attempts: {attempts}. Nothing was committed: plan again from"
            f" {latest}",
            kind=conflict.kind,
        )

    def _find_remover(self, entry: ManifestEntry, latest: Snapshot, since: int | None) -> Snapshot | None:
        """The snapshot whose delta deleted the file, if it is among the last ``BLAME_MAX`` and still there."""
        oldest = max(1, latest.id - BLAME_MAX + 1, 0 if since is None else since + 1)
        try:
            for snapshot in self.snapshots.walk_back(latest.id):
                if snapshot.id < oldest:
                    return None
                for part in self.manifests.read_all(self.manifests.read_list(snapshot.delta_manifest_list)):
                    if any(each.kind is EntryKind.DELETE and each.id == entry.id for each in part):
                        return snapshot
        except (StorageError, NotFoundError):
            return None
        return None

    def _partition_text(self, partition: bytes) -> str:
        keys = self.schema.partition_keys
        if not keys:
            return "the table"
        values = decode_row(partition, self.schema.partition_types)
        return "partition " + "/".join(f"{key}={value!r}" for key, value in zip(keys, values, strict=True))

"""What a commit request comes to: the entries of its one or two snapshots, and the snapshot records themselves.

A request holds an append part (fresh rows, and files that a copy-on-write replaces) and a compact part (files
rewritten). Each becomes a snapshot of its own, with the same user and identifier. Within a delta every DELETE
stands before every ADD: expiry walks a delta in order and removes a deleted path unless a later ADD names it
again, as a file that only moved up a level does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lakestore.model.datafile import DataFile
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.snapshot import CommitKind, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The entries of one snapshot to be.

    Attributes:
        kind: Kind of the snapshot.
        delta: Entries of data files, every DELETE before every ADD.
        changelog: Entries of changelog files.
    """

    kind: CommitKind
    delta: tuple[ManifestEntry, ...] = ()
    changelog: tuple[ManifestEntry, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.delta and not self.changelog

    @property
    def deletes(self) -> tuple[ManifestEntry, ...]:
        """The DELETE entries."""
        return tuple(entry for entry in self.delta if entry.kind is EntryKind.DELETE)

    @property
    def adds(self) -> tuple[ManifestEntry, ...]:
        """The ADD entries."""
        return tuple(entry for entry in self.delta if entry.kind is EntryKind.ADD)

    @property
    def partitions(self) -> frozenset[bytes]:
        """Partitions that the delta touches."""
        return frozenset(entry.partition for entry in self.delta)

    def replacing(self, live: Iterable[ManifestEntry]) -> "Changes":
        """These changes with a DELETE of each of those live files put in front, each file once."""
        gone = {entry.id: replace(entry, kind=EntryKind.DELETE) for entry in live}
        gone.update((entry.id, entry) for entry in self.deletes)
        return replace(self, delta=(*gone.values(), *self.adds))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A manifest list as a snapshot names it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The manifest lists of one snapshot.

    Attributes:
        base: List of all manifests before the commit.
        delta: List of the manifests of its delta.
        changelog: List of the manifests of its changelog, if it has one.
    """

    base: ListFile
    delta: ListFile
    changelog: ListFile | None = None


def append_changes(request: CommitRequest) -> Changes:
    """The append part: APPEND, or OVERWRITE when it deletes or the request is an overwrite.

    Of an overwrite the live files in its scope are not in it yet; see ``Changes.replacing``.
    """
    deletes = _entries(request.messages, EntryKind.DELETE, "deleted_files")
    adds = _entries(request.messages, EntryKind.ADD, "new_files")
    overwrites = bool(deletes) or request.overwrite is not None or request.replaces_files
    return Changes(
        kind=request.kind or (CommitKind.OVERWRITE if overwrites else CommitKind.APPEND),
        delta=(*deletes, *adds),
        changelog=_entries(request.messages, EntryKind.ADD, "changelog_files"),
    )


def compact_changes(request: CommitRequest) -> Changes:
    """The compact part."""
    return Changes(
        kind=CommitKind.COMPACT,
        delta=(
            *_entries(request.messages, EntryKind.DELETE, "compact_before"),
            *_entries(request.messages, EntryKind.ADD, "compact_after"),
        ),
        changelog=_entries(request.messages, EntryKind.ADD, "compact_changelog"),
    )


def next_snapshot(
    base: Snapshot | None,
    changes: Changes,
    request: CommitRequest,
    lists: Lists,
    *,
    schema_id: int,
    uuid: str,
    time_millis: int,
    next_row_id: int | None = None,
) -> Snapshot:
    """The snapshot that puts those changes on that base.

    Totals count row versions: a plain sum over entries. Index manifest and next row id are carried forward;
    statistics only while the schema stays; the watermark never falls.

    Args:
        base: The latest snapshot, None for the first commit.
        changes: The entries of this snapshot.
        request: User, identifier, watermark, properties and operation.
        lists: The manifest lists written for it.
        schema_id: The latest schema.
        uuid: The mark by which this commit call knows its own snapshot again.
        time_millis: Now.
        next_row_id: The next free row id; None carries it on.
    """
    delta_rows = _rows(changes.adds) - _rows(changes.deletes)
    total_before = 0 if base is None or base.total_record_count is None else base.total_record_count
    changelog = lists.changelog
    keeps_statistics = base is not None and base.schema_id == schema_id
    compacts = changes.kind is CommitKind.COMPACT
    return Snapshot(
        id=1 if base is None else base.id + 1,
        schema_id=schema_id,
        uuid=uuid,
        base_manifest_list=lists.base.name,
        base_manifest_list_size=lists.base.size,
        delta_manifest_list=lists.delta.name,
        delta_manifest_list_size=lists.delta.size,
        changelog_manifest_list=None if changelog is None else changelog.name,
        changelog_manifest_list_size=None if changelog is None else changelog.size,
        index_manifest=None if base is None else base.index_manifest,
        commit_user=request.user,
        commit_identifier=request.identifier,
        commit_kind=changes.kind,
        time_millis=time_millis,
        total_record_count=total_before + delta_rows,
        delta_record_count=delta_rows,
        changelog_record_count=_rows(changes.changelog) if changelog is not None else None,
        watermark=_greatest(None if base is None else base.watermark, request.watermark),
        statistics=request.statistics or (base.statistics if base is not None and keeps_statistics else None),
        properties=_properties(request.properties),
        next_row_id=(0 if base is None else base.next_row_id or 0) if next_row_id is None else next_row_id,
        operation=None if compacts else request.operation,
    )


def _entries(messages: Iterable[CommitMessage], kind: EntryKind, attribute: str) -> tuple[ManifestEntry, ...]:
    return tuple(_entry(message, kind, file) for message in messages for file in getattr(message, attribute))


def _entry(message: CommitMessage, kind: EntryKind, file: DataFile) -> ManifestEntry:
    return ManifestEntry(
        kind=kind,
        partition=message.partition,
        bucket=message.bucket,
        total_buckets=message.total_buckets,
        file=file,
    )


def _rows(entries: Iterable[ManifestEntry]) -> int:
    return sum(entry.file.row_count for entry in entries)


def _greatest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _properties(properties: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return dict(properties) if properties else None

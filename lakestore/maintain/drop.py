"""Dropping a table, emptying it for good, and taking files that are gone out of it.

Drop, in this order: hints, snapshots newest first, changelogs, tags, branches, all other files, schemas newest first.
Until the last schema is gone the table opens: at an older snapshot with all its files, then empty. So a drop that was
cut short is simply done again, and no table ever opens with files missing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lakestore.core.orphan_names import Kind
from lakestore.maintain.branches import delete_branch
from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole
from lakestore.maintain.expire import expire_snapshots
from lakestore.maintain.expire_changelogs import expire_all_changelogs
from lakestore.maintain.orphans import layout_of, remove_orphans
from lakestore.maintain.partition_jobs import truncate
from lakestore.meta.branches import Branches
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest, CommitResult
from lakestore.model.retain import Keep, RetainOptions
from lakestore.model.snapshot import CommitKind
from lakestore.storage.paths import SNAPSHOT_PREFIX, parse_numbered
from lakestore.storage.store import FileInfo

_EVERYTHING = RetainOptions(snapshots=Keep(at_least=1, at_most=1, time_ms=0, limit=2**31 - 1))
"""Only the latest snapshot stays."""

_FOLDERS = ("snapshot", "changelog", "tag", "consumer")


def drop_table(parts: CleanParts, *, dry_run: bool = False) -> CleaningReport:
    """Delete the table with everything in its folder.

    Files of unknown kinds in it go too: the folder is the table's.
    """
    main = parts.on_branch("main")
    deletions = tuple(_in_order(main, list(main.store.list_recursive(main.paths.root))))
    if not dry_run:
        for deletion in deletions:
            main.store.delete(deletion.path)
        _remove_folders(main, main.paths.root)
    return CleaningReport(deletions=deletions, dry_run=dry_run)


def _in_order(parts: CleanParts, files: "list[FileInfo]") -> Iterator[Deletion]:
    root = parts.paths.root

    def rank(file: FileInfo) -> tuple[int, int, str]:
        folders = file.path[len(root) + 1 :].split("/")[:-1]
        head = folders[0] if folders else ""
        number = parse_numbered(file.name, SNAPSHOT_PREFIX)
        schema = parse_numbered(file.name, "schema-")
        if head == "snapshot":
            return (0, 0, file.path) if number is None else (1, -number, file.path)
        if head in _FOLDERS:
            return 2 + _FOLDERS.index(head), 0, file.path
        if head == "branch":
            last = len(folders) == 3 and folders[2] == "schema"
            return (11 if last else 10), 0, file.path
        if head == "schema" and len(folders) == 1:
            return 30, -(schema or 0), file.path
        return 20, 0, file.path

    roles = {"snapshot": FileRole.SNAPSHOT, "changelog": FileRole.CHANGELOG, "tag": FileRole.TAG}
    roles |= {"consumer": FileRole.CONSUMER, "schema": FileRole.SCHEMA, "branch": FileRole.BRANCH}
    roles |= {"manifest": FileRole.MANIFEST, "index": FileRole.INDEX, "statistics": FileRole.STATISTICS}
    for file in sorted(files, key=rank):
        head = file.path[len(root) + 1 :].partition("/")[0]
        yield Deletion(file.path, roles.get(head, FileRole.DATA), file.size)


def _remove_folders(parts: CleanParts, folder: str) -> None:
    for name in parts.store.list_directories(folder):
        _remove_folders(parts, f"{folder}/{name}")
    parts.store.remove_empty_folder(folder)


def purge(
    parts: CleanParts, commit: Callable[[CommitRequest], CommitResult], *, dry_run: bool = False
) -> CleaningReport:
    """Empty the table for good: no rows, no history, no branches, tags, consumers or changelogs, no files but its own.

    The schema, the options, statistics and index files that the last, empty snapshot carries on stay. Nobody may be
    writing: files of commits under way go as well.
    """
    main = replace(parts.on_branch("main"), manifests=parts.manifests.uncached())
    going = tuple(_purged(main))
    if dry_run:
        return CleaningReport(deletions=going, dry_run=True)
    for branch in Branches(main.store, main.paths).list():
        delete_branch(main, branch)
    for tag in main.tags.names():
        main.tags.delete(tag)
    for consumer in main.consumers.list():
        main.consumers.delete(consumer.id)
    if main.snapshots.latest_id() is not None:
        truncate(main, commit)
        # The empty snapshot still names the manifests of what it deleted; one more, with these merged, names none.
        commit(
            CommitRequest(
                user=parts.env.new_id(),
                kind=CommitKind.COMPACT,
                merge_manifests=True,
                allow_empty=True,
                schema_id=parts.schema.id,
            )
        )
    report = expire_all_changelogs(main) + expire_snapshots(main, _EVERYTHING) + remove_orphans(main, grace_ms=0)
    return CleaningReport(deletions=going, snapshots=report.snapshots, notes=report.notes)


def _purged(parts: CleanParts) -> Iterator[Deletion]:
    """Everything but schemas, hints, success files and what nobody knows."""
    layout, root = layout_of(parts), parts.paths.root
    files = list(parts.store.list_recursive(root))
    kept = {file.path for file in files if _survives(layout.kind_of(file.path[len(root) + 1 :]), file.path, root)}
    kept |= _carried_on(parts)
    yield from (each for each in _in_order(parts, files) if each.path not in kept)


def _carried_on(parts: CleanParts) -> set[str]:
    """What every commit takes over from the snapshot before."""
    latest = parts.snapshots.latest()
    kept: set[str] = set()
    if latest is not None and latest.statistics is not None:
        kept.add(parts.paths.statistics(latest.statistics))
    if latest is not None and latest.index_manifest is not None:
        kept.add(parts.paths.manifest(latest.index_manifest))
        kept.update(parts.paths.index(entry.name) for entry in parts.manifests.read_index(latest.index_manifest))
    return kept


def _survives(kind: Kind, path: str, root: str) -> bool:
    head = path[len(root) + 1 :].partition("/")[0]
    hint = path.endswith(("/LATEST", "/EARLIEST")) and head == "snapshot"
    job = path[len(root) + 1 :].startswith("consumer/job-")
    return kind is Kind.UNKNOWN or head == "schema" or hint or job or path.endswith("/_SUCCESS")


def remove_missing(
    parts: CleanParts, commit: Callable[[CommitRequest], CommitResult], *, dry_run: bool = False
) -> CleaningReport:
    """Take the data files that are not there out of the table, as a repair (Paimon ``remove_unexisting_files``).

    The rows in them are lost in any case; after this the rest of the table can be read again. A file counts as missing
    only when its folder does not list it and a request for it alone proves it absent.

    Raises:
        StorageError: The store failed; nothing was committed.
    """
    snapshot = parts.snapshots.latest()
    entries = [] if snapshot is None else snapshot_entries(parts.manifests, snapshot)
    listed: dict[str, frozenset[str]] = {}
    missing: list[tuple[str, ManifestEntry]] = []
    for entry in entries:
        path = parts.path_of(entry)
        if path is None:
            continue
        folder = path.rpartition("/")[0]
        if folder not in listed:
            listed[folder] = frozenset(file.path for file in parts.store.list(folder))
        if path not in listed[folder] and parts.store.info(path) is None:
            missing.append((path, entry))
    if missing and not dry_run:
        commit(
            CommitRequest(
                user=parts.env.new_id(),
                messages=tuple(_message(entry) for _, entry in missing),
                operation="DELETE",
                schema_id=parts.schema.id,
            )
        )
    deletions = tuple(Deletion(path, FileRole.DATA, entry.file.size) for path, entry in missing)
    return CleaningReport(deletions=deletions, dry_run=dry_run)


def _message(entry: ManifestEntry) -> CommitMessage:
    return CommitMessage(
        partition=entry.partition,
        bucket=entry.bucket,
        total_buckets=entry.total_buckets,
        deleted_files=(entry.file,),
    )

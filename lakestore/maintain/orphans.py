"""Files that nothing names, removed only by positive proof (Paimon ``OrphanFilesClean``).

1. Ask the store for its time, and list the whole folder of the table.
2. Keep as candidates the files whose names fit the known patterns (``core.orphan_names``) and that were last written
   longer ago than the grace age.
3. Then read everything that every snapshot, changelog and tag of every branch names, completely (``orphans_reach``).
4. What is a candidate and not named is an orphan. Delete exactly that list.

Invariants: any failure before step 4 ends the run with nothing deleted. A commit in flight is safe as long as it takes
less than the grace age: its files are younger, or the snapshot that names them is read. A file of a kind nobody knows
is reported and never deleted.
"""

from dataclasses import dataclass, replace

from lakestore.core.orphan_names import Kind, TableLayout, prefixes_of
from lakestore.errors import InvalidInputError, StorageError
from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole
from lakestore.maintain.expire_folders import remove_empty
from lakestore.maintain.orphans_reach import Reached
from lakestore.storage.file_names import temporary_name
from lakestore.storage.partition_paths import escape_partition
from lakestore.storage.store import FileInfo

GRACE_MS = 24 * 3_600_000
"""Age under which a file may belong to a commit that is still under way."""

UNKNOWN_NOTES_MAX = 100
"""Unknown files that a report names one by one."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a listing came to.

    Attributes:
        old: Files that are orphans if nothing names them.
        leftovers: Old temporary files.
        unknown: Files of no known kind.
        young: Number of files spared for their age only.
    """

    old: tuple[FileInfo, ...]
    leftovers: tuple[FileInfo, ...]
    unknown: tuple[FileInfo, ...]
    young: int


def remove_orphans(parts: CleanParts, *, grace_ms: int = GRACE_MS, dry_run: bool = False) -> CleaningReport:
    """Remove the files that nothing names.

    Args:
        parts: The table; on which branch does not matter.
        grace_ms: Age below which files stay, by the store's own clock. Shorter than the longest commit, it deletes the
            files of commits under way.
        dry_run: Only list what would go.

    Raises:
        InvalidInputError: The age is negative, or a branch was only half made.
        CorruptTableError: Something is damaged or missing; nothing was deleted.
        StorageError: The store failed; nothing was deleted, or, while deleting, only what was on the list.
    """
    if grace_ms < 0:
        raise InvalidInputError(f"remove_orphans: an age of {grace_ms} ms has not been reached by anything yet")
    main = replace(parts.on_branch("main"), manifests=parts.manifests.uncached())
    before = store_time_ms(main) - grace_ms
    layout = layout_of(main)
    found = sort_out(main, layout, before_ms=before)
    reached = Reached(main, frozenset(file.name for file in found.old))
    reached.read_all()
    orphans = [*found.leftovers, *(file for file in found.old if file.name not in reached.names)]
    deletions = tuple(Deletion(file.path, _role(main, file), file.size) for file in orphans)
    if not dry_run:
        main.delete_all(deletions)
        remove_empty(main, sorted({each.path.rpartition("/")[0] for each in deletions if each.role is FileRole.DATA}))
    return CleaningReport(deletions=deletions, dry_run=dry_run, notes=_notes(found))


def store_time_ms(parts: CleanParts) -> int:
    """What time the store has, by a small file that is written, looked at and removed.

    Raises:
        StorageError: The store does not tell when files were written, so no file's age is known.
    """
    path = f"{parts.paths.manifest_dir()}/{temporary_name('clock', parts.env.new_id())}"
    parts.store.put(path, b"")
    try:
        info = parts.store.info(path)
    finally:
        parts.store.delete(path)
    if info is None or info.modified_ms is None:
        raise StorageError(
            f"{parts.store.url}{parts.paths.root}: the store does not tell when files were written, so nobody can know"
            " which are old enough to be orphans; nothing was deleted"
        )
    return info.modified_ms


def layout_of(parts: CleanParts) -> TableLayout:
    """How the table has laid out its data files, under all its schemas and those of its branches."""
    schemas = [schema for line in [parts, *parts.other_lines()] for schema in line.schemas.all()]
    pairs = [(each.options.get("data-file.prefix"), each.options.get("changelog-file.prefix")) for each in schemas]
    return TableLayout(
        partition_keys=tuple(escape_partition(key) for key in parts.schema.partition_keys),
        prefixes=prefixes_of(pairs),
        directory=parts.options.files.directory,
    )


def sort_out(parts: CleanParts, layout: TableLayout, *, before_ms: int) -> Candidates:
    """List the table's folder and tell candidates from the rest."""
    root = parts.paths.root
    old: list[FileInfo] = []
    leftovers: list[FileInfo] = []
    unknown: list[FileInfo] = []
    young = 0
    for file in parts.store.list_recursive(root):
        kind = layout.kind_of(file.path[len(root) + 1 :])
        if kind is Kind.OWN:
            continue
        if kind is Kind.UNKNOWN:
            unknown.append(file)
        elif file.modified_ms is None or file.modified_ms > before_ms:
            young += 1
        else:
            (leftovers if kind is Kind.TEMPORARY else old).append(file)
    return Candidates(tuple(old), tuple(leftovers), tuple(unknown), young)


def _notes(found: Candidates) -> tuple[str, ...]:
    notes = [f"{file.path} is of no known kind and stays" for file in found.unknown[:UNKNOWN_NOTES_MAX]]
    if len(found.unknown) > UNKNOWN_NOTES_MAX:
        notes.append(f"{len(found.unknown) - UNKNOWN_NOTES_MAX} more files are of no known kind and stay")
    return tuple(notes)


def _role(parts: CleanParts, file: FileInfo) -> FileRole:
    if file.name.startswith("."):
        return FileRole.TEMPORARY
    paths = parts.paths
    folder = file.path.rpartition("/")[0]
    if folder == paths.manifest_dir():
        if file.name.startswith("manifest-list-"):
            return FileRole.MANIFEST_LIST
        return FileRole.INDEX_MANIFEST if file.name.startswith("index-manifest-") else FileRole.MANIFEST
    return {paths.index_dir(): FileRole.INDEX, paths.statistics_dir(): FileRole.STATISTICS}.get(folder, FileRole.DATA)

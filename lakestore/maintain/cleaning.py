"""What every job that deletes works with and hands back: the table's parts, the list of files, the report.

A job first makes the whole list, then deletes exactly what is on it; a dry run stops in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lakestore.format.binary_row import decode_row
from lakestore.maintain.table_parts import TableParts
from lakestore.meta.branches import Branches
from lakestore.meta.changelogs import Changelogs
from lakestore.meta.consumers import Consumers
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.meta.tags import Tags
from lakestore.model.manifest import ManifestEntry
from lakestore.storage.parallel import map_ordered
from lakestore.storage.partition_paths import partition_dirs
from lakestore.storage.paths import MAIN_BRANCH

DELETE_WORKERS = 8
"""Files deleted at a time."""


class FileRole(StrEnum):
    """What a file is to the table."""

    SNAPSHOT = "snapshot"
    CHANGELOG = "changelog"
    TAG = "tag"
    BRANCH = "branch"
    CONSUMER = "consumer"
    SCHEMA = "schema"
    HINT = "hint"
    DATA = "data"
    MANIFEST = "manifest"
    MANIFEST_LIST = "manifest list"
    INDEX_MANIFEST = "index manifest"
    INDEX = "index"
    STATISTICS = "statistics"
    TEMPORARY = "temporary"
    DONE_MARK = "done mark"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A file that is to go, or is gone.

    Attributes:
        path: Its path.
        role: What it is.
        size: Its bytes, None when nobody looked.
    """

    path: str
    role: FileRole
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningReport:
    """What a job deleted, or would delete.

    Attributes:
        deletions: The files, in the order in which they go.
        dry_run: Nothing was deleted.
        snapshots: Numbers of the snapshots that went.
        changelogs: Numbers of the changelogs that went.
        consumers: Consumers that went.
        tags: Tags that went.
        partitions: Partitions that went, as ``day=2026-11-20``.
        notes: What was left alone, and why.
    """

    deletions: tuple[Deletion, ...] = ()
    dry_run: bool = False
    snapshots: tuple[int, ...] = ()
    changelogs: tuple[int, ...] = ()
    consumers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the files."""
        return tuple(deletion.path for deletion in self.deletions)

    def __add__(self, other: "CleaningReport") -> "CleaningReport":
        """Both reports as one."""
        return CleaningReport(
            deletions=self.deletions + other.deletions,
            dry_run=self.dry_run or other.dry_run,
            snapshots=self.snapshots + other.snapshots,
            changelogs=self.changelogs + other.changelogs,
            consumers=self.consumers + other.consumers,
            tags=self.tags + other.tags,
            partitions=self.partitions + other.partitions,
            notes=self.notes + other.notes,
        )

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "dry_run": self.dry_run,
            "files": [{"path": each.path, "role": str(each.role), "bytes": each.size} for each in self.deletions],
            "snapshots": list(self.snapshots),
            "changelogs": list(self.changelogs),
            "consumers": list(self.consumers),
            "tags": list(self.tags),
            "partitions": list(self.partitions),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanParts(TableParts):
    """One line of a table's history, as cleaning sees it.

    Attributes:
        tags: Its tags.
        changelogs: Its changelogs that outlived their snapshots.
        consumers: Its consumers.
    """

    tags: Tags = field(init=False)
    changelogs: Changelogs = field(init=False)
    consumers: Consumers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", Tags(self.store, self.paths))
        object.__setattr__(self, "changelogs", Changelogs(self.store, self.paths))
        object.__setattr__(self, "consumers", Consumers(self.store, self.paths, clock=self.env.clock))

    def on_branch(self, branch: str) -> "CleanParts":
        """Another line of the same table."""
        paths = self.paths.on_branch(branch)
        return replace(self, paths=paths, snapshots=Snapshots(self.store, paths), schemas=Schemas(self.store, paths))

    def other_lines(self) -> "list[CleanParts]":
        """All other lines: the table's own unless this is it, and the branches."""
        names = [MAIN_BRANCH, *Branches(self.store, self.paths).list()]
        return [self.on_branch(name) for name in names if name != self.paths.branch]

    def path_of(self, entry: ManifestEntry) -> str | None:
        """Path of an entry's data file; None when it lies outside the table's folder."""
        if entry.file.external_path is not None:
            return None
        return f"{self.folder_of(entry)}/{self.checked(entry, entry.file.name)}"

    def checked(self, entry: ManifestEntry, name: str) -> str:
        """That bare name, proven to lie in the entry's bucket.

        Raises:
            CorruptTableError: It would lead out of it.
        """
        return self.paths.data_file(
            self._partition_dirs(entry.partition), entry.bucket, name, data_directory=self.options.files.directory
        ).rpartition("/")[2]

    def folder_of(self, entry: ManifestEntry) -> str:
        """Folder of an entry's bucket."""
        folders = self._partition_dirs(entry.partition)
        return self.paths.bucket_dir(folders, entry.bucket, data_directory=self.options.files.directory)

    def partition_text(self, partition: bytes) -> str:
        """A partition as ``day=2026-11-20/hour=3``."""
        return "/".join(self._partition_dirs(partition))

    def delete_all(self, deletions: Iterable[Deletion]) -> None:
        """Delete files, several at a time, in no order."""
        for _ in map_ordered(self.store.delete, [each.path for each in deletions], workers=DELETE_WORKERS):
            pass

    def _partition_dirs(self, partition: bytes) -> tuple[str, ...]:
        types = self.schema.partition_types
        values = decode_row(partition, types)
        return partition_dirs(self.schema.partition_keys, types, values, self.options.partition)

"""Every path and file name of a table and of a warehouse (Paimon spec, "Basic Concepts").

    <warehouse>/<database>.db/<table>/
        schema/schema-<id>                        snapshot/snapshot-<id>, LATEST, EARLIEST
        changelog/changelog-<id>                  tag/tag-<name>          consumer/consumer-<id>, job-<name>/…
        manifest/manifest-<uuid>-<n>, manifest-list-<uuid>-<n>, index-manifest-<uuid>-<n>
        index/index-<uuid>-<n>                    statistics/stat-<uuid>-<n>
        branch/branch-<name>/{schema,snapshot,changelog,tag,consumer}/…
        [<data directory>/]<key>=<value>/…/bucket-<n>/<data files>

Data, manifests, index files and statistics of a branch lie in the folders of the main table.
Invariant: every path that a method returns lies inside ``root``; names read from metadata that would leave it
raise ``CorruptTableError``, names given by users ``InvalidInputError``, both of kind PATH_ESCAPE.
"""

from dataclasses import dataclass

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError
from lakestore.storage.safe_names import check_given_name, check_identifier, check_stored_name, unsafe_reason

SCHEMA_PREFIX = "schema-"
SNAPSHOT_PREFIX = "snapshot-"
CHANGELOG_PREFIX = "changelog-"
TAG_PREFIX = "tag-"
BRANCH_PREFIX = "branch-"
CONSUMER_PREFIX = "consumer-"
JOB_PREFIX = "job-"
FACT_PREFIX = "fact-"
BUCKET_PREFIX = "bucket-"
MANIFEST_PREFIX = "manifest-"
MANIFEST_LIST_PREFIX = "manifest-list-"
INDEX_MANIFEST_PREFIX = "index-manifest-"
INDEX_PREFIX = "index-"
STATISTICS_PREFIX = "stat-"
LATEST = "LATEST"
EARLIEST = "EARLIEST"
MAIN_BRANCH = "main"
POSTPONE_BUCKET = -2
DATABASE_SUFFIX = ".db"

_MAX_LONG = 2**63 - 1


def parse_numbered(name: str, prefix: str) -> int | None:
    """The number in a name such as ``snapshot-12``; None for any other name, temporary files included."""
    digits = name.removeprefix(prefix)
    if digits == name or not digits.isascii() or not digits.isdigit():
        return None
    if (digits[0] == "0" and digits != "0") or len(digits) > len(str(_MAX_LONG)):
        return None
    number = int(digits)
    return number if number <= _MAX_LONG else None


def manifest_name(uuid: str, number: int) -> str:
    """Name of a manifest: one uuid per committer, numbers counted from 0."""
    return f"{MANIFEST_PREFIX}{uuid}-{number}"


def manifest_list_name(uuid: str, number: int) -> str:
    """Name of a manifest list: base, delta and changelog of one attempt take numbers in that order."""
    return f"{MANIFEST_LIST_PREFIX}{uuid}-{number}"


def index_manifest_name(uuid: str, number: int) -> str:
    """Name of an index manifest."""
    return f"{INDEX_MANIFEST_PREFIX}{uuid}-{number}"


def index_name(uuid: str, number: int) -> str:
    """Name of an index file."""
    return f"{INDEX_PREFIX}{uuid}-{number}"


def statistics_name(uuid: str, number: int) -> str:
    """Name of a statistics file."""
    return f"{STATISTICS_PREFIX}{uuid}-{number}"


def data_file_name(prefix: str, uuid: str, count: int, extension: str) -> str:
    """Name of a data or changelog file: one uuid and one counter per bucket writer, shared by both kinds.

    Args:
        prefix: Option ``data-file.prefix`` or ``changelog-file.prefix``, dash included.
        uuid: The writer's.
        count: Files the writer has named before.
        extension: From ``file_names.data_extension``.
    """
    return f"{prefix}{uuid}-{count}.{extension}"


@dataclass(frozen=True, slots=True)
class TablePaths:
    """Where the files of one table are.

    Attributes:
        root: The table's folder, as its store spells it.
        branch: Branch whose schemas, snapshots, changelogs, tags and consumers are meant.
    """

    root: str
    branch: str = MAIN_BRANCH

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.rstrip("/"))
        check_given_name(self.branch, what="branch")

    def on_branch(self, branch: str) -> "TablePaths":
        """The same table seen on that branch."""
        return TablePaths(self.root, branch)

    # Folders.

    def schema_dir(self) -> str:
        """Folder of schema files."""
        return f"{self._head()}/schema"

    def snapshot_dir(self) -> str:
        """Folder of snapshots and their hints."""
        return f"{self._head()}/snapshot"

    def changelog_dir(self) -> str:
        """Folder of changelogs that outlive their snapshots."""
        return f"{self._head()}/changelog"

    def tag_dir(self) -> str:
        """Folder of tags."""
        return f"{self._head()}/tag"

    def consumer_dir(self) -> str:
        """Folder of consumers' positions."""
        return f"{self._head()}/consumer"

    def branches_dir(self) -> str:
        """Folder of all branches."""
        return f"{self.root}/branch"

    def branch_dir(self, name: str) -> str:
        """Folder of one branch; the table's own for ``main``."""
        check_given_name(name, what="branch")
        return self.root if name == MAIN_BRANCH else f"{self.root}/branch/{BRANCH_PREFIX}{name}"

    def manifest_dir(self) -> str:
        """Folder of manifests, manifest lists and index manifests."""
        return f"{self.root}/manifest"

    def index_dir(self) -> str:
        """Folder of index files."""
        return f"{self.root}/index"

    def statistics_dir(self) -> str:
        """Folder of statistics files."""
        return f"{self.root}/statistics"

    # Files that have numbers or names of the user's.

    def schema(self, schema_id: int) -> str:
        """Path of a schema."""
        return f"{self.schema_dir()}/{SCHEMA_PREFIX}{_checked_id(schema_id, 'schema')}"

    def snapshot(self, snapshot_id: int) -> str:
        """Path of a snapshot."""
        return f"{self.snapshot_dir()}/{SNAPSHOT_PREFIX}{_checked_id(snapshot_id, 'snapshot')}"

    def latest_hint(self) -> str:
        """Path of the hint at the latest snapshot."""
        return f"{self.snapshot_dir()}/{LATEST}"

    def earliest_hint(self) -> str:
        """Path of the hint at the earliest snapshot."""
        return f"{self.snapshot_dir()}/{EARLIEST}"

    def changelog(self, snapshot_id: int) -> str:
        """Path of the changelog that outlives a snapshot."""
        return f"{self.changelog_dir()}/{CHANGELOG_PREFIX}{_checked_id(snapshot_id, 'changelog')}"

    def tag(self, name: str) -> str:
        """Path of a tag."""
        return f"{self.tag_dir()}/{TAG_PREFIX}{check_given_name(name, what='tag')}"

    def consumer(self, consumer_id: str) -> str:
        """Path of a consumer's position."""
        return f"{self.consumer_dir()}/{CONSUMER_PREFIX}{check_given_name(consumer_id, what='consumer')}"

    def job_dir(self, name: str) -> str:
        """Folder of what is remembered of a job; LakeStore's own, beside the consumers."""
        return f"{self.consumer_dir()}/{JOB_PREFIX}{check_given_name(name, what='job')}"

    def job_owner(self, name: str) -> str:
        """Path of the file that names a job's owner."""
        return f"{self.job_dir(name)}/owner"

    def job_fact(self, name: str, seen: int, owner: str) -> str:
        """Path of one owner's fact about a job up to a snapshot."""
        return f"{self.job_dir(name)}/{FACT_PREFIX}{seen}-{owner}"

    # Files whose names are read from metadata.

    def manifest(self, name: str) -> str:
        """Path of a manifest, a manifest list or an index manifest."""
        return self._stored(self.manifest_dir(), name, "manifest")

    def index(self, name: str) -> str:
        """Path of an index file."""
        return self._stored(self.index_dir(), name, "index file")

    def statistics(self, name: str) -> str:
        """Path of a statistics file."""
        return self._stored(self.statistics_dir(), name, "statistics file")

    def bucket_dir(self, partition_dirs: tuple[str, ...], bucket: int, *, data_directory: str | None = None) -> str:
        """Folder of a bucket.

        Args:
            partition_dirs: The partition's folders (``partition_paths.partition_dirs``), () without partitions.
            bucket: Bucket number, -2 for the postponed bucket.
            data_directory: Option ``data-file.path-directory``.
        """
        parts = [self.root, *_data_directory_parts(data_directory)]
        parts += [check_stored_name(part, what="partition folder", directory=self.root) for part in partition_dirs]
        if bucket < 0 and bucket != POSTPONE_BUCKET:
            raise CorruptTableError(f"{self.root}: bucket {bucket} has no folder; expected -2, 0 or more")
        parts.append(f"{BUCKET_PREFIX}{'postpone' if bucket == POSTPONE_BUCKET else bucket}")
        return "/".join(parts)

    def data_file(
        self, partition_dirs: tuple[str, ...], bucket: int, name: str, *, data_directory: str | None = None
    ) -> str:
        """Path of a data file, a changelog file, or a file beside one (its index)."""
        return self._stored(self.bucket_dir(partition_dirs, bucket, data_directory=data_directory), name, "data file")

    def _head(self) -> str:
        return self.branch_dir(self.branch)

    def _stored(self, directory: str, name: str, what: str) -> str:
        return f"{directory}/{check_stored_name(name, what=what, directory=directory)}"


@dataclass(frozen=True, slots=True)
class WarehousePaths:
    """Where the databases and tables of one warehouse are.

    Attributes:
        root: The warehouse's folder, as its store spells it.
    """

    root: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.rstrip("/"))

    def database(self, database: str) -> str:
        """Folder of a database."""
        return f"{self.root}/{check_identifier(database, what='database')}{DATABASE_SUFFIX}"

    def table(self, database: str, table: str) -> str:
        """Folder of a table."""
        return f"{self.database(database)}/{check_identifier(table, what='table')}"

    def table_paths(self, database: str, table: str) -> TablePaths:
        """Paths of a table."""
        return TablePaths(self.table(database, table))


def database_of_folder(name: str) -> str | None:
    """The database that lives in a folder of that name; None when none can."""
    database = name.removesuffix(DATABASE_SUFFIX)
    if database == name or "." in database or unsafe_reason(database) is not None:
        return None
    return database


def _checked_id(number: int, what: str) -> int:
    if 0 <= number <= _MAX_LONG:
        return number
    raise InvalidInputError(f"{what} {number} cannot exist; expected a number from 0 to {_MAX_LONG}")


def _data_directory_parts(directory: str | None) -> list[str]:
    if directory is None:
        return []
    parts = directory.strip("/").split("/")
    for part in parts:
        reason = unsafe_reason(part)
        if reason is not None or directory.startswith("/"):
            raise InvalidInputError(
                f"option data-file.path-directory is {directory!r}: expected a folder inside the table, such as 'data'",
                kind=ErrorKind.PATH_ESCAPE,
            )
    return parts

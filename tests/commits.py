"""A small world for commits: a table without rows worth reading, committers on it, and an audit of what came of them.

A data file is a few bytes named after what wrote it, so "each row once" reads as "each name live once".
"""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count

from lakestore.env import Env
from lakestore.errors import CorruptTableError, NotFoundError
from lakestore.format.binary_row import encode_row
from lakestore.meta.commit import Committer
from lakestore.meta.manifests import ManifestCache, Manifests
from lakestore.meta.scan import live_entries
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import EntryKind
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.options import CommitOptions
from lakestore.model.schema import TableSchema
from lakestore.model.stats import EMPTY_ROW, ColumnStats
from lakestore.model.types import Field, parse_type
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.paths import TablePaths

INT = parse_type("INT NOT NULL")
_worlds = count()


class FakeClock:
    """Time that moves only when somebody asks or sleeps."""

    def __init__(self):
        self.seconds = 1_795_240_000.0
        self.slept = []

    def now_ms(self):
        return int(self.seconds * 1000)

    def local_offset_ms(self, epoch_ms):
        return 0

    def monotonic(self):
        self.seconds += 0.001
        return self.seconds

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds


def an_env(name="env", events=None):
    """A world that replays: counted ids, a clock of its own, a seeded generator."""
    numbers = count()
    return Env(
        clock=FakeClock(),
        new_id=lambda: f"{name}-{next(numbers):04d}",
        rng=random.Random(name),
        emit=(lambda event: None) if events is None else events.append,
    )


def key(number):
    """A key of one INT column."""
    return encode_row([number], [INT])


def a_partition(number):
    """A partition of one INT column."""
    return encode_row([number], [parse_type("INT")])


def a_file(name, *, rows=1, level=0, keys=None, schema_id=0):
    """A data file; ``keys`` are its least and greatest key, None in an append table."""
    bounds = {} if keys is None else {"min_key": key(keys[0]), "max_key": key(keys[1])}
    return DataFile(
        name=f"{name}.parquet",
        size=8,
        row_count=rows,
        level=level,
        min_sequence=0,
        max_sequence=rows,
        schema_id=schema_id,
        delete_row_count=0,
        creation_time=0,
        source=FileSource.APPEND,
        value_stats=ColumnStats(),
        value_stats_columns=(),
        **bounds,
    )


def keyed_schema(*, bucket=1, schema_id=0, partitioned=False):
    """A primary-key table's schema."""
    fields = [Field(id=0, name="id", type=INT), Field(id=1, name="v", type=parse_type("STRING"))]
    if partitioned:
        fields.append(Field(id=2, name="day", type=parse_type("INT NOT NULL")))
    return TableSchema(
        id=schema_id,
        fields=tuple(fields),
        primary_keys=("id", "day") if partitioned else ("id",),
        partition_keys=("day",) if partitioned else (),
        options={"bucket": str(bucket)},
    )


def append_schema(*, partitioned=False):
    """An append table's schema, without fixed buckets."""
    fields = (Field(id=0, name="v", type=parse_type("STRING")), Field(id=1, name="day", type=parse_type("INT")))
    return TableSchema(id=0, fields=fields, partition_keys=("day",) if partitioned else ())


def _names(entries):
    return sorted(entry.file.name.removesuffix(".parquet") for entry in entries)


@dataclass
class World:
    """One table and its store."""

    schema: TableSchema = field(default_factory=append_schema)
    store: object = None
    paths: TablePaths = None
    _made: int = 0

    def __post_init__(self):
        self.store = self.store or MemoryStore()
        self.paths = self.paths or TablePaths(f"/world-{next(_worlds)}/t")
        Schemas(self.store, self.paths).create(self.schema)

    @property
    def total_buckets(self):
        return int(self.schema.options.get("bucket", "-1"))

    def manifests(self, store=None, env=None, **options):
        return Manifests(
            store or self.store,
            self.paths,
            CommitOptions(**options),
            partition_types=self.schema.partition_types,
            env=env or an_env("reader"),
            cache=ManifestCache(),
            workers=1,
        )

    def committer(self, name="c", *, store=None, env=None, schema=None, kind=Committer, **options):
        """A committer as a process of its own would have it: nothing shared but the store."""
        store = store or self.store
        self._made += 1
        env = env or an_env(f"{name}-{self._made}")
        return kind(
            store=store,
            paths=self.paths,
            schemas=Schemas(store, self.paths),
            snapshots=Snapshots(store, self.paths),
            manifests=self.manifests(store, env, **options),
            env=env,
            options=CommitOptions(**options),
            schema=schema or self.schema,
            table_name="db.t",
        )

    def message(self, *, partition=EMPTY_ROW, bucket=0, total_buckets=None, **files):
        """A commit message; its new files are put into the store."""
        buckets = self.total_buckets if total_buckets is None else total_buckets
        for made in ("new_files", "compact_after", "changelog_files", "compact_changelog"):
            for file in files.get(made, ()):
                self.store.put(self.data_path(bucket, file.name), b"the rows")
        return CommitMessage(partition=partition, bucket=bucket, total_buckets=buckets, **files)

    def append(self, *names, user="u", rows=1, keys=None, partition=EMPTY_ROW, **request):
        """A request that appends files of those names."""
        files = tuple(a_file(name, rows=rows, keys=keys) for name in names)
        return CommitRequest(
            user=user, messages=(self.message(partition=partition, new_files=files),), operation="WRITE", **request
        )

    def data_path(self, bucket, name):
        return self.paths.data_file((), bucket, name)

    # What came of it, seen by a stranger.

    def snapshots(self):
        reader = Snapshots(self.store, self.paths)
        return [reader.get(number) for number in reader.ids()]

    def latest(self):
        return Snapshots(self.store, self.paths).latest()

    def _live(self, manifests, snapshot):
        return live_entries(manifests, snapshot.base_manifest_list, snapshot.delta_manifest_list)[0]

    def audit(self):
        """The laws of any table, whatever happened to it; the names live at the end.

        Raises:
            AssertionError: A law is broken.
        """
        try:
            return self._audit()
        except (CorruptTableError, NotFoundError) as error:
            raise AssertionError(f"the table does not read: {error}") from error

    def _audit(self):
        snapshots = self.snapshots()
        ids = [snapshot.id for snapshot in snapshots]
        assert ids == list(range(ids[0], ids[0] + len(ids))) if ids else True, f"gaps in {ids}"
        assert (self.latest().id if ids else 0) == max(ids, default=0), "a reader does not find the latest snapshot"
        manifests = self.manifests()
        live = {snapshot.id: self._live(manifests, snapshot) for snapshot in snapshots}
        for path in {self.data_path(entry.bucket, entry.file.name) for entries in live.values() for entry in entries}:
            assert self.store.get_or_none(path) is not None, f"{path} is gone"
        for snapshot in snapshots:
            self._audit_snapshot(manifests, snapshot, live)
        names = _names(live[ids[-1]]) if ids else []
        doubled = [name for name, times in Counter(names).items() if times > 1]
        assert not doubled, f"live more than once: {doubled}"
        return names

    def _audit_snapshot(self, manifests, snapshot, live):
        rows = sum(entry.file.row_count for entry in live[snapshot.id])
        assert snapshot.total_record_count == rows, f"snapshot {snapshot.id}: {snapshot.total_record_count} != {rows}"
        delta = [e for part in manifests.read_all(manifests.read_list(snapshot.delta_manifest_list)) for e in part]
        kinds = [entry.kind for entry in delta]
        assert kinds == sorted(kinds, reverse=True), "an ADD stands before a DELETE"
        if snapshot.id - 1 in live:
            expected = {entry.id for entry in live[snapshot.id - 1]}
            expected -= {entry.id for entry in delta if entry.kind is EntryKind.DELETE}
            expected |= {entry.id for entry in delta if entry.kind is EntryKind.ADD}
            found = {entry.id for entry in live[snapshot.id]}
            assert found == expected, f"snapshot {snapshot.id} is not its base and its delta"

    def orphans(self):
        """Names in the manifest folder that no snapshot names."""
        named = set()
        manifests = self.manifests()
        for snapshot in self.snapshots():
            named |= {snapshot.base_manifest_list, snapshot.delta_manifest_list}
            if snapshot.changelog_manifest_list:
                named.add(snapshot.changelog_manifest_list)
                named |= {meta.name for meta in manifests.read_list(snapshot.changelog_manifest_list)}
            named |= {meta.name for meta in manifests.read_snapshot_lists(snapshot)}
        return sorted({info.name for info in self.store.list(self.paths.manifest_dir())} - named)

    def alter(self, **changes):
        """The next schema, in storage."""
        return Schemas(self.store, self.paths).commit_next(lambda schema: replace(schema, **changes))

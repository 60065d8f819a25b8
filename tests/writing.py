"""Helpers of write tests: schemas from words, a world with fixed clock and ids, and files read back raw."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakestore.env import Env, SystemClock
from lakestore.events import Event
from lakestore.format.binary_row import decode_row
from lakestore.model.arrow import assign_ids
from lakestore.model.datafile import DataFile
from lakestore.model.message import CommitMessage
from lakestore.model.options import (
    BucketOptions,
    FileOptions,
    MergeOptions,
    StatsOptions,
    TableOptions,
    WriteOptions,
)
from lakestore.model.schema import TableSchema
from lakestore.model.types import parse_type_text
from lakestore.storage.local_store import LocalStore
from lakestore.storage.partition_paths import partition_dirs
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store
from lakestore.write.table_writer import TableWriter

NOW_MS = 1_732_000_000_000
OFFSET_MS = 5_400_000


class FixedClock(SystemClock):
    """Half past one ahead of UTC, for ever."""

    def now_ms(self) -> int:
        return NOW_MS

    def local_offset_ms(self, epoch_ms: int) -> int:
        assert epoch_ms == NOW_MS
        return OFFSET_MS


def table_schema(
    columns: Mapping[str, str], *, key: Sequence[str] = (), partition_by: Sequence[str] = ()
) -> TableSchema:
    """A schema; key columns become NOT NULL."""
    typed = [
        (name, parse_type_text(text + (" NOT NULL" if name in key else "")), None) for name, text in columns.items()
    ]
    return TableSchema(id=3, fields=assign_ids(typed), primary_keys=tuple(key), partition_keys=tuple(partition_by))


def table_options(
    *,
    bucket: int = 1,
    bucket_key: Sequence[str] = (),
    budget: int = 1 << 28,
    target: int = 1 << 28,
    group_rows: int = 1 << 18,
    files: FileOptions | None = None,
    stats: StatsOptions | None = None,
    **merge: object,
) -> TableOptions:
    return TableOptions(
        bucket=BucketOptions(count=bucket, key=tuple(bucket_key)),
        files=files or FileOptions(target_bytes=target, row_group_rows=group_rows),
        stats=stats or StatsOptions(),
        write=WriteOptions(buffer_bytes=budget),
        merge=MergeOptions(**merge),
    )


class World:
    """A folder to write a table into."""

    def __init__(self, root: Path | str, store: Store | None = None) -> None:
        self.root = str(root)
        self.store = store or LocalStore()
        self.paths = TablePaths(self.root)
        self.events: list[Event] = []
        counter = itertools.count()
        self.env = Env(clock=FixedClock(), new_id=lambda: f"id{next(counter)}", emit=self.events.append)

    def writer(
        self,
        schema: TableSchema,
        options: TableOptions | None = None,
        *,
        max_sequence: Callable[[bytes, int], int] = lambda partition, bucket: -1,
    ) -> TableWriter:
        return TableWriter(
            self.store, self.paths, schema, options or table_options(), self.env, max_sequence=max_sequence
        )

    def stored_files(self) -> list[str]:
        found = self.store.list_recursive(self.root)
        return sorted(file.path.removeprefix(self.root + "/") for file in found)

    def read(self, schema: TableSchema, options: TableOptions, message: CommitMessage, file: DataFile) -> pa.Table:
        values = decode_row(message.partition, schema.partition_types)
        dirs = partition_dirs(schema.partition_keys, schema.partition_types, values, options.partition)
        path = self.paths.data_file(dirs, message.bucket, file.name, data_directory=options.files.directory)
        return pq.read_table(pa.BufferReader(self.store.get(path)))


def all_files(messages: Iterable[CommitMessage]) -> list[DataFile]:
    return [file for message in messages for file in message.new_files]

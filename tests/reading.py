"""Helpers of read tests: small tables of hand-made data files, planned and read with the real code."""

import io
import itertools
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.core.conflict import rank_of
from lakestore.core.sections import sections_of
from lakestore.core.values import scalars_of
from lakestore.env import Env
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.meta.cache import ManifestCache
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.model.arrow import arrow_type, assign_ids
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.options import ScanOptions, TableOptions
from lakestore.model.rows import KEY_PREFIX, SEQUENCE_NUMBER, VALUE_KIND
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.model.stats import EMPTY_ROW, ColumnStats
from lakestore.model.types import TIMESTAMPS, parse_type_text
from lakestore.read.parts import ScanParts
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.partition_paths import partition_dirs
from lakestore.storage.paths import TablePaths


def a_schema(columns, *, key=(), partition_by=(), schema_id=0, ids=None):
    """A schema of columns given as name to type text; key columns become NOT NULL."""
    typed = [
        (name, parse_type_text(text + (" NOT NULL" if name in key else "")), None) for name, text in columns.items()
    ]
    fields = assign_ids(typed)
    if ids is not None:
        fields = tuple(replace(field, id=one) for field, one in zip(fields, ids, strict=True))
    return TableSchema(id=schema_id, fields=fields, primary_keys=tuple(key), partition_keys=tuple(partition_by))


class HandMade:
    """A table in memory whose data files are written by plain pyarrow.

    Attributes:
        entries: Live files, in the order they were added.
    """

    def __init__(self, schema, options=None, *, window_rows=None, store=None):
        self.store = store or MemoryStore(MemoryFileSystem())
        self.schema = schema
        self.schemas = {schema.id: schema}
        self.options = options or TableOptions()
        if window_rows is not None:
            self.options = replace(self.options, scan=ScanOptions(window_rows=window_rows))
        self.paths = TablePaths(f"/reading/{id(self)}")
        self.entries = []
        self.env = Env()
        self.events = []
        self.index_manifest = None
        self._names = itertools.count()

    def evolve(self, schema):
        """Make that the current schema."""
        self.schema = schema
        self.schemas[schema.id] = schema

    def arrow(self, rows, schema=None):
        """Tuples of Arrow-ready values as a table of the schema's columns."""
        schema = schema or self.schema
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema.fields)
        arrays = [pa.array(column, arrow_type(f.type)) for column, f in zip(columns, schema.fields, strict=True)]
        return pa.table(dict(zip(schema.names, arrays, strict=True)))

    def add(
        self,
        rows,
        *,
        sequences=None,
        kinds=None,
        partition=(),
        bucket=0,
        total_buckets=-1,
        level=0,
        schema=None,
        thin=False,
        stats=True,
        name=None,
        change=lambda table: table,
        **written,
    ):
        """Write rows, sorted by key already, as one data file and list it; its ``DataFile``."""
        schema = schema or self.schema
        table = rows if isinstance(rows, pa.Table) else self.arrow(rows, schema)
        sequences = list(range(len(table))) if sequences is None else sequences
        kinds = [0] * len(table) if kinds is None else kinds
        name = name or f"data-{next(self._names)}.parquet"
        content = change(_with_system(table, schema, sequences, kinds, thin=thin))
        path = self.path(name, partition, bucket)
        sink = io.BytesIO()
        pq.write_table(content, sink, store_schema=False, **written)
        self.store.put(path, sink.getvalue())
        keyed = schema.trimmed_primary_keys
        file = DataFile(
            name=name,
            size=len(sink.getvalue()),
            row_count=len(table),
            min_key=_key_at(table, schema, 0) if keyed else EMPTY_ROW,
            max_key=_key_at(table, schema, -1) if keyed else EMPTY_ROW,
            key_stats=_stats(table, schema, keyed),
            value_stats=_stats(table, schema, schema.names if stats else ()),
            value_stats_columns=None if stats else (),
            min_sequence=min(sequences, default=0),
            max_sequence=max(sequences, default=0),
            schema_id=schema.id,
            level=level,
            delete_row_count=sum(kind in (1, 3) for kind in kinds) if keyed else 0,
        )
        self.list(file, partition=partition, bucket=bucket, total_buckets=total_buckets)
        return file

    def list(self, file, *, partition=(), bucket=0, total_buckets=-1):
        """List a file."""
        row = encode_row(partition, self.schema.partition_types)
        self.entries.append(
            ManifestEntry(kind=EntryKind.ADD, partition=row, bucket=bucket, total_buckets=total_buckets, file=file)
        )

    def path(self, name, partition=(), bucket=0):
        """Where a data file lies."""
        schema = self.schema
        folders = partition_dirs(schema.partition_keys, schema.partition_types, partition, self.options.partition)
        return self.paths.data_file(folders, bucket, name)

    @property
    def parts(self):
        schemas = Schemas(self.store, self.paths)
        schemas._known.update(self.schemas)
        env = Env(emit=self.events.append)
        manifests = Manifests(
            self.store,
            self.paths,
            self.options.commit,
            partition_types=self.schema.partition_types,
            env=env,
            cache=ManifestCache(),
        )
        return ScanParts(name="db.t", store=self.store, paths=self.paths, schemas=schemas, manifests=manifests, env=env)

    def snapshot(self, *, manifests=1):
        """A snapshot of the files listed, spread over that many manifests."""
        parts = self.parts
        step = -(-len(self.entries) // manifests) or 1
        metas = [
            meta
            for begin in range(0, len(self.entries), step)
            for meta in parts.manifests.write(self.entries[begin : begin + step])
        ]
        base, _ = parts.manifests.write_list(metas)
        delta, _ = parts.manifests.write_list([])
        return Snapshot(
            id=7,
            schema_id=self.schema.id,
            base_manifest_list=base,
            delta_manifest_list=delta,
            commit_user="tests",
            commit_identifier=1,
            commit_kind=CommitKind.APPEND,
            time_millis=0,
            index_manifest=self.index_manifest,
        )

    def plan(self, where=None, columns=None, limit=None, *, manifests=1):
        return plan_scan(
            self.parts,
            schema=self.schema,
            options=self.options,
            snapshot=self.snapshot(manifests=manifests),
            where=where,
            columns=columns,
            limit=limit,
        )

    def batches(self, *arguments, **named):
        """Plan and read: a generator of batches."""
        plan = self.plan(*arguments, **named)
        return read_plan(self.parts, plan, schema=self.schema, options=self.options)

    def read(self, *arguments, **named):
        """Plan and read: rows as tuples, sorted by their text."""
        rows = [row for batch in self.batches(*arguments, **named) for row in rows_of(batch)]
        return sorted(rows, key=repr)

    def section(self, bucket=0, partition=()):
        """The one section that the files of a bucket make."""
        row = encode_row(partition, self.schema.partition_types)
        files = [one.file for one in self.entries if (one.partition, one.bucket) == (row, bucket)]
        (section,) = sections_of(files, lambda key: rank_of(decode_row(key, self.schema.key_types)))
        return section


def rows_of(batch):
    """Rows of a batch or table as tuples; timestamps as integers, since Python has no nanoseconds."""
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _with_system(table, schema, sequences, kinds, *, thin):
    if not schema.primary_keys:
        return table
    system = {} if thin else {KEY_PREFIX + key: table.column(key) for key in schema.trimmed_primary_keys}
    system[SEQUENCE_NUMBER] = pa.array(sequences, pa.int64())
    system[VALUE_KIND] = pa.array(kinds, pa.int8())
    columns = system | dict(zip(table.column_names, table.columns, strict=True))
    return pa.table(columns)


def _key_at(table, schema, index):
    index = index % len(table)
    row = [
        scalars_of(table.column(key).slice(index, 1), schema.find(key).type)[0] for key in schema.trimmed_primary_keys
    ]
    return encode_row(row, schema.key_types)


def _stats(table, schema, names):
    fields = schema.select(names)
    low, high, nulls = [], [], []
    for field in fields:
        column = table.column(field.name)
        nulls.append(column.null_count)
        known = field.type.root not in TIMESTAMPS or (field.type.precision or 0) <= 6
        ends = pc.min_max(column.drop_null()) if known and column.null_count < len(column) else None
        for end, into in (("min", low), ("max", high)):
            into.append(None if ends is None else scalars_of(pa.array([ends[end].as_py()], column.type), field.type)[0])
    types = [field.type for field in fields]
    return ColumnStats(min_values=encode_row(low, types), max_values=encode_row(high, types), null_counts=tuple(nulls))

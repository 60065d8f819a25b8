"""Laws of data files: what is written in any format, with any codec, is read as it was.

* Random columns, nested ones too, come back value for value through the writer and the reader of data files.
* Members of nested columns that are not asked for change nothing in those that are.
* ORC refuses exactly the timestamps that it could not hold.
* A table whose files are of many formats, by level or because its format was altered, merges as a dict would.
"""

import itertools
import math
import struct
import tempfile
from dataclasses import replace

import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.core.file_formats import CODECS, FORMATS
from lakestore.data.file_reader import TableFiles
from lakestore.data.file_writer import BucketNames, DataFileWriter, WriteParts
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_schema, arrow_type, assign_ids
from lakestore.model.options import FileOptions
from lakestore.model.schema import TableSchema
from lakestore.model.stats import EMPTY_ROW
from lakestore.model.types import NESTED, TIMESTAMPS, TypeRoot, parse_type_text
from lakestore.storage.memory_store import MemoryStore
from tests.laws.nested_values import MAX_LONG, kinds, values
from tests.writing import World, table_options

ANY_FILE = st.sampled_from(FORMATS).flatmap(
    lambda form: st.tuples(st.just(form), st.sampled_from(sorted(CODECS[form])), st.sampled_from([1, 3]))
)
FOLDERS = itertools.count()
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def held_by(form, kind):
    """The type, or one near it that the format can hold."""
    if form != "avro":
        return kind
    if kind.root in TIMESTAMPS and kind.precision > 6:
        return replace(kind, precision=6)
    members = tuple(
        replace(one, name=one.name.replace(" ", "_").replace(".", "_"), type=held_by(form, one.type))
        for one in kind.fields
    )
    parts = {name: held_by(form, part) for name in ("element", "key", "value") if (part := getattr(kind, name))}
    return replace(kind, fields=members, **parts)


def value_held_by(form, value, kind, wanted):
    """The value, or one near it that the format can hold; ``wanted`` is the type near ``kind``."""
    if value is None:
        return None
    match kind.root:
        case TypeRoot.ARRAY:
            return [value_held_by(form, one, kind.element, wanted.element) for one in value]
        case TypeRoot.MAP:
            pairs = {
                value_held_by(form, key, kind.key, wanted.key): value_held_by(form, one, kind.value, wanted.value)
                for key, one in value
            }
            return list(pairs.items())
        case TypeRoot.MULTISET:
            return list({value_held_by(form, key, kind.element, wanted.element): one for key, one in value}.items())
        case TypeRoot.ROW:
            return {
                new.name: value_held_by(form, value[old.name], old.type, new.type)
                for old, new in zip(kind.fields, wanted.fields, strict=True)
            }
    if kind.root not in TIMESTAMPS:
        return value
    if form == "avro" and kind != wanted:
        return value // 1000
    return (
        value
        if form != "orc" or orc_holds(value, arrow_type(kind).unit)
        else abs(value) % (MAX_LONG // 10**9 * UNITS[arrow_type(kind).unit])
    )


def orc_holds(value, unit):
    """Whether Arrow writes and reads that timestamp in ORC: no fraction before 1970, 64 bits of nanoseconds."""
    most = MAX_LONG // (10**9 // UNITS[unit])
    return -most <= value <= most and (value >= 0 or value % UNITS[unit] == 0)


@st.composite
def data_files(draw):
    """Options of a file, its columns and rows."""
    form, codec, level = draw(ANY_FILE)
    types = draw(st.lists(kinds(2), min_size=1, max_size=5))
    held = [held_by(form, kind) for kind in types]
    rows = draw(st.lists(st.tuples(*(values(kind) for kind in types)), max_size=8))
    rows = [
        tuple(value_held_by(form, value, kind, near) for value, kind, near in zip(row, types, held, strict=True))
        for row in rows
    ]
    options = FileOptions(format=form, compression=codec, zstd_level=level)
    return options, assign_ids([(f"c{number}", kind, None) for number, kind in enumerate(held)]), rows


def written(fields, tables, options):
    """The tables as one data file, and the function that reads given columns of it."""
    schema = TableSchema(id=3, fields=fields)
    world = World(f"/laws/{next(FOLDERS)}", store=MemoryStore(MemoryFileSystem()))
    parts = WriteParts(
        store=world.store, paths=world.paths, schema=schema, options=table_options(files=options), env=world.env
    )
    with DataFileWriter(parts, BucketNames(parts, EMPTY_ROW, 0)) as writer:
        for table in tables:
            writer.write(table)
        (file,) = writer.close()
    files = TableFiles(store=world.store, paths=world.paths, schema=schema, schema_of=lambda _: schema, batch_rows=3)

    def read(columns):
        with files.bucket(EMPTY_ROW, 0).open(file, columns) as opened:
            return pa.Table.from_batches(opened.batches(), arrow_schema(columns))

    return file, read


@given(data_files(), st.data())
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read(data_file, data):
    options, fields, rows = data_file
    assume(rows)
    arrays = [pa.array([row[place] for row in rows], arrow_type(field.type)) for place, field in enumerate(fields)]
    table = pa.Table.from_arrays(arrays, schema=arrow_schema(fields))
    cut = data.draw(st.integers(0, len(rows)))
    file, read = written(fields, [part for part in (table[:cut], table[cut:]) if len(part)], options)
    assert file.row_count == len(rows)
    assert file.name.endswith(options.format)
    assert read(fields).equals(table)
    some = data.draw(st.lists(st.sampled_from(fields), unique=True, min_size=1))
    assert read(some).equals(table.select([field.name for field in some]))


FLOATS = [math.nan, -math.nan, 0.0, -0.0, math.inf, -math.inf, 5e-324, -1.5, None]


def bits(column):
    """The floats as bytes; all NaN alike."""
    return [None if one is None else b"nan" if math.isnan(one) else struct.pack(">d", one) for one in column]


@pytest.mark.parametrize("form", FORMATS)
def test_odd_floats_and_extreme_dates(form):
    fields = assign_ids(
        [
            (f"c{number}", parse_type_text(text), None)
            for number, text in enumerate(["DOUBLE", "FLOAT", "DATE", "TIME(3)", "TIMESTAMP(0)"])
        ]
    )
    days = [-719_162, 2_932_896, 0, -1, 1, -(1 << 31), (1 << 31) - 1, None, 7]
    seconds = [0, -1, 9_000_000_000, -9_000_000_000, 1, None, 2, 3, 4]
    columns = [FLOATS, [one and float(pa.scalar(one, pa.float32()).as_py()) for one in FLOATS], days]
    columns += [[0, 86_399_999, None, 1, 2, 3, 4, 5, 6], seconds]
    arrays = [pa.array(column, arrow_type(field.type)) for column, field in zip(columns, fields, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=arrow_schema(fields))
    _, read = written(fields, [table], FileOptions(format=form))
    found = read(fields)
    assert found.select([2, 3, 4]).equals(table.select([2, 3, 4]))
    for place in (0, 1):
        assert bits(found.column(place).to_pylist()) == bits(table.column(place).to_pylist())


@given(
    st.sampled_from([0, 3, 6, 9]),
    st.integers(-MAX_LONG, MAX_LONG) | st.integers(-(10**10), 10**10) | st.sampled_from([-1, 0, 1, MAX_LONG]),
)
@settings(max_examples=150, deadline=None)
def test_orc_refuses_the_timestamps_that_it_cannot_hold(precision, value):
    kind = parse_type_text(f"TIMESTAMP({precision})")
    fields = assign_ids([("t", kind, None)])
    table = pa.Table.from_arrays([pa.array([value], arrow_type(kind))], schema=arrow_schema(fields))
    if orc_holds(value, arrow_type(kind).unit):
        assert written(fields, [table], FileOptions(format="orc"))[1](fields).equals(table)
        return
    with pytest.raises(InvalidInputError, match=r"column 't': the timestamp .* cannot be written to ORC"):
        written(fields, [table], FileOptions(format="orc"))


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.none() | st.integers(-(1 << 31), (1 << 31) - 1), st.none() | st.text(max_size=3)),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[0],
)
LEVELS = st.dictionaries(st.sampled_from([0, 1, 5]), st.sampled_from(FORMATS), max_size=3)


@given(st.lists(st.tuples(st.sampled_from(FORMATS), LEVELS, ROWS, st.booleans()), min_size=1, max_size=5))
@settings(max_examples=8, deadline=None)
def test_a_table_of_many_formats_merges_as_a_dict(history):
    with tempfile.TemporaryDirectory() as folder:
        table = ls.connect(folder).create_table(
            "db.t", schema={"id": "INT", "n": "INT", "s": "STRING"}, primary_key=["id"], options={"bucket": "1"}
        )
        state = {}
        for form, levels, rows, compacts in history:
            per_level = ",".join(f"{level}:{each}" for level, each in levels.items())
            table = table.alter(ls.set_option("file.format", form), ls.set_option("file.format.per.level", per_level))
            table.upsert(pa.table(list(zip(*rows, strict=True)), schema=table.schema))
            state.update({row[0]: row for row in rows})
            if compacts:
                table.compact(full=True)
            found = table.scan().to_arrow()
            assert sorted(zip(*found.to_pydict().values(), strict=True)) == sorted(state.values())
            assert table.scan("n > 0").count() == sum((row[1] or 0) > 0 for row in state.values())
        assert table.check(deep=True).ok


@given(st.sampled_from(["orc", "avro"]), st.data())
@settings(max_examples=60, deadline=None)
def test_members_that_are_not_wanted_change_nothing_in_the_others(form, data):
    kind = held_by(form, data.draw(kinds(3).filter(lambda kind: kind.root in NESTED)))
    (field,) = assign_ids([("c0", kind, None)])
    rows = [value_held_by(form, data.draw(values(kind)), kind, kind) for _ in range(3)]
    table = pa.Table.from_arrays([pa.array(rows, arrow_type(kind))], schema=arrow_schema([field]))
    some = replace(field, type=_fewer(data, field.type))
    _, read = written((field,), [table], FileOptions(format=form))
    whole = read([field])
    assert whole.equals(table)
    _, plain = written((field,), [table], FileOptions(format="parquet"))
    assert read([some]).equals(plain([some]))


def _fewer(data, kind):
    """The type with some of its members only."""
    if kind.root is TypeRoot.ROW:
        kept = data.draw(st.lists(st.sampled_from(kind.fields), min_size=1, unique_by=lambda one: one.id))
        wanted = {one.id for one in kept}
        members = tuple(replace(one, type=_fewer(data, one.type)) for one in kind.fields if one.id in wanted)
        return replace(kind, fields=members)
    parts = {name: _fewer(data, part) for name in ("element", "value") if (part := getattr(kind, name))}
    return kind if kind.root is TypeRoot.MULTISET else replace(kind, **parts)

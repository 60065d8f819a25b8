"""Laws of nested types, over random types and values.

* Rows come out of ingest, and of a Parquet file, as they went in, however they were spelled.
* What is encoded as a BinaryRow is decoded unchanged.
* A file read under a later schema is what plain Python makes of its rows, member by member by field id.
* Selecting paths is reading everything and leaving the rest out.
"""

from dataclasses import replace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.ingest import to_schema
from lakestore.core.project import sources_of, stored
from lakestore.core.select import select_fields
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.parquet_read import ParquetSource
from lakestore.format.parquet_write import ParquetFileWriter, repeating_columns
from lakestore.model.arrow import arrow_schema, arrow_type, assign_ids
from lakestore.model.options import FileOptions
from lakestore.model.schema import TableSchema
from lakestore.model.types import NESTED, DataType, Field, TypeRoot, parse_type_text
from tests.laws.nested_values import column, kinds, spellings, values

NESTED_KINDS = kinds().filter(lambda kind: kind.root in NESTED)
LAW = settings(max_examples=60, deadline=None)


@st.composite
def tables(draw, most=3):
    """Columns with ids, and rows of them as lists of values."""
    found = draw(st.lists(NESTED_KINDS, min_size=1, max_size=most))
    fields = assign_ids([(f"c{place}", kind, None) for place, kind in enumerate(found)])
    count = draw(st.integers(0, 6))
    return fields, [draw(st.lists(values(one.type), min_size=count, max_size=count)) for one in fields]


def file_of(fields, columns):
    """A Parquet file of those columns."""
    rows = pa.table([column(rows, one.type) for one, rows in zip(fields, columns, strict=True)], arrow_schema(fields))
    sink = pa.BufferOutputStream()
    with ParquetFileWriter(sink, fields, options=FileOptions(), dictionary=repeating_columns(rows)) as writer:
        writer.write(rows)
    return ParquetSource(pa.BufferReader(sink.getvalue()), "memory")


def read(source, own, wanted):
    """The wanted columns of a file of other columns, one array each."""
    found = sources_of(own, wanted, what="the file")
    narrow = {one.own.name: one.own.type for one in found if one.own is not None}
    batches = list(source.batches(list(narrow), rows=1000, narrow=narrow))
    arrays = []
    for one in found:
        if one.own is None:
            arrays.append(pa.nulls(source.num_rows, arrow_type(one.target.type)))
            continue
        parts = [one.cast(stored(batch.column(one.own.name), one.own.type)) for batch in batches]
        arrays.append(pa.concat_arrays(parts) if parts else pa.array([], arrow_type(one.target.type)))
    return arrays


@LAW
@given(data=st.data(), table=tables())
def test_ingest_keeps_every_value_of_every_spelling(data, table):
    fields, columns = table
    spelled = [pa.array(rows, data.draw(spellings(one.type))) for one, rows in zip(fields, columns, strict=True)]
    begin = data.draw(st.integers(0, len(columns[0])))
    batch = pa.table(spelled, names=[one.name for one in fields]).slice(begin)
    out = to_schema(batch, fields)
    assert out.schema == arrow_schema(fields)
    out.validate(full=True)
    for one, rows in zip(fields, columns, strict=True):
        assert out[one.name].combine_chunks().equals(column(rows[begin:], one.type))


@LAW
@given(table=tables())
def test_parquet_keeps_every_value(table):
    fields, columns = table
    with file_of(fields, columns) as source:
        for one, rows, found in zip(fields, columns, read(source, fields, fields), strict=True):
            assert found.equals(column(rows, one.type))
            found.validate(full=True)


def internal(value, kind):
    """The internal form of a value."""
    if value is None:
        return None
    match kind.root:
        case TypeRoot.ARRAY:
            return tuple(internal(one, kind.element) for one in value)
        case TypeRoot.MAP:
            return tuple((internal(key, kind.key), internal(one, kind.value)) for key, one in value)
        case TypeRoot.MULTISET:
            return tuple((internal(key, kind.element), one) for key, one in value)
        case TypeRoot.ROW:
            return tuple(internal(value[member.name], member.type) for member in kind.fields)
        case TypeRoot.TIMESTAMP | TypeRoot.TIMESTAMP_LTZ:
            return value * {3: 10**6, 6: 10**3, 9: 1}[kind.precision]
        case TypeRoot.FLOAT | TypeRoot.DOUBLE:
            return float(value)
    return value


@LAW
@given(table=tables())
def test_binary_rows_keep_every_value(table):
    fields, columns = table
    types = [one.type for one in fields]
    for row in zip(*columns, strict=True):
        kept = tuple(internal(value, kind) for value, kind in zip(row, types, strict=True))
        data = encode_row(kept, types)
        assert len(data) % 8 == 4
        assert decode_row(data, types) == kept


def evolved_kinds(kind, fresh):
    """Types that one may have become; new members take ids from ``fresh``."""
    match kind.root:
        case TypeRoot.ARRAY:
            return evolved_kinds(kind.element, fresh).map(lambda one: replace(kind, element=one))
        case TypeRoot.MAP:
            return evolved_kinds(kind.value, fresh).map(lambda one: replace(kind, value=one))
        case TypeRoot.INT:
            return st.sampled_from([kind, parse_type_text("BIGINT").with_nullable(nullable=kind.nullable)])
        case TypeRoot.ROW:
            return evolved_rows(kind, fresh)
    return st.just(kind)


@st.composite
def evolved_rows(draw, kind, fresh):
    kept = draw(st.lists(st.sampled_from(kind.fields), unique_by=lambda one: one.id))
    members = [
        replace(one, name=f"m{place}", type=draw(evolved_kinds(one.type, fresh))) for place, one in enumerate(kept)
    ]
    if draw(st.booleans()) or not members:
        added = Field(id=next(fresh), name="added", type=DataType(root=TypeRoot.BIGINT))
        members.insert(draw(st.integers(0, len(members))), added)
    return replace(kind, fields=tuple(members))


def evolved(value, old, new):
    """The value under the new type."""
    if value is None:
        return None
    match new.root:
        case TypeRoot.ARRAY:
            return [evolved(one, old.element, new.element) for one in value]
        case TypeRoot.MAP:
            return [(key, evolved(one, old.value, new.value)) for key, one in value]
        case TypeRoot.ROW:
            before = {member.id: member for member in old.fields}
            return {
                member.name: evolved(value[before[member.id].name], before[member.id].type, member.type)
                if member.id in before
                else None
                for member in new.fields
            }
    return value


@LAW
@given(data=st.data(), table=tables(most=2))
def test_old_files_read_as_plain_python_says(data, table):
    own, columns = table
    fresh = iter(range(10_000, 20_000))
    wanted = [replace(one, name=f"now{one.id}", type=data.draw(evolved_kinds(one.type, fresh))) for one in own]
    with file_of(own, columns) as source:
        for old, new, rows, found in zip(own, wanted, columns, read(source, own, wanted), strict=True):
            assert found.equals(column([evolved(value, old.type, new.type) for value in rows], new.type))


def paths(field):
    """Every path into a column, with itself."""
    yield field.name
    for rest in _paths(field.type):
        yield f"{field.name}.{rest}"


def _paths(kind):
    match kind.root:
        case TypeRoot.ROW:
            for member in kind.fields:
                yield from paths(member)
        case TypeRoot.ARRAY:
            yield from (f"element{rest and '.' + rest}" for rest in ("", *_paths(kind.element)))
        case TypeRoot.MAP:
            yield from (f"value{rest and '.' + rest}" for rest in ("", *_paths(kind.value)))


@LAW
@given(data=st.data(), table=tables(most=2))
def test_selected_paths_are_the_whole_with_the_rest_left_out(data, table):
    own, columns = table
    chosen = data.draw(st.lists(st.sampled_from([path for one in own for path in paths(one)]), min_size=1, max_size=4))
    wanted = select_fields(TableSchema(id=0, fields=own), chosen)
    by_name = {one.name: (one.type, rows) for one, rows in zip(own, columns, strict=True)}
    assert len({one.name for one in wanted}) == len(wanted) or set(chosen) <= set(by_name)
    with file_of(own, columns) as source:
        for new, found in zip(wanted, read(source, own, wanted), strict=True):
            old, rows = by_name[new.name]
            assert found.equals(column([evolved(value, old, new.type) for value in rows], new.type))

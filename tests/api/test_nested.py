"""Nested columns of a table: chosen by path, filtered by path, changed, and what is refused by name."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.wrapped import WrappedStore

ADDRESS = pa.struct(
    [("city", pa.string()), ("zip", pa.int32()), ("geo", pa.struct([("lat", pa.float64()), ("lon", pa.float64())]))]
)
ITEM = pa.struct([("sku", pa.string()), ("price", pa.decimal128(10, 2))])
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("address", ADDRESS),
        ("items", pa.list_(ITEM)),
        ("attrs", pa.map_(pa.string(), ITEM)),
    ]
)
ROME = {"city": "Rome", "zip": 1, "geo": {"lat": 41.9, "lon": 12.5}}
OSLO = {"city": "Oslo", "zip": None, "geo": None}
ROWS = [
    {"id": 1, "address": ROME, "items": [{"sku": "s", "price": Decimal("1.50")}, None], "attrs": None},
    {"id": 2, "address": OSLO, "items": [], "attrs": [("x", {"sku": "t", "price": None}), ("y", None)]},
    {"id": 3, "address": None, "items": None, "attrs": []},
]


def made(warehouse, *, keyed, options=None):
    """A table of the rows; a keyed one in two commits whose files overlap."""
    keys = ["id"] if keyed else []
    options = {"bucket": 1 if keyed else -1, **(options or {})}
    table = ls.connect(warehouse).create_table("db.t", schema=SCHEMA, primary_key=keys, options=options)
    if keyed:
        table.insert([{"id": 1}, {"id": 2, "address": ROME}, {"id": 3, "address": OSLO, "items": []}])
    table.insert(ROWS)
    return table


@pytest.fixture(params=["append", "keyed"])
def table(request, tmp_path):
    return made(tmp_path, keyed=request.param == "keyed")


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


# ---- chosen by path


def test_a_path_leaves_the_column_with_that_member(table):
    scan = table.scan(select=["id", "address.city"])
    assert scan.schema == pa.schema([SCHEMA.field("id"), ("address", pa.struct([("city", pa.string())]))])
    found = scan.to_arrow()
    assert found.schema == scan.schema
    assert by_id(found.to_pylist()) == [
        {"id": 1, "address": {"city": "Rome"}},
        {"id": 2, "address": {"city": "Oslo"}},
        {"id": 3, "address": None},
    ]


def test_paths_into_one_column_are_one_column_in_the_tables_order(table):
    found = table.scan(select=["address.geo.lon", "id", "address.city"]).to_arrow()
    assert found.schema.names == ["address", "id"]
    assert by_id(found.to_pylist())[0] == {"address": {"city": "Rome", "geo": {"lon": 12.5}}, "id": 1}


def test_a_whole_column_swallows_paths_into_it(table):
    assert table.scan(select=["address.city", "address"]).schema.field("address").type == ADDRESS


def test_paths_below_lists_and_maps(table):
    found = by_id(table.scan(select=["id", "items.element.price", "attrs.value.sku"]).to_pylist())
    assert found == [
        {"id": 1, "items": [{"price": Decimal("1.50")}, None], "attrs": None},
        {"id": 2, "items": [], "attrs": [("x", {"sku": "t"}), ("y", None)]},
        {"id": 3, "items": None, "attrs": []},
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    {
        "adress.city": "column 'adress.city' not found; there are: id, address",
        "address.cit": "column 'address.cit' not found; at 'cit' there are: city, zip, geo",
        "address.geo.alt": "column 'address.geo.alt' not found; at 'alt' there are: lat, lon",
        "items.sku": "column 'items.sku' not found; at 'sku' there are: element",
        "attrs.key": "column 'attrs.key' not found; at 'key' there are: value",
        "id.x": "column 'id.x' not found: BIGINT NOT NULL has no parts",
    }.items(),
)
def test_a_path_that_leads_nowhere_is_named(table, path, message):
    with pytest.raises(ls.NotFoundError, match=message):
        table.scan(select=[path])


def test_a_column_whose_own_name_has_dots_comes_first(tmp_path):
    schema = pa.schema([("a", pa.struct([("b", pa.int32()), ("b.c", pa.int32())])), ("a.b", pa.int64())])
    table = ls.connect(tmp_path).create_table("db.t", schema=schema)
    table.insert([{"a": {"b": 1, "b.c": 2}, "a.b": 3}])
    assert table.scan(select=["a.b"]).to_pylist() == [{"a.b": 3}]
    assert table.scan(select=["a.b.c"]).to_pylist() == [{"a": {"b.c": 2}}]
    assert table.scan(select=["a"]).to_pylist() == [{"a": {"b": 1, "b.c": 2}}]
    assert table.scan("a.b = 3", ["a.b"]).count() == 1


def test_partial_updates_merge_whole_rows_and_hand_out_parts(tmp_path):
    table = made(tmp_path, keyed=True, options={"merge-engine": "partial-update"})
    table.insert([{"id": 3, "address": {"zip": 7}}])
    assert by_id(table.scan(select=["id", "address.zip"]).to_pylist()) == [
        {"id": 1, "address": {"zip": 1}},
        {"id": 2, "address": {"zip": None}},
        {"id": 3, "address": {"zip": 7}},
    ]


class CountingStore(WrappedStore):
    """Counts the bytes that are read of data files."""

    def __init__(self, inner):
        super().__init__(inner)
        self.bytes = 0

    def open_input(self, path, *, size=None):
        return pa.PythonFile(_CountingFile(self, super().open_input(path, size=size)), mode="r")


class _CountingFile:
    closed = False

    def __init__(self, store, file):
        self._store, self._file = store, file

    def read(self, size=None):
        data = self._file.read(size)
        self._store.bytes += len(data)
        return data

    def seek(self, *place):
        return self._file.seek(*place)

    def tell(self):
        return self._file.tell()

    def size(self):
        return self._file.size()

    def close(self):
        self._file.close()
        self.closed = True

    def seekable(self):
        return True

    def readable(self):
        return True

    def writable(self):
        return False


@pytest.mark.parametrize("keyed", [False, True])
def test_one_member_of_twenty_is_a_fraction_of_the_bytes(tmp_path, keyed):
    count, members = 30_000, [f"m{number}" for number in range(20)]
    random = np.random.default_rng(7)
    store, root = open_store(tmp_path)
    counting = CountingStore(store)
    table = Lake(counting, root, Env()).create_table(
        "db.t",
        schema=pa.schema([("id", pa.int32(), False), ("wide", pa.struct([(name, pa.int64()) for name in members]))]),
        primary_key=["id"] if keyed else [],
        options={"bucket": 1 if keyed else -1},
    )
    arrays = [pa.array(random.integers(0, 1 << 60, count)) for _ in members]
    for _ in range(2):
        table.insert(
            {"id": pa.array(np.arange(count), pa.int32()), "wide": pa.StructArray.from_arrays(arrays, members)}
        )
    read = {}
    for path in ("wide", "wide.m7"):
        counting.bytes = 0
        found = table.scan(select=[path]).to_arrow()
        read[path] = counting.bytes
        assert found["wide"].combine_chunks().field("m7").slice(0, count).equals(arrays[7])
    assert read["wide.m7"] * 5 < read["wide"], read


# ---- filtered by path


def test_rows_are_filtered_by_members(table):
    def ids(where):
        return sorted(row["id"] for row in table.scan(where, ["id"]).to_pylist())

    assert ids("address.city = 'Rome'") == [1]
    assert ids("address.geo.lat > 40 or address.zip = 7") == [1]
    assert ids("address.zip is null") == [2, 3]
    assert ids("address.geo is not null") == [1]
    assert ids("not address.city = 'Rome'") == [2]
    assert ids("address is null") == [3]
    assert ids(ls.col("address.city").isin(["Oslo", "Rome"])) == [1, 2]
    assert table.scan("address.zip = 1", ["address.city"]).to_pylist() == [{"address": {"city": "Rome"}}]
    assert table.count("address.city = 'Rome'") == 1


@pytest.mark.parametrize(
    ("where", "message"),
    {
        "address.cit = 'x'": "column 'address.cit' not found; at 'cit' there are: city, zip, geo",
        "items.element.sku = 'x'": "column 'items.element.sku' lies inside ARRAY values",
        "attrs.value = 1": "column 'attrs.value' lies inside MAP values",
        "address = 'x'": "cannot be compared with 'x'; such columns only take IS NULL",
        "address.zip = 'x'": "address.zip",
    }.items(),
)
def test_a_predicate_that_cannot_be_is_refused_by_name(table, where, message):
    with pytest.raises(ls.LakestoreError, match=message) as refusal:
        table.scan(where).to_arrow()
    assert isinstance(refusal.value, ls.NotFoundError | ls.InvalidInputError)


# ---- changed


def test_old_rows_under_changed_members(table):
    altered = table.alter(
        ls.rename_column("address.city", "town"),
        ls.change_type("address.zip", "BIGINT"),
        ls.drop_column("address.geo.lat"),
        ls.add_column("address.geo.alt", "INT"),
        ls.move_column("address.zip", first=True),
        ls.add_column("items.element.count", "INT"),
        ls.rename_column("attrs.value.sku", "code"),
        ls.drop_column("attrs.value.price"),
    )
    altered.insert([{"id": 4, "address": {"zip": 2**40, "town": "Bern"}, "items": [{"sku": "u", "count": 1}]}])
    assert by_id(altered.scan().to_pylist()) == [
        {
            "id": 1,
            "address": {"zip": 1, "town": "Rome", "geo": {"lon": 12.5, "alt": None}},
            "items": [{"sku": "s", "price": Decimal("1.50"), "count": None}, None],
            "attrs": None,
        },
        {
            "id": 2,
            "address": {"zip": None, "town": "Oslo", "geo": None},
            "items": [],
            "attrs": [("x", {"code": "t"}), ("y", None)],
        },
        {"id": 3, "address": None, "items": None, "attrs": []},
        {
            "id": 4,
            "address": {"zip": 2**40, "town": "Bern", "geo": None},
            "items": [{"sku": "u", "price": None, "count": 1}],
            "attrs": None,
        },
    ]
    assert by_id(altered.scan("address.zip >= 1", ["id", "address.geo.alt"]).to_pylist()) == [
        {"id": 1, "address": {"geo": {"alt": None}}},
        {"id": 4, "address": {"geo": None}},
    ]
    assert altered.check(deep=True).ok


# ---- refused by name

SPECIAL = ["VARIANT", "BLOB", "GEOMETRY", "GEOGRAPHY", {"type": "VECTOR", "element": "FLOAT", "length": 4}]


@pytest.mark.parametrize("kind", SPECIAL, ids=str)
@pytest.mark.parametrize("wrap", [lambda kind: kind, lambda kind: {"type": "ARRAY", "element": kind}])
def test_special_types_are_refused_at_create_and_read(tmp_path, kind, wrap):
    name = kind if isinstance(kind, str) else kind["type"]
    lake = ls.connect(tmp_path)
    with pytest.raises(ls.UnsupportedFormatError, match=f"column 'v' has type .*{name}"):
        lake.create_table("db.t", schema={"id": "INT", "v": wrap(kind)})
    table = lake.create_table("db.t", schema={"id": "INT", "v": "BYTES"})
    table.insert([{"id": 1, "v": b"x"}])
    schema = Path(table.path, "schema", "schema-0")
    text = json.loads(schema.read_text())
    text["fields"][1]["type"] = wrap(kind)
    schema.write_text(json.dumps(text))
    opened = ls.open_table(table.path)
    for ask in (lambda: opened.schema, opened.to_arrow, lambda: opened.insert([{"id": 2, "v": b"y"}])):
        with pytest.raises(ls.UnsupportedFormatError, match=name):
            ask()
    assert opened.scan(select=["id"]).to_pylist() == [{"id": 1}]


@pytest.mark.parametrize("kind", ["ARRAY", "MAP", "MULTISET", "ROW"])
@pytest.mark.parametrize("place", ["primary_key", "partition_by", "bucket-key"])
def test_nested_columns_are_no_keys(tmp_path, kind, place):
    forms = {
        "ARRAY": {"element": "INT"},
        "MAP": {"key": "INT", "value": "INT"},
        "MULTISET": {"element": "INT"},
        "ROW": {"fields": [{"id": 2, "name": "a", "type": "INT"}]},
    }
    schema = {"id": "INT", "v": {"type": kind, **forms[kind]}}
    arguments = {place: ["v"]} if place != "bucket-key" else {"options": {"bucket": 2, "bucket-key": "v"}}
    with pytest.raises(ls.InvalidInputError, match=f"'v'.*{kind}"):
        ls.connect(tmp_path).create_table("db.t", schema=schema, **arguments)

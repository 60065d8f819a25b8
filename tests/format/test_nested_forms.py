"""Nested values in bytes: the groups and field ids of a Parquet file, and BinaryRow's arrays, maps and rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.core.project import stored
from lakestore.errors import CorruptTableError, InvariantError, UnsupportedFormatError
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.column_stats import collect
from lakestore.format.parquet_footer import with_int96
from lakestore.format.parquet_read import ParquetSource
from lakestore.format.parquet_write import ParquetFileWriter, repeating_columns
from lakestore.model.arrow import arrow_schema, arrow_type, assign_ids
from lakestore.model.options import FileOptions
from lakestore.model.stats import TRUNCATE_128
from lakestore.model.types import parse_type


def array(element):
    return {"type": "ARRAY", "element": element}


def mapping(key, value):
    return {"type": "MAP", "key": key, "value": value}


def multiset(element):
    return {"type": "MULTISET", "element": element}


def row_of(*members):
    fields = [{"id": place, "name": name, "type": kind} for place, (name, kind) in enumerate(members)]
    return {"type": "ROW", "fields": fields}


FIELDS = assign_ids(
    [
        ("id", parse_type("INT NOT NULL"), None),
        ("deep", parse_type(array(array("STRING NOT NULL"))), None),
        ("m", parse_type(mapping("STRING", array("TIMESTAMP(9)"))), None),
        ("s", parse_type(multiset("INT")), None),
        ("r", parse_type(row_of(("at", "TIMESTAMP(7)"), ("tags", array("INT")))), None),
    ]
)
VALUES = {
    "id": [1, 2, 3],
    "deep": [[["a"], None], [], None],
    "m": [[("k", [1, None])], None, []],
    "s": [[(5, 2)], [], None],
    "r": [{"at": -1, "tags": [7]}, None, {"at": None, "tags": None}],
}
ROWS = pa.Table.from_arrays(
    [pa.array(VALUES[one.name], arrow_type(one.type)) for one in FIELDS], schema=arrow_schema(FIELDS)
)


def written(rows=ROWS, fields=FIELDS):
    sink = pa.BufferOutputStream()
    with ParquetFileWriter(sink, fields, options=FileOptions(), dictionary=repeating_columns(rows)) as writer:
        writer.write(rows)
    return pa.BufferReader(sink.getvalue())


UNNAMED = 536_870_911
EXPECTED_SCHEMA = f"""\
required group field_id=-1 schema {{
  required int32 field_id=0 id;
  optional group field_id=1 deep (List) {{
    repeated group field_id=-1 list {{
      optional group field_id={UNNAMED + 1024 + 1} element (List) {{
        repeated group field_id=-1 list {{
          required binary field_id={UNNAMED + 1024 + 2} element (String);
        }}
      }}
    }}
  }}
  optional group field_id=2 m (Map) {{
    repeated group field_id=-1 key_value {{
      required binary field_id={UNNAMED - 2048 - 1} key (String);
      optional group field_id={UNNAMED + 2048 + 1} value (List) {{
        repeated group field_id=-1 list {{
          optional int96 field_id={UNNAMED + 2048 + 2} element;
        }}
      }}
    }}
  }}
  optional group field_id=3 s (Map) {{
    repeated group field_id=-1 key_value {{
      required int32 field_id={UNNAMED - 3072 - 1} key;
      required int32 field_id={UNNAMED + 3072 + 1} value;
    }}
  }}
  optional group field_id=4 r {{
    optional int96 field_id=5 at;
    optional group field_id=6 tags (List) {{
      repeated group field_id=-1 list {{
        optional int32 field_id={UNNAMED + 6144 + 1} element;
      }}
    }}
  }}
}}
"""


def test_groups_and_ids_are_those_of_paimon():
    shown = str(pq.ParquetFile(written()).schema)
    assert shown[shown.index("required") :] == EXPECTED_SCHEMA


def test_columns_come_back_and_only_the_leaves_asked_for():
    with ParquetSource(written(), "memory") as source:
        batch = next(source.batches([one.name for one in FIELDS], rows=10))
        for one in FIELDS:
            assert stored(batch.column(one.name), one.type).equals(ROWS[one.name].combine_chunks())
        narrow = {"r": parse_type(row_of(("tags", array("INT"))))}
        (only,) = source.batches(["r"], rows=10, narrow=narrow)
        assert only.column("r").type.names == ["tags"]
        assert source.row_bytes(["r"], narrow=narrow) < source.row_bytes(["r"])


def test_repeating_leaves_get_a_dictionary_of_their_own():
    kind = parse_type(row_of(("same", "STRING"), ("each", "INT")))
    fields = assign_ids([("r", kind, None)])
    values = [{"same": "x", "each": number} for number in range(100)]
    rows = pa.Table.from_arrays([pa.array(values, arrow_type(kind))], schema=arrow_schema(fields))
    assert repeating_columns(rows) == ["r.same"]
    group = pq.ParquetFile(written(rows, fields)).metadata.row_group(0)
    dictionaries = {group.column(at).path_in_schema: group.column(at).has_dictionary_page for at in range(2)}
    assert dictionaries == {"r.same": True, "r.each": False}


def test_footer_paths_are_whole():
    data = written().read()
    with pytest.raises(InvariantError, match="not in the footer"):
        with_int96(data, [("at",)])
    with pytest.raises(InvariantError, match="not 12 bytes wide"):
        with_int96(data, [("s", "key_value", "key")])


def test_a_file_whose_row_lacks_a_member():
    found = pa.array([{"b": 1}, None], pa.struct([("b", pa.int64())]))
    optional = parse_type(row_of(("a", "INT"), ("b", "BIGINT")))
    assert stored(found, optional).to_pylist() == [{"a": None, "b": 1}, None]
    with pytest.raises(pa.ArrowInvalid, match="member 'a' is NOT NULL"):
        stored(found, parse_type(row_of(("a", "INT NOT NULL"), ("b", "BIGINT"))))
    with pytest.raises(pa.ArrowNotImplementedError, match="the schema as ARRAY<INT>"):
        stored(found, parse_type(array("INT")))


def test_real_nulls_in_a_member_that_may_not_be_null_are_not_covered_up():
    found = pa.array([{"a": None}, None], pa.struct([("a", pa.int32())]))
    kind = parse_type(row_of(("a", "INT NOT NULL")))
    assert stored(found, kind).to_pylist() == [{"a": None}, None]


def test_nested_columns_have_no_statistics():
    modes = [TRUNCATE_128] * len(FIELDS)
    stats, columns = collect(ROWS, FIELDS, modes)
    assert columns == ("id",)
    assert stats.null_counts == (0,)
    stats, columns = collect(ROWS, FIELDS, modes, dense=False)
    assert columns is None
    assert stats.null_counts == (0, None, None, None, None)
    assert decode_row(stats.min_values, [one.type for one in FIELDS]) == (1, None, None, None, None)


HEAD = "0000000000000000"
BINARY = [
    # Type, value, the row's bytes after its field count: header, slot, variable part.
    (
        array("INT"),
        (1, None, 3),
        f"{HEAD} 1800000010000000  03000000 02000000 01000000 00000000 03000000 00000000",
    ),
    (
        array("BIGINT"),
        (1, None, 5),
        f"{HEAD} 2000000010000000  03000000 02000000 0100000000000000 0000000000000000 0500000000000000",
    ),
    (
        mapping("STRING", "INT"),
        (("k", 1),),
        f"{HEAD} 2400000010000000  10000000 0100000000000000 6b00000000000081 0100000000000000 0100000000000000 00000000",
    ),
    (
        row_of(("a", "INT"), ("b", "STRING")),
        (7, "x"),
        f"{HEAD} 1800000010000000 {HEAD} 0700000000000000 7800000000000081",
    ),
    # A null element takes no room in the variable part, a null member does.
    (array("DECIMAL(20, 0)"), (None,), f"{HEAD} 1000000010000000 01000000 01000000 0000000000000000"),
    (
        row_of(("a", "TIMESTAMP(6)")),
        (None,),
        f"{HEAD} 1800000010000000 0001000000000000 0000000010000000 0000000000000000",
    ),
    # The null bits of 33 elements take two words of four bytes.
    (
        array("TINYINT"),
        (None,) * 32 + (-1,),
        f"{HEAD} 3000000010000000 21000000 ffffffff 00000000 {'00' * 32} ff 000000",
    ),
    (multiset("SMALLINT"), (), f"{HEAD} 1400000010000000 08000000 {HEAD} {HEAD} 00000000"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), BINARY, ids=[str(parse_type(kind)) for kind, _, _ in BINARY])
def test_binary_form(kind, value, expected):
    types = (parse_type(kind),)
    data = encode_row((value,), types)
    assert data[4:].hex() == expected.replace(" ", "")
    assert decode_row(data, types) == (value,)


BROKEN = [
    (array("INT"), "1800000010000000 ffffff7f 00000000 0000000000000000 0000000000000000", "2147483647 elements"),
    (array("INT"), "1800000018000000 0300000000000000", "bytes 24 to 48"),
    (mapping("INT", "INT"), "0800000010000000 ff00000000000000", "keys take 255"),
    (
        mapping("INT", "INT"),
        "1400000010000000 08000000 0100000001000000 0000000000000000 00000000",
        "1 elements in 8 bytes",
    ),
    (row_of(("a", "INT")), "0800000010000000 0000000000000000", "ROW<a INT> of 8 bytes"),
]


@pytest.mark.parametrize(("kind", "data", "message"), BROKEN)
def test_nonsense_is_damage(kind, data, message):
    broken = bytes.fromhex("00000001" + HEAD + data.replace(" ", ""))
    with pytest.raises(CorruptTableError, match=message):
        decode_row(broken, (parse_type(kind),))


def test_special_types_stay_out_of_rows():
    kind = parse_type(array("VARIANT"))
    with pytest.raises(UnsupportedFormatError, match="VARIANT"):
        encode_row(((b"x",),), (kind,))

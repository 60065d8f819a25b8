"""Column statistics: modes, cutting, what has no bounds, and the bounds that Java wrote for the golden tables."""

import json
import math
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.core.values import array_of
from lakestore.errors import InvalidInputError, InvariantError
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.column_stats import (
    StatsCollector,
    collect,
    key_collector,
    partition_stats,
    stats_modes,
    truncate_max,
    truncate_min,
)
from lakestore.model.options import StatsOptions
from lakestore.model.stats import EMPTY_ROW, NO_STATS, TRUNCATE_16, TRUNCATE_128, parse_stats_mode
from lakestore.model.types import BINARIES, NESTED, Field, parse_field, parse_type, parse_type_text
from tests.golden.canon import kind_of, texts

FULL, COUNTS, NONE = (parse_stats_mode(text) for text in ("full", "counts", "none"))
LAST = "\U0010ffff"
NAN = float("nan")


def field(name, kind, field_id=0):
    return Field(id=field_id, name=name, type=parse_type_text(kind) if isinstance(kind, str) else parse_type(kind))


def bounds(values, kind, mode=FULL):
    """Bounds and null count of one column."""
    column = field("c", kind)
    stats, names = collect(pa.table({"c": array_of(values, column.type)}), [column], [mode])
    assert names is None
    (low,), (high,) = decode_row(stats.min_values, [column.type]), decode_row(stats.max_values, [column.type])
    (nulls,) = stats.null_counts
    return low, high, nulls


# ---- cutting


@pytest.mark.parametrize(
    ("value", "length", "low", "high"),
    [
        ("abcdef", 3, "abc", "abd"),
        ("éaé€x", 3, "éaé", "éaê"),
        ("a" * 20, 16, "a" * 16, "a" * 15 + "b"),
        ("a" + LAST * 3, 3, "a" + LAST * 2, "b"),
        (LAST * 4, 3, LAST * 3, None),
        ("abc", 3, "abc", "abc"),
        (LAST * 3, 3, LAST * 3, LAST * 3),
        ("", 3, "", ""),
        ("😀😀😀", 2, "😀😀", "😀😁"),
        ("a\ud7ffb", 2, "a\ud7ff", "a\ue000"),
        ("a\U0000ffffb", 2, "a\uffff", "a\U00010000"),
        (b"\x01\xff\x03", 2, b"\x01\xff", b"\x02"),
        (b"\xff\xff\xff", 2, b"\xff\xff", None),
        (b"\xff\xff", 2, b"\xff\xff", b"\xff\xff"),
        (b"\x01\x02\x03", 2, b"\x01\x02", b"\x01\x03"),
        (5, 1, 5, 5),
        (None, 1, None, None),
    ],
)
def test_truncate(value, length, low, high):
    assert truncate_min(value, length) == low
    assert truncate_max(value, length) == high
    if isinstance(high, str) and value != high:
        assert low.encode() <= value.encode() < high.encode()


def test_cut_bounds_in_bytes():
    mode = parse_stats_mode("truncate(3)")
    column = field("c", "STRING")
    stats, _ = collect(pa.table({"c": ["éaé€x"]}), [column], [mode])
    assert "c3a961c3a9" in stats.min_values.hex()
    assert "c3a961c3aa" in stats.max_values.hex()
    assert bounds([LAST * 4, "b", None], "STRING", mode) == (None, None, 1)
    assert bounds([b"\xff" * 4, b"b"], "BYTES", mode) == (None, None, 0)
    assert bounds(["x" * 200], "STRING", FULL) == ("x" * 200, "x" * 200, 0)
    assert bounds(["x" * 200], "STRING", TRUNCATE_128) == ("x" * 128, "x" * 127 + "y", 0)


# ---- which bounds


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("INT", [3, None, -1], (-1, 3, 1)),
        ("BOOLEAN", [True, False], (False, True, 0)),
        ("BOOLEAN", [True], (True, True, 0)),
        ("DATE", [5, -5], (-5, 5, 0)),
        ("TIME(3)", [5, 6], (5, 6, 0)),
        ("DECIMAL(38, 2)", [Decimal("1.00"), Decimal("-1.00")], (Decimal("-1.00"), Decimal("1.00"), 0)),
        ("TIMESTAMP(3)", [10**6, -(10**6)], (-(10**6), 10**6, 0)),
        ("TIMESTAMP(6)", [253402300799999999000], (253402300799999999000,) * 2 + (0,)),
        ("TIMESTAMP(7)", [100, None], (None, None, 1)),
        ("TIMESTAMP(9) WITH LOCAL TIME ZONE", [1], (None, None, 0)),
        ("STRING", ["\uffff", "😀"], ("\uffff", "😀", 0)),
        ("BYTES", [b"\x80", b"\x7f"], (b"\x7f", b"\x80", 0)),
        ("INT", [None, None], (None, None, 2)),
        ("STRING", [], (None, None, 0)),
        ("DOUBLE", [1.0, NAN], (None, None, 0)),
        ("FLOAT", [NAN, None], (None, None, 1)),
        ("DOUBLE", [-math.inf, math.inf], (-math.inf, math.inf, 0)),
    ],
)
def test_bounds(kind, values, expected):
    assert bounds(values, kind) == expected


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros_are_widened(zero):
    assert repr(bounds([zero], "DOUBLE")[:2]) == "(-0.0, 0.0)"
    assert repr(bounds([zero, 1.0], "FLOAT")[:2]) == "(-0.0, 1.0)"
    assert repr(bounds([zero, -1.0], "DOUBLE")[:2]) == "(-1.0, 0.0)"
    row = encode_row([zero], [parse_type_text("DOUBLE")])
    stats = partition_stats([row], [parse_type_text("DOUBLE")])
    assert (stats.min_values[-1], stats.max_values[-1]) == (0x80, 0)


def test_modes():
    assert bounds(["abc", None], "STRING", COUNTS) == (None, None, 1)
    assert bounds(["abc", None], "STRING", FULL) == ("abc", "abc", 1)
    assert bounds([12345], "INT", parse_stats_mode("truncate(1)")) == (12345, 12345, 0)


def test_other_arrow_spellings():
    columns = {"c": pa.array(["b", None, "a"]).dictionary_encode()}
    assert collect(columns, [field("c", "STRING")], [FULL])[0].null_counts == (1,)
    columns = {"c": pa.chunked_array([pa.array(["b"]), pa.array(["a"])])}
    stats, _ = collect(columns, [field("c", "STRING")], [FULL])
    assert decode_row(stats.min_values, [parse_type_text("STRING")]) == ("a",)
    with pytest.raises(InvalidInputError):
        collect({"c": pa.array([1])}, [field("c", "STRING")], [FULL])


# ---- which columns


ARRAY = {"type": "ARRAY", "element": "INT"}
COLUMNS = [field("a", "INT"), field("b", ARRAY), field("c", "STRING"), field("d", "TIMESTAMP(9)")]
TABLE = pa.table(
    {
        "other": [0, 0],
        "a": pa.array([1, 2], pa.int32()),
        "b": pa.array([[1], None]),
        "c": ["x", "y"],
        "d": pa.array([1, 2], pa.timestamp("ns")),
    }
)


def test_dense_leaves_out_what_has_no_statistics():
    stats, names = collect(TABLE, COLUMNS, [FULL, FULL, NONE, FULL])
    assert names == ("a", "d")
    types = [COLUMNS[0].type, COLUMNS[3].type]
    assert decode_row(stats.min_values, types) == (1, None)
    assert decode_row(stats.max_values, types) == (2, None)
    assert stats.null_counts == (0, 0)


def test_dense_with_everything_names_nothing():
    assert collect(TABLE, [COLUMNS[0], COLUMNS[2]], [FULL, COUNTS])[1] is None
    assert collect(TABLE, [], []) == (NO_STATS, None)
    assert collect(TABLE, [COLUMNS[0], COLUMNS[1]], [NONE, FULL]) == (NO_STATS, ())


def test_sparse_has_a_place_for_each_column():
    stats, names = collect(TABLE, COLUMNS, [FULL, FULL, NONE, FULL], dense=False)
    assert names is None
    assert decode_row(stats.min_values, [c.type for c in COLUMNS]) == (1, None, None, None)
    assert stats.null_counts == (0, None, None, 0)


def test_keep_first():
    fields = [field(name, "INT") for name in ("a", "b", "c", "d")]
    options = StatsOptions(columns={"b": COUNTS, "d": FULL}, keep_first=2)
    assert stats_modes(fields, options) == (TRUNCATE_16, COUNTS, NONE, FULL)
    assert stats_modes(fields, StatsOptions(keep_first=0)) == (NONE,) * 4
    assert stats_modes(fields, StatsOptions(mode=FULL)) == (FULL,) * 4
    thin = stats_modes(fields, StatsOptions(keep_first=1), thin_keys=("a", "b"))
    assert thin == (TRUNCATE_128, TRUNCATE_128, TRUNCATE_16, NONE)


def test_keys():
    collector = key_collector([field("_KEY_a", "STRING"), field("_KEY_b", "INT")])
    collector.add({"_KEY_a": pa.array(["x" * 129]), "_KEY_b": pa.array([1], pa.int32())})
    stats, names = collector.finish(dense=False)
    assert names is None
    assert decode_row(stats.max_values, [parse_type_text("STRING"), parse_type_text("INT")]) == ("x" * 127 + "y", 1)


# ---- batch after batch


def test_batches_and_merges_give_what_the_whole_gives():
    kinds = {"a": "INT", "s": "STRING", "f": "DOUBLE", "g": "DOUBLE", "n": "INT"}
    fields = [field(name, kind) for name, kind in kinds.items()]
    modes = [TRUNCATE_16] * len(fields)
    whole = pa.table(
        {
            "a": pa.array([5, None, -7, 3, 9, 1], pa.int32()),
            "s": ["m", "z" * 30, None, "", "b", "q"],
            "f": [1.0, 2.0, NAN, 4.0, 5.0, 6.0],
            "g": [0.0, 2.0, None, 4.0, 5.0, 6.0],
            "n": pa.array([None] * 6, pa.int32()),
        }
    )
    expected = collect(whole, fields, modes)
    fed = StatsCollector(fields, modes)
    for start in (0, 2, 4, 6):
        fed.add(whole.slice(start, 2))
    assert fed.finish() == expected
    merged = StatsCollector(fields, modes)
    for start in range(6):
        part = StatsCollector(fields, modes)
        part.add(whole.slice(start, 1).to_batches()[0])
        merged.merge(part)
    assert merged.finish() == expected
    with pytest.raises(InvariantError, match="do not merge"):
        merged.merge(StatsCollector(fields, [FULL] * len(fields)))


# ---- partitions


def test_partitions_of_a_manifest():
    types = [parse_type_text("STRING"), parse_type_text("INT")]
    rows = [encode_row(row, types) for row in (("b", 1), (None, 1), ("a" * 300, 1), ("b", 1), (None, 1))]
    stats = partition_stats(rows, types)
    assert decode_row(stats.min_values, types) == ("a" * 300, 1)
    assert decode_row(stats.max_values, types) == ("b", 1)
    assert stats.null_counts == (2, 0)
    assert partition_stats([EMPTY_ROW] * 3, []) == NO_STATS
    assert decode_row(partition_stats([], types).min_values, types) == (None, None)
    doubles = [parse_type_text("DOUBLE")]
    stats = partition_stats([encode_row([value], doubles) for value in (1.0, NAN)], doubles)
    assert decode_row(stats.max_values, doubles) == (None,)


# ---- the golden tables


def golden_files():
    """Parquet files that Java wrote, with the statistics it wrote for them."""
    for folder in sorted((Path(__file__).parent.parent / "golden" / "tables").iterdir()):
        about = json.loads((folder / "about.json").read_text())
        if about["engine"] != "java" or about["options"].get("metadata.stats-mode"):
            continue
        root = folder / "golden.db" / "t"
        for line in (folder / "files.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry.get("type") == "file" and entry["file"].endswith(".parquet"):
                (path,) = root.glob(f"**/{entry['file']}")
                schema = json.loads((root / "schema" / f"schema-{entry['schemaId']}").read_text())
                yield path, entry, [(node, parse_field(node)) for node in schema["fields"]]


def test_statistics_are_those_that_java_wrote():
    compared = 0
    for path, entry, nodes in golden_files():
        table = pq.read_table(path, partitioning=None)
        for node, column in nodes:
            if column.type.root in BINARIES or column.type.root in NESTED:
                continue  # Paimon 0.9 wrote no bounds for bytes, and nothing for nested columns
            stats, _ = collect({column.name: table[column.name]}, [column], [TRUNCATE_16])
            for side, row in (("min", stats.min_values), ("max", stats.max_values)):
                mine = array_of(decode_row(row, [column.type]), column.type)
                assert texts(mine, kind_of(node["type"])) == [entry["valueStats"][side][column.name]], path
            assert stats.null_counts == (entry["valueStats"]["nulls"][column.name],), path
            compared += 1
    assert compared > 300

"""Every table that the judges are asked about, by name."""

from tests.compat.rows import (
    KEY_TYPES,
    NAMES,
    ON_TOP,
    PARTITIONS,
    PLAIN,
    TYPES,
    TYPES_ON_TOP,
    TYPES_STEPS,
    UPDATES,
    by_name,
    composite,
    decimals,
    floats,
    keys,
    nanos,
    times,
    updates,
)
from tests.compat.rows_nested import COUNTED, DEEP, FINE, NESTED, counted, deep, fine, nested
from tests.compat.shape import Shape
from tests.compat.shapes_formats import FORMAT_SHAPES

SHAPES = {
    "types_keyed": Shape(TYPES, TYPES_STEPS, [*TYPES_ON_TOP, ("delete", [{"id": "0"}])], ["id"], options={"bucket": 1}),
    "types_keyed_4": Shape(TYPES, TYPES_STEPS, TYPES_ON_TOP, ["id"], options={"bucket": 4}),
    "types_append": Shape(TYPES, TYPES_STEPS, TYPES_ON_TOP, options={"bucket": -1}),
    "nested_keyed": Shape(
        NESTED,
        [("write", nested(range(12))), ("write", nested(range(6, 14))), ("delete", [{"id": "3"}])],
        [("write", nested(range(10, 18))), ("delete", [{"id": "5"}])],
        ["id"],
        options={"bucket": 2},
    ),
    "nested_append": Shape(
        NESTED,
        [("write", nested(range(8))), ("write", nested(range(2, 5)))],
        [("write", nested(range(4)))],
        options={"bucket": -1},
    ),
    "nested_deep": Shape(
        DEEP,
        [("write", deep(range(8))), ("write", deep(range(4, 10)))],
        [("write", deep(range(8, 12)))],
        ["id"],
        options={"bucket": 1},
    ),
    "nested_nanos": Shape(
        FINE,
        [("write", fine(range(6))), ("write", fine(range(3, 8)))],
        [("write", fine(range(4, 9)))],
        ["id"],
        options={"bucket": 1},
    ),
    "multisets": Shape(
        COUNTED, [("write", counted(range(6)))], [("write", counted(range(4, 8)))], ["id"], options={"bucket": 1}
    ),
    "updates_1": Shape(PLAIN, UPDATES, ON_TOP, ["id"], options={"bucket": 1}),
    "updates_4": Shape(PLAIN, UPDATES, ON_TOP, ["id"], options={"bucket": 4}),
    **{
        codec: Shape(PLAIN, UPDATES, ON_TOP, ["id"], options={"bucket": 1, "file.compression": codec})
        for codec in ["snappy", "gzip", "lz4", "uncompressed"]
    },
    **FORMAT_SHAPES,
    "no_stats": Shape(PLAIN, UPDATES, ON_TOP, ["id"], options={"bucket": 1, "metadata.stats-mode": "none"}),
    "full_stats": Shape(PLAIN, UPDATES, ON_TOP, ["id"], options={"bucket": 1, "metadata.stats-mode": "full"}),
    "many_commits": Shape(
        PLAIN,
        [("write", updates(range(each, each + 5), f"c{each}")) for each in range(0, 36, 3)],
        ON_TOP,
        ["id"],
        options={"bucket": 2, "manifest.merge-min-count": 4},
    ),
    "sequence": Shape(
        {"id": "INT NOT NULL", "seq": "BIGINT", "v": "STRING"},
        [
            ("write", [{"id": str(each), "seq": "10", "v": f"first{each}"} for each in range(8)]),
            ("write", [{"id": str(each), "seq": str(each * 4), "v": f"second{each}"} for each in range(8)]),
        ],
        [("write", [{"id": "1", "seq": "9", "v": "late"}, {"id": "2", "seq": "10", "v": "tie"}])],
        ["id"],
        options={"bucket": 2, "sequence.field": "seq"},
        order=lambda row: int(row["seq"]),
    ),
    "sequence_of_two_descending": Shape(
        {"id": "INT NOT NULL", "seq": "INT", "tie": "DATE", "v": "STRING"},
        [
            ("write", [{"id": str(each), "seq": "5", "tie": "2024-01-15", "v": f"first{each}"} for each in range(8)]),
            (
                "write",
                [{"id": str(each), "seq": str(each), "tie": "2024-01-01", "v": f"second{each}"} for each in range(8)],
            ),
        ],
        [("write", [{"id": "4", "seq": "4", "tie": "2023-12-31", "v": "older"}])],
        ["id"],
        options={"bucket": 1, "sequence.field": "seq,tie", "sequence.field.sort-order": "descending"},
        order=lambda row: (-int(row["seq"]), -int(row["tie"].replace("-", ""))),
    ),
    "every_key": Shape(
        KEY_TYPES,
        [("write", keys(range(20), "x")), ("write", keys(range(12, 30), "y")), ("delete", keys(range(14, 16), ""))],
        [("write", keys(range(28, 34), "z")), ("delete", keys(range(3), ""))],
        [name for name in KEY_TYPES if name != "v"],
        options={"bucket": 4},
    ),
    "float_key": Shape(
        {"f": "FLOAT NOT NULL", "g": "DOUBLE NOT NULL", "v": "STRING"},
        [("write", floats(range(-10, 10), "x")), ("write", floats(range(16), "y"))],
        [("write", floats(range(14, 20), "z"))],
        ["f", "g"],
        options={"bucket": 4},
    ),
    "time_and_nanos": Shape(
        {
            "id": "INT NOT NULL",
            "c_time": "TIME(3)",
            "c_ts9": "TIMESTAMP(9)",
            "c_ltz9": "TIMESTAMP(9) WITH LOCAL TIME ZONE",
        },
        [("write", nanos(range(8), "12:34:56.789")), ("write", nanos(range(5, 10), "00:00:00.000"))],
        [("write", nanos(range(8, 12), "23:59:59.999"))],
        ["id"],
        options={"bucket": 1},
    ),
    "many_files": Shape(
        PLAIN,
        [("write", updates(range(0, 6000, step), f"step{step}")) for step in (1, 2, 5)],
        ON_TOP,
        ["id"],
        options={"bucket": 1, "target-file-size": "10 kb"},
    ),
    "composite_key": Shape(
        {"v": "STRING", "a": "INT NOT NULL", "b": "STRING NOT NULL", "d": "DATE NOT NULL"},
        [("write", composite(range(20), "x")), ("write", composite(range(10, 24), "y"))],
        [("write", composite(range(18, 26), "z"))],
        ["a", "b", "d"],
        options={"bucket": 4},
    ),
    "decimal_key": Shape(
        {"m": "DECIMAL(10, 2) NOT NULL", "w": "DECIMAL(30, 4) NOT NULL", "v": "STRING"},
        [("write", decimals(range(16), "x")), ("write", decimals(range(8, 20), "y"))],
        [("write", decimals(range(18, 22), "z"))],
        ["m", "w"],
        options={"bucket": 4},
    ),
    "time_key": Shape(
        {"t": "TIMESTAMP(3) NOT NULL", "u": "TIMESTAMP(6) NOT NULL", "v": "STRING"},
        [("write", times(range(16), "x")), ("write", times(range(8, 20), "y"))],
        [("write", times(range(18, 22), "z"))],
        ["t", "u"],
        options={"bucket": 4},
    ),
    "append": Shape(
        PLAIN,
        [("write", updates(range(10), "a")), ("write", updates(range(10), "a")), ("write", updates(range(3), "b"))],
        ON_TOP[:1],
        options={"bucket": -1},
    ),
    "append_bucketed": Shape(
        PLAIN,
        [("write", updates(range(30), "a")), ("write", updates(range(20), "b"))],
        ON_TOP[:1],
        options={"bucket": 4, "bucket-key": "v"},
    ),
    "names_append": Shape(
        {"p": "STRING", "id": "INT", "v": "STRING"},
        [("write", by_name([*NAMES, None])), ("write", by_name([None, "plain", "a=b/c%"]))],
        [("write", by_name([None, "ünïcødé 漢字", "fresh"]))],
        partition_by=["p"],
        options={"bucket": -1},
    ),
    "names_keyed": Shape(
        {"p": "STRING NOT NULL", "id": "INT NOT NULL", "v": "STRING"},
        [("write", by_name([*NAMES, "", "a=b/c%"])), ("delete", by_name(NAMES[:2]))],
        [("write", by_name(["", " ", "fresh"])), ("delete", [{"p": "a=b/c%", "id": "3"}])],
        ["p", "id"],
        ["p"],
        options={"bucket": 2},
    ),
    "overwritten": Shape(
        {"p": "STRING", "id": "INT", "v": "STRING"},
        [("write", by_name(["a", "b", "c", None])), ("overwrite", by_name(["b", "b", None]))],
        [("write", by_name(["c", "d"]))],
        partition_by=["p"],
        options={"bucket": -1},
    ),
    **{
        f"partition_{name}": Shape(
            {"p": kind, "v": "STRING"},
            [("write", [{"p": value, "v": word} for value in values]) for word in ("first", "second")],
            [("write", [{"p": value, "v": "top"} for value in values])],
            partition_by=["p"],
            options={"bucket": -1},
        )
        for name, (kind, values) in PARTITIONS.items()
    },
    "partitions_keyed": Shape(
        {"d": "DATE NOT NULL", "n": "INT NOT NULL", "id": "INT NOT NULL", "v": "STRING"},
        [
            (
                "write",
                [{"d": f"2024-02-2{each % 3}", "n": str(each % 2), "id": str(each), "v": "x"} for each in range(24)],
            ),
            (
                "write",
                [{"d": f"2024-02-2{each % 3}", "n": str(each % 2), "id": str(each), "v": "y"} for each in range(9)],
            ),
        ],
        [("write", [{"d": "2024-02-20", "n": "0", "id": "0", "v": "z"}])],
        ["d", "n", "id"],
        ["d", "n"],
        options={"bucket": 2},
    ),
}
"""Every table by name."""

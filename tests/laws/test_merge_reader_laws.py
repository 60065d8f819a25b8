"""Scans of random primary-key tables against a dict: any runs, kinds, orders, key types and window sizes."""

import math
import struct
from datetime import date
from decimal import Decimal

import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakestore.core.sorting import argsort, normalise
from lakestore.model.options import MergeOptions, ScanOptions, TableOptions
from tests.reading import HandMade, a_schema, rows_of

TEXT = st.text("abé\x00😀", max_size=3) | st.sampled_from(["user-0001", "user-0002", "user-00011"])
KEYS = {
    "BOOLEAN": st.booleans(),
    "INT": st.integers(-4, 4),
    "BIGINT": st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1]),
    "DOUBLE": st.sampled_from([0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, math.nan]),
    "FLOAT": st.sampled_from([0.0, -0.0, 1.5, -1.5, math.inf, math.nan]),
    "DECIMAL(5, 2)": st.integers(-300, 300).map(lambda n: Decimal(n).scaleb(-2)),
    "DECIMAL(30, 2)": st.sampled_from([-(10**25), -1, 0, 1, 10**25]).map(lambda n: Decimal(n).scaleb(-2)),
    "STRING": TEXT,
    "BYTES": st.binary(max_size=3),
    "DATE": st.dates(date(1969, 12, 29), date(1970, 1, 3)),
    "TIMESTAMP(3)": st.integers(-3, 3),
    "TIMESTAMP(9)": st.integers(-3, 3),
}
VALUES = {"v": "INT", "f": "INT", "g": "STRING"}


def same(value):
    """Keys that Python takes for equal and Paimon does not, and the other way round, told apart."""
    return struct.pack(">d", value) if isinstance(value, float) and not math.isnan(value) else repr(value)


@st.composite
def histories(draw):
    """Key types, and files of distinct keys: (key, v, f, g, kind) each."""
    names = draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=2))
    key = st.tuples(*(KEYS[name] for name in names))
    pool = draw(st.lists(key, min_size=1, max_size=8, unique_by=lambda one: tuple(map(same, one))))
    row = st.tuples(
        st.integers(0, 9), st.none() | st.integers(0, 2), st.sampled_from(["x", "y"]), st.sampled_from([0, 0, 1, 2, 3])
    )
    files = [
        [(one, *draw(row)) for one in draw(st.lists(st.sampled_from(range(len(pool))), unique=True, min_size=1))]
        for _ in range(draw(st.integers(1, 4)))
    ]
    return names, pool, files


@given(
    histories(),
    st.sampled_from([(), ("f",), ("f", "g")]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2, 3, 8, 100]),
    st.sampled_from([1, 2, 100]),
)
@example(
    (["INT"], [(1,), (2,)], [[(0, 1, None, "x", 3)], [(0, 2, 1, "x", 0), (1, 0, None, "y", 0)]]),
    (),
    False,
    False,
    False,
    1,
    1,
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_scan_is_the_dict(history, sequence_fields, descending, ignore, shuffled, window, group_rows):
    names, pool, files = history
    key_columns = {f"k{i}": name for i, name in enumerate(names)}
    schema = a_schema({"v": "INT", **key_columns, "f": "INT", "g": "STRING"}, key=tuple(key_columns))
    table = HandMade(
        schema,
        TableOptions(
            merge=MergeOptions(sequence_fields=sequence_fields, sequence_descending=descending, ignore_delete=ignore),
            scan=ScanOptions(window_rows=window),
        ),
    )
    model = {}
    sequence = 0
    for number, file in enumerate(files):
        # Shuffled sequence numbers make ranges of files overlap, so that the order of files says nothing.
        numbers = {one: (one * 7 + number) if shuffled else sequence + i for i, (one, *_) in enumerate(file)}
        sequence += len(file)
        rows = table.arrow([(v, *pool[one], f, g) for one, v, f, g, _ in file])
        order = argsort(normalise([rows.column(name) for name in key_columns])).tolist()
        table.add(
            rows.take(pa.array(order)),
            sequences=[numbers[file[at][0]] for at in order],
            kinds=[file[at][4] for at in order],
            level=number % 2,
            row_group_size=group_rows,
        )
        for one, v, f, g, kind in file:
            fields = [_lowest_null(value, descending) for value in ({"f": f, "g": g}[name] for name in sequence_fields)]
            add = kind in (0, 2)
            rank = (add if ignore else 0, fields, numbers[one], add, number)
            if one not in model or model[one][0] < rank:
                model[one] = (rank, (v, *rows_of(table.arrow([(v, *pool[one], f, g)]))[0][1:-2], f, g), add)
    wanted = sorted((row for _, row, add in model.values() if add), key=repr)
    assert repr(table.read()) == repr(wanted)


def _lowest_null(value, descending):
    if value is None:
        return (0, 0)
    number = value if isinstance(value, int) else ord(value)
    return (1, -number if descending else number)

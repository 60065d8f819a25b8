"""The difference of two states, against a dictionary."""

import math

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.difference import difference
from lakestore.model.rows import RowKind

SCHEMA = pa.schema([("a", pa.int32()), ("b", pa.string()), ("v", pa.float64()), ("w", pa.list_(pa.int32()))])
keys = st.tuples(st.integers(0, 4), st.sampled_from(["", "x", "yy"]))
values = st.tuples(
    st.none() | st.sampled_from([0.0, 1.5, math.nan]), st.none() | st.lists(st.integers(0, 2), max_size=2)
)
states = st.dictionaries(keys, values, max_size=10)


def table(state):
    return pa.Table.from_pylist(
        [dict(zip("abvw", (*key, *value), strict=True)) for key, value in state.items()], SCHEMA
    )


def texts(row):
    return tuple(map(str, row))


@settings(deadline=None)
@given(states, states)
def test_against_a_dictionary(before, after):
    rows, kinds = difference(table(before), table(after), keys=["a", "b"], values=["v", "w"])
    found = [
        (RowKind(kind).short, texts(row.values()))
        for kind, row in zip(kinds.to_pylist(), rows.to_pylist(), strict=True)
    ]
    expected = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was is None:
            expected.append(("+I", texts((*key, *now))))
        elif now is None:
            expected.append(("-D", texts((*key, *was))))
        elif texts(was) != texts(now):
            expected += [("-U", texts((*key, *was))), ("+U", texts((*key, *now)))]
    assert found == expected


def test_without_values_only_keys_count():
    rows, kinds = difference(
        table({(1, "x"): (1.0, None)}),
        table({(1, "x"): (2.0, None), (2, "x"): (1.0, None)}),
        keys=["a", "b"],
        values=[],
    )
    assert kinds.to_pylist() == [RowKind.INSERT]
    assert rows.column("a").to_pylist() == [2]

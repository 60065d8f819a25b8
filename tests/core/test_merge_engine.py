"""The merge engines by example: hand-made versions of a few keys, exactness at the limits, and long groups."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.groups import Groups, merge_order
from lakestore.core.sorting import normalise
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.merging import ColumnMerge, Function, MergeSpec, SequenceGroup
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, MergeEngine
from lakestore.model.types import parse_type_text

ADD, BEFORE, AFTER, DELETE = 0, 1, 2, 3


def merge_one(values, function, kind="INT", *, kinds=None, **options):
    """What a function makes of the values of one key, oldest first."""
    field = ColumnMerge(name="x", type=parse_type_text(kind), function=function, **options)
    spec = MergeSpec(engine=MergeEngine.AGGREGATION, columns=(field,))
    return merge({"x": values}, [0], spec, kinds)["x"][0]


def merge(columns, starts, spec, kinds=None, *, alone=None):
    count = len(next(iter(columns.values())))
    arrays = {
        name: values if isinstance(values, pa.Array) else pa.array(values, ARROW.get(str(spec.column(name).type)))
        for name, values in columns.items()
    }
    arrays[SEQUENCE_NUMBER] = pa.array(range(count), pa.int64())
    arrays[VALUE_KIND] = pa.array(kinds or [ADD] * count, pa.int8())
    result = merge_rows(pa.table(arrays), Groups(np.array(starts), count), spec, alone=alone)
    return result.to_pydict()


ARROW = {
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "TINYINT": pa.int8(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(5, 2)": pa.decimal128(5, 2),
    "DECIMAL(9, 0)": pa.decimal128(9, 0),
    "DECIMAL(18, 0)": pa.decimal128(18, 0),
    "DECIMAL(38, 0)": pa.decimal128(38, 0),
    "TIMESTAMP(6)": pa.timestamp("us"),
}


def test_sum_is_exact_up_to_the_last_number_that_fits():
    assert merge_one([2**62, 2**62 - 1], Function.SUM, "BIGINT") == 2**63 - 1
    assert merge_one([127, -128, 1], Function.SUM, "TINYINT") == 0
    assert merge_one([None, None], Function.SUM) is None


@pytest.mark.parametrize(
    ("values", "kind", "kinds"),
    [
        ([2**62, 2**62], "BIGINT", None),
        ([2**31 - 1, 1, -5], "INT", None),
        ([-128, 5], "TINYINT", [BEFORE, ADD]),
        ([-(2**63), 0], "BIGINT", [DELETE, ADD]),
    ],
)
def test_overflow_is_an_error_that_names_the_column(values, kind, kinds):
    with pytest.raises(InvalidInputError, match=r"column 'x'.*make the column wider"):
        merge_one(values, Function.SUM, kind, kinds=kinds)


def test_product_overflows_on_the_way_even_if_the_end_would_fit():
    assert merge_one([3, 0, 7], Function.PRODUCT) == 0
    with pytest.raises(InvalidInputError, match="column 'x'"):
        merge_one([2**20, 2**20, 0], Function.PRODUCT)


def test_sums_of_short_decimals_keep_what_64_bits_hold_as_in_paimon():
    big = Decimal("999.99")
    assert merge_one([big, Decimal("0.01")], Function.SUM, "DECIMAL(5, 2)") == 1000
    assert merge_one([big, big, big], Function.SUM, "DECIMAL(5, 2)", kinds=[ADD, ADD, DELETE]) == big
    longest = Decimal("9" * 18)
    assert merge_one([longest] * 9, Function.SUM, "DECIMAL(18, 0)") == 9 * longest
    assert merge_one([longest] * 10, Function.SUM, "DECIMAL(18, 0)") is None
    assert merge_one([*[longest] * 10, Decimal(7)], Function.SUM, "DECIMAL(18, 0)") == 7
    nine = Decimal("9" * 9)
    assert merge_one([nine, nine], Function.SUM, "DECIMAL(9, 0)") == 2 * nine
    with pytest.raises(InvalidInputError, match=r"passes what decimal128\(9, 0\) holds, at 2999999997; make"):
        merge_one([nine] * 3, Function.SUM, "DECIMAL(9, 0)")


def test_decimals_outgrow_their_type_into_null_and_begin_anew():
    nines = Decimal("9" * 38)
    assert merge_one([nines, nines.copy_negate(), Decimal(7)], Function.SUM, "DECIMAL(38, 0)") == 7
    assert merge_one([nines, nines], Function.SUM, "DECIMAL(38, 0)") is None
    assert merge_one([Decimal(10**30), Decimal(5 - 10**37)], Function.SUM, "DECIMAL(38, 0)") == 10**30 + 5 - 10**37
    assert merge_one([Decimal("1.05"), Decimal("0.50")], Function.PRODUCT, "DECIMAL(5, 2)") == Decimal("0.53")


def test_products_take_factors_back():
    assert merge_one([7, 3], Function.PRODUCT, kinds=[ADD, BEFORE]) == 2
    assert merge_one([Decimal("7.50"), Decimal("2.50")], Function.PRODUCT, "DECIMAL(5, 2)", kinds=[ADD, DELETE]) == 3
    with pytest.raises(InvalidInputError, match="cannot take back 0"):
        merge_one([7, 0], Function.PRODUCT, kinds=[ADD, BEFORE])
    with pytest.raises(InvalidInputError, match="no last digit"):
        merge_one([Decimal("1.00"), Decimal("3.00")], Function.PRODUCT, "DECIMAL(5, 2)", kinds=[ADD, BEFORE])


def test_floats_are_added_from_left_to_right():
    values = [0.1, 0.2, 0.3, 1e16, -1e16, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    left = 0.0
    for value in values:
        left += value
    assert merge_one(values, Function.SUM, "DOUBLE") == left


def test_floats_compare_as_in_java():
    nan = float("nan")
    assert str(merge_one([0.0, -0.0], Function.MIN, "DOUBLE")) == "-0.0"
    assert str(merge_one([-0.0, 0.0], Function.MAX, "FLOAT")) == "0.0"
    assert np.isnan(merge_one([1.0, nan, None], Function.MAX, "DOUBLE"))
    assert merge_one([nan, 1.0], Function.MIN, "DOUBLE") == 1.0


def test_texts_compare_by_their_bytes():
    assert merge_one(["￿", "😀", None], Function.MAX, "STRING") == "😀"
    assert merge_one(["b", "", "a\0", "a"], Function.MIN, "STRING") == ""


def test_listagg_joins_what_is_not_blank():
    assert merge_one(["a", None, " ", "b", ""], Function.LISTAGG, "STRING", delimiter="; ") == "a; b"
    assert merge_one([" ", ""], Function.LISTAGG, "STRING") is None
    distinct = {"distinct": True, "delimiter": ","}
    assert merge_one(["a,a,,b", "b,c,,c", "d"], Function.LISTAGG, "STRING", **distinct) == "a,a,,b,c,d"


@pytest.mark.parametrize("function", [Function.MAX, Function.LISTAGG, Function.FIRST_VALUE, Function.BOOL_OR])
def test_functions_that_take_nothing_back_say_how_to_go_on(function):
    kind = "BOOLEAN" if function is Function.BOOL_OR else "STRING"
    values = [True, False] if kind == "BOOLEAN" else ["a", "b"]
    with pytest.raises(InvalidInputError, match=r"'x'.*fields\.x\.ignore-retract"):
        merge_one(values, function, kind, kinds=[ADD, DELETE])
    kept = merge_one(values, function, kind, kinds=[ADD, DELETE], ignore_retract=True)
    assert kept == values[0]


def test_sets_unite_where_there_are_several():
    field = ColumnMerge(name="x", type=parse_type_text("BYTES"), function=Function.RBM32)
    spec = MergeSpec(engine=MergeEngine.AGGREGATION, columns=(field,))
    rows = pa.table(
        {
            "x": pa.array([b"a", None, b"b", b"c", None, None], pa.binary()),
            SEQUENCE_NUMBER: pa.array(range(6), pa.int64()),
            VALUE_KIND: pa.array([ADD] * 6, pa.int8()),
        }
    )
    groups = Groups(np.array([0, 2, 4]), 6)
    united = merge_rows(rows, groups, spec, unions={Function.RBM32: b"+".join})
    assert united["x"].to_pylist() == [b"a", b"b+c", None]
    with pytest.raises(UnsupportedFormatError, match="rbm32") as caught:
        merge_rows(rows, groups, spec)
    assert caught.value.kind is ErrorKind.MISSING_DEPENDENCY


INT = parse_type_text("INT")


def partial(groups=(), **options):
    columns = tuple(ColumnMerge(name=name, type=INT) for name in ("id", "a", "b", "g"))
    return MergeSpec(engine=MergeEngine.PARTIAL_UPDATE, columns=columns, groups=groups, **options)


def test_partial_update_keeps_what_is_not_null():
    merged = merge({"id": [1, 1, 1, 2], "a": [1, None, 3, None], "b": [None, 5, None, 7]}, [0, 3], partial())
    assert (merged["a"], merged["b"]) == ([3, None], [5, 7])
    assert merged[SEQUENCE_NUMBER] == [2, 3]


def test_partial_update_refuses_retracts_with_the_three_ways_out():
    with pytest.raises(InvalidInputError, match=r"ignore-delete.*remove-record-on-delete.*sequence-group"):
        merge({"id": [1, 1], "a": [1, 2]}, [0], partial(), [ADD, DELETE])


def test_removed_record_comes_back_with_the_next_add():
    spec = partial(remove_on_delete=True)
    columns = {"id": [1] * 6, "a": [1, None, 2, 1, None, 2], "b": [5, 6, None, 5, 6, None]}
    merged = merge(columns, [0, 3], spec, [ADD, DELETE, ADD, ADD, ADD, DELETE])
    assert (merged["a"], merged["b"], merged[VALUE_KIND]) == ([2, 2], [6, None], [ADD, DELETE])


def test_retract_that_comes_first_fills_the_state_and_takes_itself_back():
    columns = (
        ColumnMerge(name="g", type=INT),
        ColumnMerge(name="s", type=INT, function=Function.SUM),
        ColumnMerge(name="free", type=INT),
    )
    group = SequenceGroup(ordered_by=("g",), members=("s",))
    spec = MergeSpec(engine=MergeEngine.PARTIAL_UPDATE, columns=columns, groups=(group,))
    merged = merge({"g": [1, 2], "s": [5, None], "free": [9, None]}, [0], spec, [DELETE, AFTER])
    assert (merged["g"], merged["s"], merged["free"], merged[VALUE_KIND]) == ([2], [0], [9], [ADD])


def test_a_null_in_a_column_that_takes_none_is_refused():
    columns = (ColumnMerge(name="a", type=parse_type_text("INT NOT NULL")),)
    spec = MergeSpec(engine=MergeEngine.PARTIAL_UPDATE, columns=columns)
    with pytest.raises(InvalidInputError, match="column 'a'"):
        merge({"a": pa.array([1, None], pa.int32())}, [0], spec)


def test_a_group_of_one_row_passes_as_it_is_unless_it_is_to_be_merged():
    field = ColumnMerge(name="x", type=INT, function=Function.SUM)
    spec = MergeSpec(engine=MergeEngine.AGGREGATION, columns=(field,))
    merged = merge({"x": [5, 5]}, [0, 1], spec, [DELETE, DELETE], alone=np.array([False, True]))
    assert (merged["x"], merged[VALUE_KIND]) == ([5, -5], [DELETE, ADD])


def test_other_columns_come_from_the_last_row():
    merged = merge({"id": [1, 1], "_KEY_id": pa.array([1, 1])}, [0], partial())
    assert merged["_KEY_id"] == [1]


def test_no_rows():
    spec = partial()
    rows = pa.table({"id": pa.array([], pa.int32()), VALUE_KIND: pa.array([], pa.int8())})
    assert merge_rows(rows, Groups(np.zeros(0, np.int64), 0), spec).num_rows == 0


def test_one_hot_key_with_retracts_in_many_versions():
    count = 3000
    kinds = [ADD, ADD, BEFORE] * (count // 3)
    values = list(range(count))
    wanted = sum(-value if kind == BEFORE else value for value, kind in zip(values, kinds, strict=True))
    assert merge_one(values, Function.SUM, "BIGINT", kinds=kinds) == wanted
    lists = ColumnMerge(name="x", type=parse_type_text("STRING"), function=Function.LISTAGG, distinct=True)
    spec = MergeSpec(engine=MergeEngine.AGGREGATION, columns=(lists,))
    assert merge({"x": [str(value % 7) for value in values]}, [0], spec)["x"] == ["0,1,2,3,4,5,6"]


def test_merge_order_puts_retracts_before_adds_where_all_else_ties():
    keys = normalise([pa.array([2, 1, 2, 1, 2])])
    order = normalise([pa.array([5, 1, 5, 0, 4])])
    rows, groups = merge_order(keys, order=order, kinds=np.array([0, 0, 3, 0, 0], np.int8))
    assert rows.tolist() == [3, 1, 4, 2, 0]
    assert groups.starts.tolist() == [0, 2]
    assert groups.sizes.tolist() == [2, 3]

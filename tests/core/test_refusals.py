"""Retract rows that a merge engine cannot take are refused before they are written."""

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.merge.refusals import refuse_delete, refuse_retracts, refuse_unordered
from lakestore.core.merge_options import parse_merge
from lakestore.errors import InvalidInputError
from tests.writing import table_schema

SCHEMA = table_schema({"id": "INT", "g": "INT", "a": "INT", "b": "STRING"}, key=["id"])
ROWS = pa.table({"id": [0, 1, 2, 3], "g": [1, None, None, 2], "a": [1, 2, 3, 4], "b": ["x", None, "y", "z"]})
INSERT, BEFORE, AFTER, DELETE = range(4)
PARTIAL = {"merge-engine": "partial-update"}
GROUP = {**PARTIAL, "fields.g.sequence-group": "a,b"}
AGGREGATION = {"merge-engine": "aggregation"}
MAX = {"fields.a.aggregate-function": "max"}
REMOVES = {"aggregation.remove-record-on-delete": "true"}


def spec_of(options):
    return parse_merge(SCHEMA, options)


def check(kinds, options):
    refuse_retracts(ROWS, np.array(kinds, np.int8), spec_of(options), first_row=10)


@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        ([INSERT, BEFORE, AFTER, DELETE], {}),
        ([INSERT, AFTER, INSERT, AFTER], {"merge-engine": "first-row"}),
        ([INSERT, AFTER, INSERT, AFTER], PARTIAL),
        ([BEFORE, DELETE, INSERT, AFTER], {**PARTIAL, "partial-update.remove-record-on-delete": "true"}),
        ([BEFORE, DELETE, INSERT, AFTER], GROUP),
        ([INSERT, DELETE, BEFORE, AFTER], {**GROUP, **MAX}),
        ([BEFORE, DELETE, BEFORE, DELETE], {**GROUP, **MAX, "fields.a.ignore-retract": "true"}),
        ([BEFORE, DELETE, BEFORE, DELETE], AGGREGATION),
        ([DELETE, DELETE, INSERT, DELETE], {**AGGREGATION, **MAX, **REMOVES}),
    ],
    ids=str,
)
def test_taken(kinds, options):
    check(kinds, options)


@pytest.mark.parametrize(
    ("kinds", "options", "message"),
    [
        ([INSERT, INSERT, DELETE, DELETE], {"merge-engine": "first-row"}, "row 12 is a -D row: .*ignore-delete"),
        ([INSERT, BEFORE, AFTER, DELETE], PARTIAL, "row 11 is a -U row: .*remove-record-on-delete.*sequence-group"),
        (
            [INSERT, DELETE, BEFORE, BEFORE],
            {**GROUP, **MAX},
            "row 13 is a -U row: column 'a' is merged by max.*ignore-r",
        ),
        ([INSERT, DELETE, INSERT, INSERT], {**AGGREGATION, **MAX}, "row 11 is a -D row: .*fields.a.ignore-retract"),
        ([INSERT, DELETE, BEFORE, INSERT], {**AGGREGATION, **MAX, **REMOVES}, "row 12 is a -U row"),
        (
            [DELETE, INSERT, INSERT, INSERT],
            {**AGGREGATION, "fields.default-aggregate-function": "first_value"},
            "row 10 is a -D row: column 'a' is merged by first_value",
        ),
    ],
    ids=str,
)
def test_refused_with_row_kind_and_remedy(kinds, options, message):
    with pytest.raises(InvalidInputError, match=message):
        check(kinds, options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {**PARTIAL, "partial-update.remove-record-on-delete": "true"},
        {**GROUP, "partial-update.remove-record-on-sequence-group": "g"},
        {**AGGREGATION, **REMOVES},
    ],
    ids=str,
)
def test_deletes_that_make_rows_go(options):
    refuse_delete(spec_of(options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore-delete": "true"}, "ignore-delete is set"),
        ({"merge-engine": "first-row"}, "keeps the first version"),
        (PARTIAL, "partial-update.remove-record-on-delete"),
        ({**PARTIAL, "ignore-delete": "true"}, "ignore-delete is set"),
        (GROUP, "partial-update.remove-record-on-sequence-group"),
        (AGGREGATION, "aggregation.remove-record-on-delete"),
        ({**AGGREGATION, "ignore-delete": "true"}, "ignore-delete is set"),
    ],
    ids=str,
)
def test_deletes_that_would_leave_rows_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=f"delete\\(\\) would not remove the rows: .*{message}"):
        refuse_delete(spec_of(options))


def test_a_row_that_no_group_orders_cannot_be_deleted():
    removing = spec_of({**GROUP, "partial-update.remove-record-on-sequence-group": "g"})
    refuse_unordered(ROWS.slice(0, 1), removing)
    refuse_unordered(ROWS, spec_of(GROUP))
    with pytest.raises(InvalidInputError, match=r"the row with id=1: it has no value in g"):
        refuse_unordered(ROWS, removing)

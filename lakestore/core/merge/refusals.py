"""Retract rows (-U and -D) that a table's merge engine cannot take, found before they are written.

A key's only version is never merged: a -D that nobody can take would lie in its file unnoticed, and fail every read
and compaction once another version of its key comes. So it is refused at the door, with its row, its kind and the
remedy. The rules are those of the kernels, seen row by row:

1. ``deduplicate`` takes everything, ``first-row`` no retract at all.
2. ``partial-update`` without sequence groups takes retracts if ``partial-update.remove-record-on-delete`` is set.
3. A sequence group whose ordering columns are all null leaves its columns alone. Otherwise each of its columns with a
   function must be able to take a value back; so must every column of ``aggregation``.
4. A -D that removes the whole aggregated row asks no function. One that removes by sequence group may turn out late
   and then does ask them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakestore.core.merge import Kinds, is_add
from lakestore.core.merge.groups import one_array
from lakestore.core.sorting import Mask
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import RETRACTABLE, ColumnMerge, Function, MergeSpec
from lakestore.model.rows import MergeEngine, RowKind

_NO_PARTIAL_RETRACTS = (
    "merge-engine partial-update does not take it as it is; set ignore-delete to pass over such rows,"
    " partial-update.remove-record-on-delete to let -D remove the row, or sequence groups"
    " (fields.<ordering column>.sequence-group) to let it take back the columns of a group"
)
_NO_FIRST_ROW_RETRACTS = (
    "merge-engine first-row keeps the first version of a key, and nothing takes it back; set ignore-delete to pass"
    " over such rows"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """Rows that cannot be taken, and why."""

    rows: Mask
    why: str


def refuse_retracts(rows: pa.Table, kinds: Kinds, spec: MergeSpec, *, first_row: int = 0) -> None:
    """Refuse rows that the table's merge engine could never merge.

    Args:
        rows: The table's columns.
        kinds: Their kinds, rows that the options pass over as adds.
        spec: The engine and its options.
        first_row: Number of the first of the rows, for the message.

    Raises:
        InvalidInputError: There is such a row; the message names the first, its kind and the remedy.
    """
    retracts = ~is_add(kinds)
    if not retracts.any():
        return
    found = [(int(np.argmax(rule.rows)), rule.why) for rule in _rules(rows, kinds, retracts, spec) if rule.rows.any()]
    if found:
        at, why = min(found)
        raise InvalidInputError(
            f"row {first_row + at} is a {RowKind(int(kinds[at])).short} row: {why}", kind=ErrorKind.INVALID_VALUE
        )


def refuse_delete(spec: MergeSpec) -> None:
    """Refuse to delete rows where a -D row would not make the row go.

    Raises:
        InvalidInputError: The message says what to do instead.
    """
    why = _no_delete(spec)
    if why is not None:
        raise InvalidInputError(f"delete() would not remove the rows: {why}")


def refuse_unordered(rows: pa.Table | pa.RecordBatch, spec: MergeSpec) -> None:
    """Refuse to delete rows of which no sequence group would remove the row.

    A group looks at a -D row only where it has an ordering value.

    Args:
        rows: Rows as the table holds them, about to be written as -D.
        spec: The engine and its options.

    Raises:
        InvalidInputError: There is such a row.
    """
    removing = [group for group in spec.groups if group.removes_record]
    if not removing:
        return
    names = [name for group in removing for name in group.ordered_by]
    ordered = _any_value(rows, names)
    if not ordered.all():
        keys = [column.name for column in spec.columns if column.function is Function.PRIMARY_KEY]
        first = rows.select(keys).slice(int(np.argmin(ordered)), 1)
        named = ", ".join(f"{name}={first[name][0]}" for name in keys)
        raise InvalidInputError(
            f"delete() would not remove the row with {named}: it has no value in {', '.join(names)}, and"
            " partial-update.remove-record-on-sequence-group goes by these; write such a value first"
        )


def _no_delete(spec: MergeSpec) -> str | None:
    if spec.engine is MergeEngine.DEDUPLICATE:
        return "the option ignore-delete is set, which passes over -D rows" if spec.ignore_delete else None
    if spec.engine is MergeEngine.FIRST_ROW:
        return "merge-engine first-row keeps the first version of a key for good; overwrite() replaces partitions"
    if spec.remove_on_delete or any(group.removes_record for group in spec.groups):
        return None
    if spec.ignore_delete:
        return "the option ignore-delete is set, which passes over -D rows"
    if spec.engine is MergeEngine.AGGREGATION:
        return (
            "under merge-engine aggregation a -D row takes its values back from the functions; make the table with"
            " aggregation.remove-record-on-delete = true, or take values back with write(rows, row_kind='-D')"
        )
    if spec.groups:
        return (
            "a -D row takes back the columns of sequence groups and leaves the row; name ordering columns in"
            " partial-update.remove-record-on-sequence-group, or take columns back with write(rows, row_kind='-D')"
        )
    return "merge-engine partial-update takes -D rows with partial-update.remove-record-on-delete = true only"


def _rules(rows: pa.Table, kinds: Kinds, retracts: Mask, spec: MergeSpec) -> Iterator[_Rule]:
    if spec.engine is MergeEngine.FIRST_ROW:
        yield _Rule(retracts, _NO_FIRST_ROW_RETRACTS)
    elif spec.engine is MergeEngine.AGGREGATION:
        asked = retracts & (kinds != RowKind.DELETE) if spec.remove_on_delete else retracts
        for column in spec.columns:
            if _takes_nothing_back(column):
                yield _Rule(asked, _no_function(column))
    elif spec.engine is MergeEngine.PARTIAL_UPDATE and spec.groups:
        yield from _group_rules(rows, retracts, spec)
    elif spec.engine is MergeEngine.PARTIAL_UPDATE and not spec.remove_on_delete:
        yield _Rule(retracts, _NO_PARTIAL_RETRACTS)


def _group_rules(rows: pa.Table, retracts: Mask, spec: MergeSpec) -> Iterator[_Rule]:
    for group in spec.groups:
        columns = [column for column in map(spec.column, group.members) if _takes_nothing_back(column)]
        if columns:
            present = _any_value(rows, group.ordered_by)
            for column in columns:
                yield _Rule(retracts & present, _no_function(column))


def _any_value(rows: pa.Table | pa.RecordBatch, names: Sequence[str]) -> Mask:
    """Rows with a value in one of the columns."""
    present = [one_array(rows.column(name)).is_valid().to_numpy(zero_copy_only=False) for name in names]
    found: Mask = np.logical_or.reduce(present)
    return found


def _takes_nothing_back(column: ColumnMerge) -> bool:
    return column.function is not None and column.function not in RETRACTABLE and not column.ignore_retract


def _no_function(column: ColumnMerge) -> str:
    return (
        f"column {column.name!r} is merged by {column.function}, which cannot take a value back; set"
        f" fields.{column.name}.ignore-retract to true to keep the value, or ignore-delete to pass over such rows"
    )

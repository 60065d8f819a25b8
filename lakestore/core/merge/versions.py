"""The rows that an engine merges, and what it answers for each column."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lakestore.core.merge import Kinds, is_add
from lakestore.core.merge.groups import Column, Groups
from lakestore.core.sorting import Indices
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import ColumnMerge
from lakestore.model.rows import VALUE_KIND

Result = Any
"""For each group the row to take a value from (``Indices``, -1 for null), or the values (an Arrow array)."""

MergeColumn = Callable[[str], Result]
"""What becomes of the column of that name."""


class Versions:
    """Versions of keys in merge order.

    Args:
        rows: The rows, in any order.
        groups: The versions of each key.
        order: Positions in ``rows`` in merge order; None if they lie in it.
    """

    def __init__(self, rows: pa.Table, groups: Groups, order: Indices | None) -> None:
        self.groups = groups
        self.columns = {
            name: Column(name, values, order) for name, values in zip(rows.column_names, rows.columns, strict=True)
        }
        self.kinds = _kinds_of(self.columns[VALUE_KIND])

    def refuse_nulls(self, field: ColumnMerge, rows: Indices) -> None:
        """Refuse rows that become a state, or part of it, without a value that the column must have.

        Raises:
            InvalidInputError: There is such a row.
        """
        column = self.columns[field.name]
        if field.type.nullable or column.valid is None:
            return
        if not column.valid[rows[rows >= 0]].all():
            raise InvalidInputError(
                f"column {field.name!r} is {field.type}, and a row that is merged has no value in it; write one, or"
                " make the column nullable",
                kind=ErrorKind.INVALID_VALUE,
            )


def _kinds_of(column: Column) -> Kinds | None:
    """Row kinds in merge order; None when all are adds, which mostly shows before they are put in order."""
    if is_add(column.values.to_numpy()).all():
        return None
    kinds: Kinds = column.ordered().to_numpy()
    return None if is_add(kinds).all() else kinds

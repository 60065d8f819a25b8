"""Engine ``partial-update``: what is not null wins; within a sequence group, who has the greatest ordering values.

What the rows do differs between the sequence groups and the columns outside of them, so there is one ``Events`` for
each. Without sequence groups:

1. Adds overwrite with what is not null.
2. A retract row that comes first fills the state with its values.
3. Then ``ignore-delete`` passes over retracts, ``partial-update.remove-record-on-delete`` makes a -D row the state,
   and without either a retract is an error.

With sequence groups see ``partial_groups``.
"""

import numpy as np
import pyarrow as pa

from lakestore.core.merge import Kinds, is_add, picks
from lakestore.core.merge.aggregation import begun_anew
from lakestore.core.merge.events import Action, Events
from lakestore.core.merge.functions import aggregate
from lakestore.core.merge.groups import Groups
from lakestore.core.merge.partial_groups import Course, GroupedCourse, first_retracts
from lakestore.core.merge.unions import Unions
from lakestore.core.merge.versions import MergeColumn, Result, Versions
from lakestore.core.sorting import Indices, Mask
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import ColumnMerge, Function, MergeSpec
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, RowKind


def partial_update(versions: Versions, spec: MergeSpec, unions: Unions) -> MergeColumn:
    """What becomes of each column.

    Raises:
        InvalidInputError: There are retract rows, and no option says what to do with them.
    """
    groups, kinds = versions.groups, versions.kinds
    grouped = GroupedCourse(versions, spec) if spec.groups else None
    course = grouped.course if grouped is not None else _course(groups, kinds, spec)
    fields = {field.name: field for field in spec.columns}

    def merge(name: str) -> Result:
        if name == VALUE_KIND:
            return pa.array(_kinds_of(groups, kinds, course.removed))
        if name == SEQUENCE_NUMBER:
            rows = _effective_rows(groups, kinds, spec)
            return versions.columns[name].at(rows).fill_null(0) if (rows < 0).any() else rows
        field = fields.get(name)
        if field is None or (field.function is Function.PRIMARY_KEY and spec.group_of(name) is None):
            return groups.lasts
        versions.refuse_nulls(field, course.outside.seed_rows())
        if grouped is None:
            versions.refuse_nulls(field, np.flatnonzero(course.outside.act(Action.ADD)))
        return of_column(field)

    def of_column(field: ColumnMerge) -> Result:
        column = versions.columns[field.name]
        group = spec.group_of(field.name)
        if group is None or grouped is None:
            return picks.last_non_null_value(column, course.outside)
        if field.name in group.ordered_by:
            return grouped.ordering_rows(group)
        if field.function is None:
            return grouped.member_rows(group)
        return aggregate(column, grouped.events(group), field, unions=unions)

    return merge


def _course(groups: Groups, kinds: Kinds | None, spec: MergeSpec) -> Course:
    if kinds is None:
        return Course(Events(groups))
    if not spec.ignore_delete and not spec.remove_on_delete:
        count = int(np.count_nonzero(~is_add(kinds)))
        raise InvalidInputError(
            f"merge-engine partial-update takes no retract rows (-D and -U) as it is, and {count} came; choose"
            " ignore-delete to pass over them, partial-update.remove-record-on-delete to let -D remove the row, or"
            " sequence groups (fields.<ordering column>.sequence-group) to let them take back the columns of a group",
            kind=ErrorKind.INVALID_VALUE,
        )
    actions = np.where(is_add(kinds), np.int8(Action.ADD), np.int8(Action.SKIP))
    seeds = first_retracts(groups, kinds)
    if spec.ignore_delete:
        return Course(begun_anew(groups, actions, seeds))
    seeds = np.maximum(seeds, groups.last(kinds == RowKind.DELETE))
    return Course(begun_anew(groups, actions, seeds), kinds[groups.lasts] == RowKind.DELETE)


def _kinds_of(groups: Groups, kinds: Kinds | None, removed: Mask | None) -> Kinds:
    """Row kinds of the results: -D where the state was removed or nothing was ever added, else +I."""
    result = np.full(len(groups), RowKind.INSERT, np.int8)
    if kinds is not None:
        result[~groups.any(is_add(kinds))] = RowKind.DELETE
        if removed is not None:
            result[removed] = RowKind.DELETE
    return result


def _effective_rows(groups: Groups, kinds: Kinds | None, spec: MergeSpec) -> Indices:
    """The row of each group whose sequence number the result carries; -1 for number 0."""
    if kinds is None or not spec.ignore_delete:
        return groups.lasts
    return groups.last(is_add(kinds))

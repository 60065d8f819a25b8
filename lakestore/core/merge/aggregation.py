"""Engine ``aggregation``: each column has a function of its own.

Adds go through the functions, retracts through what takes a value back. With ``aggregation.remove-record-on-delete``
a -D row instead becomes the state itself, a deleted one, until the next add builds on it.
"""

import numpy as np
import pyarrow as pa

from lakestore.core.merge import Kinds, is_add
from lakestore.core.merge.events import Action, Actions, Events
from lakestore.core.merge.functions import aggregate
from lakestore.core.merge.groups import Groups
from lakestore.core.merge.unions import Unions
from lakestore.core.merge.versions import MergeColumn, Result, Versions
from lakestore.core.sorting import Indices
from lakestore.model.merging import MergeSpec
from lakestore.model.rows import VALUE_KIND, RowKind


def aggregation(versions: Versions, spec: MergeSpec, unions: Unions) -> MergeColumn:
    """What becomes of each column."""
    groups, kinds, remove = versions.groups, versions.kinds, spec.remove_on_delete
    events = events_of(groups, kinds, remove_on_delete=remove)
    fields = {field.name: field for field in spec.columns}

    def merge(name: str) -> Result:
        if name == VALUE_KIND:
            return pa.array(kinds_of(groups, kinds, remove_on_delete=remove))
        field = fields.get(name)
        if field is None:
            return groups.lasts
        versions.refuse_nulls(field, events.seed_rows())
        return aggregate(versions.columns[name], events, field, unions=unions)

    return merge


def events_of(groups: Groups, kinds: Kinds | None, *, remove_on_delete: bool) -> Events:
    """What the rows do to every column.

    Args:
        groups: The groups.
        kinds: Row kinds in merge order; None when all are adds.
        remove_on_delete: Whether a -D row replaces the state.
    """
    if kinds is None or bool(is_add(kinds).all()):
        return Events(groups)
    actions = np.where(is_add(kinds), np.int8(Action.ADD), np.int8(Action.RETRACT))
    if not remove_on_delete:
        return Events(groups, actions)
    return begun_anew(groups, actions, groups.last(kinds == RowKind.DELETE))


def begun_anew(groups: Groups, actions: Actions, seeds: Indices) -> Events:
    """The events when some groups begin anew with a row, which itself does nothing but be there."""
    if not bool((seeds >= 0).any()):
        return Events(groups, actions)
    gone = np.arange(groups.rows) <= groups.spread(seeds)
    skip = np.int8(Action.SKIP)
    return Events(groups, np.where(gone, skip, actions), seeds, np.where(gone, actions, skip))


def kinds_of(groups: Groups, kinds: Kinds | None, *, remove_on_delete: bool) -> Kinds:
    """Row kinds of the results: +I always, but for a -D row that came last and removed the rest."""
    result = np.full(len(groups), RowKind.INSERT, np.int8)
    if remove_on_delete and kinds is not None:
        result[kinds[groups.lasts] == RowKind.DELETE] = RowKind.DELETE
    return result

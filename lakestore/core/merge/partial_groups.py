"""Sequence groups of ``partial-update``: which rows are late, and which begin a state anew.

A row whose ordering columns are all null leaves the group alone. Any other row is accepted if its ordering values are
not below those of the state, which are the greatest accepted so far; else it is late. An accepted retract row moves
the ordering values too. A retract row that comes first fills the state with its values, and then takes them back.

1. Ordering values become one word per row; the least word stands for "all null".
2. Without late rows to tell apart, the winner of each group is its greatest word, the last of equals.
3. Else a running maximum of the words says what was accepted.
4. Where an accepted -D of a group can remove the whole row (``partial-update.remove-record-on-sequence-group``), the
   state begins anew with it, smaller ordering values included: these groups go version by version, pass k over the
   k-th rows of all of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakestore.core.keywords import Words
from lakestore.core.merge import Kinds, is_add
from lakestore.core.merge.events import Action, Actions, Events
from lakestore.core.merge.exact import by_size
from lakestore.core.merge.groups import NO_ROW, Column, Groups, dense_ranks
from lakestore.core.merge.picks import greatest_rows, last_accepted, overwrite
from lakestore.core.merge.versions import Versions
from lakestore.core.sorting import Indices, KeyWords, Mask, normalise
from lakestore.model.merging import MergeSpec, SequenceGroup
from lakestore.model.rows import RowKind


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What the rows of ``partial-update`` do.

    Attributes:
        outside: To columns outside of sequence groups.
        removed: Groups whose last row removed the record; None for none.
    """

    outside: Events
    removed: Mask | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """The ordering values of one sequence group.

    Attributes:
        words: For each row a word that compares as its ordering values do.
        empty: Rows whose ordering values are all null; None for none.
        removes: Whether accepted deletes remove the whole row.
    """

    words: Words
    empty: Mask | None = None
    removes: bool = False

    def present(self) -> Mask:
        """Rows with an ordering value."""
        return np.ones(len(self.words), np.bool_) if self.empty is None else ~self.empty


class GroupedCourse:
    """What the rows do to columns inside and outside of sequence groups.

    Only sequence groups of whose columns one is there are looked at.

    Args:
        versions: The rows.
        spec: The engine's options.
    """

    def __init__(self, versions: Versions, spec: MergeSpec) -> None:
        self._groups = versions.groups
        self._orderings = {
            group: _ordering_of([versions.columns[name] for name in group.ordered_by], removes=group.removes_record)
            for group in spec.groups
            if all(name in versions.columns for name in group.ordered_by)
        }
        self._events: dict[SequenceGroup, Events] = {}
        self._winners: dict[SequenceGroup, Indices] = {}
        self._adds_only = versions.kinds is None
        self.course = Course(Events(versions.groups))
        if versions.kinds is not None:
            self._with_retracts(versions.kinds, spec)

    def events(self, group: SequenceGroup) -> Events:
        """What the rows do to columns with a function."""
        if group not in self._events:
            actions = _actions(self._groups, None, self._orderings[group])
            plain = bool((actions == Action.ADD).all())
            self._events[group] = Events(self._groups, None if plain else actions)
        return self._events[group]

    def ordering_rows(self, group: SequenceGroup) -> Indices:
        """The rows that have the last say on the ordering columns."""
        return self._winners_of(group) if self._adds_only else last_accepted(self.events(group))

    def member_rows(self, group: SequenceGroup) -> Indices:
        """The rows that have the last say on columns without a function."""
        return self._winners_of(group) if self._adds_only else overwrite(self.events(group))

    def _winners_of(self, group: SequenceGroup) -> Indices:
        if group not in self._winners:
            ordering = self._orderings[group]
            best = greatest_rows(KeyWords((ordering.words,), self._groups.rows), self._groups)
            # If the greatest row of a group has no ordering value, none has: nothing is below.
            self._winners[group] = best if ordering.empty is None else np.where(ordering.empty[best], NO_ROW, best)
        return self._winners[group]

    def _with_retracts(self, kinds: Kinds, spec: MergeSpec) -> None:
        groups = self._groups
        seeds = first_retracts(groups, kinds)
        outside = np.where(is_add(kinds), np.int8(Action.ADD), np.int8(Action.SKIP))
        if spec.ignore_delete:
            for group, ordering in self._orderings.items():
                heard = _actions(groups, None, _deaf(ordering, ~is_add(kinds), seeds))
                self._events[group] = Events(groups, np.where(is_add(kinds), heard, np.int8(Action.SKIP)), seeds)
            self.course = Course(Events(groups, outside, seeds))
            return
        actions = [_actions(groups, kinds, ordering) for ordering in self._orderings.values()]
        resets = _resets(groups, kinds, list(self._orderings.values()), actions)
        seeds = np.where(resets >= 0, resets, seeds)
        gone = np.arange(groups.rows) <= groups.spread(resets)
        skip = np.int8(Action.SKIP)
        events = [
            Events(groups, np.where(gone, skip, own), seeds, np.where(gone, own, skip)) for own in (outside, *actions)
        ]
        self._events.update(zip(self._orderings, events[1:], strict=True))
        self.course = Course(events[0], (resets >= 0) & (resets == groups.lasts))


def first_retracts(groups: Groups, kinds: Kinds) -> Indices:
    """The first row of each group if it is a retract row: it fills the state with its values."""
    return np.where(is_add(kinds)[groups.starts], NO_ROW, groups.starts)


def _ordering_of(columns: list[Column], *, removes: bool) -> Ordering:
    keys = normalise([column.values for column in columns])
    if len(keys.words) > 1:
        words = dense_ranks(keys).astype(np.uint64)
    else:
        words = keys.words[0] if keys.words else np.zeros(keys.rows, np.uint64)
    order = columns[0].order
    words = words if order is None else words[order]
    empty = np.logical_and.reduce([~column.has_value() for column in columns])
    return Ordering(words, empty if empty.any() else None, removes)


def _actions(groups: Groups, kinds: Kinds | None, ordering: Ordering) -> Actions:
    """What each row does when nothing removes a record."""
    late = ordering.words < groups.running_max(ordering.words)
    return _named(late, ordering.empty, None if kinds is None else ~is_add(kinds))


def _named(late: Mask, empty: Mask | None, retracts: Mask | None) -> Actions:
    actions = np.where(late, np.int8(Action.LATE), np.int8(Action.ADD))
    if retracts is not None:
        actions[retracts] += np.int8(Action.RETRACT - Action.ADD)
    if empty is not None:
        actions[empty] = Action.SKIP
    return actions


def _deaf(ordering: Ordering, ignored: Mask, seeds: Indices) -> Ordering:
    """Without the words of rows that are passed over, but for those that fill the state."""
    mute = ignored.copy()
    mute[seeds[seeds >= 0]] = False
    return Ordering(np.where(mute, np.uint64(0), ordering.words), ordering.empty, ordering.removes)


def _resets(groups: Groups, kinds: Kinds, orderings: list[Ordering], all_actions: list[Actions]) -> Indices:
    """For each group the last row that removed the record, or -1.

    The actions of groups in which records may be removed are set anew.
    """
    found = np.full(len(groups), NO_ROW)
    suspects = np.zeros(groups.rows, np.bool_)
    for ordering in orderings:
        if ordering.removes:
            suspects |= ordering.present() & (kinds == RowKind.DELETE)
    hard = groups.any(suspects)
    if not hard.any():
        return found
    own, rows = groups.select(hard)
    words = np.stack([ordering.words[rows] for ordering in orderings])
    present = np.stack([ordering.present()[rows] for ordering in orderings])
    removing = np.array([ordering.removes for ordering in orderings])
    late, resets = _version_by_version(own, kinds[rows], words, present, removing)
    for index, actions in enumerate(all_actions):
        actions[rows] = _named(late[index], ~present[index], ~is_add(kinds[rows]))
    found[hard] = np.where(resets < 0, NO_ROW, resets + (groups.starts[hard] - own.starts))
    return found


def _version_by_version(
    groups: Groups, kinds: Kinds, words: NDArray[np.uint64], present: NDArray[np.bool_], removing: Mask
) -> tuple[NDArray[np.bool_], Indices]:
    """Which rows are late in which sequence group, and the last row of each group that removed the record."""
    order, active = by_size(groups)
    starts = groups.starts[order]
    current = np.zeros((len(words), len(groups)), np.uint64)
    late = np.zeros_like(present)
    resets = np.full(len(groups), NO_ROW)
    for age, count in enumerate(active):
        rows = starts[:count] + age
        own = words[:, rows]
        accepted = present[:, rows] & (own >= current[:, :count])
        if age == 0:
            accepted |= ~is_add(kinds[rows])
        late[:, rows] = ~accepted
        removed = (kinds[rows] == RowKind.DELETE) & (accepted & present[:, rows] & removing[:, None]).any(axis=0)
        resets[order[:count][removed]] = rows[removed]
        current[:, :count] = np.where(accepted | removed, own, current[:, :count])
    return late, resets

"""What the rows of a group do to one column: the common tongue of engines and aggregate functions.

An engine says for each row what it does (an ``Action``), and for each group from which row on anything counts (its
seed). A function turns that into one value per group.

1. The accumulator is null, or the raw value of the group's seed row.
2. Rows from the seed on act in merge order; the seed row itself acts only if its action says so.

Invariant: rows before a group's seed have action SKIP.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.merge.groups import NO_ROW, Column, Groups
from lakestore.core.sorting import Indices, Mask


class Action(IntEnum):
    """What a row does to the accumulator of its group."""

    SKIP = 0
    """Nothing."""
    ADD = 1
    """Its value comes in after the accumulator."""
    LATE = 2
    """Its value comes in before the accumulator, as an older one."""
    RETRACT = 3
    """Its value is taken back."""
    LATE_RETRACT = 4
    """Its value is taken back by a row that is older than the accumulator."""
    SEED = 5
    """Its raw value becomes the accumulator; only in ``Listed``."""


Actions = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Rows that act, one after another; a seed row that also acts is in it twice.

    Attributes:
        groups: The groups of the list; those without any row are not among them.
        numbers: What number each of them has among all groups.
        rows: The rows.
        actions: What they do.
        whole: Whether these are all rows, each once.
    """

    groups: Groups
    numbers: Indices
    rows: Indices
    actions: Actions
    whole: bool = False

    def values_of(self, column: Column) -> pa.Array:
        """The values of the rows."""
        return column.ordered() if self.whole else column.at(self.rows)

    def select(self, chosen: Mask) -> "Listed":
        """Some of the groups."""
        groups, mask = self.groups.select(chosen)
        return Listed(groups, self.numbers[chosen], self.rows[mask], self.actions[mask])


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What each row does.

    Attributes:
        groups: The groups.
        actions: For each row an ``Action``; None when every row is an ADD.
        seeds: For each group the row that begins it anew, or -1; None when no group has one.
        before: What rows before a group's seed did, SKIP for all other rows; None for nothing.
    """

    groups: Groups
    actions: Actions | None = None
    seeds: Indices | None = None
    before: Actions | None = None

    @property
    def plain(self) -> bool:
        """Whether all rows are ADDs and nothing else is special."""
        return self.actions is None and self.seeds is None

    def act(self, *actions: Action) -> Mask:
        """Rows that do one of those."""
        if self.actions is None:
            return np.full(self.groups.rows, Action.ADD in actions)
        found: Mask = self.actions == actions[0]
        for action in actions[1:]:
            found |= self.actions == action
        return found

    def seed_rows(self) -> Indices:
        """For each group its seed, or -1."""
        return np.full(len(self.groups), NO_ROW) if self.seeds is None else self.seeds

    def has(self, *actions: Action) -> bool:
        """Whether some row does one of those."""
        return bool(self.act(*actions).any())

    def without_retracts(self) -> "Events":
        """The same, but nothing is taken back."""
        if self.actions is None:
            return self
        actions = np.where(self.actions >= Action.RETRACT, np.int8(Action.SKIP), self.actions)
        return Events(self.groups, actions, self.seeds, self.before)

    def select(self, chosen: Mask) -> tuple["Events", Mask]:
        """Some of the groups, and which rows are theirs."""
        groups, rows = self.groups.select(chosen)
        actions = None if self.actions is None else self.actions[rows]
        before = None if self.before is None else self.before[rows]
        seeds = None
        if self.seeds is not None:
            moved = self.seeds[chosen] + (groups.starts - self.groups.starts[chosen])
            seeds = np.where(self.seeds[chosen] < 0, NO_ROW, moved)
        return Events(groups, actions, seeds, before), rows

    def listed(self, valid: Mask | None = None) -> Listed:
        """The rows that act, seeds included, one after another.

        Args:
            valid: Leave out all other rows.
        """
        act = np.ones(self.groups.rows, np.bool_) if self.actions is None else self.actions != Action.SKIP
        if valid is not None:
            act &= valid
        if self.seeds is None and bool(act.all()):
            actions = np.full(len(act), Action.ADD, np.int8) if self.actions is None else self.actions
            return Listed(self.groups, np.arange(len(self.groups)), np.arange(len(act)), actions, whole=True)
        rows = np.flatnonzero(act)
        actions = np.full(len(rows), Action.ADD, np.int8) if self.actions is None else self.actions[rows]
        if self.seeds is not None:
            seeds = self.seeds[self.seeds >= 0]
            seeds = seeds if valid is None else seeds[valid[seeds]]
            rows = np.concatenate([seeds, rows])
            actions = np.concatenate([np.full(len(seeds), Action.SEED, np.int8), actions])
            order = np.argsort(rows, kind="stable")
            rows, actions = rows[order], actions[order]
        numbers = self.groups.numbers[rows]
        firsts = np.ones(len(rows), np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=firsts[1:])
        starts = np.flatnonzero(firsts)
        return Listed(Groups(starts, len(rows)), numbers[starts], rows, actions)

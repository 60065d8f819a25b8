"""Functions whose result is the value of one row: which row of each group that is.

The value is gathered once, for all groups together; null where there is no row (-1).
"""

import numpy as np

from lakestore.core.keywords import Words
from lakestore.core.merge.events import Action, Events
from lakestore.core.merge.groups import NO_ROW, Column, Groups
from lakestore.core.sorting import Indices, KeyWords, Mask, normalise

_TAKEN_BACK = (Action.RETRACT, Action.LATE_RETRACT)


def last_row(events: Events) -> Indices:
    """The last row, whatever it does: for columns that are alike in the whole group."""
    return events.groups.lasts


def last_accepted(events: Events) -> Indices:
    """Ordering columns of a sequence group: the last row that is not late, even a retract row."""
    if events.plain:
        return events.groups.lasts
    return _or_seed(events.groups.last(events.act(Action.ADD, Action.RETRACT)), events)


def overwrite(events: Events) -> Indices:
    """Members of a sequence group: the last row that is not late; null if it is a retract row."""
    if events.plain:
        return events.groups.lasts
    return _added(events, events.groups.last(events.act(Action.ADD, Action.RETRACT)))


def last_value(column: Column, events: Events) -> Indices:  # noqa: ARG001 - all functions are called alike
    """The last value, null included; null after a retract."""
    if events.plain:
        return events.groups.lasts
    return _added(events, events.groups.last(events.act(Action.ADD, *_TAKEN_BACK)))


def primary_key(column: Column, events: Events) -> Indices:  # noqa: ARG001 - all functions are called alike
    """The last value, be it of a retract row."""
    if events.plain:
        return events.groups.lasts
    return _or_seed(events.groups.last(events.act(Action.ADD, *_TAKEN_BACK)), events)


def last_non_null_value(column: Column, events: Events) -> Indices:
    """The last value that is not null.

    A retract of a value that is not null makes it null. A late value counts only while there is no other.
    """
    groups, valid = events.groups, column.has_value()
    if events.plain:
        return groups.lasts if column.valid is None else groups.last(valid)
    last = groups.last(events.act(Action.ADD, *_TAKEN_BACK) & valid)
    added = _added(events, last, valid)
    if not events.has(Action.LATE):
        return added
    late = groups.first_after(events.act(Action.LATE) & valid, last)
    return np.where(added >= 0, added, late)


def first_value(column: Column, events: Events) -> Indices:  # noqa: ARG001 - all functions are called alike
    """The first value, null included; once there is one, the last of the late values."""
    groups = events.groups
    if events.plain:
        return groups.starts
    seeds, fired = _fired_before(events, Action.ADD, Action.LATE)
    first = groups.first(events.act(Action.ADD, Action.LATE))
    begins = np.where(fired, seeds, first)
    value = np.where(fired | (first < 0), seeds, first)
    if not events.has(Action.LATE):
        return value
    # A late value that is the first to come sets the function going, but leaves the accumulator.
    if len(groups):
        value = np.where(~fired & (first >= 0) & events.act(Action.LATE)[first], seeds, value)
    late = groups.last_after(events.act(Action.LATE), begins)
    return np.where((late >= 0) & (begins >= 0), late, value)


def first_non_null_value(column: Column, events: Events) -> Indices:
    """The first value that is not null; once there is one, the last of the late values, null included.

    1. Until an added value sets it going, late values fill in where there is none.
    2. It is set going by the first added value, or by the first late row that finds a value there.
    3. From then on added values are passed over, and each late row overwrites.
    """
    groups, valid = events.groups, column.has_value()
    if events.plain:
        return groups.starts if column.valid is None else groups.first(valid)
    seeds, fired = _fired_before(events, Action.ADD, valid=valid)
    first = groups.first(events.act(Action.ADD) & valid)
    if not events.has(Action.LATE):
        return np.where(fired | (first < 0), seeds, first)
    late = events.act(Action.LATE)
    filled = np.where(_has(seeds, valid), seeds, groups.first(late & valid))
    # Where something was filled in, the next late row sets the function going with it.
    second = np.where(filled >= 0, groups.first_after(late, filled), NO_ROW)
    by_late = (second >= 0) & ((first < 0) | (second < first))
    begins = np.where(fired, seeds, np.where(by_late, second, first))
    value = np.where(fired, seeds, np.where(by_late | (first < 0), filled, first))
    last = groups.last_after(late, begins)
    return np.where((last >= 0) & (begins >= 0), last, value)


def greatest(column: Column, events: Events, *, least: bool = False) -> Indices:
    """The greatest value in the order of keys, or the least; nulls are passed over."""
    acting = events.act(Action.ADD, Action.LATE)
    seeds = events.seed_rows()
    acting[seeds[seeds >= 0]] = True
    if column.valid is not None:
        acting &= column.valid
    found = np.full(len(events.groups), NO_ROW)
    rows = np.flatnonzero(acting)
    if len(rows):
        groups, numbers = events.groups.of_rows(acting)
        words = normalise([column.values], descending=least)
        words = words.take(rows if column.order is None else column.order[rows])
        found[numbers] = rows[greatest_rows(words, groups)]
    return found


def greatest_rows(words: KeyWords, groups: Groups) -> Indices:
    """The last of the rows with the greatest words in each group."""
    if len(words.words) == 1 and (rows := _greatest_packed(words.words[0], groups)) is not None:
        return rows
    alive: Mask | None = None
    for word in words.words:
        own: Words = word if alive is None else np.where(alive, word, np.uint64(0))
        best = own == groups.spread(np.maximum.reduceat(own, groups.starts))
        alive = best if alive is None else alive & best
    return groups.lasts if alive is None else groups.last(alive)


def _greatest_packed(word: Words, groups: Groups) -> Indices | None:
    """The same by one word, if it and the row's number have room in 64 bits together: the greatest of both at once."""
    if not len(word):
        return None
    least, bits = word.min(), np.uint64(len(word).bit_length())
    if int(word.max() - least).bit_length() + int(bits) > 64:
        return None
    packed = (word - least) << bits | np.arange(len(word), dtype=np.uint64)
    mask = (np.uint64(1) << bits) - np.uint64(1)
    rows: Indices = (np.maximum.reduceat(packed, groups.starts) & mask).astype(np.int64)
    return rows


def _or_seed(rows: Indices, events: Events) -> Indices:
    return rows if events.seeds is None else np.where(rows < 0, events.seeds, rows)


def _added(events: Events, last: Indices, valid: Mask | None = None) -> Indices:
    """The last row that acted if it was an add, none if it was a retract, the seed if there was none."""
    if not len(last):
        return last
    taken_back = (last >= 0) & events.act(*_TAKEN_BACK)[last]
    seeds = events.seed_rows()
    if valid is not None:
        seeds = np.where(_has(seeds, valid), seeds, NO_ROW)
    return np.where(taken_back, NO_ROW, np.where(last < 0, seeds, last))


def _has(rows: Indices, valid: Mask) -> Mask:
    has: Mask = (rows >= 0) & valid[rows] if len(valid) else rows >= 0
    return has


def _fired_before(events: Events, *actions: Action, valid: Mask | None = None) -> tuple[Indices, Mask]:
    """The seeds, and which groups had their first value before the seed already."""
    seeds = events.seed_rows()
    if events.before is None:
        return seeds, np.zeros(len(seeds), np.bool_)
    acted = np.isin(events.before, actions)
    return seeds, (seeds >= 0) & events.groups.any(acted if valid is None else acted & valid)

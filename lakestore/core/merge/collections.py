"""The functions ``collect``, ``merge_map`` and ``merge_map_with_keytime``, over lists and maps.

Where Paimon leaves the order of elements to a hash table, elements come in the order in which they first occurred.

Closed forms, for groups without late rows: lay the elements of each group end to end, number the (group, element) or
(group, key) pairs, and keep the first or the last element of each pair, or what retracts leave of it
(``taking_back``). Other groups are folded (``passes``), with the same closed forms over pairs of lists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from lakestore.core.merge.events import Action, Events
from lakestore.core.merge.groups import Column, Groups, dense_ranks
from lakestore.core.merge.lists import (
    Elements,
    codes_of,
    elements_of,
    firsts_of,
    joined,
    lasts_of,
    lists_of,
    occurrences,
    pair_codes,
)
from lakestore.core.merge.passes import Steps, either, in_two
from lakestore.core.merge.taking_back import BACK, counted, present
from lakestore.core.sorting import Indices, Mask, normalise
from lakestore.model.merging import ColumnMerge

Uniting = Callable[[Elements, Indices], Elements]
"""Elements list after list, and for each list its group, to the elements that stay, with their groups as lists."""

Leaving = Callable[[Elements, Mask], Indices]
"""Elements with their groups as lists, and which of them are taken back, to the places of those that are left."""


def collect(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    """All elements of each group, each once with ``distinct``."""
    unite = _distinct if field.distinct else _all_of
    element = column.type.value_type
    # Where Paimon has no hash of elements, it leaves what the accumulator is given alone.
    pairs = _distinct_behind if field.distinct and (pa.types.is_nested(element) or element == pa.binary()) else unite

    def add(state: pa.Array, values: pa.Array) -> pa.Array:
        return _unite_pairs(state, values, pairs, alone=field.distinct)

    # Late elements go behind the others too, unless the function is wrapped to ignore retracts.
    steps = Steps(
        add=add,
        late=(lambda state, values: add(values, state)) if field.ignore_retract else add,
        retract=_without_occurrences,
    )
    closed = _Closed(unite, alone=field.distinct, leave=_left_once if field.distinct else _left)
    hard_actions = [*(BACK if pairs is _distinct_behind else ()), *([Action.LATE] if field.ignore_retract else [])]
    return _closed_or_folded(column, events, hard_actions, closed, steps)


def merge_map(column: Column, events: Events, field: ColumnMerge) -> pa.Array:  # noqa: ARG001 - alike for all functions
    """All keys of each group, each with its last value; taking back removes keys."""

    def add(state: pa.Array, values: pa.Array) -> pa.Array:
        return _unite_pairs(state, values, _last_of_keys, alone=False)

    steps = Steps(add=add, late=lambda state, values: add(values, state), retract=_without_keys)
    return _closed_or_folded(column, events, [Action.LATE], _Closed(_last_of_keys, leave=_left_of_keys), steps)


def merge_map_with_keytime(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    """All keys of each group, each with the value of the greatest time; a null value removes its key."""
    unite = partial(_newest_of_keys, time_field=field.time_field or "")

    def add(state: pa.Array, values: pa.Array) -> pa.Array:
        return _unite_pairs(state, values, unite, alone=False)

    steps = Steps(add=add, late=lambda state, values: add(values, state))
    return _closed_or_folded(column, events, [Action.LATE], _Closed(unite), steps)


@dataclass(frozen=True, slots=True)
class _Closed:
    """The closed forms of a function.

    Attributes:
        unite: What becomes of lists that are added.
        alone: Whether that happens to a list that is alone in its group, too.
        leave: What retracts leave; None if there are none.
    """

    unite: Uniting
    alone: bool = False
    leave: Leaving | None = None


def _closed_or_folded(
    column: Column, events: Events, hard_actions: list[Action], forms: _Closed, steps: Steps
) -> pa.Array:
    if events.plain:
        return _closed(column, events, forms.unite, alone=forms.alone)
    hard = events.seed_rows() >= 0
    if hard_actions and events.has(*hard_actions):
        hard |= events.groups.any(events.act(*hard_actions))
    easy, rows = events.select(~hard)
    closed = None
    if not hard.all() and forms.leave is not None and easy.has(*BACK):
        closed = _closed_with_retracts(column.select(rows), easy, forms.leave)
    elif not hard.all():
        closed = _closed(column.select(rows), easy, forms.unite, alone=forms.alone)
    return in_two(column, events, hard, closed, steps)


def _closed_with_retracts(column: Column, events: Events, leave: Leaving) -> pa.Array:
    """What is left of the lists of each group; null for groups to which none was added."""
    listed = events.listed(column.valid)
    valid = np.zeros(len(events.groups), np.bool_)
    taking = np.isin(listed.actions, BACK)
    valid[listed.numbers] = listed.groups.any(~taking)
    elements = elements_of(column.at(listed.rows))
    own = Elements(elements.values, listed.numbers[listed.groups.numbers][elements.lists])
    return lists_of(own.take(leave(own, taking[elements.lists])), len(valid), column.type, valid)


def _closed(column: Column, events: Events, unite: Uniting, *, alone: bool) -> pa.Array:
    """Unite the lists of each group; a list that is alone in its group stays as it is unless ``alone`` says else."""
    listed = events.listed(column.valid)
    lists = column.at(listed.rows)
    numbers = listed.numbers[listed.groups.numbers]
    valid = np.zeros(len(events.groups), np.bool_)
    valid[listed.numbers] = True
    if alone:
        return lists_of(unite(elements_of(lists), numbers), len(valid), column.type, valid)
    single = listed.groups.spread(listed.groups.sizes == 1)
    shared = pa.array(~single)
    united = unite(elements_of(lists.filter(shared)), numbers[~single])
    made = lists_of(united, len(valid), column.type, valid)
    places = np.where(valid, np.arange(len(valid)), -1)
    places[numbers[single]] = np.arange(np.count_nonzero(single)) + len(valid)
    everything = pa.concat_arrays([made, lists.filter(pa.array(single))])
    return everything.take(pa.array(places, mask=places < 0))


def _unite_pairs(state: pa.Array, values: pa.Array, unite: Uniting, *, alone: bool) -> pa.Array:
    def both(first: pa.Array, second: pa.Array) -> pa.Array:
        lists = joined(first, second)
        return lists_of(unite(elements_of(lists), np.arange(len(lists)) // 2), len(first), first.type)

    if not alone:
        return either(state, values, both)
    lists = joined(state, values)
    valid = (state.is_valid().to_numpy(zero_copy_only=False)) | values.is_valid().to_numpy(zero_copy_only=False)
    return lists_of(unite(elements_of(lists), np.arange(len(lists)) // 2), len(state), state.type, valid)


def _all_of(elements: Elements, groups: Indices) -> Elements:
    return Elements(elements.values, groups[elements.lists])


def _distinct(elements: Elements, groups: Indices) -> Elements:
    own = groups[elements.lists]
    return Elements(elements.values, own).filter(firsts_of(pair_codes(own, codes_of(elements.values))))


def _distinct_behind(elements: Elements, groups: Indices) -> Elements:
    """For pairs of lists: all of the first, and what is new in the second."""
    own = groups[elements.lists]
    keep = firsts_of(pair_codes(own, codes_of(elements.values))) | (elements.lists % 2 == 0)
    return Elements(elements.values, own).filter(keep)


def _last_of_keys(elements: Elements, groups: Indices) -> Elements:
    """The last entry of each key, at the place of its first."""
    own = groups[elements.lists]
    pairs = pair_codes(own, codes_of(elements.values.field(0)))
    last = np.flatnonzero(lasts_of(pairs))
    # Pairs are numbered as they first occur, so that ordering by them restores the first places.
    last = last[np.argsort(pairs[last], kind="stable")]
    return Elements(elements.values, own).take(last)


def _left(elements: Elements, back: Mask) -> Indices:
    return counted(pair_codes(elements.lists, codes_of(elements.values)), back)


def _left_once(elements: Elements, back: Mask) -> Indices:
    return np.sort(present(pair_codes(elements.lists, codes_of(elements.values)), back)[0])


def _left_of_keys(elements: Elements, back: Mask) -> Indices:
    """The last entry of each key, at the place of its first."""
    first, last = present(pair_codes(elements.lists, codes_of(elements.values.field(0))), back)
    return last[np.argsort(first)]


def _newest_of_keys(elements: Elements, groups: Indices, *, time_field: str) -> Elements:
    """The entry of each key that stays, in the order in which keys first occurred.

    1. The first map of a group is a base: its entries stand as they are until another one beats them.
    2. In later maps a null row removes the key and all that was before, and a row without a time is passed over.
    3. Of the entries left, the greatest time wins, the earlier one on a tie; a base entry without a row or a time
       loses to every other.
    """
    own = groups[elements.lists]
    base = firsts_of(groups)[elements.lists]
    keys, rows = elements.values.field(0), elements.values.field(1)
    pairs = pair_codes(own, codes_of(keys))
    times = rows.field(rows.type.get_field_index(time_field))
    has_row: Mask = rows.is_valid().to_numpy(zero_copy_only=False)
    has_time: Mask = has_row & times.is_valid().to_numpy(zero_copy_only=False)
    order = np.argsort(pairs, kind="stable")
    starts = np.flatnonzero(np.append(True, pairs[order][1:] != pairs[order][:-1])) if len(order) else order
    by_key = Groups(starts, len(order))
    removed = by_key.last((~has_row & ~base)[order])
    alive = (base | has_time)[order] & (np.arange(len(order)) > by_key.spread(removed))
    staying, _ = by_key.of_rows(alive)
    candidates = order[alive]
    words = normalise([times.take(pa.array(candidates)).filter(pa.array(has_time[candidates]))])
    ranks = np.zeros(len(candidates), np.int64)
    ranks[has_time[candidates]] = dense_ranks(words) + 1
    best = ranks == staying.spread(np.maximum.reduceat(ranks, staying.starts)) if len(staying) else ranks >= 0
    chosen = candidates[staying.first(best)]
    return Elements(elements.values, own).take(chosen)


def _without_occurrences(state: pa.Array, values: pa.Array) -> pa.Array:
    """Take one occurrence of each element away, the first ones first."""
    return _taken_away(state, values, codes_of, each=True)


def _without_keys(state: pa.Array, values: pa.Array) -> pa.Array:
    """Take away the entries of these keys."""
    return _taken_away(state, values, lambda entries: codes_of(entries.field(0)), each=False)


def _taken_away(state: pa.Array, values: pa.Array, code: Callable[[pa.Array], Indices], *, each: bool) -> pa.Array:
    elements = elements_of(joined(state, values))
    places, taking = elements.lists // 2, elements.lists % 2 == 1
    pairs = pair_codes(places, code(elements.values))
    budget = np.bincount(pairs[taking], minlength=int(pairs.max(initial=-1)) + 1)
    # The accumulator's elements come before those taken away, so that they are counted first.
    spent = occurrences(pairs) if each else np.zeros(len(pairs), np.int64)
    keep = ~taking & (spent >= budget[pairs])
    valid: Mask = state.is_valid().to_numpy(zero_copy_only=False)
    return lists_of(Elements(elements.values, places).filter(keep), len(state), state.type, valid)

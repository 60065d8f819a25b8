"""The functions ``nested_update`` and ``nested_partial_update``, over arrays of rows.

Rows come in the order in which their keys first occurred; Paimon leaves it to a hash table.

Closed forms, for groups that only add: lay the rows of each group end to end, drop null ones, number the
(group, nested key) pairs, and say for each pair which row stays, or for each member of the row which value. Retracts
have one too (``taking_back``), unless a limit or an order makes what they leave depend on the way there. Other groups
are folded (``passes``), with the same closed forms over pairs of arrays.
"""

from functools import partial

import numpy as np
import pyarrow as pa

from lakestore.core.merge.events import Action, Events
from lakestore.core.merge.groups import Column, Groups, dense_ranks
from lakestore.core.merge.lists import Elements, codes_of, elements_of, firsts_of, joined, lists_of, pair_codes
from lakestore.core.merge.passes import Pairwise, Steps, in_two
from lakestore.core.merge.taking_back import BACK, present, untouched
from lakestore.core.sorting import Indices, Mask, normalise
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import UNLIMITED, ColumnMerge, Function, NullKeys


def nested_update(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    """The nested rows of each group: all of them without a nested key, else the last one of each key."""
    add = partial(_added, field=field)
    steps = Steps(add=add, late=lambda state, values: add(values, state), retract=partial(_taken_away, field=field))
    return _closed_or_folded(column, events, field, steps)


def nested_partial_update(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    """The nested rows of each group, one for each nested key, of the last values that are not null."""
    add = partial(_filled, field=field)
    return _closed_or_folded(column, events, field, Steps(add=add, late=lambda state, values: add(values, state)))


def _closed_or_folded(column: Column, events: Events, field: ColumnMerge, steps: Steps) -> pa.Array:
    hard = np.zeros(len(events.groups), np.bool_)
    if not events.plain:
        hard = events.seed_rows() >= 0
        actions = (Action.LATE,) if _takes_back_at_once(field) else (Action.LATE, *BACK)
        if events.has(*actions):
            hard |= events.groups.any(events.act(*actions))
    easy, rows = events.select(~hard)
    closed = None
    if not hard.all() or not len(hard):
        closed = _closed(column.select(rows), easy, field)
    return in_two(column, events, hard, closed, steps)


def _takes_back_at_once(field: ColumnMerge) -> bool:
    """Whether retracts have a closed form."""
    free = field.count_limit == UNLIMITED and not field.nested_sequence
    return field.function is Function.NESTED_UPDATE and free and field.null_keys is not NullKeys.ERROR


def _closed(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    listed = events.listed(column.valid)
    arrays = column.at(listed.rows)
    taking = np.isin(listed.actions, BACK)
    valid = np.zeros(len(events.groups), np.bool_)
    valid[listed.numbers] = listed.groups.any(~taking)
    elements = _rows_of(arrays, listed.numbers[listed.groups.numbers])
    if taking.any():
        all_rows = elements_of(arrays)
        there = all_rows.values.is_valid().to_numpy(zero_copy_only=False)
        return lists_of(_left(elements, field, taking[all_rows.lists][there]), len(valid), column.type, valid)
    return lists_of(_united(elements, field, None), len(valid), column.type, valid)


def _left(elements: Elements, field: ColumnMerge, back: Mask) -> Elements:
    """What retracts leave of nested rows, of which some are taken back."""
    if not field.nested_key:
        return elements.take(untouched(pair_codes(elements.lists, codes_of(elements.values)), back))
    elements, marks = _with_keys(elements, field, back)
    first, last = present(_pairs(elements, field), back if marks is None else marks)
    return elements.take(last[np.argsort(first)])


def _rows_of(arrays: pa.Array, groups: Indices) -> Elements:
    """The nested rows that are not null, and the groups of their arrays."""
    elements = elements_of(arrays)
    own = Elements(elements.values, groups[elements.lists])
    if not elements.values.null_count:
        return own
    return own.filter(elements.values.is_valid().to_numpy(zero_copy_only=False))


def _united(elements: Elements, field: ColumnMerge, accumulated: Mask | None) -> Elements:
    """The rows that stay.

    Args:
        elements: Nested rows, group after group, oldest first.
        field: The column.
        accumulated: Rows that are there already, whatever the limit; None for none.
    """
    if not field.nested_key:
        return elements.filter(_ages(elements.lists) < field.count_limit)
    elements, accumulated = _with_keys(elements, field, accumulated)
    if not len(elements.lists):
        return elements
    pairs = _pairs(elements, field)
    if field.function == "nested_partial_update":
        return _of_last_values(elements, pairs)
    firsts = firsts_of(pairs)
    keys = elements.lists[firsts]
    admitted = _ages(keys) < field.count_limit
    if accumulated is not None:
        admitted |= accumulated[firsts]
    order = np.argsort(pairs, kind="stable")
    by_key = Groups(np.flatnonzero(np.append(True, pairs[order][1:] != pairs[order][:-1])), len(order))
    winners = by_key.lasts
    if field.nested_sequence:
        ranks = dense_ranks(normalise([_member(elements.values, name) for name in field.nested_sequence]))[order]
        winners = by_key.last(ranks == by_key.spread(np.maximum.reduceat(ranks, by_key.starts)))
    return elements.take(order[winners][admitted])


def _of_last_values(elements: Elements, pairs: Indices) -> Elements:
    """One row for each pair, of the last value of each member that is not null."""
    order = np.argsort(pairs, kind="stable")
    by_key = Groups(np.flatnonzero(np.append(True, pairs[order][1:] != pairs[order][:-1])), len(order))
    members = []
    for index in range(elements.values.type.num_fields):
        member = Column("", elements.values.field(index), order)
        rows = by_key.lasts if member.valid is None else by_key.last(member.valid)
        members.append(member.at(rows))
    kind = elements.values.type
    fields = [kind.field(index) for index in range(kind.num_fields)]
    return Elements(pa.StructArray.from_arrays(members, fields=fields), elements.lists[order[by_key.lasts]])


def _added(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    """What ``nested_update`` makes of accumulators and values."""
    if field.nested_key:
        return _where(~_null(values), state, values, partial(_keyed, field=field))
    sizes = state.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    room = _null(state) | (sizes < field.count_limit)
    return _where(~_null(values) & room, state, values, partial(_appended, field=field))


def _keyed(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    lists = joined(state, values)
    elements = elements_of(lists)
    there = elements.values.is_valid().to_numpy(zero_copy_only=False)
    made = _united(_rows_of(lists, np.arange(len(lists)) // 2), field, (elements.lists % 2 == 0)[there])
    return lists_of(made, len(state), state.type)


def _appended(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    sizes = state.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = elements_of(joined(state, values))
    places, incoming = elements.lists // 2, elements.lists % 2 == 1
    keep: Mask = elements.values.is_valid().to_numpy(zero_copy_only=False).copy()
    new = np.flatnonzero(keep & incoming)
    keep[new] = _ages(places[new]) < field.count_limit - sizes[places[new]]
    return lists_of(Elements(elements.values, places).filter(keep), len(state), state.type)


def _filled(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    """What ``nested_partial_update`` makes of accumulators and values."""

    def both(first: pa.Array, second: pa.Array) -> pa.Array:
        lists = joined(first, second)
        made = _united(_rows_of(lists, np.arange(len(lists)) // 2), field, None)
        return lists_of(made, len(first), first.type)

    return _where(~_null(values), state, values, both)


def _taken_away(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    """Take away the rows that equal these, or those with their keys."""
    take = partial(_without_keys, field=field) if field.nested_key else _without_rows
    return _where(~_null(state) & ~_null(values), state, values, take)


def _without_rows(state: pa.Array, values: pa.Array) -> pa.Array:
    elements, back = _marked(state, values)
    pairs = pair_codes(elements.lists, codes_of(elements.values))
    return lists_of(elements.filter(~_among(pairs, back)), len(state), state.type)


def _without_keys(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    elements, back = _marked(state, values)
    elements, kept = _with_keys(elements, field, back)
    pairs = _pairs(elements, field)
    keep = ~_among(pairs, back if kept is None else kept)
    elements, pairs = elements.filter(keep), pairs[keep]
    # Of rows with one key the last counts, at the place of the first.
    order = np.argsort(pairs, kind="stable")
    last = np.append(pairs[order][1:] != pairs[order][:-1], np.ones(min(len(order), 1), np.bool_))
    return lists_of(elements.take(order[last]), len(state), state.type)


def _marked(state: pa.Array, values: pa.Array) -> tuple[Elements, Mask]:
    """The nested rows of accumulators and values that are not null, and which are those of the values."""
    lists = joined(state, values)
    elements = elements_of(lists)
    there = elements.values.is_valid().to_numpy(zero_copy_only=False)
    return _rows_of(lists, np.arange(len(lists)) // 2), (elements.lists % 2 == 1)[there]


def _among(pairs: Indices, marked: Mask) -> Mask:
    """Places whose number some marked place has."""
    gone = np.zeros(int(pairs.max(initial=-1)) + 1, np.bool_)
    gone[pairs[marked]] = True
    return gone[pairs]


def _pairs(elements: Elements, field: ColumnMerge) -> Indices:
    pairs = elements.lists
    for name in field.nested_key:
        pairs = pair_codes(pairs, codes_of(_member(elements.values, name)))
    return pairs


def _with_keys(elements: Elements, field: ColumnMerge, flags: Mask | None) -> tuple[Elements, Mask | None]:
    """Without rows whose nested key is null, if the column's option says so."""
    if field.null_keys is NullKeys.MERGE:
        return elements, flags
    has_key = np.ones(len(elements.lists), np.bool_)
    for name in field.nested_key:
        has_key &= _member(elements.values, name).is_valid().to_numpy(zero_copy_only=False)
    if has_key.all():
        return elements, flags
    if field.null_keys is NullKeys.ERROR:
        raise InvalidInputError(
            f"column {field.name!r}: a nested row has no value in its key ({', '.join(field.nested_key)}); write one,"
            f" or set fields.{field.name}.nested-key-null-strategy to ignore or merge",
            kind=ErrorKind.NULL_KEY,
        )
    return elements.filter(has_key), None if flags is None else flags[has_key]


def _member(rows: pa.Array, name: str) -> pa.Array:
    return rows.field(rows.type.get_field_index(name))


def _ages(numbers: Indices) -> Indices:
    """For each place how many places before it have its number; equal numbers lie together."""
    if not len(numbers):
        return numbers
    starts = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
    return np.arange(len(numbers)) - np.repeat(starts, np.diff(starts, append=len(numbers)))


def _null(array: pa.Array) -> Mask:
    nulls: Mask = array.is_null().to_numpy(zero_copy_only=False)
    return nulls


def _where(chosen: Mask, state: pa.Array, values: pa.Array, make: Pairwise) -> pa.Array:
    """What is made of accumulators and values where chosen; the accumulators elsewhere."""
    if chosen.all():
        return make(state, values)
    mask = pa.array(chosen)
    made = make(state.filter(mask), values.filter(mask))
    places = np.arange(len(state))
    places[chosen] = np.arange(len(made)) + len(state)
    return pa.concat_arrays([state, made]).take(pa.array(places))

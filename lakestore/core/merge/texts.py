"""The function ``listagg``: texts joined with a delimiter.

Null and blank texts are passed over. With ``distinct``, a text brings in only those of its tokens that are neither
blank nor there yet; the first text stays as it is.

Closed form, for groups without late rows: drop blank texts, keep the first occurrence of each token of each group,
and join what is left of each group as one list. Other groups are folded (``passes``).
"""

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.merge.events import Action, Events, Listed
from lakestore.core.merge.groups import Column
from lakestore.core.merge.lists import (
    Elements,
    codes_of,
    elements_of,
    firsts_of,
    joined,
    lists_of,
    lists_of_sizes,
    pair_codes,
)
from lakestore.core.merge.passes import Steps, in_two
from lakestore.core.sorting import Mask
from lakestore.model.merging import ColumnMerge

_BLANK = (
    "^[\\x{9}-\\x{d}\\x{1c}-\\x{20}\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}"
    "\\x{205f}\\x{3000}]*$"
)
"""Java's white space, which leaves out the blanks that do not break lines."""

_MAY_BE_BLANK = np.zeros(256, np.bool_)
_MAY_BE_BLANK[[*range(0x09, 0x0E), *range(0x1C, 0x21), 0xE1, 0xE2, 0xE3]] = True
"""Bytes that white space begins with."""


def listagg(column: Column, events: Events, field: ColumnMerge) -> pa.Array:
    """The texts of each group, joined."""
    blank = blanks(column.values)
    if column.order is not None:
        blank = blank[column.order]
    steps = Steps(
        add=partial(_joined_pairs, field=field),
        late=lambda state, values: _joined_pairs(values, state, field=field),
    )
    if events.plain and (not field.distinct or _splits_safely(field.delimiter)):
        return _closed(column, events, blank, field)
    hard = np.zeros(len(events.groups), np.bool_)
    if field.distinct and not _splits_safely(field.delimiter):
        hard[:] = True
    if events.has(Action.LATE):
        hard |= events.groups.any(events.act(Action.LATE))
    seeds = events.seed_rows()
    if len(blank):
        # A blank seed is an accumulator and stays, other blank texts never become one.
        hard |= (seeds >= 0) & blank[seeds]
    easy, rows = events.select(~hard)
    closed = None if hard.all() else _closed(column.select(rows), easy, blank[rows], field)
    return in_two(column, events, hard, closed, steps)


def _closed(column: Column, events: Events, blank: Mask, field: ColumnMerge) -> pa.Array:
    listed = events.listed(~blank)
    texts = listed.values_of(column)
    if field.distinct:
        texts, sizes = _distinct_tokens(texts, listed, field)
    else:
        sizes = listed.groups.sizes
    per_group = np.zeros(len(events.groups), np.int64)
    per_group[listed.numbers] = sizes
    lists = lists_of_sizes(texts, per_group, pa.list_(texts.type), per_group > 0)
    return pc.binary_join(lists, pa.scalar(field.delimiter, texts.type)).cast(column.type)


def _distinct_tokens(texts: pa.Array, listed: Listed, field: ColumnMerge) -> tuple[pa.Array, np.ndarray]:
    tokens = elements_of(pc.split_pattern(texts, pattern=field.delimiter))
    groups = listed.groups.numbers[tokens.lists]
    of_first = np.zeros(len(texts), np.bool_)
    of_first[listed.groups.starts] = True
    of_first = of_first[tokens.lists]
    keep = firsts_of(pair_codes(groups, codes_of(tokens.values))) & ~blanks(tokens.values) | of_first
    return tokens.values.filter(pa.array(keep)), np.bincount(groups[keep], minlength=len(listed.groups))


def blanks(texts: pa.Array) -> Mask:
    """Where there is no text, an empty one, or only white space."""
    if not len(texts):
        return np.zeros(0, np.bool_)
    empty: Mask = pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False) == 0
    offsets = np.frombuffer(texts.buffers()[1] or b"", np.int32, texts.offset + len(texts) + 1)[texts.offset :]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if not len(data):
        return empty
    first = data[np.minimum(offsets[:-1], len(data) - 1)]
    suspects = np.flatnonzero(_MAY_BE_BLANK[first] & ~empty)
    if len(suspects):
        empty[suspects] = pc.match_substring_regex(texts.take(pa.array(suspects)), _BLANK).to_numpy(
            zero_copy_only=False
        )
    return empty


def _splits_safely(delimiter: str) -> bool:
    """Whether splitting what was joined gives the same tokens back: no end of the delimiter is a beginning of it."""
    return bool(delimiter) and not any(delimiter[:length] == delimiter[-length:] for length in range(1, len(delimiter)))


def _joined_pairs(state: pa.Array, values: pa.Array, *, field: ColumnMerge) -> pa.Array:
    """What each value makes of its accumulator."""
    no_value, no_state = blanks(values), blanks(state)
    both = ~no_value & ~no_state
    rows = np.arange(len(state))
    places = np.where(no_value, rows, rows + len(state))
    left, right = state.filter(pa.array(both)), values.filter(pa.array(both))
    made = _unite(left, right, field) if field.distinct else _join(left, right, field.delimiter)
    places[both] = np.arange(len(made)) + 2 * len(state)
    return pa.concat_arrays([state, values, made]).take(pa.array(places))


def _join(left: pa.Array, right: pa.Array, delimiter: str) -> pa.Array:
    return pc.binary_join_element_wise(left, right, pa.scalar(delimiter, left.type))


def _unite(left: pa.Array, right: pa.Array, field: ColumnMerge) -> pa.Array:
    """The left texts and those tokens of the right ones that are neither blank nor in the left."""
    count = len(left)
    # An empty delimiter splits at blanks.
    tokens = elements_of(pc.split_pattern(joined(left, right), pattern=field.delimiter or " "))
    pairs = tokens.lists // 2
    fresh = firsts_of(pair_codes(pairs, codes_of(tokens.values))) & ~blanks(tokens.values)
    fresh &= tokens.lists % 2 == 1
    new = tokens.filter(fresh)
    added = lists_of(Elements(new.values, new.lists // 2), count, pa.list_(left.type))
    tail = pc.binary_join(added, pa.scalar(field.delimiter, left.type))
    some = np.bincount(new.lists // 2, minlength=count) > 0
    whole = pc.binary_join_element_wise(left, tail, pa.scalar(field.delimiter, left.type))
    return pc.if_else(pa.array(some), whole, left)

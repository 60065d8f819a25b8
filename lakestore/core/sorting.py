"""Sorting, cutting and grouping by key, as NumPy work on normalised keys.

1. ``normalise_together`` turns key columns of any types into unsigned words that sort as the key does
   (``lakestore.core.keywords``) and packs them into as few words as their varying bits need: most keys, text
   and two-column keys included, end up in one.
2. ``argsort`` sorts by the first word, stably, which costs little more than a merge when sorted runs lie one
   behind the other; rows whose first words tie are settled on the next words, and only they.
3. ``group_starts`` marks where a new key begins in that order; ``count_below`` cuts sorted keys at a bound.

Invariant: for rows a and b of the parts of one call, words(a) < words(b) exactly when key(a) < key(b) in
Paimon's order, and words are equal exactly when keys are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakestore.core.keywords import Column, Words, column_words

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_DENSE = 8
"""Keys this many times as far apart as they are many are still found by a table of all between them."""

_LOOKUPS_MIN = 16
"""One key in so many must be looked for, for such a table to pay."""

_TABLE_MAX = 1 << 27
"""Keys of such a table at most: it takes four bytes for each, times ``_DENSE``."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyWords:
    """Keys of rows as words, most significant first.

    Attributes:
        words: Arrays of one length; none at all when every key is the same.
        rows: Number of rows.
    """

    words: tuple[Words, ...]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def row(self, index: int) -> tuple[int, ...]:
        """The words of one row, to compare with other rows or cut by."""
        return tuple(int(word[index]) for word in self.words)

    def slice(self, start: int, stop: int) -> "KeyWords":
        """Rows ``start`` to ``stop``."""
        rows = len(range(*slice(start, stop).indices(self.rows)))
        return KeyWords(tuple(word[start:stop] for word in self.words), rows)

    def take(self, order: Indices | Mask) -> "KeyWords":
        """Rows at those positions, or where the mask is true."""
        rows = int(np.count_nonzero(order)) if order.dtype == np.bool_ else len(order)
        return KeyWords(tuple(word[order] for word in self.words), rows)

    def then(self, lesser: "KeyWords") -> "KeyWords":
        """Keys that compare by these words first and by the lesser ones on ties."""
        return KeyWords((*self.words, *lesser.words), self.rows)


def normalise(columns: Sequence[Column], *, descending: bool = False) -> KeyWords:
    """Normalised keys of one table.

    Args:
        columns: Key columns, most significant first.
        descending: Reverse the order of values; nulls stay lowest.
    """
    return normalise_together([columns], descending=descending)[0]


def normalise_together(parts: Sequence[Sequence[Column]], *, descending: bool = False) -> tuple[KeyWords, ...]:
    """Normalised keys of several tables that are to be compared with each other.

    Args:
        parts: For each table its key columns, most significant first; types must agree between tables.
        descending: Reverse the order of values; nulls stay lowest.

    Raises:
        InvariantError: A column's type has no order (nested types).
    """
    if not parts:
        return ()
    rows = [len(columns[0]) if columns else 0 for columns in parts]
    words: list[list[Words]] = [[] for _ in parts]
    for position in range(len(parts[0])):
        turned = column_words([columns[position] for columns in parts], descending=descending)
        for own, new in zip(words, turned, strict=True):
            own.extend(new)
    packed = _pack(words)
    return tuple(KeyWords(tuple(own), count) for own, count in zip(packed, rows, strict=True))


def concatenate(parts: Sequence[KeyWords]) -> KeyWords:
    """The rows of all parts, one part after another; they must have been normalised together."""
    if len(parts) == 1:
        return parts[0]
    words = tuple(np.concatenate(pieces) for pieces in zip(*(part.words for part in parts), strict=True))
    return KeyWords(words, sum(part.rows for part in parts))


def argsort(keys: KeyWords) -> Indices:
    """Stable order of the rows by key."""
    if not keys.words:
        return np.arange(keys.rows, dtype=np.int64)
    order: Indices = np.argsort(keys.words[0], kind="stable")
    if len(keys.words) > 1:
        _settle_ties(keys.words, order)
    return order


def running_count(mask: Mask) -> Indices:
    """For each row how many of the rows up to it, itself included, the mask is true for.

    At most 2**31 - 1 rows, which windows never reach. Counting booleans as int64 takes NumPy ten times as long.
    """
    counted: Indices = np.cumsum(mask, dtype=np.int32).astype(np.int64)
    return counted


def group_starts(keys: KeyWords, order: Indices | None = None) -> Mask:
    """True where a new key begins, in that order (in the rows' own order without one)."""
    starts = np.zeros(keys.rows, np.bool_)
    if keys.rows:
        starts[0] = True
    for word in keys.words:
        sorted_word = word if order is None else word[order]
        starts[1:] |= sorted_word[1:] != sorted_word[:-1]
    return starts


def first_out_of_order(keys: KeyWords, *, strictly: bool = True) -> int | None:
    """The first row whose key is not above the one before (``strictly``: nor equal); None if all are."""
    undecided = np.ones(max(keys.rows - 1, 0), np.bool_)
    wrong = np.zeros(max(keys.rows - 1, 0), np.bool_)
    for word in keys.words:
        wrong |= undecided & (word[1:] < word[:-1])
        undecided &= word[1:] == word[:-1]
        if not undecided.any():
            break
    if strictly:
        wrong |= undecided
    return int(np.argmax(wrong)) + 1 if wrong.any() else None


def find_rows(wanted: KeyWords, keys: KeyWords) -> Indices:
    """For each wanted key its row among keys that strictly ascend, -1 where it is not there.

    Args:
        wanted: Keys in any order, normalised together with ``keys``; ascending ones are found fastest.
        keys: Strictly ascending keys.
    """
    if not keys.rows:
        return np.full(wanted.rows, -1)
    if len(keys.words) == 1 and _is_dense(keys.words[0]) and wanted.rows * _LOOKUPS_MIN >= keys.rows:
        return _find_dense(wanted.words[0], keys.words[0])
    own, asked = (_comparable(each) for each in (keys, wanted))
    rows = np.minimum(np.searchsorted(own, asked), keys.rows - 1)
    return np.where(own[rows] == asked, rows, -1)


def _is_dense(ascending: Words) -> bool:
    """Whether the words are so close to each other that a table of all between them is small."""
    rows = len(ascending)
    return rows < _TABLE_MAX and int(ascending[-1] - ascending[0]) < _DENSE * rows


def _find_dense(wanted: Words, ascending: Words) -> Indices:
    """``find_rows`` by a table of all words between the least and the greatest; what lies outside meets its end."""
    least = ascending[0]
    end = int(ascending[-1] - least) + 1
    table = np.full(end + 1, -1, np.int32)
    table[(ascending - least).view(np.int64)] = np.arange(len(ascending), dtype=np.int32)
    # Below the least the difference wraps around, and is large.
    found: Indices = table[np.minimum(wanted - least, np.uint64(end)).view(np.int64)].astype(np.int64)
    return found


def _comparable(keys: KeyWords) -> NDArray[np.uint64] | NDArray[np.bytes_]:
    """Each key as one value that compares as its words do: a word, or a string of bytes."""
    if len(keys.words) == 1:
        return keys.words[0]
    if not keys.words:
        return np.zeros(keys.rows, np.uint64)
    # Stacked first: that turns words into the order of bytes of the machine.
    words = np.stack(keys.words, axis=1).astype(">u8")
    return words.view(f"S{words.shape[1] * 8}").ravel()


def count_below(keys: KeyWords, bound: tuple[int, ...]) -> int:
    """How many rows of ascending keys are below the bound, a ``row`` of keys normalised together with these."""
    low, high = 0, keys.rows
    for word, value in zip(keys.words, bound, strict=True):
        piece = word[low:high]
        target = np.uint64(value)
        high = low + int(np.searchsorted(piece, target, side="right"))
        low += int(np.searchsorted(piece, target, side="left"))
    return low


def _settle_ties(words: tuple[Words, ...], order: Indices) -> None:
    """Reorder, in place, the runs of equal first words by the words that follow."""
    first = words[0][order]
    same = first[1:] == first[:-1]
    if not same.any():
        return
    if not _any_descent(words[1:], order, same):
        return
    tied = np.zeros(len(order), np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    rows = order[tied]
    lesser = [word[rows] for word in words[1:]]
    own = first[tied]
    packed = _in_one_word([_numbered(own), *lesser])
    settled = np.lexsort((*reversed(lesser), own)) if packed is None else np.argsort(packed, kind="stable")
    order[tied] = rows[settled]


def _numbered(ascending: Words) -> Words:
    """The number of each value among the distinct ones, from 0."""
    steps = np.zeros(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=steps[1:])
    return running_count(steps).astype(np.uint64)


def _in_one_word(words: Sequence[Words]) -> Words | None:
    """One word that compares as those do one after another, None if their varying bits have no room in one."""
    varying = [word for word in words if bool((word != word[:1]).any())]
    spreads = [(word.min(), int(word.max() - word.min()).bit_length()) for word in varying]
    if not varying or sum(width for _, width in spreads) > 64:
        return None
    packed: Words = varying[0] - spreads[0][0]
    for word, (least, width) in zip(varying[1:], spreads[1:], strict=True):
        packed = packed << np.uint64(width) | (word - least)
    return packed


def _any_descent(words: tuple[Words, ...], order: Indices, same: Mask) -> bool:
    """Whether some neighbours that tie so far are the wrong way round on these words."""
    undecided = same
    for word in words:
        ordered = word[order]
        if bool((undecided & (ordered[1:] < ordered[:-1])).any()):
            return True
        undecided = undecided & (ordered[1:] == ordered[:-1])
    return False


def _pack(parts: Sequence[Sequence[Words]]) -> list[list[Words]]:
    """Drop words that are the same everywhere and squeeze the others into as few as hold their bits."""
    columns = [[own[index] for own in parts] for index in range(len(parts[0]))]
    kept = [column for column in columns if _varies(column)]
    if len(kept) <= 1:
        return [[column[part] for column in kept] for part in range(len(parts))]
    packed: list[list[Words]] = []
    room = 0
    for column in kept:
        squeezed, width = _squeeze(column)
        if packed and width <= room:
            last = packed[-1]
            packed[-1] = [(old << np.uint64(width)) | new for old, new in zip(last, squeezed, strict=True)]
            room -= width
        else:
            packed.append(squeezed)
            room = 64 - width
    return [[column[part] for column in packed] for part in range(len(parts))]


def _varies(column: Sequence[Words]) -> bool:
    firsts = [word[0] for word in column if len(word)]
    if not firsts or all(first == firsts[0] for first in firsts):
        return any(bool((word != word[0]).any()) for word in column if len(word))
    return True


def _squeeze(column: Sequence[Words]) -> tuple[list[Words], int]:
    """The same order in fewer bits: less the least value, or without the bits that never vary."""
    filled = [word for word in column if len(word)]
    least = min(int(word.min()) for word in filled)
    greatest = max(int(word.max()) for word in filled)
    spread = (greatest - least).bit_length()
    reference = filled[0][0]
    varying = 0
    for word in filled:
        varying |= int(np.bitwise_or.reduce(word ^ reference))
    if spread <= varying.bit_count():
        return [word - np.uint64(least) for word in column], spread
    return [_keep_bits(word, varying) for word in column], varying.bit_count()


def _keep_bits(values: Words, mask: int) -> Words:
    """Move the bits under the mask together at the low end, in order (compress by parallel suffix)."""
    out = values & np.uint64(mask)
    below = ~mask << 1 & _ALL
    for step in range(6):
        odd = below
        for shift in (1, 2, 4, 8, 16, 32):
            odd ^= odd << shift & _ALL
        moving = odd & mask
        mask = mask ^ moving | moving >> (1 << step)
        if moving:
            part = out & np.uint64(moving)
            out ^= part
            part >>= np.uint64(1 << step)
            out |= part
        below &= ~odd
    return out


_ALL = (1 << 64) - 1

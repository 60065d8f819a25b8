"""How rows are laid out so that queries skip most of them: along a curve through several columns, or by value.

``zorder`` and ``hilbert`` give every row one position on a curve through the space of the columns, each column scaled
so that equal parts of its range hold equally many rows (``core.coordinates``). ``order`` sorts by the first column,
then the second, and so on.

An ``Arrangement`` is fitted to a sample of the rows. Its ``positions`` are words by which rows can be cut into ranges;
inside a range ``positions`` or ``exact_order`` settle the order. Nothing of a curve is stored: only the order of the
rows matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from lakestore.core.coordinates import Scale, leading_word, scale_of
from lakestore.core.hilbert import hilbert_values
from lakestore.core.keywords import Words
from lakestore.core.sorting import Indices, argsort, normalise
from lakestore.core.zorder import CURVE_BITS, bits_per_column, z_values
from lakestore.errors import ErrorKind, InvalidInputError

MAX_CURVE_COLUMNS = 16
"""Above, a column would have less than four bits: it would hardly count."""


class Curve(StrEnum):
    """How rows are laid out; Paimon's values of ``clustering.strategy``."""

    ZORDER = "zorder"
    HILBERT = "hilbert"
    ORDER = "order"


def curve_for(name: str | None, columns: int) -> Curve:
    """The curve of that name; without one by value for one column, zorder up to four, hilbert from five on.

    The choice is Paimon's for ``clustering.strategy=auto``.

    Raises:
        InvalidInputError: There is no such curve.
    """
    if name is None or name.lower() == "auto":
        return Curve.ORDER if columns == 1 else Curve.ZORDER if columns < 5 else Curve.HILBERT
    try:
        return Curve(name.lower())
    except ValueError:
        known = ", ".join([*Curve, "auto"])
        raise InvalidInputError(f"curve {name!r} is not known: expected one of {known}") from None


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """How rows are laid out, fitted to a sample of them.

    Attributes:
        curve: The curve.
        columns: Names of the columns that it goes through, the first one weighing most.
        scales: For each column where its values lie; for ``order`` only the first is used.
    """

    curve: Curve
    columns: tuple[str, ...]
    scales: tuple[Scale, ...]

    def positions(self, rows: pa.Table) -> Words:
        """Words that rise along the layout, shape (rows,); rows of one word may come in any order of each other."""
        if self.curve is Curve.ORDER:
            return leading_word(rows[self.columns[0]], prefix=self.scales[0].prefix)
        bits = CURVE_BITS // 2 if len(self.columns) == 1 else bits_per_column(len(self.columns))
        coordinates = [scale.coordinates(rows[name], bits=bits) for name, scale in self._pairs()]
        if len(coordinates) == 1:
            return coordinates[0]
        return z_values(coordinates) if self.curve is Curve.ZORDER else hilbert_values(coordinates)

    def exact_order(self, rows: pa.Table) -> Indices | None:
        """Rows in order of value, for ``order``; rows that tie keep their order. None for curves: see ``positions``."""
        if self.curve is not Curve.ORDER:
            return None
        return argsort(normalise([rows[name] for name in self.columns]))

    def without_first(self) -> "Arrangement | None":
        """What is left to sort by among rows that agree in the first column; None for nothing."""
        if self.curve is not Curve.ORDER or len(self.columns) == 1:
            return None
        return Arrangement(self.curve, self.columns[1:], self.scales[1:])

    def _pairs(self) -> Sequence[tuple[str, Scale]]:
        return list(zip(self.columns, self.scales, strict=True))


def fit(curve: Curve, columns: Sequence[str], sample: pa.Table) -> Arrangement:
    """The arrangement for rows like those of the sample.

    Raises:
        InvalidInputError: A column has a type without an order, or there are too many for a curve.
    """
    if not columns:
        raise InvalidInputError("there is no column to lay rows out by: name at least one")
    if curve is not Curve.ORDER and len(columns) > MAX_CURVE_COLUMNS:
        raise InvalidInputError(
            f"{curve} goes through {MAX_CURVE_COLUMNS} columns at most, not {len(columns)}: choose those that queries"
            " filter by most",
            kind=ErrorKind.INVALID_OPTION,
        )
    return Arrangement(curve, tuple(columns), tuple(scale_of(_column(sample, name)) for name in columns))


def _column(sample: pa.Table, name: str) -> Any:  # noqa: ANN401
    return sample[name]

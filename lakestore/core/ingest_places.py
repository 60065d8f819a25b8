"""Where a value of the rows handed in is, for messages: its row and the path of columns down to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.nested_arrays import Offsets
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import has_length_limit
from lakestore.model.types import STRINGS, DataType

_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of one array are.

    Attributes:
        of: From a position in the array to the row and to the path, such as ``address.city`` or ``tags[2]``.
    """

    of: Callable[[int], tuple[int, str]]

    @classmethod
    def column(cls, name: str, first_row: int) -> "Place":
        """The values of a column, of which the first is in that row."""
        return cls(lambda at: (first_row + at, name))

    def member(self, name: str) -> "Place":
        """The members of that name of rows that are here."""

        def of(at: int) -> tuple[int, str]:
            row, path = self.of(at)
            return row, f"{path}.{name}"

        return Place(of)

    def inside(self, offsets: Offsets) -> "Place":
        """The values of lists that are here."""

        def of(at: int) -> tuple[int, str]:
            holder = int(np.searchsorted(offsets, at, side="right")) - 1
            row, path = self.of(holder)
            return row, f"{path}[{at - int(offsets[holder])}]"

        return Place(of)

    def text(self, at: int) -> str:
        """For a message: ``row 12, column 'address.city'``."""
        row, path = self.of(at)
        return f"row {row}, column {path!r}"


def lossy(place: Place, at: int, array: Any, kind: DataType, error: Exception) -> InvalidInputError:  # noqa: ANN401
    """The error for a value that is not exactly one of the type."""
    return InvalidInputError(
        f"{place.text(at)}: the value {shown(array, at)} ({array.type}) is not exactly a value of {kind} ({error}); "
        "correct it, or convert the column yourself",
        kind=ErrorKind.LOSSY_VALUE,
    )


def check_length(values: Any, kind: DataType, place: Place) -> None:  # noqa: ANN401 - pyarrow has no types
    """Refuse text and bytes that are longer than their type allows.

    Raises:
        InvalidInputError: There is such a value; the first one is named.
    """
    if not has_length_limit(kind):
        return
    is_text = kind.root in STRINGS
    lengths = pc.utf8_length(values) if is_text else pc.binary_length(values)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= (kind.length or 0):
        return
    at = pc.index(pc.greater(lengths, kind.length), True).as_py()
    raise InvalidInputError(
        f"{place.text(at)}: the value {shown(values, at)} has {lengths[at].as_py()} "
        f"{'characters' if is_text else 'bytes'}, more than {kind} holds",
        kind=ErrorKind.LOSSY_VALUE,
    )


def shown(values: pa.Array | pa.ChunkedArray, at: int) -> str:
    """One value as text; through Arrow where Python has no such value (nanoseconds, bytes that are no text)."""
    if pa.types.is_temporal(values.type):
        text = str(values.slice(at, 1).cast(pa.string())[0].as_py())
    elif pa.types.is_string(values.type):
        text = repr(values.slice(at, 1).cast(pa.binary())[0].as_py().decode(errors="backslashreplace"))
    else:
        text = repr(values[at].as_py())
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"

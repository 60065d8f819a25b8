"""The functions over serialized sets: ``rbm32``, ``rbm64``, ``hll_sketch`` and ``theta_sketch``.

How two of them become one is for the format layer to know and comes in as an argument. Groups of one set keep its
bytes; only groups of several are visited one by one.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from lakestore.core.merge.events import Events
from lakestore.core.merge.groups import Column
from lakestore.errors import ErrorKind, UnsupportedFormatError
from lakestore.model.merging import ColumnMerge, Function

Union = Callable[[Sequence[bytes]], bytes]
"""Serialized sets, oldest first, to the serialized set of all their members."""

Unions = Mapping[Function, Union]


def united(column: Column, events: Events, field: ColumnMerge, union: Union | None) -> pa.Array:
    """The union of the sets of each group.

    Raises:
        UnsupportedFormatError: Nothing that unites such sets was handed over.
    """
    listed = events.listed(column.valid)
    values = column.at(listed.rows)
    groups = listed.groups
    shared = np.flatnonzero(groups.sizes > 1)
    made: list[bytes] = []
    if len(shared):
        if union is None:
            raise UnsupportedFormatError(
                f"column {field.name!r}: nothing here unites {field.function} values; install what the function needs",
                kind=ErrorKind.MISSING_DEPENDENCY,
            )
        for start, size in zip(groups.starts[shared].tolist(), groups.sizes[shared].tolist(), strict=True):
            made.append(union(values.slice(start, size).to_pylist()))
    places = np.full(len(events.groups), -1)
    places[listed.numbers] = groups.starts
    places[listed.numbers[shared]] = np.arange(len(shared)) + len(values)
    everything = pa.concat_arrays([values, pa.array(made, column.type)])
    return everything.take(pa.array(places, mask=places < 0))

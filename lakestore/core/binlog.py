"""Changes with the two images of an update in one row, as Paimon's system table ``binlog`` shows them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def paired(kinds: pa.Array, rows: pa.Table) -> tuple[pa.Array, pa.Table]:
    """Put every ``-U`` and the ``+U`` right behind it into one row.

    Args:
        kinds: ``+I``, ``-U``, ``+U`` or ``-D`` of each row, as text.
        rows: The rows, in order.

    Returns:
        The kinds of the rows that are left, ``+U`` for a pair, and the rows: every column a list of its values before
        and after the update, or of its one value.
    """
    before = pc.equal(kinds, "-U").to_numpy(zero_copy_only=False)
    after = pc.equal(kinds, "+U").to_numpy(zero_copy_only=False)
    second = np.zeros(len(rows), dtype=bool)
    second[1:] = before[:-1] & after[1:]
    starts = np.flatnonzero(~second)
    bounds = np.append(starts, len(rows))
    offsets = pa.array(bounds, pa.int32())
    arrays = [pa.ListArray.from_arrays(offsets, column.combine_chunks()) for column in rows.columns]
    names = [pa.field(field.name, pa.list_(field.with_name("item")), nullable=True) for field in rows.schema]
    lists = [array.cast(field.type) for array, field in zip(arrays, names, strict=True)]
    return kinds.take(pa.array(bounds[1:] - 1)), pa.Table.from_arrays(lists, schema=pa.schema(names))

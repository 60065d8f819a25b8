"""Where the rows may stand that a compaction replaces but does not read: in the levels above its output.

Changelog producer ``lookup``, ``first-row`` and ``force-lookup`` ask, for each key that is new on level 0, for its
newest row in those levels (Paimon ``LookupLevels``). Keys are not looked up one by one:

1. Files whose key range meets that of the fresh files are kept, level by level; each level is one sorted run.
2. Their row groups are pruned by the range of the first key column.
3. What is left is read beside the runs that are compacted, window by window; the merge drops the keys that nobody
   asked for.

Invariant: every row of a fresh key that stands above the output is among the rows read.
"""

from collections.abc import Sequence
from typing import Any

from lakestore.core.sections import Run
from lakestore.data.windows import Source
from lakestore.format.binary_row import decode_row
from lakestore.model.datafile import DataFile
from lakestore.model.predicate import And, Compare, CompareOp, Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.types import TypeRoot

_UNORDERED_BY_IEEE = (TypeRoot.FLOAT, TypeRoot.DOUBLE)
"""Types whose predicates order values otherwise than keys are ordered: NaN, and the two zeros."""


def older_sources(
    schema: TableSchema,
    fresh: Sequence[DataFile],
    above: Sequence[DataFile],
    rank: Any,  # noqa: ANN401 - a KeyRank
) -> tuple[Source, ...]:
    """What to read beside the files compacted, one source a level.

    Args:
        schema: The table's schema.
        fresh: The files of level 0 that are compacted.
        above: Live files of the bucket above the output level.
        rank: Order of serialized keys (``lakestore.core.conflict.rank_of``).
    """
    if not fresh or not above:
        return ()
    low = min((file.min_key for file in fresh), key=rank)
    high = max((file.max_key for file in fresh), key=rank)
    first, last = rank(low), rank(high)
    meeting = [file for file in above if rank(file.max_key) >= first and rank(file.min_key) <= last]
    meeting.sort(key=lambda file: rank(file.min_key))
    where = _range_of(schema, low, high)
    return tuple(
        Source(run=Run(tuple(file for file in meeting if file.level == level)), where=where)
        for level in sorted({file.level for file in meeting})
    )


def _range_of(schema: TableSchema, low: bytes, high: bytes) -> Predicate | None:
    """The first key column lies between those of two keys; None where its order is not that of predicates."""
    name, kind = schema.trimmed_primary_keys[0], schema.key_types[0]
    if kind.root in _UNORDERED_BY_IEEE:
        return None
    least, greatest = decode_row(low, schema.key_types)[0], decode_row(high, schema.key_types)[0]
    return And(
        children=(
            Compare(column=name, op=CompareOp.GE, value=least),
            Compare(column=name, op=CompareOp.LE, value=greatest),
        )
    )

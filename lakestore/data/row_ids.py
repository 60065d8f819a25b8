"""Ids and sequence numbers of rows of a file that does not hold them itself."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.row_tracking import ROW_ID
from lakestore.model.rows import SEQUENCE_NUMBER


@dataclass(slots=True, kw_only=True)
class Tracking:
    """Fills both columns in, batch after batch in the order of the file.

    Attributes:
        first_row_id: Id of the file's first row; None if only its column tells.
        number: Sequence number of rows that have none of their own.
    """

    first_row_id: int | None
    number: int
    _place: int = field(default=0, init=False)

    def filled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The next rows of the file, all of them, with what was null in the two columns filled in."""
        columns = list(batch.columns)
        for at, name in enumerate(batch.schema.names):
            if name == ROW_ID and self.first_row_id is not None:
                begin = self.first_row_id + self._place
                columns[at] = pc.coalesce(columns[at], pa.array(np.arange(begin, begin + batch.num_rows)))
            elif name == SEQUENCE_NUMBER:
                columns[at] = pc.fill_null(columns[at], self.number)
        self._place += batch.num_rows
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

"""What formats answer that have neither bloom filters nor page indexes."""

from lakestore.core.index_rows import ColumnIndex
from lakestore.model.types import DataType


class Unfiltered:
    """The part of a ``DataFileSource`` that knows of no filter."""

    def bloom_filter(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """None."""
        del group, column, kind
        return None

    def page_index(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """None."""
        del group, column, kind
        return None

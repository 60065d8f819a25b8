"""File indexes: which columns have which, and with what settings (Paimon ``FileIndexOptions``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class IndexKind(StrEnum):
    """Kinds of file indexes. The values are format: they stand in option keys and in index files."""

    BLOOM = "bloom-filter"
    BITMAP = "bitmap"
    RANGE_BITMAP = "range-bitmap"
    BSI = "bsi"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """One index of one column.

    Attributes:
        column: The column.
        kind: What index it has.
        key: Of a MAP with text keys: the key whose values are indexed; None for the column itself.
        settings: ``file-index.<kind>.<column>.<setting>``, as written.
    """

    column: str
    kind: IndexKind
    key: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What index files call the column."""
        return self.column if self.key is None else f"{self.column}[{self.key}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIndexOptions:
    """The options of file indexes.

    Attributes:
        specs: Options ``file-index.<kind>.columns``, in the order of their keys and names.
        embed_bytes: Option ``file-index.in-manifest-threshold``: larger ones become files of their own.
        read: Option ``file-index.read.enabled``.
    """

    specs: tuple[IndexSpec, ...] = ()
    embed_bytes: int = 500
    read: bool = True


class RowSet(Protocol):
    """Rows of one file, by position."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __and__(self, other: Any) -> "RowSet":  # noqa: ANN401 - a set of the same sort
        """Those in both."""
        ...

    def __or__(self, other: Any) -> "RowSet":  # noqa: ANN401 - a set of the same sort
        """Those in either."""
        ...

    def __sub__(self, other: Any) -> "RowSet":  # noqa: ANN401 - a set of the same sort
        """Those that are not in the other."""
        ...

    def range_cardinality(self, range_start: int, range_end: int) -> int:
        """How many from the first position up to, and without, the second."""
        ...

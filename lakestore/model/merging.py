"""What a table's options say about merging: which engine, and for each column which function.

``core.merge_options`` parses a schema's option map into one ``MergeSpec``; the kernels in ``core.merge`` take it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lakestore.errors import InvariantError
from lakestore.model.rows import MergeEngine
from lakestore.model.types import DataType

UNLIMITED = 2147483647
"""Value of ``fields.<column>.count-limit`` that sets no limit."""


class Function(StrEnum):
    """How the values of a column become one. The values are format: option ``fields.<column>.aggregate-function``."""

    PRIMARY_KEY = "primary-key"
    LAST_VALUE = "last_value"
    LAST_NON_NULL_VALUE = "last_non_null_value"
    FIRST_VALUE = "first_value"
    FIRST_NON_NULL_VALUE = "first_non_null_value"
    SUM = "sum"
    PRODUCT = "product"
    MAX = "max"
    MIN = "min"
    BOOL_AND = "bool_and"
    BOOL_OR = "bool_or"
    LISTAGG = "listagg"
    COLLECT = "collect"
    MERGE_MAP = "merge_map"
    MERGE_MAP_WITH_KEYTIME = "merge_map_with_keytime"
    NESTED_UPDATE = "nested_update"
    NESTED_PARTIAL_UPDATE = "nested_partial_update"
    RBM32 = "rbm32"
    RBM64 = "rbm64"
    HLL_SKETCH = "hll_sketch"
    THETA_SKETCH = "theta_sketch"


OLD_FUNCTION_NAMES = {"first_not_null_value": Function.FIRST_NON_NULL_VALUE}
"""Older spellings, still accepted."""

RETRACTABLE = frozenset(
    {
        Function.PRIMARY_KEY,
        Function.LAST_VALUE,
        Function.LAST_NON_NULL_VALUE,
        Function.SUM,
        Function.PRODUCT,
        Function.COLLECT,
        Function.MERGE_MAP,
        Function.NESTED_UPDATE,
    }
)
"""Functions that can take a value back."""

UNIONS = frozenset({Function.RBM32, Function.RBM64, Function.HLL_SKETCH, Function.THETA_SKETCH})
"""Functions that unite serialized sets."""


class NullKeys(StrEnum):
    """What becomes of nested rows whose key is null. The values are format: ``nested-key-null-strategy``."""

    MERGE = "merge"
    IGNORE = "ignore"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMerge:
    """How one column is merged.

    Attributes:
        name: The column.
        type: Its type.
        function: Its aggregate function; None where the engine itself says what to do.
        ignore_retract: Option ``fields.<column>.ignore-retract``.
        delimiter: Option ``fields.<column>.list-agg-delimiter``.
        distinct: Option ``fields.<column>.distinct``.
        nested_key: Option ``fields.<column>.nested-key``: members of the nested row.
        nested_sequence: Option ``fields.<column>.nested-sequence-field``.
        null_keys: Option ``fields.<column>.nested-key-null-strategy``.
        count_limit: Option ``fields.<column>.count-limit``.
        time_field: Option ``fields.<column>.ts-field``, or the last member.
    """

    name: str
    type: DataType
    function: Function | None = None
    ignore_retract: bool = False
    delimiter: str = ","
    distinct: bool = False
    nested_key: tuple[str, ...] = ()
    nested_sequence: tuple[str, ...] = ()
    null_keys: NullKeys = NullKeys.MERGE
    count_limit: int = UNLIMITED
    time_field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceGroup:
    """Columns that are overwritten together, by whoever has the greatest ordering values.

    Attributes:
        ordered_by: The ordering columns.
        members: The columns they protect, themselves not included.
        removes_record: Whether a delete that is not late removes the whole row.
    """

    ordered_by: tuple[str, ...]
    members: tuple[str, ...]
    removes_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSpec:
    """How versions of one key become one row.

    Attributes:
        engine: The merge engine.
        columns: All columns of the table, in order.
        groups: Sequence groups of ``partial-update``, in the order of their first columns.
        ignore_delete: Retract rows are passed over.
        remove_on_delete: A -D replaces the row and makes it a deleted one.
        looks_up: A record above level 0 already is the merged result of all that is older (changelog producer
            ``lookup``, deletion vectors, or lookup by force).
    """

    engine: MergeEngine
    columns: tuple[ColumnMerge, ...]
    groups: tuple[SequenceGroup, ...] = ()
    ignore_delete: bool = False
    remove_on_delete: bool = False
    looks_up: bool = False

    def column(self, name: str) -> ColumnMerge:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise InvariantError(f"column {name!r} is not among the columns that are merged")

    def group_of(self, name: str) -> SequenceGroup | None:
        """The sequence group that a column orders or is protected by."""
        return next((group for group in self.groups if name in group.ordered_by or name in group.members), None)

    def needed(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Columns that have to be read to merge those, in table order.

        Besides the wanted ones these are what orders their groups, and what orders the groups whose deletes remove
        the whole row: whether a row is there must not depend on which columns are asked for.
        """
        names = set(wanted)
        for name in tuple(names):
            group = self.group_of(name)
            names.update(group.ordered_by if group is not None else ())
        for group in self.groups:
            names.update(group.ordered_by if group.removes_record else ())
        return tuple(column.name for column in self.columns if column.name in names)

"""Row kinds, and the columns that Paimon adds to the data files of primary-key tables."""

from enum import IntEnum, StrEnum

from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType, Field, TypeRoot


class RowKind(IntEnum):
    """What a row does to the state. The values are format: the byte in ``_VALUE_KIND``."""

    INSERT = 0
    UPDATE_BEFORE = 1
    UPDATE_AFTER = 2
    DELETE = 3

    @property
    def is_add(self) -> bool:
        """Whether the row states what is, rather than takes back what was."""
        return self in {RowKind.INSERT, RowKind.UPDATE_AFTER}

    @property
    def short(self) -> str:
        """``+I``, ``-U``, ``+U`` or ``-D``."""
        return _SHORT[self]


_SHORT = {
    RowKind.INSERT: "+I",
    RowKind.UPDATE_BEFORE: "-U",
    RowKind.UPDATE_AFTER: "+U",
    RowKind.DELETE: "-D",
}


class MergeEngine(StrEnum):
    """How versions of one key become one row. The values are format: option ``merge-engine``."""

    DEDUPLICATE = "deduplicate"
    PARTIAL_UPDATE = "partial-update"
    AGGREGATION = "aggregation"
    FIRST_ROW = "first-row"


class ChangelogProducer(StrEnum):
    """Where changelog rows come from. The values are format: option ``changelog-producer``."""

    NONE = "none"
    INPUT = "input"
    LOOKUP = "lookup"
    FULL_COMPACTION = "full-compaction"


KEY_PREFIX = "_KEY_"
KEY_ID_OFFSET = (1 << 30) - 1
"""Field id of ``_KEY_x`` minus the field id of ``x`` (Paimon ``SpecialFields``)."""
SEQUENCE_NUMBER = "_SEQUENCE_NUMBER"
SEQUENCE_NUMBER_ID = 2147483646
VALUE_KIND = "_VALUE_KIND"
VALUE_KIND_ID = 2147483645
RESERVED_NAMES = frozenset({SEQUENCE_NUMBER, VALUE_KIND, "_LEVEL", "rowkind", "_ROW_ID"})

SEQUENCE_FIELD = Field(
    id=SEQUENCE_NUMBER_ID,
    name=SEQUENCE_NUMBER,
    type=DataType(root=TypeRoot.BIGINT, nullable=False),
)
KIND_FIELD = Field(id=VALUE_KIND_ID, name=VALUE_KIND, type=DataType(root=TypeRoot.TINYINT, nullable=False))


def key_fields(schema: TableSchema) -> tuple[Field, ...]:
    """The ``_KEY_`` columns of a primary-key table's data files, in key order."""
    return tuple(
        Field(id=KEY_ID_OFFSET + column.id, name=KEY_PREFIX + column.name, type=column.type)
        for column in schema.select(schema.trimmed_primary_keys)
    )


def file_fields(schema: TableSchema, *, thin: bool = False) -> tuple[Field, ...]:
    """All columns of a data file of that schema, in file order (FORMAT.md 6.1).

    Args:
        schema: The table's schema.
        thin: Leave out the ``_KEY_`` columns (option ``data-file.thin-mode``).
    """
    if not schema.primary_keys:
        return schema.fields
    keys = () if thin else key_fields(schema)
    return (*keys, SEQUENCE_FIELD, KIND_FIELD, *schema.fields)

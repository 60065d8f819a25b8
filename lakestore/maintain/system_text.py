"""Values of metadata as the text that Paimon's system tables show.

A partition of ``files`` and its like is the cast of a row to text, ``{2026-11-20, 7}``; keys and statistics are printed
as Java prints the values inside, ``[7, x]`` and ``{a=1, b=null}``, where a DATE is a number of days.
"""

from collections.abc import Iterable, Mapping, Sequence

from lakestore.core.value_text import Internal
from lakestore.format.binary_row import decode_row
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType
from lakestore.storage.partition_text import partition_text


def value_text(value: Internal, kind: DataType, *, inside: bool) -> str:
    """One value; ``inside`` for its inner form, in which a DATE is a number of days."""
    if isinstance(value, bytes):
        return value.hex()
    return partition_text(value, kind, legacy=inside) or ("null" if value is None else "")


def row_text(row: bytes, types: Sequence[DataType]) -> str:
    """A serialized row cast to text: ``{2026-11-20, 7}``."""
    return f"{{{', '.join(_texts(decode_row(row, types), types, inside=False))}}}"


def key_text(key: bytes, schema: TableSchema) -> str | None:
    """A serialized trimmed key: ``[7, x]``; None in tables without a primary key."""
    if not schema.primary_keys:
        return None
    return f"[{', '.join(_texts(decode_row(key, schema.key_types), schema.key_types, inside=True))}]"


def map_text(values: Mapping[str, str]) -> str:
    """Texts by column, sorted by name: ``{a=1, b=null}``."""
    return f"{{{', '.join(f'{name}={values[name]}' for name in sorted(values))}}}"


def folder_text(partition: bytes, schema: TableSchema, default_name: str) -> str:
    """A partition as ``day=2026-11-20/hour=7``; null has the default name."""
    values = decode_row(partition, schema.partition_types)
    named = zip(schema.partition_keys, values, schema.partition_types, strict=True)
    return "/".join(
        f"{name}={default_name if value is None else value_text(value, kind, inside=False)}"
        for name, value, kind in named
    )


def _texts(values: Iterable[Internal], types: Iterable[DataType], *, inside: bool) -> list[str]:
    return [value_text(value, kind, inside=inside) for value, kind in zip(values, types, strict=True)]

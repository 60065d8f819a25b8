"""Folders of partitions: ``day=19723/region=a%2Fb`` (Paimon ``PartitionPathUtils``).

A folder's name is only a convention: the partition's value is what the manifest says. So folders are always built
from values with the table's own options, and never parsed to learn a value. Different values may share a folder:
null, '' and blanks all take the default name.
"""

import re
from collections.abc import Sequence

from lakestore.errors import InvariantError
from lakestore.model.options import PartitionOptions
from lakestore.model.predicate import Value
from lakestore.model.types import DataType
from lakestore.storage.partition_text import partition_text

_ESCAPED = re.compile("[\x00-\x1f\x7f\"#%'*/:=?\\\\{}\\[\\]^]")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_JAVA_BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2008\u2009\u200a\u2028\u2029\u205f\u3000"
)
"""What Java's ``Character.isWhitespace`` takes for blank; the no-break spaces are not among them."""


def escape_partition(text: str) -> str:
    r"""The text as part of a folder's name: control characters and ``"#%'*/:=?\{}[]^`` become ``%XX``."""
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)


def unescape_partition(text: str) -> str:
    """The text that was escaped; for people who look at folders, never for reading values."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def partition_dirs(
    keys: Sequence[str], types: Sequence[DataType], values: Sequence[Value], options: PartitionOptions
) -> tuple[str, ...]:
    """Folders of a partition from the table's folder down, one per key.

    Args:
        keys: Partition columns, in order.
        types: Their types.
        values: The partition's values in internal form.
        options: How the table spells folders.

    Raises:
        UnsupportedFormatError: A type has no stable folder name.
    """
    if not len(keys) == len(types) == len(values):
        raise InvariantError(f"{len(keys)} partition keys, {len(types)} types, {len(values)} values")
    return tuple(
        f"{escape_partition(key)}={escape_partition(_folder_text(value, kind, options))}"
        for key, kind, value in zip(keys, types, values, strict=True)
    )


def _folder_text(value: Value, kind: DataType, options: PartitionOptions) -> str:
    text = partition_text(value, kind, legacy=options.legacy_name)
    return options.default_name if text is None or not text.strip(_JAVA_BLANKS) else text

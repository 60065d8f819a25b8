"""LakeStore: Apache Paimon tables from plain Python.

The public names, and nothing else. They are loaded on first use, so that ``import lakestore`` costs next to
nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakestore.api.catalog import Lake as Lake
    from lakestore.api.catalog import connect as connect
    from lakestore.api.catalog import open_table as open_table
    from lakestore.api.changes import add_column as add_column
    from lakestore.api.changes import change_type as change_type
    from lakestore.api.changes import drop_column as drop_column
    from lakestore.api.changes import move_column as move_column
    from lakestore.api.changes import remove_option as remove_option
    from lakestore.api.changes import rename_column as rename_column
    from lakestore.api.changes import set_comment as set_comment
    from lakestore.api.changes import set_default as set_default
    from lakestore.api.changes import set_nullable as set_nullable
    from lakestore.api.changes import set_option as set_option
    from lakestore.api.changes_read import Changes as Changes
    from lakestore.api.scan import Scan as Scan
    from lakestore.api.table import Table as Table
    from lakestore.errors import AlreadyExistsError as AlreadyExistsError
    from lakestore.errors import CommitUnknownError as CommitUnknownError
    from lakestore.errors import ConflictError as ConflictError
    from lakestore.errors import CorruptTableError as CorruptTableError
    from lakestore.errors import InvalidInputError as InvalidInputError
    from lakestore.errors import InvariantError as InvariantError
    from lakestore.errors import LakestoreError as LakestoreError
    from lakestore.errors import NotFoundError as NotFoundError
    from lakestore.errors import OutOfRangeError as OutOfRangeError
    from lakestore.errors import StorageError as StorageError
    from lakestore.errors import UnsupportedFormatError as UnsupportedFormatError
    from lakestore.model.predicate import col as col
    from lakestore.model.rows import RowKind as RowKind
    from lakestore.model.stream import Until as Until

__version__ = "0.1.0"

_HOMES = {
    "Lake": "lakestore.api.catalog",
    "RowKind": "lakestore.model.rows",
    "Changes": "lakestore.api.changes_read",
    "Scan": "lakestore.api.scan",
    "Table": "lakestore.api.table",
    "Until": "lakestore.model.stream",
    "col": "lakestore.model.predicate",
    "connect": "lakestore.api.catalog",
    "open_table": "lakestore.api.catalog",
    **dict.fromkeys(
        (
            "add_column",
            "change_type",
            "drop_column",
            "move_column",
            "remove_option",
            "rename_column",
            "set_comment",
            "set_default",
            "set_nullable",
            "set_option",
        ),
        "lakestore.api.changes",
    ),
    **dict.fromkeys(
        (
            "AlreadyExistsError",
            "CommitUnknownError",
            "ConflictError",
            "CorruptTableError",
            "InvalidInputError",
            "InvariantError",
            "LakestoreError",
            "NotFoundError",
            "OutOfRangeError",
            "StorageError",
            "UnsupportedFormatError",
        ),
        "lakestore.errors",
    ),
}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - computed from the one table of homes


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public object
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'lakestore' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

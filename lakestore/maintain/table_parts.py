"""An open table's parts, as all that changes or cleans a table works with them."""

from dataclasses import dataclass, fields
from typing import Any, Self

from lakestore.env import Env
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.options import TableOptions
from lakestore.model.schema import TableSchema
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class TableParts:
    """One line of a table's history: the table, or a branch.

    Attributes:
        name: What messages call the table.
        store: Where its files are.
        paths: How they are called.
        env: Clock, ids, events.
        schema: A schema of it: the latest when it was opened.
        options: That schema's options, parsed.
        schemas: Reader and writer of schema files.
        snapshots: Reader of snapshot files.
        manifests: Reader and writer of manifests.
    """

    name: str
    store: Store
    paths: TablePaths
    env: Env
    schema: TableSchema
    options: TableOptions
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests

    @classmethod
    def of(cls, table: "TableParts", **more: Any) -> Self:  # noqa: ANN401 - the fields that a class has beside these
        """The same table with what else the class asks for."""
        return cls(**{field.name: getattr(table, field.name) for field in fields(TableParts)}, **more)

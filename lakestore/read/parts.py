"""What a scan needs of an open table."""

from collections.abc import Callable
from dataclasses import dataclass

from lakestore.core.row_tracking import is_tracked, tracked
from lakestore.data.file_reader import TableFiles
from lakestore.env import Env
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import keep_all
from lakestore.meta.schemas import Schemas
from lakestore.model.manifest import ManifestEntry
from lakestore.model.options import TableOptions
from lakestore.model.schema import TableSchema
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which live files of a snapshot are read.

    Attributes:
        keep: Whether a file belongs to what is read; the others are as if they were not there.
        fresh: Whether files of level 0 are read where scans hide them until they are compacted.
    """

    keep: Callable[[ManifestEntry], bool] = keep_all
    fresh: bool = False


WHOLE = Scope()
"""What a scan reads."""


def same(schema: TableSchema) -> TableSchema:
    """The schema as it is."""
    return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanParts:
    """An open table, as scans see it.

    Attributes:
        name: What messages call it.
        store: Where its files are.
        paths: How they are called.
        schemas: Its schemas.
        manifests: Its manifests.
        env: Clock, and the listener for events.
    """

    name: str
    store: Store
    paths: TablePaths
    schemas: Schemas
    manifests: Manifests
    env: Env

    def what(self, snapshot_id: int | None) -> str:
        """Table and snapshot, for messages."""
        return f"table {self.name}" if snapshot_id is None else f"table {self.name} at snapshot {snapshot_id}"

    def files(self, schema: TableSchema, options: TableOptions, snapshot_id: int | None) -> TableFiles:
        """Its data files, as rows of that schema."""
        like = tracked if is_tracked(schema) else same
        return TableFiles(
            store=self.store,
            paths=self.paths,
            schema=schema,
            schema_of=lambda schema_id: schema if schema_id == schema.id else like(self.schemas.get(schema_id)),
            partition=options.partition,
            files=options.files,
            what=self.what(snapshot_id),
            batch_rows=max(1, options.scan.window_rows // 2),
        )

"""A table that the judges are asked about: how it is made, what it must hold, and what an engine adds on top."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

import lakestore as ls
from tests.golden import canon

Step = tuple[str, list[canon.Row]]
"""``write``, ``delete`` or ``overwrite`` with canonical rows; one commit each."""


@dataclass(frozen=True)
class Shape:
    """One table.

    Attributes:
        columns: Types by column name, as ``create_table`` takes them.
        steps: What LakeStore commits.
        on_top: What the judge, and then LakeStore, commit to a copy; ``write`` and ``delete`` only.
        key: Primary key columns.
        partition_by: Partition columns.
        options: Table options.
        order: Of a row, what decides between versions of one key; the later write wins ties.
    """

    columns: Mapping[str, object]
    steps: Sequence[Step]
    on_top: Sequence[Step]
    key: Sequence[str] = ()
    partition_by: Sequence[str] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    order: Callable[[canon.Row], object] = field(default=lambda row: 0)

    def full(self, row: canon.Row) -> canon.Row:
        """The row with every column, in order."""
        return {name: row.get(name) for name in self.columns}

    def after(self, steps: Sequence[Step]) -> list[canon.Row]:
        """The rows that those steps leave, worked out with a dict."""
        kept: dict[object, canon.Row] = {}
        for number, (what, rows) in enumerate(steps):
            if what == "overwrite":
                touched = {self._partition(row) for row in rows}
                kept = {name: row for name, row in kept.items() if self._partition(row) not in touched}
            for place, row in enumerate(rows):
                name = tuple(row[each] for each in self.key) if self.key else (number, place)
                if what == "delete":
                    kept.pop(name, None)
                elif name not in kept or self.order(row) >= self.order(kept[name]):
                    kept[name] = self.full(row)
        return list(kept.values())

    def _partition(self, row: canon.Row) -> tuple[object, ...]:
        return tuple(row.get(name) for name in self.partition_by)

    def create(self, warehouse: object, name: str) -> ls.Table:
        """Make the table with LakeStore."""
        return ls.connect(warehouse).create_table(
            f"judged.{name}",
            schema=self.columns,
            primary_key=self.key,
            partition_by=self.partition_by,
            options=self.options,
        )


def commit(table: ls.Table, step: Step) -> None:
    """Commit a step with LakeStore, and let it compact what it then finds due: the judges compact too."""
    what, rows = step
    if what == "delete":
        table.delete(canon.table_of(rows, pa.schema([table.schema.field(name) for name in table.primary_key])))
    elif what == "overwrite":
        table.overwrite(canon.table_of(rows, table.schema))
    else:
        table.insert(canon.table_of(rows, table.schema))
    table.wait_for_compaction()

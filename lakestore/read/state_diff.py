"""The difference between two snapshots of a primary-key table, read section by section.

1. Live files of both snapshots, bucket by bucket; a bucket whose files are the same in both is left out.
2. The files of both together are cut into sections by key range: a key lies in one section only. A section whose files
   are in both snapshots has not changed.
3. Of the other sections both states are merged and compared (``core.difference``).

Memory: both states of one section, in the columns asked for and the key; a bucket that was never compacted is one
section.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakestore.core.difference import difference
from lakestore.core.options import check_readable
from lakestore.errors import UnsupportedFormatError
from lakestore.meta.scan import live_entries_of
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import POSTPONE_BUCKET
from lakestore.model.rows import VALUE_KIND, MergeEngine
from lakestore.model.snapshot import Snapshot
from lakestore.model.split import Plan, Split
from lakestore.read.change_rows import ChangeReader, with_kinds
from lakestore.read.parts import WHOLE, Scope
from lakestore.read.plan import refuse_deletion_vectors, sections_in
from lakestore.read.reader import read_plan

_Place = tuple[bytes, int]
_Files = dict[_Place, dict[tuple[str, int], DataFile]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDiff:
    """Compares snapshots of one table.

    Attributes:
        reader: What is read of each state.
        scope: Which files count.
    """

    reader: ChangeReader
    scope: Scope = WHOLE

    def changes(self, before: Snapshot | None, after: Snapshot) -> Generator[pa.RecordBatch, None, None]:
        """The changes that lead from one snapshot to the other, in batches; None is the empty table."""
        reader = self.reader
        check_readable(reader.schema)
        old = {} if before is None else self._live(before)
        new = self._live(after)
        names = tuple(dict.fromkeys([*reader.columns, *reader.schema.primary_keys]))
        values = [name for name in reader.columns if name not in reader.schema.primary_keys]
        for place in dict.fromkeys([*old, *new]):
            for was, now in self._sections(old.get(place, {}), new.get(place, {}), after.id):
                rows, kinds = difference(
                    self._state(place, was, before, names),
                    self._state(place, now, after, names),
                    keys=reader.schema.trimmed_primary_keys,
                    values=values,
                )
                if rows.num_rows:
                    told = rows.append_column(VALUE_KIND, kinds).combine_chunks()
                    for batch in told.to_batches(max_chunksize=reader.options.scan.window_rows):
                        yield with_kinds(batch, batch.column(VALUE_KIND), reader.arrow_schema)

    def _live(self, snapshot: Snapshot) -> _Files:
        parts = self.reader.parts
        refuse_deletion_vectors(parts, snapshot)
        metas = parts.manifests.read_snapshot_lists(snapshot)
        files: _Files = {}
        hides_fresh = not self.scope.fresh and self.reader.options.merge.engine is MergeEngine.FIRST_ROW
        for entry in live_entries_of(parts.manifests, metas, keep_entry=self.scope.keep)[0]:
            if hides_fresh and entry.file.level == 0:
                continue
            if entry.bucket == POSTPONE_BUCKET:
                raise UnsupportedFormatError(
                    f"{parts.what(snapshot.id)} has postponed rows, which no state shows yet; compact it first"
                )
            files.setdefault((entry.partition, entry.bucket), {})[entry.file.name, entry.file.level] = entry.file
        return files

    def _sections(
        self, old: dict[tuple[str, int], DataFile], new: dict[tuple[str, int], DataFile], snapshot_id: int
    ) -> list[tuple[list[DataFile], list[DataFile]]]:
        """Files before and after of each section that may have changed."""
        if old.keys() == new.keys():
            return []
        reader = self.reader
        union = [*old.values(), *(file for key, file in new.items() if key not in old)]
        found = []
        for section in sections_in(reader.schema, union, what=reader.parts.what(snapshot_id)):
            keys = [(file.name, file.level) for file in section.files]
            was = [old[key] for key in keys if key in old]
            now = [new[key] for key in keys if key in new]
            if was != now:
                found.append((was, now))
        return found

    def _state(
        self, place: _Place, files: Sequence[DataFile], snapshot: Snapshot | None, columns: tuple[str, ...]
    ) -> pa.Table:
        reader = self.reader
        split = Split(partition=place[0], bucket=place[1], files=tuple(files), raw=False)
        plan = Plan(
            snapshot_id=None if snapshot is None else snapshot.id,
            schema_id=reader.schema.id,
            splits=(split,) if files else (),
            where=reader.where,
            columns=columns,
        )
        schema = arrow_schema(reader.schema.select(columns))
        return pa.Table.from_batches(
            read_plan(reader.parts, plan, schema=reader.schema, options=reader.options), schema=schema
        )

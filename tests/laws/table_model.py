"""A primary-key table in plain Python, whatever its merge engine: the oracle of whole tables.

Rows are dicts of their columns with ``kind`` (0 +I, 1 -U, 2 +U, 3 -D); the key is the column ``id``.
"""

import itertools

from lakestore.core.merge_options import parse_merge
from lakestore.model.merging import RETRACTABLE
from lakestore.model.rows import MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type
from tests.laws.oracles_merge import DELETE, RETRACTS, merged


class TableModel:
    """The table in plain Python: the versions that each flush left of each key."""

    def __init__(self, columns, options):
        self.columns = columns
        fields = [Field(id=at, name=name, type=parse_type(text)) for at, (name, text) in enumerate(columns.items())]
        self.spec = parse_merge(TableSchema(id=0, fields=tuple(fields), primary_keys=("id",), options=options), options)
        self.order = [name for name in options.get("sequence.field", "").split(",") if name]
        self.sign = -1 if options.get("sequence.field.sort-order") == "descending" else 1
        self.drops_before = options.get("ignore-update-before") == "true"
        self.seen = itertools.count()
        self.versions = {}

    def dropped(self, row):
        ignored = self.spec.ignore_delete and row["kind"] in RETRACTS
        return ignored or (self.drops_before and row["kind"] == 1)

    def refused(self, row):
        """Whether a row takes back what its engine cannot."""
        spec, kind = self.spec, row["kind"]
        if kind not in RETRACTS or self.dropped(row) or spec.engine is MergeEngine.DEDUPLICATE:
            return False
        if spec.engine is MergeEngine.AGGREGATION:
            asked = [] if spec.remove_on_delete and kind == DELETE else spec.columns
        elif not spec.groups:
            return not spec.remove_on_delete
        else:
            heard = [group for group in spec.groups if any(row[name] is not None for name in group.ordered_by)]
            asked = [spec.column(name) for group in heard for name in group.members]
        return any(one.function and one.function not in RETRACTABLE and not one.ignore_retract for one in asked)

    def place(self, row):
        values = [(row[name] is not None, self.sign * (row[name] or 0)) for name in self.order]
        return [*values, row["seq"], row["kind"] not in RETRACTS]

    def merge(self, rows):
        return merged(sorted(rows, key=self.place), self.spec)

    def flush(self, rows):
        """What one file holds of these rows goes on top of the files before it."""
        fresh = {}
        for row in rows:
            if not self.dropped(row):
                fresh.setdefault(row["id"], []).append({**row, "seq": next(self.seen)})
        for key, own in fresh.items():
            self.versions.setdefault(key, []).append(self.merge(own))

    def compact(self):
        """Everything becomes one file: a state for each key, deleted ones gone."""
        states = {key: self.merge(versions) for key, versions in self.versions.items()}
        self.versions = {key: [row] for key, row in states.items() if row["kind"] not in RETRACTS}

    def read(self):
        states = [self.merge(versions) for _, versions in sorted(self.versions.items())]
        return [{name: row[name] for name in self.columns} for row in states if row["kind"] not in RETRACTS]

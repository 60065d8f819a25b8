"""Helpers of compaction tests: compacting a table, and reading what its changelog says."""

from lakestore.maintain.compact import compact_table
from lakestore.meta.scan import snapshot_entries
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD, SEQUENCE_NUMBER, VALUE_KIND, RowKind


def compact(table, **named):
    """Run the compaction job."""
    return compact_table(table._context.compact_parts(), **named)


def snapshots_of(table):
    """All snapshots, oldest first."""
    return table._context.snapshots.list()


def latest(table):
    """The latest snapshot."""
    return snapshots_of(table)[-1]


def live_files(table):
    """Live files of the latest snapshot, by bucket."""
    context = table._context
    snapshot = context.snapshots.latest()
    files = {}
    for entry in [] if snapshot is None else snapshot_entries(context.manifests, snapshot):
        files.setdefault((entry.partition, entry.bucket), []).append(entry.file)
    return files


def order_in_buckets(table):
    """Ids in the order in which they are read, by bucket."""
    context = table._context
    snapshot = context.snapshots.latest()
    found = {}
    for place, files in live_files(table).items():
        bucket = context.scan_parts().files(context.schema, context.options, snapshot.id).bucket(*place)
        for file in sorted(files, key=lambda file: file.min_sequence):
            with bucket.open(file, context.schema.select(["id"])) as opened:
                for rows in opened.batches():
                    found.setdefault(place[1], []).extend(rows.column(0).to_pylist())
    return found


def changelog_files(table, snapshot):
    """Manifest entries of a snapshot's changelog files."""
    if snapshot.changelog_manifest_list is None:
        return []
    manifests = table._context.manifests
    metas = manifests.read_list(snapshot.changelog_manifest_list)
    return [entry for part in manifests.read_all(metas) for entry in part]


def changes_in(table, snapshot):
    """Row changes of one snapshot in the order of its changelog files: kind, row, sequence number."""
    context = table._context
    files = context.scan_parts().files(context.schema, context.options, snapshot.id)
    found = []
    for entry in changelog_files(table, snapshot):
        columns = (*context.schema.fields, KIND_FIELD, SEQUENCE_FIELD)
        with files.bucket(entry.partition, entry.bucket).open(entry.file, columns) as opened:
            for batch in opened.batches():
                for row in batch.to_pylist():
                    kind, number = RowKind(row.pop(VALUE_KIND)), row.pop(SEQUENCE_NUMBER)
                    found.append((kind.short, row, number))
    return found


class Ledger:
    """The table as its changelog tells it; refuses changes that cannot be."""

    def __init__(self, keys):
        self.rows = {}
        self._keys = keys
        self._taken_back = None

    def take(self, kind, row):
        key = tuple(row[name] for name in self._keys)
        if self._taken_back is not None:
            assert (kind, key) == ("+U", self._taken_back), f"-U of {self._taken_back}, then {kind} of {key}"
            self._taken_back = None
            self.rows[key] = row
        elif kind == "+I":
            assert key not in self.rows, f"+I of {key}, which is there: {self.rows[key]}"
            self.rows[key] = row
        elif kind in {"-U", "-D"}:
            assert self.rows.get(key) == row, f"{kind} {row}, but there is {self.rows.get(key)}"
            if kind == "-U":
                self._taken_back = key
            else:
                del self.rows[key]
        else:
            raise AssertionError(f"{kind} of {key} out of nothing")

    def take_all(self, changes):
        for kind, row, _ in changes:
            self.take(kind, row)
        assert self._taken_back is None
        return self

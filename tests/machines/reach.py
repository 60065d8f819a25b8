"""What a table's folder holds and what its metadata names: an oracle for cleaning, without any of its code."""

import tempfile
from pathlib import Path

from lakestore.api.catalog import open_table
from lakestore.format.index_manifest import read_index_manifest
from lakestore.format.manifest_file import read_manifest, read_manifest_list
from lakestore.format.snapshot_file import snapshot_from_json
from lakestore.model.manifest import EntryKind
from lakestore.model.snapshot import CommitKind

MEMORY = "/dev/shm"


def memory_folder():
    """A folder where nothing waits for a disk, if there is one: for tests that are not about power loss."""
    return tempfile.mkdtemp(dir=MEMORY if Path(MEMORY).is_dir() else None)


def files_of(root):
    """Every file of a table's folder, relative to it."""
    return {str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file()}


class Named:
    """What the snapshots, tags and changelogs of a table and its branches name.

    Attributes:
        live: Bare names of data files that some snapshot or tag reads.
        entries: Bare names of all data files in any entry.
        metadata: Bare names of lists, manifests, index files, statistics.
        changelog: Bare names of changelog files.
    """

    def __init__(self, root):
        self.root = Path(root)
        self.live, self.entries, self.metadata, self.changelog = set(), set(), set(), set()
        for head in [self.root, *sorted(self.root.glob("branch/branch-*"))]:
            for kind in ("snapshot/snapshot-*", "tag/tag-*", "changelog/changelog-*"):
                for path in sorted(head.glob(kind)):
                    self._snapshot(path)

    def _snapshot(self, path):
        snapshot = snapshot_from_json(path.read_bytes(), str(path))
        alone, tag = path.parent.name == "changelog", path.parent.name == "tag"
        # With a producer, what compacted or analyzed has no changes, and its lists go with the snapshot.
        gone = alone and not (self.root / "manifest" / snapshot.delta_manifest_list).exists()
        assert not gone or snapshot.changelog_manifest_list or snapshot.commit_kind is not CommitKind.APPEND
        if not (alone and snapshot.changelog_manifest_list) and not gone:
            base = self._list(snapshot.base_manifest_list)
            delta = self._list(snapshot.delta_manifest_list)
            alive = {}
            for entry in [*base, *delta]:
                if entry.kind is EntryKind.ADD:
                    alive[entry.id] = entry
                else:
                    alive.pop(entry.id, None)
                self.entries.update((entry.file.name, *entry.file.extra_files))
            # Nobody reads what a snapshot deleted once the one before it is gone.
            wanted = [entry for entry in delta if entry.kind is EntryKind.ADD] if alone else alive.values()
            self.live.update(name for entry in wanted for name in (entry.file.name, *entry.file.extra_files))
        if snapshot.changelog_manifest_list and not tag:
            for entry in self._list(snapshot.changelog_manifest_list):
                self.changelog.add(entry.file.name)
        if snapshot.index_manifest and not alone:
            self.metadata.add(snapshot.index_manifest)
            data = (self.root / "manifest" / snapshot.index_manifest).read_bytes()
            self.metadata.update(entry.name for entry in read_index_manifest(data, snapshot.index_manifest))
        if snapshot.statistics and not alone:
            self.metadata.add(snapshot.statistics)

    def _list(self, name):
        self.metadata.add(name)
        entries = []
        for meta in read_manifest_list((self.root / "manifest" / name).read_bytes(), name):
            self.metadata.add(meta.name)
            entries += read_manifest((self.root / "manifest" / meta.name).read_bytes(), meta.name)
        return entries


FOLDERS = ("manifest", "index", "statistics")
OWN = ("schema", "snapshot", "changelog", "tag", "consumer", "branch")


def garbage(root):
    """Files of data and metadata that nothing names, and names that have no file: (too many, missing)."""
    named = Named(root)
    on_disk = {path.rpartition("/")[2] for path in files_of(root) if path.split("/")[0] not in OWN}
    on_disk -= {"_SUCCESS"}
    needed = named.live | named.metadata | named.changelog
    return on_disk - needed, needed - on_disk


def rows_of(view):
    """Rows of a table, or of it at some time, in an order of their own."""
    return sorted(map(repr, (sorted(row.items()) for row in view.to_arrow().to_pylist())))


def reads_of(path):
    """The rows of every snapshot and tag of a table and its branches that can be found, by where they are."""
    table = open_table(path)
    found = {}
    for branch in [None, *table.branches.names()]:
        line = table if branch is None else table.at(branch=branch)
        for row in line.snapshots.list().to_pylist():
            number = row["snapshot_id"]
            found[branch, "snapshot", number] = rows_of(line.at(snapshot=number))
        for name in line.tags.list().column("tag_name").to_pylist():
            found[branch, "tag", name] = rows_of(line.at(tag=name))
    return found

"""The manifests and manifest lists that one snapshot needs, written before it.

1. The delta: manifests of the changes, and the lists that name them. They do not depend on the base, so all
   attempts of a commit share them.
2. The base list: all manifests of the base snapshot, merged when there are many. Every attempt writes its own,
   under a fresh name; what merging wrote once is used again as long as it replaces the head of the next base.
3. When the outcome is certain, whatever was written and is not named by the snapshot that won may go.

Invariant: no file is written twice, and none is deleted that a snapshot of ours names or may name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lakestore.core.changes import Changes, ListFile, Lists
from lakestore.errors import StorageError
from lakestore.meta.manifests import Manifests
from lakestore.model.manifest import ManifestMeta
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaFiles:
    """What was written for one set of changes.

    Attributes:
        changes: The changes.
        delta: List of the delta manifests.
        changelog: List of the changelog manifests, None without a changelog.
        manifests: Names of the delta manifests.
        names: All names written, lists included.
    """

    changes: Changes
    delta: ListFile
    changelog: ListFile | None
    manifests: frozenset[str]
    names: frozenset[str]


@dataclass(slots=True, eq=False)
class CommitFiles:
    """Writes the files of one snapshot to be, over all its attempts, and cleans up after them.

    Attributes:
        store: Where the table is.
        paths: How its files are called.
        manifests: Reader and writer of manifests.
        merge_all: Merge manifests however few there are.
        written: Names of all files written so far.
    """

    store: Store
    paths: TablePaths
    manifests: Manifests
    merge_all: bool = False
    written: set[str] = field(default_factory=set)
    _delta: DeltaFiles | None = None
    _merged: tuple[list[ManifestMeta], list[ManifestMeta]] | None = None
    _named: frozenset[str] = frozenset()

    def delta(self, changes: Changes) -> DeltaFiles:
        """The files of those changes; written when they are not the ones asked for before."""
        if self._delta is None or self._delta.changes != changes:
            metas = self.manifests.write(changes.delta) if changes.delta else []
            self._note(metas)
            delta = self._list(metas)
            changelog = None
            more: list[ManifestMeta] = []
            if changes.changelog:
                more = list(self.manifests.write(changes.changelog))
                self._note(more)
                changelog = self._list(more)
            lists = [delta.name] if changelog is None else [delta.name, changelog.name]
            self._delta = DeltaFiles(
                changes=changes,
                delta=delta,
                changelog=changelog,
                manifests=frozenset(meta.name for meta in metas),
                names=frozenset([*lists, *(meta.name for meta in (*metas, *more))]),
            )
        return self._delta

    def lists(self, before: Sequence[ManifestMeta], delta: DeltaFiles) -> Lists:
        """Write the base list of an attempt.

        Args:
            before: All manifests of the snapshot it is based on.
            delta: The files of the changes.
        """
        metas = self._merge(list(before))
        base_list = self._list(metas)
        self._named = delta.names.union([base_list.name], (meta.name for meta in metas))
        return Lists(base=base_list, delta=delta.delta, changelog=delta.changelog)

    def clean(self, *, landed: bool) -> None:
        """Delete what was written and no snapshot names; best effort.

        Call it only when the outcome is certain.

        Args:
            landed: The last attempt made its snapshot. False: none did.
        """
        kept = self._named if landed else frozenset()
        for name in sorted(self.written - kept):
            try:
                self.store.delete(self.paths.manifest(name))
            except StorageError:
                return
            self.written.discard(name)

    def _merge(self, metas: list[ManifestMeta]) -> list[ManifestMeta]:
        if self._merged is None:
            after = list(self.manifests.merge_manifests(metas, everything=self.merge_all))
            before = {meta.name for meta in metas}
            self._note([meta for meta in after if meta.name not in before])
            self._merged = (metas, after)
            return after
        before_merge, after_merge = self._merged
        if metas[: len(before_merge)] == before_merge:
            return [*after_merge, *metas[len(before_merge) :]]
        return metas

    def _list(self, metas: Sequence[ManifestMeta]) -> ListFile:
        name, size = self.manifests.write_list(metas)
        self.written.add(name)
        return ListFile(name=name, size=size)

    def _note(self, metas: Sequence[ManifestMeta]) -> None:
        self.written.update(meta.name for meta in metas)

"""Everything that anything in a table names: the other side of what may be an orphan.

1. List the snapshots, changelogs and tags of the table and of every branch, and read each.
2. Read the lists that they name, and every manifest once. Of each manifest keep, for the files asked about, how many
   entries add it less how many delete it.
3. List again: what appeared meanwhile (a tag made of a snapshot that expired, a branch made from a tag) is read too,
   until a round brings nothing new.
4. A data file is needed if some snapshot or tag has it live, which is a sum over its manifests, or adds it.

Invariant: the answer is complete or an error. A file that cannot be found is passed over only when whoever names it is
proven gone; every other failure ends the run.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from lakestore.errors import CorruptTableError, InvalidInputError, NotFoundError
from lakestore.format.snapshot_file import snapshot_from_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.expire_reach import has_no_changes
from lakestore.model.manifest import EntryKind, ManifestEntry, ManifestMeta
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import CHANGELOG_PREFIX, SNAPSHOT_PREFIX, parse_numbered
from lakestore.storage.store import FileInfo

T = TypeVar("T")

READ_WORKERS = 8
"""Manifests read at a time."""

ROUNDS_MAX = 20
"""Listings after which a table that keeps changing is given up."""


@dataclass(frozen=True, slots=True)
class _Root:
    """What one snapshot or tag reads: names of its manifests; those of its delta are all needed."""

    manifests: tuple[str, ...]
    delta: tuple[str, ...]


@dataclass(slots=True)
class Reached:
    """Names of all files that a table still needs.

    Attributes:
        parts: The table on its main branch, reading past every cache.
        asked: Bare names of the files that may be orphans; nothing is remembered of others.
        names: Bare names that are needed, complete after ``read_all``.
    """

    parts: CleanParts
    asked: frozenset[str]
    names: set[str] = field(default_factory=set)
    _seen: set[FileInfo] = field(default_factory=set)
    _roots: list[_Root] = field(default_factory=list)
    _nets: dict[str, dict[str, int]] = field(default_factory=dict)
    _added: dict[str, frozenset[str]] = field(default_factory=dict)
    _deleted: set[str] = field(default_factory=set)

    def read_all(self) -> None:
        """Read until nothing new appears.

        Raises:
            CorruptTableError: A file is damaged or missing.
            StorageError: A file or folder could not be read.
        """
        for number in range(ROUNDS_MAX):
            fresh = [root for root in self._list() if root[0] not in self._seen]
            # One listing alone may miss what moves between the folders while they are listed.
            if not fresh and number:
                self._settle()
                return
            for info, line, bare in fresh:
                self._root(info, line, bare=bare)
                self._seen.add(info)
        raise CorruptTableError(
            f"snapshots, tags or branches of {self.parts.name} changed {ROUNDS_MAX} times while they were read; nothing"
            " was deleted, try again when it is quieter"
        )

    def _list(self) -> "list[tuple[FileInfo, CleanParts, bool]]":
        """The files of all snapshots, changelogs and tags; whether each is a changelog on its own."""
        found = []
        for line in [self.parts, *self.parts.other_lines()]:
            if not line.store.list(line.paths.schema_dir()):
                raise InvalidInputError(
                    f"branch {line.paths.branch!r} of {self.parts.name} has no schema: whether its files are needed"
                    " cannot be told, and nothing was deleted; delete that branch, or finish making it"
                )
            snapshots = line.store.list(line.paths.snapshot_dir())
            found += [(info, line, False) for info in snapshots if parse_numbered(info.name, SNAPSHOT_PREFIX)]
            changelogs = line.store.list(line.paths.changelog_dir())
            found += [(info, line, True) for info in changelogs if parse_numbered(info.name, CHANGELOG_PREFIX)]
            found += [(info, line, False) for info in line.tags.files()]
        return found

    def _root(self, info: FileInfo, line: CleanParts, *, bare: bool) -> None:
        data = line.store.get_or_none(info.path)
        if data is None:  # Expired or deleted since it was listed, which its absence proves.
            return
        snapshot = snapshot_from_json(data, info.path)
        self._lists(info, line, snapshot, bare=bare)
        if snapshot.index_manifest is not None and not bare:
            index = self._or_gone(info, line, lambda: line.manifests.read_index(snapshot.index_manifest or ""))
            self.names.update(entry.name for entry in index or ())
            self.names.add(snapshot.index_manifest)
        if snapshot.statistics is not None:
            self.names.add(snapshot.statistics)

    def _lists(self, info: FileInfo, line: CleanParts, snapshot: Snapshot, *, bare: bool) -> None:
        """The lists and their manifests. A changelog with changelog files needs its other lists no longer."""
        own = snapshot.changelog_manifest_list
        if own is not None:
            self.names.add(own)
            changes = self._changelog_list(info, line, own) or ()
            self._read(info, line, changes)
            self.names.update(name for meta in changes for name in self._nets.get(meta.name, ()))
        if bare and own is not None:
            return
        if bare and _went_with_its_snapshot(line, snapshot):
            return
        base = self._list_of(info, line, snapshot.base_manifest_list, snapshot.base_manifest_list_size)
        delta = self._list_of(info, line, snapshot.delta_manifest_list, snapshot.delta_manifest_list_size)
        self._read(info, line, (*base, *delta))
        if bare:  # The fresh files of its delta are its changes; the base is kept for the readers of other engines.
            self.names.update(name for meta in delta for name in self._added.get(meta.name, ()))
            return
        names = tuple(meta.name for meta in delta)
        self._roots.append(_Root((*(meta.name for meta in base), *names), names))

    def _list_of(self, info: FileInfo, line: CleanParts, name: str, size: int | None) -> tuple[ManifestMeta, ...]:
        self.names.add(name)
        return self._or_gone(info, line, lambda: line.manifests.read_list(name, size=size)) or ()

    def _changelog_list(self, info: FileInfo, line: CleanParts, name: str) -> "tuple[ManifestMeta, ...] | None":
        """A tag's changelog goes with its snapshot, so that of a tag may be gone."""
        try:
            return line.manifests.read_list(name)
        except NotFoundError:
            if info in line.tags.files() or line.store.info(info.path) is None:
                return None
            raise

    def _read(self, info: FileInfo, line: CleanParts, metas: Iterable[ManifestMeta]) -> None:
        """Read the manifests that were not read yet."""
        fresh = {meta.name: meta for meta in metas if meta.name not in self._nets}
        self.names.update(fresh)
        found = map_ordered(
            lambda meta: self._or_gone(info, line, lambda: line.manifests.read(meta.name)),
            fresh.values(),
            workers=READ_WORKERS,
        )
        for name, entries in zip(fresh, found, strict=True):
            if entries is not None:
                self._count(name, entries)

    def _count(self, manifest: str, entries: Iterable[ManifestEntry]) -> None:
        nets: dict[str, int] = {}
        added: set[str] = set()
        for entry in entries:
            adds = entry.kind is EntryKind.ADD
            for name in (entry.file.name, *entry.file.extra_files):
                if name in self.asked:
                    nets[name] = nets.get(name, 0) + (1 if adds else -1)
                    (added if adds else self._deleted).add(name)
        self._nets[manifest] = nets
        self._added[manifest] = frozenset(added)

    def _settle(self) -> None:
        """Add the data files that are needed. One that no entry deletes is, wherever it is added."""
        for nets in self._nets.values():
            self.names.update(nets.keys() - self._deleted)
        doubtful = {name: nets.keys() & self._deleted for name, nets in self._nets.items()}
        for root in self._roots:
            totals: dict[str, int] = {}
            for manifest in root.manifests:
                for name in doubtful.get(manifest, ()):
                    totals[name] = totals.get(name, 0) + self._nets[manifest][name]
            self.names.update(name for name, net in totals.items() if net > 0)
            for manifest in root.delta:
                self.names |= self._added.get(manifest, frozenset())

    def _or_gone(self, info: FileInfo, line: CleanParts, read: Callable[[], T]) -> T | None:
        """What is read, None when it is not there and whoever names it is gone by now as well."""
        try:
            return read()
        except NotFoundError as error:
            if line.store.info(info.path) is None:
                return None
            raise CorruptTableError(
                f"{info.path} names a file that is not there ({error.message}), so what it needs cannot be told;"
                " nothing was deleted. If an expiry is under way, try again; else look with check()"
            ) from error


def _went_with_its_snapshot(line: CleanParts, changelog: Snapshot) -> bool:
    """Whether the lists of a changelog without changelog files are gone, rightly.

    They are its changes only where no producer writes changelog files, and never those of a compaction.
    """
    if has_no_changes(line, changelog):
        return True
    if (
        line.options.merge.changelog_producer is ChangelogProducer.NONE
        and changelog.commit_kind is not CommitKind.COMPACT
    ):
        return False
    return line.store.info(line.paths.manifest(changelog.delta_manifest_list)) is None

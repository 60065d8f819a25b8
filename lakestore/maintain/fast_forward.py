"""Fast-forward: the main branch becomes what another branch is (Paimon ``FileSystemBranchManager.fastForward``).

Let b be the first snapshot of the branch, and c the last state that both have under one number, as a snapshot or under
a tag; 0 if there is none.

1. Snapshots of the main branch above c go, the latest first; then its changelogs and tags above c. If it has none up to
   c, one below b stays for now, so that the table is never without any.
2. Schemas of the branch take the place of those of the main branch, where they differ.
3. The branch's snapshots above c are copied, in order; then its tags. After each it is looked whether the branch still
   has it, so that expiry on the branch has seen the copy (``protectors``).
4. What is left of the main branch before a gap goes: the branch has let the snapshots in between expire.
5. The hint at the latest snapshot is written.

Invariant: after every step the main branch is whole: first at an older snapshot of its own, then at one of the
branch's. Only where all its snapshots have numbers from b on, none of them the branch's, it is empty in between, and
fast-forwarding again completes it. When the main branch has nothing above c, which is when nobody wrote to it, nothing
is lost that the branch has not let expire. The branch stays as it is. Data files are not touched.
"""

from dataclasses import dataclass
from itertools import pairwise

from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.protectors import same_state
from lakestore.maintain.rollback import remove_snapshots
from lakestore.meta.branches import Branches
from lakestore.meta.claim import claim
from lakestore.model.snapshot import Snapshot
from lakestore.storage.paths import MAIN_BRANCH


@dataclass(frozen=True, slots=True, kw_only=True)
class FastForwardReport:
    """What a fast-forward changed, or would.

    Attributes:
        branch: The branch that the main one has become.
        snapshot_id: The latest snapshot now.
        shared: The last snapshot that both had; 0 for none.
        snapshots: Numbers of the main branch's snapshots that went, latest first.
        tags: Names of the main branch's tags that went.
        schemas: Numbers of the main branch's schemas that went or were replaced.
        expired: Numbers of the main branch's snapshots that went because those after them have expired on the branch.
        added: Numbers of the snapshots that came from the branch.
        dry_run: Nothing was changed.
    """

    branch: str
    snapshot_id: int
    shared: int
    snapshots: tuple[int, ...]
    tags: tuple[str, ...]
    schemas: tuple[int, ...]
    expired: tuple[int, ...]
    added: tuple[int, ...]
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "branch": self.branch,
            "snapshot": self.snapshot_id,
            "shared": self.shared,
            "snapshots_removed": list(self.snapshots),
            "tags_removed": list(self.tags),
            "schemas_replaced": list(self.schemas),
            "snapshots_expired": list(self.expired),
            "snapshots_added": list(self.added),
            "dry_run": self.dry_run,
        }


def fast_forward(parts: CleanParts, name: str, *, discard: bool = False, dry_run: bool = False) -> FastForwardReport:
    """Let the branch that is open become what another one is.

    Args:
        parts: The open table, on its main branch.
        name: The other branch.
        discard: Drop commits and schemas that the main branch made after the other branched off. Without it, that is
            refused.
        dry_run: Only say what would change.

    Raises:
        NotFoundError: There is no branch of that name.
        InvalidInputError: The branch has no snapshot, or the main branch has commits of its own.
        ConflictError: Others write to the main branch meanwhile.
    """
    if name in {MAIN_BRANCH, parts.paths.branch}:
        raise InvalidInputError(f"branch {name!r} cannot be fast-forwarded to itself")
    Branches(parts.store, parts.paths).require(name)
    job = _FastForward(parts, parts.on_branch(name))
    report = job.plan(dry_run=dry_run)
    if (report.snapshots or report.schemas) and not (discard or dry_run):
        raise InvalidInputError(
            f"{parts.name} has changed since branch {name!r} branched off: its snapshots"
            f" {', '.join(map(str, reversed(report.snapshots))) or 'none'} and schemas"
            f" {', '.join(map(str, report.schemas)) or 'none'} would be gone. Pass discard=True (--discard) if they may"
            " go"
        )
    return report if dry_run else job.run(report)


class _FastForward:
    """One fast-forward.

    Args:
        parts: The main branch.
        branch: The other one.
    """

    def __init__(self, parts: CleanParts, branch: CleanParts) -> None:
        self._main = parts
        self._branch = branch
        self._ids = branch.snapshots.ids()
        if not self._ids:
            raise InvalidInputError(
                f"branch {branch.paths.branch!r} of {parts.name} has no snapshot yet: there is nothing to go forward to"
            )

    def plan(self, *, dry_run: bool) -> FastForwardReport:
        """What is to be done, from what both are now."""
        shared, ours = self._shared(), self._main.snapshots.ids()
        added = [number for number in self._ids if number > shared]
        after = [*(number for number in ours if number <= shared), *added]
        gap = max((one for one, following in pairwise(after) if following > one + 1), default=0)
        return FastForwardReport(
            branch=self._branch.paths.branch,
            snapshot_id=max(self._ids[-1], shared),
            shared=shared,
            snapshots=tuple(number for number in reversed(ours) if number > shared),
            tags=tuple(tag.name for tag in self._main.tags.list() if tag.snapshot.id > shared),
            schemas=tuple(self._old_schemas()),
            expired=tuple(number for number in ours if number <= min(shared, gap)),
            added=tuple(added),
            dry_run=dry_run,
        )

    def run(self, report: FastForwardReport) -> FastForwardReport:
        """Do it."""
        main, branch = self._main, self._branch
        last = self._remove_own(report)
        for number in reversed(main.changelogs.ids()):
            if number > report.shared:
                main.changelogs.delete(number)
        for name in report.tags:
            main.tags.delete(name)
        self._take_schemas(report.schemas)
        for number in report.added:
            self._copy(branch.paths.snapshot(number), main.paths.snapshot(number))
        for name in branch.tags.names():
            main.store.put(main.paths.tag(name), branch.store.get(branch.paths.tag(name)))
        for number in (*report.expired, *last):
            main.store.delete(main.paths.snapshot(number))
        main.snapshots.write_latest_hint(report.snapshot_id)
        return report

    def _remove_own(self, report: FastForwardReport) -> list[int]:
        """Remove the main branch's snapshots above what both have; those that must stay until the others are there."""
        main, first = self._main, self._ids[0]
        if not report.snapshots:
            return []
        if any(number <= report.shared for number in main.snapshots.ids()):
            remove_snapshots(main, after=report.shared)
            return []
        remove_snapshots(main, after=max(report.shared, first - 1))
        below = [number for number in main.snapshots.ids() if number < first]
        for number in below[:-1]:
            main.store.delete(main.paths.snapshot(number))
        return below[-1:]

    def _shared(self) -> int:
        """The last state that both have under one number, 0 for none."""
        theirs, ours = _states(self._branch), _states(self._main)
        return max(
            (
                number
                for number in theirs.keys() & ours.keys()
                if any(same_state(one, other) for one in theirs[number] for other in ours[number])
            ),
            default=0,
        )

    def _old_schemas(self) -> list[int]:
        """Schemas of the main branch that are not the branch's."""
        main, branch = self._main, self._branch
        theirs = set(branch.schemas.ids())
        return [
            number
            for number in main.schemas.ids()
            if number not in theirs
            or main.store.get(main.paths.schema(number)) != branch.store.get(branch.paths.schema(number))
        ]

    def _take_schemas(self, old: tuple[int, ...]) -> None:
        main, branch = self._main, self._branch
        theirs = branch.schemas.ids()
        for number in reversed(old):
            if number not in theirs:
                main.store.delete(main.paths.schema(number))
        ours = set(main.schemas.ids())
        for number in theirs:
            if number in old or number not in ours:
                main.store.put(main.paths.schema(number), branch.store.get(branch.paths.schema(number)))
        main.schemas.forget()

    def _copy(self, source: str, target: str) -> None:
        """Copy a snapshot under a number that must be free, or hold these very bytes after a crash."""
        store = self._main.store
        data = store.get(source)
        if not claim(store, target, data, unknown=lambda: _unknown(self._main, target)):
            raise ConflictError(
                f"{self._main.name}: somebody committed during the fast-forward, at {target}; the table is whole, at an"
                " older snapshot with that commit on top. Stop the writers and fast-forward again",
                kind=ErrorKind.FILE_EXISTS,
            )
        if store.info(source) is None:
            store.delete(target)
            raise ConflictError(
                f"{self._main.name}: {source} expired on the branch during the fast-forward; the table is whole, at an"
                " older snapshot. Fast-forward again",
                kind=ErrorKind.SNAPSHOT_NOT_FOUND,
            )


def _states(line: CleanParts) -> dict[int, list[Snapshot]]:
    """All snapshots of a line, and those under its tags, by number."""
    found: dict[int, list[Snapshot]] = {}
    for snapshot in [*line.snapshots.list(), *(tag.snapshot for tag in line.tags.list())]:
        found.setdefault(snapshot.id, []).append(snapshot)
    return found


def _unknown(parts: CleanParts, path: str) -> CommitUnknownError:
    return CommitUnknownError(
        f"{parts.store.url}{path}: the store does not say whether the snapshot was copied; fast-forward again"
    )

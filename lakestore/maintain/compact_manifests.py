"""Merging manifests as a job of its own (Paimon ``compact_manifest``): a COMPACT snapshot that changes no row.

Commits merge by themselves once there are many; this is for tables that other engines filled, and before a long quiet.
"""

from dataclasses import asdict, dataclass

from lakestore.core.pack_manifests import must_rewrite
from lakestore.maintain.cleaning import CleanParts
from lakestore.meta.commit import Committer
from lakestore.model.message import CommitRequest
from lakestore.model.snapshot import CommitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestsReport:
    """What merging came to.

    Attributes:
        before: Manifests before.
        rewritten: Those of them that asked to be rewritten: small ones, and ones with DELETEs.
        after: Manifests after; None for a dry run.
        snapshot_ids: The snapshot made, if one was needed.
        dry_run: Nothing was done.
    """

    before: int
    rewritten: int
    after: int | None
    snapshot_ids: tuple[int, ...] = ()
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "snapshot_ids": list(self.snapshot_ids)}


def compact_manifests(parts: CleanParts, committer: Committer, *, dry_run: bool = False) -> ManifestsReport:
    """Merge all manifests that are small or hold DELETEs; nothing is committed when there is at most one.

    Raises:
        ConflictError: Other commits came first too many times.
        CommitUnknownError: Nobody can know whether the snapshot was made.
    """
    snapshot = parts.snapshots.latest()
    metas = () if snapshot is None else parts.manifests.read_snapshot_lists(snapshot)
    asking = sum(must_rewrite(meta, parts.options.commit) for meta in metas)
    if dry_run or asking <= 1:
        after = None if dry_run else len(metas)
        return ManifestsReport(before=len(metas), rewritten=asking, after=after, dry_run=dry_run)
    result = committer.commit(
        CommitRequest(
            user=parts.env.new_id(),
            kind=CommitKind.COMPACT,
            merge_manifests=True,
            allow_empty=True,
            schema_id=parts.schema.id,
        )
    )
    latest = parts.snapshots.get(result.snapshot_ids[-1])
    after = len(parts.manifests.read_snapshot_lists(latest))
    return ManifestsReport(before=len(metas), rewritten=asking, after=after, snapshot_ids=result.snapshot_ids)

"""Which files are live in a snapshot: from its manifest lists to manifest entries.

1. Read the base and the delta list. 2. Skip manifests that cannot hold what is wanted. 3. Read the others, in
parallel. 4. Merge: a file is live if some entry adds it and none deletes it. 5. Filter the live files.

Invariant: an entry is filtered only after the merge, so a DELETE always takes effect. A manifest may be skipped only
by what an ADD and its DELETE have in common (partition, bucket, level), never by statistics of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakestore.core.fold import scan_merge
from lakestore.meta.manifests import Manifests
from lakestore.model.manifest import ManifestEntry, ManifestMeta
from lakestore.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCounters:
    """How much a scan looked at.

    Attributes:
        manifests: Manifests of both lists; ``manifests_skipped`` of them were not read.
        entries: Entries in the manifests that were read.
        files: Live files among them; ``files_skipped`` of them did not pass the filter.
    """

    manifests: int
    manifests_skipped: int
    entries: int
    files: int
    files_skipped: int


def keep_all(item: object) -> bool:
    """Keep whatever it is."""
    del item
    return True


def live_entries(
    manifests: Manifests,
    base_list: str,
    delta_list: str | None,
    *,
    keep_manifest: Callable[[ManifestMeta], bool] = keep_all,
    keep_entry: Callable[[ManifestEntry], bool] = keep_all,
) -> tuple[list[ManifestEntry], ScanCounters]:
    """The live files of the manifests that two lists name.

    Args:
        manifests: Reader of the table's manifests.
        base_list: Name of the snapshot's base list.
        delta_list: Name of its delta list, None to leave that out.
        keep_manifest: Whether a manifest is read. It must not say no to the DELETE of a file whose ADD it lets in.
        keep_entry: Whether a live file is wanted.

    Raises:
        NotFoundError: A file is gone: the snapshot expired meanwhile.
        CorruptTableError: A file is damaged, or the entries contradict each other.
    """
    metas = [*manifests.read_list(base_list), *(() if delta_list is None else manifests.read_list(delta_list))]
    return live_entries_of(manifests, metas, keep_manifest=keep_manifest, keep_entry=keep_entry)


def snapshot_entries(manifests: Manifests, snapshot: Snapshot) -> list[ManifestEntry]:
    """All live files of a snapshot."""
    return live_entries_of(manifests, manifests.read_snapshot_lists(snapshot))[0]


def live_entries_of(
    manifests: Manifests,
    metas: Sequence[ManifestMeta],
    *,
    keep_manifest: Callable[[ManifestMeta], bool] = keep_all,
    keep_entry: Callable[[ManifestEntry], bool] = keep_all,
) -> tuple[list[ManifestEntry], ScanCounters]:
    """As ``live_entries``, for lists that were read already."""
    wanted = [meta for meta in metas if keep_manifest(meta)]
    entries = [entry for part in manifests.read_all(wanted) for entry in part]
    live = scan_merge(entries)
    kept = live if keep_entry is keep_all else [entry for entry in live if keep_entry(entry)]
    counters = ScanCounters(
        manifests=len(metas),
        manifests_skipped=len(metas) - len(wanted),
        entries=len(entries),
        files=len(live),
        files_skipped=len(live) - len(kept),
    )
    return kept, counters

"""Which manifests a commit rewrites, so that lists stay short and scans read few files (Paimon ``ManifestFileMerger``).

1. Manifests that hold DELETEs, or are below the target size, ask to be rewritten. Once they are large together, a full
   merge rewrites them all and drops every cancelled pair of ADD and DELETE, the DELETE included. A manifest that does
   not ask is rewritten only if it may hold a deleted file.
2. Otherwise a minor merge walks the list in order and joins neighbours until each batch reaches the target size. What
   is left at the end waits until it is many, or a few that are small together: a plan pays for every manifest, and
   joining small ones costs less than the commit. A DELETE without its ADD in the batch is kept.
3. At the end, a manifest that outweighs all after it by far is left alone: else every few commits would write all
   entries of the table again until they fill a manifest. Each such manifest is several times as large as all after it,
   so there are few, and what they hold is written a few times instead of over and over.

Invariant: the list before and the list after describe the same live files.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from lakestore.model.manifest import ManifestMeta
from lakestore.model.options import CommitOptions

OUTWEIGHS = 4
"""A manifest with so many times the entries of all after it is not merged with them."""

EARLY_BYTES = 256 * 1024
"""Bytes above which manifests wait until they are ``manifest.merge-min-count``."""


def must_rewrite(meta: ManifestMeta, options: CommitOptions) -> bool:
    """Whether a full merge rewrites the manifest in any case."""
    return meta.deleted_files > 0 or meta.size < options.manifest_target_bytes


def wants_full_merge(metas: Iterable[ManifestMeta], options: CommitOptions) -> bool:
    """Whether the manifests that ask to be rewritten are large enough together."""
    asking = sum(meta.size for meta in metas if must_rewrite(meta, options))
    return asking >= options.manifest_full_compaction_bytes


def minor_batches(metas: Iterable[ManifestMeta], options: CommitOptions) -> list[tuple[ManifestMeta, ...]]:
    """The list cut into batches, in order: those of several manifests are merged, those of one stay as they are."""
    batches: list[tuple[ManifestMeta, ...]] = []
    batch: list[ManifestMeta] = []
    for meta in metas:
        batch.append(meta)
        if sum(each.size for each in batch) >= options.manifest_target_bytes:
            batches.append(tuple(batch))
            batch = []
    heavy = _heavy(batch)
    batches.extend((meta,) for meta in batch[:heavy])
    light = batch[heavy:]
    if len(light) >= max(options.manifest_merge_min_count, 1) or _joins_early(light, options):
        batches.append(tuple(light))
    else:
        batches.extend((meta,) for meta in light)
    return batches


def _joins_early(light: Sequence[ManifestMeta], options: CommitOptions) -> bool:
    least = options.manifest_merge_early
    return 0 < least <= len(light) and sum(meta.size for meta in light) <= EARLY_BYTES


def _heavy(metas: Sequence[ManifestMeta]) -> int:
    """How many manifests at the head hold ``OUTWEIGHS`` times as many entries as all that follow each.

    Entries are counted, since a manifest of one entry is mostly its header.
    """
    counts = [meta.added_files + meta.deleted_files for meta in metas]
    rest = sum(counts)
    for position, count in enumerate(counts):
        rest -= count
        if count < OUTWEIGHS * rest or not rest:
            return position
    return len(metas)


def may_hold(
    value: Sequence[Any], low: Sequence[Any], high: Sequence[Any], null_counts: Sequence[int | None] | None
) -> bool:
    """Whether a manifest with those partition bounds may have an entry of that partition.

    Args:
        value: The partition's values in internal form.
        low: Lower bounds by column, None where unknown.
        high: Upper bounds by column, None where unknown.
        null_counts: Nulls by column, None where unknown.
    """
    nulls = (None,) * len(value) if null_counts is None else null_counts
    if not len(value) == len(low) == len(high) == len(nulls):
        return True
    return all(map(_may_hold_value, value, low, high, nulls))


def _may_hold_value(value: Any, low: Any, high: Any, nulls: int | None) -> bool:  # noqa: ANN401 - internal scalars
    if value is None:
        return nulls != 0
    if low is None or high is None or any(isinstance(each, float) and math.isnan(each) for each in (value, low, high)):
        return True
    return bool(low <= value <= high)

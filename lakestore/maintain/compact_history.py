"""Partitions that nothing is written to any more, to be laid out in full beside those asked for.

After Paimon's ``HistoryPartitionCluster``: when a job lays out some partitions by levels, those of the others go along
that have files below the top level and have been idle for ``clustering.history-partition.idle-to-full-sort``; the
longest idle first, ``clustering.history-partition.limit`` of them at most.
"""

from collections import defaultdict
from collections.abc import Iterable

from lakestore.model.append import ClusterOptions
from lakestore.model.manifest import ManifestEntry


def history_entries(
    others: Iterable[ManifestEntry], options: ClusterOptions, *, top: int, now_ms: int
) -> list[ManifestEntry]:
    """The files of partitions to be laid out in full.

    Args:
        others: Live files of the partitions that the job was not asked for.
        options: How the table is laid out.
        top: The top level.
        now_ms: Local wall clock, encoded as if it were UTC: as files say when they were made.
    """
    if not options.incremental or options.idle_ms is None:
        return []
    by_partition: defaultdict[bytes, list[ManifestEntry]] = defaultdict(list)
    for entry in others:
        by_partition[entry.partition].append(entry)
    newest = {
        partition: max((entry.file.creation_time or 0 for entry in own if entry.file.level < top), default=None)
        for partition, own in by_partition.items()
    }
    before = now_ms - options.idle_ms
    idle = sorted((made, partition) for partition, made in newest.items() if made is not None and made < before)
    return [entry for _, partition in idle[: options.history_limit] for entry in by_partition[partition]]

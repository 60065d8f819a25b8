"""Counting what each rule of a plan takes away."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakestore.model.manifest import ManifestEntry
from lakestore.model.split import SkippedBy

BY_PARTITION, BY_BUCKET, BY_KEY, BY_STATS = "partition", "bucket", "key", "stats"
BY_INDEX, HIDDEN = "index", "hidden"
RULES = (BY_PARTITION, BY_BUCKET, BY_KEY, BY_STATS, BY_INDEX, HIDDEN)
"""In the order in which they are asked."""

Place = tuple[bytes, int]


@dataclass(slots=True)
class SkipLog:
    """Which files went by which rule.

    Attributes:
        gone: The entries, by rule.
    """

    gone: dict[str, list[ManifestEntry]] = field(default_factory=lambda: {rule: [] for rule in RULES})

    def note(self, rule: str, entries: Iterable[ManifestEntry]) -> None:
        """Entries that went by a rule."""
        self.gone[rule] += entries

    def files(self, rule: str) -> int:
        """How many files went by a rule."""
        return len(self.gone[rule])

    def by_rule(self, live: Sequence[ManifestEntry]) -> tuple[SkippedBy, ...]:
        """What each rule took of the live entries."""
        partitions, buckets = Counter(map(partition_of, live)), Counter(map(place_of, live))
        return tuple(
            SkippedBy(
                rule=rule,
                partitions=_whole(gone, partitions, partition_of),
                buckets=_whole(gone, buckets, place_of),
                files=len(gone),
                bytes=sum(entry.file.size for entry in gone),
            )
            for rule, gone in self.gone.items()
        )


def partition_of(entry: ManifestEntry) -> bytes:
    """The partition that an entry is of."""
    return entry.partition


def place_of(entry: ManifestEntry) -> Place:
    """The bucket that an entry is of."""
    return entry.partition, entry.bucket


def _whole(
    gone: Sequence[ManifestEntry], all_files: Mapping[Any, int], group: Callable[[ManifestEntry], Hashable]
) -> int:
    """Groups of which every live file is gone."""
    return sum(count == all_files[key] for key, count in Counter(map(group, gone)).items())

"""Which live files a predicate leaves, told from metadata alone, and how many each rule took away.

1. Partition: no row of the partition can match.
2. Bucket: the bucket key is pinned to values that hash elsewhere. Entries know their own bucket count.
3. Key (primary-key tables): no key in the file can match the parts of the predicate that look at key and partition
   columns only. That is safe for files that overlap too: all versions of a key that could match stay.
4. Statistics (append tables): no row of the file can match. Files of primary-key tables are pruned so by whole
   sections only (``read.plan``): one version of a key must not be left out when another stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakestore.core.prune import equality_values, may_match
from lakestore.core.value_text import Internal
from lakestore.format.binary_row import decode_row
from lakestore.format.bucket_rows import bucket_of_row
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import POSTPONE_BUCKET, ManifestEntry, ManifestMeta
from lakestore.model.options import BucketOptions
from lakestore.model.predicate import Predicate, all_of, columns_of, conjuncts
from lakestore.model.schema import TableSchema
from lakestore.read.bounds import key_bounds, manifest_bounds, partition_bounds, value_bounds
from lakestore.read.skips import BY_BUCKET, BY_KEY, BY_PARTITION, BY_STATS, SkipLog


def key_part(where: Predicate | None, schema: TableSchema) -> Predicate | None:
    """The conjuncts that look at primary-key and partition columns only."""
    allowed = {*schema.primary_keys, *schema.partition_keys}
    return all_of(part for part in conjuncts(where) if columns_of(part) <= allowed)


@dataclass(slots=True)
class Pruner:
    """Judges manifests, entries and files by a bound predicate.

    Attributes:
        schema: Schema that is read.
        schema_of: Schema by id.
        buckets: How rows find their bucket.
        where: The predicate, None to keep all.
        skipped: Files skipped, by rule.
    """

    schema: TableSchema
    schema_of: Callable[[int], TableSchema]
    buckets: BucketOptions
    where: Predicate | None
    skipped: SkipLog = field(default_factory=SkipLog)
    _partitions: dict[bytes, tuple[Internal, ...]] = field(default_factory=dict)
    _live_partitions: dict[bytes, bool] = field(default_factory=dict)
    _bucket_values: list[tuple[Internal, ...]] | None = None
    _buckets: dict[int, frozenset[int]] = field(default_factory=dict)
    _where_key: Predicate | None = None

    def __post_init__(self) -> None:
        self._where_key = key_part(self.where, self.schema)
        keys = self._bucket_keys()
        self._bucket_values = equality_values(self.where, keys) if keys else None

    def keeps_manifest(self, meta: ManifestMeta) -> bool:
        """Whether some entry's partition may match: the only thing that an ADD and its DELETE must share."""
        if self.where is None or not self.schema.partition_keys:
            return True
        entries = meta.added_files + meta.deleted_files
        return may_match(self.where, manifest_bounds(self.schema, meta.partition_stats), entries)

    def keeps_entry(self, entry: ManifestEntry) -> bool:
        """Whether a live file is read, by partition, bucket, and key or statistics."""
        if entry.bucket == POSTPONE_BUCKET:
            return False
        rule = self._rule_against(entry)
        if rule is not None:
            self.skipped.note(rule, [entry])
        return rule is None

    def keeps_file(self, file: DataFile, partition: bytes) -> bool:
        """Whether some row of the file, seen alone, may match."""
        if self.where is None:
            return True
        own = self.schema_of(file.schema_id)
        named = columns_of(self.where)
        wanted = [one for one in self.schema.fields if one.name in named]
        bounds = value_bounds(file, own, wanted)
        if self.schema.primary_keys:
            keys = [one for one in wanted if one.name in self.schema.trimmed_primary_keys]
            bounds |= key_bounds(file, own, keys)
        bounds |= partition_bounds(self.schema, self.values_of(partition), file.row_count)
        return may_match(self.where, bounds, file.row_count)

    def values_of(self, partition: bytes) -> tuple[Internal, ...]:
        """Values of a partition, in internal form."""
        if partition not in self._partitions:
            self._partitions[partition] = decode_row(partition, self.schema.partition_types)
        return self._partitions[partition]

    def _rule_against(self, entry: ManifestEntry) -> str | None:
        if self.where is None:
            return None
        if not self._may_hold(entry.partition):
            return BY_PARTITION
        if not self._keeps_bucket(entry):
            return BY_BUCKET
        if self.schema.primary_keys:
            return None if self._keeps_keys(entry) else BY_KEY
        return None if self.keeps_file(entry.file, entry.partition) else BY_STATS

    def _may_hold(self, partition: bytes) -> bool:
        if partition not in self._live_partitions:
            bounds = partition_bounds(self.schema, self.values_of(partition), 1)
            self._live_partitions[partition] = may_match(self.where, bounds, 1)
        return self._live_partitions[partition]

    def _bucket_keys(self) -> tuple[str, ...]:
        return self.buckets.key or self.schema.trimmed_primary_keys

    def _keeps_bucket(self, entry: ManifestEntry) -> bool:
        count = entry.total_buckets
        if self._bucket_values is None or count < 1:
            return True
        keys = self._bucket_keys()
        then = {one.id: one.type for one in self.schema_of(entry.file.schema_id).fields}
        if any(then.get(one.id) != one.type for one in self.schema.select(keys)):
            return True
        if count not in self._buckets:
            self._buckets[count] = self._buckets_among(count, keys)
        return entry.bucket in self._buckets[count]

    def _buckets_among(self, count: int, keys: Sequence[str]) -> frozenset[int]:
        types = self.schema.types(keys)
        function = self.buckets.function
        return frozenset(
            bucket_of_row(values, types, count=count, function=function) for values in self._bucket_values or ()
        )

    def _keeps_keys(self, entry: ManifestEntry) -> bool:
        if self._where_key is None:
            return True
        file = entry.file
        wanted = [
            one
            for one in self.schema.select(columns_of(self._where_key))
            if one.name in self.schema.trimmed_primary_keys
        ]
        bounds = key_bounds(file, self.schema_of(file.schema_id), wanted)
        bounds |= partition_bounds(self.schema, self.values_of(entry.partition), file.row_count)
        return may_match(self._where_key, bounds, file.row_count)

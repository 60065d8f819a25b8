"""The buckets that a writer has touched: their file names, sequence numbers and finished files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakestore.data.append_rewrite import gathered
from lakestore.data.file_writer import BucketNames, WriteParts, delete_files
from lakestore.data.rewrite import BucketFilesAt, RewriteParts
from lakestore.model.datafile import DataFile
from lakestore.model.message import CommitMessage
from lakestore.write.buffer import Place

MaxSequence = Callable[[bytes, int], int]
"""Greatest sequence number in a partition's bucket, -1 when it is empty."""


@dataclass(slots=True)
class OpenBucket:
    """One bucket that is being written.

    Attributes:
        files: Names for its files.
        next_sequence: Number of the next row to be written.
        written: Finished files that no commit message has named yet.
        changelog: Finished changelog files that no commit message has named yet.
    """

    files: BucketNames
    next_sequence: int
    written: list[DataFile] = field(default_factory=list)
    changelog: list[DataFile] = field(default_factory=list)


class OpenBuckets:
    """All buckets of one writer. Sequence numbers go on from commit to commit.

    In an append table without buckets they begin at 0 in each writer, as in Paimon (``AppendFileStoreWrite``):
    such a table promises no order, and an append need not read what is there.

    Args:
        parts: The table.
        max_sequence: Asked once for each bucket.
    """

    def __init__(self, parts: WriteParts, max_sequence: MaxSequence) -> None:
        self._parts = parts
        unordered = not parts.schema.primary_keys and parts.options.bucket.count == -1
        self._max_sequence = _empty_bucket if unordered else max_sequence
        self._buckets: dict[Place, OpenBucket] = {}

    def at(self, place: Place) -> OpenBucket:
        """The bucket at that place, opened on first use."""
        bucket = self._buckets.get(place)
        if bucket is None:
            files = BucketNames(self._parts, *place)
            bucket = OpenBucket(files=files, next_sequence=self._max_sequence(*place) + 1)
            self._buckets[place] = bucket
        return bucket

    def gather(self) -> None:
        """Write finished files that are small together, bucket by bucket, as if they had been one from the start."""
        parts, files = self._parts, self._parts.options
        limit = files.files.target_bytes * files.compact.small_file_ratio
        rewriting = RewriteParts(write=parts, schema_of=lambda _: parts.schema, what="what a writer wrote")
        for (partition, number), bucket in self._buckets.items():
            small = [file for file in bucket.written if file.size < limit]
            if len(small) < 2:
                continue
            place = BucketFilesAt(partition=partition, bucket=number, files=tuple(small), top=0)
            together = gathered(rewriting, place)
            bucket.written = [file for file in bucket.written if file not in small] + together
            delete_files(parts.store, bucket.files, small)

    def messages(self) -> tuple[CommitMessage, ...]:
        """A message for each bucket with finished files, which are the receiver's from now on."""
        count = self._parts.options.bucket.count
        messages = []
        for (partition, number), bucket in self._buckets.items():
            if bucket.written or bucket.changelog:
                message = CommitMessage(
                    partition=partition,
                    bucket=number,
                    total_buckets=count if count > 0 else -1,
                    new_files=tuple(bucket.written),
                    changelog_files=tuple(bucket.changelog),
                )
                messages.append(message)
                bucket.written, bucket.changelog = [], []
        return tuple(messages)

    def abort(self) -> None:
        """Delete the finished files that no message has named."""
        for bucket in self._buckets.values():
            delete_files(self._parts.store, bucket.files, [*bucket.written, *bucket.changelog])
            bucket.written, bucket.changelog = [], []

    def discard(self, messages: Sequence[CommitMessage]) -> None:
        """Delete the files of messages whose commit has failed for certain."""
        for message in messages:
            bucket = self.at((message.partition, message.bucket))
            delete_files(self._parts.store, bucket.files, [*message.new_files, *message.changelog_files])


def _empty_bucket(partition: bytes, bucket: int) -> int:
    """The greatest sequence number of a bucket that is taken for empty."""
    del partition, bucket
    return -1

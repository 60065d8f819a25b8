"""Files that a writer made so long before its commit that cleaning may have taken them for orphans.

Cleaning spares what is younger than a day. A commit whose files are older than half of that looks whether they are
still there, which costs a request for each of them; any other commit pays nothing.

Invariant: a file that cleaning removed is never committed, but where it is removed between this look and the commit.
"""

from collections.abc import Iterable

from lakestore.data.file_writer import BucketNames, WriteParts
from lakestore.errors import NotFoundError
from lakestore.model.message import CommitMessage
from lakestore.storage.parallel import map_ordered

OLD_MS = 12 * 3_600_000
"""Age from which a file is looked for before it is committed."""

LOOK_WORKERS = 8
"""Files looked for at a time."""


def refuse_lost(parts: WriteParts, messages: Iterable[CommitMessage], *, name: str) -> None:
    """Make sure that old files are still there.

    Args:
        parts: The table.
        messages: What is to be committed.
        name: What messages call the table.

    Raises:
        NotFoundError: A file is gone.
    """
    now = parts.env.clock.now_ms()
    limit = now + parts.env.clock.local_offset_ms(now) - OLD_MS
    paths = [
        BucketNames(parts, message.partition, message.bucket).path(file.name)
        for message in messages
        for file in (*message.new_files, *message.changelog_files)
        if file.creation_time is not None and file.creation_time < limit
    ]
    for path, info in zip(paths, map_ordered(parts.store.info, paths, workers=LOOK_WORKERS), strict=True):
        if info is None:
            hours = OLD_MS // 3_600_000
            raise NotFoundError(
                f"{name}: file {path}, made more than {hours} hours ago, is gone, cleaned as an orphan while its writer"
                " was open. Nothing was committed; write the rows again, and commit sooner"
            )

"""The files of a job's commits: whether they are still there, which are nobody's, and how they become visible.

Invariant: a file that a message handed on names is only deleted when no snapshot names it, proven by all snapshots
since it was written.
"""

from collections.abc import Sequence
from dataclasses import replace

from lakestore.data.file_writer import BucketNames, WriteParts, delete_files
from lakestore.data.renumber import renumbered
from lakestore.errors import ConflictError, ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.write import RENUMBERINGS_MAX, WriteSession
from lakestore.meta.manifests import Manifests
from lakestore.meta.snapshots import Snapshots
from lakestore.model.job import Prepared
from lakestore.model.message import CommitMessage, CommitRequest, CommitResult
from lakestore.model.snapshot import Snapshot
from lakestore.storage.parallel import map_ordered

LOOK_WORKERS = 8
"""Files looked for at a time."""


def check_prepared(session: WriteSession, prepared: Sequence[Prepared], *, mark: str, name: str) -> None:
    """Make sure that prepared files are of this table and still there.

    Args:
        session: The table, for writing.
        prepared: The files.
        mark: Mark of the table.
        name: What messages call it.

    Raises:
        ConflictError: They were prepared for another table.
        NotFoundError: A file is gone.
    """
    for one in prepared:
        if one.table != mark:
            raise ConflictError(
                f"{name}: the message was prepared for another table or branch than the one that is here"
                " now: the table was dropped and made anew. Nothing was committed; prepare the rows again",
                kind=ErrorKind.TABLE_REPLACED,
            )
    paths = [
        BucketNames(session.parts, message.partition, message.bucket).path(file.name)
        for one in prepared
        for message in one.messages
        for file in (*message.new_files, *message.changelog_files)
    ]
    store = session.parts.store
    for path, info in zip(paths, map_ordered(store.info, paths, workers=LOOK_WORKERS), strict=True):
        if info is None:
            raise NotFoundError(
                f"{name}: file {path} of the message is gone, aborted or cleaned up as an orphan; nothing"
                " was committed: prepare the rows again"
            )


def unreferenced(prepared: Sequence[Prepared], *, snapshots: Snapshots, manifests: Manifests) -> list[CommitMessage]:
    """The messages none of whose files any snapshot names, as far as the snapshots there are prove it."""
    found = []
    for one in prepared:
        added = _added_since(one.base_snapshot or 0, snapshots, manifests)
        for message in one.messages:
            names = {file.name for file in (*message.new_files, *message.changelog_files)}
            if added is not None and not names & added:
                found.append(message)
    return found


def remove(parts: WriteParts, messages: Sequence[CommitMessage]) -> int:
    """Delete the files of messages; how many there were."""
    removed = 0
    for free in messages:
        files = (*free.new_files, *free.changelog_files)
        delete_files(parts.store, BucketNames(parts, free.partition, free.bucket), files)
        removed += len(files)
    return removed


def _added_since(base: int, snapshots: Snapshots, manifests: Manifests) -> set[str] | None:
    """Names of all files that snapshots after that one added; None where some of them have expired."""
    latest = snapshots.latest_id() or 0
    names = set[str]()
    for number in range(base + 1, latest + 1):
        snapshot = snapshots.find(number)
        if snapshot is None:
            return None
        for listed in _lists(snapshot):
            names.update(entry.file.name for part in manifests.read_all(manifests.read_list(listed)) for entry in part)
    return names


def _lists(snapshot: Snapshot) -> list[str]:
    changelog = snapshot.changelog_manifest_list
    return [snapshot.delta_manifest_list, *([] if changelog is None else [changelog])]


def _apart(session: WriteSession, request: CommitRequest) -> CommitRequest:
    """The same request with the rows of several writers of one bucket numbered one after another, in their order."""
    if not session.schema.primary_keys:
        return request
    greatest: dict[tuple[bytes, int], int] = {}
    messages = []
    for message in request.messages:
        place = (message.partition, message.bucket)
        files = (*message.new_files, *message.changelog_files)
        before = greatest.get(place)
        if before is not None and min(file.min_sequence for file in files) <= before:
            message = renumbered(session.parts, message, first=before + 1)  # noqa: PLW2901 - the same rows
            files = (*message.new_files, *message.changelog_files)
        greatest[place] = max(file.max_sequence for file in files)
        messages.append(message)
    return replace(request, messages=tuple(messages))


def land(session: WriteSession, request: CommitRequest) -> CommitResult:
    """Commit; behind rows that others committed first. Files that were handed on stay, for the next try."""
    handed_on, request = request, _apart(session, request)
    for _ in range(RENUMBERINGS_MAX):
        try:
            result = session.committer.commit(request)
        except (ConflictError, InvalidInputError) as error:
            if error.kind is not ErrorKind.SEQUENCE_TAKEN:
                _drop(session, request, unless=handed_on)
                raise
        else:
            _drop(session, handed_on, unless=request)
            return session.finished(request, result)
        later = session.numbered_later(request)
        _drop(session, request, unless=handed_on)
        request = later
    _drop(session, request, unless=handed_on)
    raise ConflictError(
        f"{session.name}: other writers committed to the same buckets first, {RENUMBERINGS_MAX} times in a row; nothing"
        " was committed: try again",
        kind=ErrorKind.RETRIES_EXHAUSTED,
    )


def _drop(session: WriteSession, request: CommitRequest, *, unless: CommitRequest) -> None:
    """Delete the files of a request that no snapshot names for certain, but for those of another request."""
    kept = {file.name for message in unless.messages for file in (*message.new_files, *message.changelog_files)}
    for message in request.messages:
        names = BucketNames(session.parts, message.partition, message.bucket)
        files = [file for file in (*message.new_files, *message.changelog_files) if file.name not in kept]
        delete_files(session.parts.store, names, files)

"""A writer of a job: rows, or files that many processes prepared, committed once under the caller's number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from lakestore.api.context import TableContext
from lakestore.core.options import check_writable
from lakestore.data.file_writer import WriteParts
from lakestore.errors import CommitUnknownError, InvalidInputError, LakestoreError
from lakestore.format.message_json import prepared_from_json, prepared_to_json
from lakestore.maintain.job_files import remove, unreferenced
from lakestore.maintain.job_writer import JobCommits, JobParts
from lakestore.maintain.write import WriteSession
from lakestore.meta.consumers import Consumers
from lakestore.meta.jobs import Jobs
from lakestore.model.checked import checked
from lakestore.model.job import Prepared
from lakestore.model.message import CommitResult
from lakestore.write.input import batches
from lakestore.write.kinds import with_kinds

Message = Mapping[str, Any]
"""Prepared files as a JSON object; made by ``JobWriter.prepare``."""


class JobWriter:
    """Writes exactly once. Made by ``Table.writer(job=…)``.

    One process: ``write`` some rows, ``commit(number)``, remember the number with the place in the source; after a
    crash
    ``recover()`` says which numbers are in, and committing one of them again does nothing. Many processes: each writes
    and hands on what ``prepare()`` gives, and one commits all of it.

    Numbers rise: give 1, 2, 3 or the id of a checkpoint. One writer of a name commits at a time; a second one takes the
    job over, and the first is told with its next commit. Leave the ``with`` block, or ``close``, when done: until
    then a
    consumer of the job's name may hold back the expiry of snapshots.
    """

    def __init__(self, context: TableContext, job: str) -> None:
        context = context.at_latest()[0]
        check_writable(context.schema)
        self._context = context
        jobs = Jobs(context.store, context.paths)
        context.paths.job_dir(job)
        self._mark = jobs.table_mark(context.schemas)
        self._commits = JobCommits(
            parts=JobParts(
                name=context.name,
                job=job,
                mark=self._mark,
                jobs=jobs,
                consumers=Consumers(context.store, context.paths, clock=context.env.clock),
                snapshots=context.snapshots,
                manifests=context.manifests,
                env=context.env,
            )
        )
        self._session: WriteSession | None = None

    @property
    def user(self) -> str:
        """The commit user: what snapshots say who made them."""
        return self._commits.user

    def recover(self) -> int | None:
        """The greatest number that is committed, None for none. Takes the job over from any other writer of its name.

        Raises:
            CommitUnknownError: Nobody can know; the message says why and how to look.
        """
        return self._commits.recover()

    def write(self, data: object, *, row_kind: object = None) -> None:
        """Take rows; ``data`` and ``row_kind`` as in ``Table.write``.

        Raises:
            InvalidInputError: A row does not fit.
        """
        schema = self._context.schema
        rows = batches(data, fields=schema.fields)
        self._open().add(with_kinds(rows, row_kind, schema, self._context.options.merge.rowkind_field))

    def upsert(self, data: object) -> None:
        """Take rows that replace those of the same key. Raises as ``Table.upsert``."""
        self._context.require_primary_key("upsert")
        self.write(data)

    def prepare(self) -> Message:
        """Write out the rows taken so far; a JSON object for whoever commits them, here or in another process.

        The files are the receiver's from now on: to commit, or to ``abort``.
        """
        prepared = self._prepare()
        if prepared.base_snapshot is None:
            # Where rows need no numbers nobody has asked yet; ``abort`` looks at the snapshots since.
            prepared = replace(prepared, base_snapshot=self._context.snapshots.latest_id() or 0)
        return prepared_to_json(prepared)

    @checked
    def commit(
        self,
        identifier: int,
        messages: Iterable[Message] | None = None,
        *,
        watermark: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> CommitResult:
        """Make rows visible under a number, once.

        Args:
            identifier: The number, above those before.
            messages: What writers prepared, in the order that their rows take; by default the rows that this one took.
            watermark: Event time reached, epoch milliseconds.
            properties: Text pairs to keep in the snapshot.

        Returns:
            What it came to; ``already_committed`` says that the number was in and nothing was done. A number without
            rows is remembered and makes no snapshot, unless a watermark or properties come with it.

        Raises:
            ConflictError: It does not fit on what others committed, the table was made anew since the rows were
                prepared, or another writer has taken the job over; nothing is visible.
            CommitUnknownError: Nobody can know whether it landed: commit the same number again to find out.
            InvalidInputError: A message is none, or was damaged.
            NotFoundError: A prepared file is gone.
        """
        given = None if messages is None else [prepared_from_json(message) for message in messages]
        if given is not None and self._session is not None:
            raise InvalidInputError(
                "this writer has rows of its own that are not prepared: prepare() them and add the message, or abort()"
            )
        if self._commits.is_committed(identifier):
            self._drop_session()
            return CommitResult(snapshot_ids=(), already_committed=True)
        session = self._open()
        prepared = given if given is not None else [self._prepare()]
        self._session = None
        try:
            result = self._commits.commit(
                session, prepared, identifier=identifier, watermark=watermark, properties=properties
            )
        except CommitUnknownError:
            raise
        except LakestoreError:
            if given is None:
                self._remove(session.parts, prepared)
            raise
        if result.already_committed and given is None:
            self._remove(session.parts, prepared)
        return result

    @checked
    def abort(self, messages: Iterable[Message] = ()) -> int:
        """Throw rows away: those taken here, and prepared ones whose files no snapshot names.

        Prepared files stay where that cannot be proven, because snapshots have expired since; cleaning up orphans
        removes them later. Abort only what nobody may still commit.

        Returns:
            How many prepared files were removed.
        """
        self._drop_session()
        prepared = [prepared_from_json(message) for message in messages]
        own = [one for one in prepared if one.table == self._mark]
        return self._remove(self._context.write_parts(), own) if own else 0

    def close(self) -> None:
        """End the writer: rows that were neither committed nor prepared are thrown away.

        What is compacted beside its commits is waited for.
        """
        self._drop_session()
        self._commits.close()
        self._context.beside.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> WriteSession:
        if self._session is None:
            self._session = self._context.write_session()
        return self._session

    def _prepare(self) -> Prepared:
        session = self._open()
        messages = session.writer.prepare()
        self._session = None
        return Prepared(
            table=self._mark,
            schema_id=session.schema.id,
            base_snapshot=session.sequences.base_snapshot,
            messages=messages,
        )

    def _remove(self, parts: WriteParts, prepared: Sequence[Prepared]) -> int:
        """Delete the files that no snapshot names; how many."""
        free = unreferenced(prepared, snapshots=self._context.snapshots, manifests=self._context.manifests)
        return remove(parts, free)

    def _drop_session(self) -> None:
        if self._session is not None:
            self._session.abort()
            self._session = None

"""What a table remembers of jobs, and the mark by which a table is told from one made anew in its place."""

import hashlib

from lakestore.format.job_file import job_from_json, job_to_json
from lakestore.meta.schemas import Schemas
from lakestore.model.job import JobRecord
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store


class Jobs:
    """Reads and writes the records of jobs.

    Args:
        store: Where the table is.
        paths: How its files are called; those of a branch for jobs that write to it.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def get(self, job: str) -> JobRecord | None:
        """The record of a job, None if there is none (proven).

        Raises:
            CorruptTableError: The file does not parse.
            InvalidInputError: No job can have that name.
        """
        path = self._paths.job(job)
        data = self._store.get_or_none(path)
        return None if data is None else job_from_json(data, path)

    def put(self, job: str, record: JobRecord) -> None:
        """Remember a job."""
        self._store.put(self._paths.job(job), job_to_json(record))

    def delete(self, job: str) -> None:
        """Forget a job; that there is none is fine."""
        self._store.delete(self._paths.job(job))

    def table_mark(self, schemas: Schemas) -> str:
        """A text that a table made anew in the same place does not have.

        Paimon gives tables of a folder no uuid. Their first schema file never changes and says in milliseconds when
        it was made; its digest stands for the table. A branch is another line, so its name goes in too.
        """
        first = min(schemas.ids(), default=0)
        data = self._store.get(self._paths.schema(first))
        return f"{hashlib.sha256(data).hexdigest()[:32]}@{self._paths.branch}"

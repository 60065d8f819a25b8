"""What a table remembers of jobs, and the mark by which a table is told from one made anew in its place."""

import hashlib

from lakestore.errors import StorageError
from lakestore.format.job_file import fact_from_json, fact_to_json, owner_from_json, owner_to_json
from lakestore.meta.schemas import Schemas
from lakestore.model.job import JobFact
from lakestore.storage.paths import FACT_PREFIX, TablePaths
from lakestore.storage.store import FileInfo, Store

LOOKUPS_MAX = 20
"""How often facts are listed again because one of them was replaced meanwhile."""


class Jobs:
    """Reads and writes what is remembered of jobs: who owns each, and facts about what it has committed.

    Args:
        store: Where the table is.
        paths: How its files are called; those of a branch for jobs that write to it.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def owner(self, job: str) -> str | None:
        """Mark of the writer that took a job last, None if there is none (proven).

        Raises:
            CorruptTableError: The file does not parse.
            InvalidInputError: No job can have that name.
        """
        path = self._paths.job_owner(job)
        data = self._store.get_or_none(path)
        return None if data is None else owner_from_json(data, path)

    def claim(self, job: str, owner: str) -> None:
        """Let that writer own a job."""
        self._store.put(self._paths.job_owner(job), owner_to_json(owner))

    def facts(self, job: str) -> list[JobFact]:
        """All facts about a job, the one about the latest snapshot last; of two about one, that of an open job.

        Raises:
            CorruptTableError: A file does not parse.
            StorageError: They went away again and again while they were read.
        """
        for _ in range(LOOKUPS_MAX):
            paths = [file.path for file in self._store.list(self._paths.job_dir(job)) if _is_fact(file)]
            found = [self._store.get_or_none(path) for path in paths]
            facts = [fact_from_json(data, path) for data, path in zip(found, paths, strict=True) if data is not None]
            # A writer replaces its fact by a later one; the one that went is not to be missed.
            if len(facts) == len(paths):
                return sorted(facts, key=lambda fact: (fact.seen, fact.open, fact.last is not None, fact.last))
        raise StorageError(f"{self._store.url}{self._paths.job_dir(job)}: facts are replaced faster than they are read")

    def put(self, job: str, fact: JobFact) -> None:
        """Remember a fact."""
        self._store.put(self._path(job, fact), fact_to_json(fact))

    def delete(self, job: str, fact: JobFact) -> None:
        """Forget a fact, one that a later one replaces; that it is gone is fine."""
        self._store.delete(self._path(job, fact))

    def table_mark(self, schemas: Schemas) -> str:
        """A text that a table made anew in the same place does not have.

        Paimon gives tables of a folder no uuid. Their first schema file never changes and says in milliseconds when
        it was made; its digest stands for the table. A branch is another line, so its name goes in too.
        """
        first = min(schemas.ids(), default=0)
        data = self._store.get(self._paths.schema(first))
        return f"{hashlib.sha256(data).hexdigest()[:32]}@{self._paths.branch}"

    def _path(self, job: str, fact: JobFact) -> str:
        return self._paths.job_fact(job, fact.seen, fact.owner)


def _is_fact(file: FileInfo) -> bool:
    return file.name.startswith(FACT_PREFIX)

"""Jobs: writers that come back under the same name, and commit each of their numbers once."""

from dataclasses import dataclass, field

from lakestore.model.message import CommitMessage

USER_PREFIX = "lakestore-job-"
"""Beginning of the commit user, and of the consumer, of a job."""


def user_of(job: str) -> str:
    """The commit user of a job: the same in every process and at every time."""
    return f"{USER_PREFIX}{job}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A commit that was about to be made when the record was written.

    Attributes:
        identifier: Its number.
        base: The latest snapshot then, 0 for none: if the commit landed, its snapshot is a later one.
    """

    identifier: int
    base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """What is remembered of a job beside the table's snapshots.

    Attributes:
        table: Mark of the table that it is about.
        owner: Mark of the writer that took the job last; others of its name must stop.
        last: The greatest number known to be committed, None for none.
        pending: What may have been committed since.
    """

    table: str
    owner: str
    last: int | None = None
    pending: Pending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Files that one writer made and somebody else may commit.

    Attributes:
        table: Mark of the table, the branch included.
        schema_id: Schema that they were written with.
        base_snapshot: Snapshot that their sequence numbers go on from; None when they were not asked for.
        messages: The files.
    """

    table: str
    schema_id: int
    base_snapshot: int | None = None
    messages: tuple[CommitMessage, ...] = field(default=())

"""Jobs: writers that come back under the same name, and commit each of their numbers once."""

from dataclasses import dataclass, field

from lakestore.model.message import CommitMessage
from lakestore.model.snapshot import CommitKind

USER_PREFIX = "lakestore-job-"
"""Beginning of the commit user, and of the consumer, of a job."""


def user_of(job: str) -> str:
    """The commit user of a job: the same in every process and at every time."""
    return f"{USER_PREFIX}{job}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFact:
    """What a job had committed up to some snapshot. It stays true whatever comes later.

    Attributes:
        table: Mark of the table that it is about.
        owner: Mark of the writer that says so.
        last: The greatest number committed up to snapshot ``seen``, None for none.
        seen: Number of that snapshot, 0 for the empty table.
        seen_mark: What ``snapshot_mark`` says of it, None where nobody looked.
        open: Whether the job may have committed since, so that snapshots after ``seen`` are held back from expiry.
    """

    table: str
    owner: str
    last: int | None = None
    seen: int = 0
    seen_mark: str | None = None
    open: bool = False


def snapshot_mark(kind: CommitKind, user: str, identifier: int) -> str:
    """A text that tells a snapshot from another of its number, which a table has after a rollback.

    Args:
        kind: The snapshot's kind.
        user: Its commit user.
        identifier: Its commit identifier.
    """
    return f"{kind}/{user}/{identifier}"


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
